"""Define dictionaries of related objects whose keys come from the objects.

Rules kept here:
1. A member that is set under another key than its own stays there until the next load (RL-116).
2. A member without a key is refused when a back reference brings it (RL-117), unless such members
   are to be left out.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy.sql import expression

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import NO_VALUE
from holdfast.foundation.sqlalchemy_core import coercions, roles
from holdfast.instrument.collection_roles import collection, roles_of
from holdfast.instrument.slots import AttributeEventToken

K = TypeVar("K")
V = TypeVar("V")

Keyfunc = Callable[[Any], Any]


class KeyFuncDict(dict[K, V]):
    """A dictionary whose members are keyed by a function of the member.

    Args:
        keyfunc: Gives the key of a member; `NO_VALUE` when it cannot be known yet.
        dict_args: Arguments for `dict`.
        ignore_unpopulated_attribute: Leave out a member whose key is not known, instead of
            raising.
    """

    _sa_adapter: Any = None
    # The class to name in a pickle, when the class itself cannot be found by name.
    pickled_as: Any = None

    def __init__(
        self, keyfunc: Keyfunc, *dict_args: Any, ignore_unpopulated_attribute: bool = False
    ) -> None:
        self.keyfunc = keyfunc
        self.ignore_unpopulated_attribute = ignore_unpopulated_attribute
        super().__init__(*dict_args)

    def __reduce__(self) -> tuple[Any, ...]:
        class_, ignore = self.pickled_as or type(self), self.ignore_unpopulated_attribute
        state = {"_sa_adapter": self._sa_adapter}
        return _restore, (class_, self.keyfunc, ignore, dict(self)), state

    def key_of(self, member: Any, initiator: Any) -> Any:
        """The key of a member, or `NO_VALUE` when the member is to be left out."""
        key = self.keyfunc(member)
        if key is NO_VALUE:
            if not self.ignore_unpopulated_attribute:
                raise errors.AttributeRequestError.unpopulated_key(
                    _event_attribute(member, initiator), member._sa_instance_state
                )
        elif key is None:
            if self.ignore_unpopulated_attribute:
                return NO_VALUE
            warn(
                "Attribute keyed dictionary value for attribute "
                f"'{_event_attribute(member, initiator)}' was None; this will raise in a future "
                "release. Set the key's attribute before, or leave such members out with "
                "ignore_unpopulated_attribute=True. [unpopulated-key]"
            )
        return key

    @collection.appender
    @collection.internally_instrumented
    def set(self, value: V, _sa_initiator: Any = None) -> None:
        """Add a member under its key."""
        key = self.key_of(value, _sa_initiator)
        if key is not NO_VALUE:
            self.__setitem__(key, value, _sa_initiator)  # type: ignore[call-arg]

    @collection.remover
    @collection.internally_instrumented
    def remove(self, value: V, _sa_initiator: Any = None) -> None:
        """Take a member away from its key."""
        key = self.key_of(value, _sa_initiator)
        if key is NO_VALUE:
            return
        if self.get(key) is not value:
            # Under another key than its own, or not there at all.
            key = next((each for each, member in self.items() if member is value), key)
        self.__delitem__(key, _sa_initiator)  # type: ignore[call-arg]


def _event_attribute(member: Any, initiator: Any) -> str:
    """Name of the attribute whose change brings a member, as SQLAlchemy's messages have it."""
    if not isinstance(initiator, AttributeEventToken):
        return "unknown relationship"
    manager = member._sa_instance_state.manager
    if initiator.key in manager:
        return f"{manager.class_.__name__}.{initiator.key}"
    return initiator.key


def _restore(class_: Any, keyfunc: Keyfunc, ignore: bool, members: Any) -> Any:  # noqa: FBT001
    """Rebuild an unpickled dictionary; its class may have a constructor of its own."""
    made = class_.__new__(class_)
    made.keyfunc = keyfunc
    made.ignore_unpopulated_attribute = ignore
    dict.update(made, members)
    return made


def _keyed_by(keyfunc: Keyfunc, *, ignore: bool) -> type[KeyFuncDict[Any, Any]]:
    """A class of dictionaries keyed by one function; it is constructed as `dict` is."""

    def __init__(self: Any, *dict_args: Any) -> None:  # noqa: N807
        KeyFuncDict.__init__(self, keyfunc, *dict_args, ignore_unpopulated_attribute=ignore)

    return type("KeyFuncDict", (KeyFuncDict,), {"__init__": __init__, "pickled_as": KeyFuncDict})


class AttributeKey:
    """Give the value of an attribute of a member as its key."""

    __slots__ = ("name", "read")

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.read: operator.attrgetter[Any] = operator.attrgetter(name)

    def __call__(self, member: Any) -> Any:
        """The key, or `NO_VALUE`."""
        value = self.read(member)
        if value is None:
            state = member._sa_instance_state
            # None that was assigned or loaded is a key; one that only stands for "unset" is not.
            if self.name in state.manager:
                value = state.dict.get(self.name, NO_VALUE)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return (AttributeKey, (self.name,))


class ColumnKey:
    """Give the values of mapped columns of a member as its key.

    A pickle carries names to where the columns are others; a column in a class body has none before
    the class is mapped.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Any]) -> None:
        self.columns: tuple[Any, ...] = tuple(columns)

    @property
    def names(self) -> tuple[tuple[str, str | None], ...]:
        """Key of each column and of its table."""
        return tuple(
            each if isinstance(each, tuple) else (each.key, getattr(each.table, "key", None))
            for each in self.columns
        )

    def __call__(self, member: Any) -> Any:
        """The key, or `NO_VALUE`."""
        values = [self._value(member, *column) for column in self.names]
        if NO_VALUE in values:
            return NO_VALUE
        return tuple(values) if len(values) > 1 else values[0]

    def _value(self, member: Any, column_key: str, table_key: str | None) -> Any:
        state = member._sa_instance_state
        mapper = state.manager.mapper
        named = (table for table in mapper.tables if table.key == table_key)
        columns = next((table.c for table in named if column_key in table.c), mapper.local_table.c)
        key = mapper.get_property_by_column(columns[column_key]).key
        value = getattr(member, key)
        return state.dict.get(key, NO_VALUE) if value is None else value

    def __reduce__(self) -> tuple[Any, ...]:
        return (ColumnKey, (self.names,))


def attribute_keyed_dict(
    attr_name: str, *, ignore_unpopulated_attribute: bool = False
) -> type[KeyFuncDict[Any, Any]]:
    """A collection class: a dictionary keyed by an attribute of its members.

    ```python
    notes: Mapped[dict[str, "Note"]] = relationship(
        collection_class=attribute_keyed_dict("title")
    )
    ```

    Args:
        attr_name: Name of the attribute.
        ignore_unpopulated_attribute: Leave out a member that has no value there, instead of
            raising.
    """
    return _keyed_by(AttributeKey(attr_name), ignore=ignore_unpopulated_attribute)


def column_keyed_dict(
    mapping_spec: Any, *, ignore_unpopulated_attribute: bool = False
) -> type[KeyFuncDict[Any, Any]]:
    """A collection class: a dictionary keyed by a column of its members, or by several.

    Args:
        mapping_spec: A column, a mapped attribute, or a sequence of them.
        ignore_unpopulated_attribute: Leave out a member that has no value there, instead of
            raising.
    """
    given = mapping_spec if isinstance(mapping_spec, list | tuple) else [mapping_spec]
    columns: list[Any] = []
    for each in given:
        if isinstance(each, str | expression.TextClause):
            raise errors.CollectionClassError.not_a_column(
                repr(each) if isinstance(each, str) else type(each).__name__
            )
        column = coercions.expect(roles.ColumnArgumentRole, each, argname="mapping_spec")
        columns.append(column)
    return _keyed_by(ColumnKey(columns), ignore=ignore_unpopulated_attribute)


def keyfunc_mapping(
    keyfunc: Keyfunc, *, ignore_unpopulated_attribute: bool = False
) -> type[KeyFuncDict[Any, Any]]:
    """A collection class: a dictionary keyed by a function of its members.

    Args:
        keyfunc: Called with a member, gives its key.
        ignore_unpopulated_attribute: Leave out a member whose key is not known yet, instead of
            raising.
    """
    return _keyed_by(keyfunc, ignore=ignore_unpopulated_attribute)


roles_of(KeyFuncDict)

MappedCollection = KeyFuncDict
attribute_mapped_collection = attribute_keyed_dict
column_mapped_collection = column_keyed_dict
mapped_collection = keyfunc_mapping
