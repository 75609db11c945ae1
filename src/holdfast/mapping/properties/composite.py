"""Define `CompositeProperty`: several columns seen as one value object.

The value object is made from the columns when a new row is loaded, or when it is first read, and
kept in the object's dictionary under the attribute's name, so that its owner may change it in
place; whoever brings other values into the columns (a refresh, a flush) drops it there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from holdfast.errors.mapping import MappingArgumentError
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.markers import NO_VALUE
from holdfast.foundation.sqlalchemy_core import memoized_property
from holdfast.mapping.properties.base import MapperProperty, T
from holdfast.mapping.properties.column import ColumnProperty
from holdfast.mapping.sockets import PluggedComparator
from holdfast.states.history import History
from holdfast.states.instance import InstanceState


class CompositeProperty(MapperProperty[T]):
    """An attribute whose value is made of the values of several columns."""

    kind: ClassVar[str] = "composite"
    is_attribute = True
    is_composite: ClassVar[bool] = True
    Comparator: PluggedComparator = PluggedComparator("composite")

    def __init__(
        self,
        _class_or_attr: Any = None,
        *attrs: Any,
        active_history: bool = False,
        deferred: bool = False,
        group: str | None = None,
        raiseload: bool = False,
        comparator_factory: Any = None,
        return_none_on: Callable[..., bool] | None = None,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        super().__init__(comparator_factory=comparator_factory, info=info, doc=doc)
        if _is_attribute(_class_or_attr):
            self.composite_class: Any = None
            self.attrs: tuple[Any, ...] = (_class_or_attr, *attrs)
        else:
            # Makes the value object; read from the annotation when not given.
            self.composite_class = _class_or_attr
            # Columns, attribute names, attributes or properties, in the order of construction.
            self.attrs = attrs
        self.active_history = active_history
        # Options of the columns.
        self.deferred = deferred
        self.group = group
        self.raiseload = raiseload
        # For which column values the attribute reads as None.
        self.return_none_on = return_none_on
        # Hears of each value object that is made for an instance: value, state, key.
        self.value_listener: Callable[[Any, InstanceState, str], None] | None = None
        self._values_of: Callable[[Any], tuple[Any, ...]] | None = None

    def attach(self, mapper: Any, key: str) -> None:
        """Belong to a mapper, which maps the columns that it has not mapped otherwise."""
        super().attach(mapper, key)
        for attr in self.attrs:
            column = attr.columns[0] if isinstance(attr, ColumnProperty) else attr
            name = getattr(column, "key", None)
            if hasattr(column, "__visit_name__") and name and column not in mapper.key_of_column:
                mapper.add_property(name, attr)

    def resolve(self) -> None:
        """Find the attributes that hold the columns, and hand them the options."""
        for prop in self.props:
            if self.deferred:
                prop.deferred, prop.group, prop.raiseload = True, self.group, self.raiseload
            if self.active_history and not prop.active_history:
                prop.active_history = True
                for mapper in self.parent.self_and_descendants:
                    mapper.class_manager.slots[prop.key].active_history = True
                    mapper.class_manager[prop.key].refresh_accessors()

    @memoized_property
    def column_keys(self) -> tuple[str, ...]:
        """Names of the attributes that hold the columns."""
        return tuple(self._key_of(attr) for attr in self.attrs)

    def _key_of(self, attr: Any) -> str:
        mapper = self.parent
        if isinstance(attr, ColumnProperty):
            attr = attr.columns[0]
        if isinstance(attr, str):
            key: str = mapper.get_property(attr).key
            return key
        prop = getattr(attr, "property", None)
        if prop is not None and prop.is_property:
            return str(prop.key)
        key_of_column: str | None = mapper.key_of_column.get(attr)
        if key_of_column is None:
            raise MappingArgumentError.composite_part(attr, self)
        return key_of_column

    @property
    def props(self) -> list[Any]:
        """The properties of the columns."""
        return [self.parent.properties[key] for key in self.column_keys]

    @property
    def columns(self) -> list[Any]:
        """The columns."""
        return [prop.columns[0] for prop in self.props]

    # -- values --------------------------------------------------------------------------------

    def values_of(self, value: Any) -> tuple[Any, ...]:
        """The column values of a value object; None stands for as many of them."""
        if value is None:
            return (None,) * len(self.column_keys)
        if self._values_of is None:
            self._values_of = self._build_values_of(type(value))
        return self._values_of(value)

    def _build_values_of(self, cls: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
        if not hasattr(cls, "__composite_values__") and dataclasses.is_dataclass(cls):
            names = [field.name for field in dataclasses.fields(cls) if field.init]
            return lambda value: tuple(getattr(value, name) for name in names)
        return lambda value: tuple(value.__composite_values__())

    def value_from(self, parts: Sequence[Any]) -> Any:
        """The value object of column values, or None where the application wants None."""
        if self.return_none_on is not None and self.return_none_on(*parts):
            return None
        return self.composite_class(*parts)

    def make_from_loaded(self, values: dict[str, Any]) -> None:
        """Put the value object into an instance's dictionary, if all its columns are loaded."""
        if self.key not in values and all(key in values for key in self.column_keys):
            self._keep(values, [values[key] for key in self.column_keys])

    def _keep(self, values: dict[str, Any], parts: Sequence[Any]) -> None:
        """Make the value object of an instance, and put it into its dictionary."""
        value = values[self.key] = self.value_from(parts)
        if self.value_listener is not None and value is not None:
            self.value_listener(value, values["_sa_instance_state"], self.key)

    def __get__(self, instance: Any, owner: Any) -> Any:
        """The value object of an instance, made from its columns when it is not there."""
        values, key = instance.__dict__, self.key
        if key not in values:
            parts = [getattr(instance, each) for each in self.column_keys]
            # Loading the columns may have called listeners that read the attribute.
            if key not in values:
                self._keep(values, parts)
        return values[key]

    def __set__(self, instance: Any, value: Any) -> None:
        """Set the columns from a value object."""
        values, state = instance.__dict__, instance._sa_instance_state
        listeners = state.manager[self.key].dispatch.set
        if listeners:
            previous = values.get(self.key, NO_VALUE)
            if previous is NO_VALUE and self.active_history:
                previous = self.__get__(instance, type(instance))
            for listener in listeners:
                value = listener(state, value, previous, self)
        values[self.key] = value
        self._set_columns(instance, value)

    def __delete__(self, instance: Any) -> None:
        """Set the columns to None."""
        state = instance._sa_instance_state
        listeners = state.manager[self.key].dispatch.remove
        if listeners and self.active_history:
            self.__get__(instance, type(instance))
        previous = instance.__dict__.pop(self.key, NO_VALUE)
        for listener in listeners:
            listener(state, previous, self)
        self._set_columns(instance, None)

    def _set_columns(self, instance: Any, value: Any) -> None:
        for key, part in zip(self.column_keys, self.values_of(value), strict=False):
            setattr(instance, key, part)

    def history_of(self, state: InstanceState, policy: LoadPolicy) -> History:
        """What changed in the columns, as value objects."""
        histories = [state.manager[key].history_of(state, policy) for key in self.column_keys]
        now = self.composite_class(*(_only(each.non_deleted()) for each in histories))
        if not any(each.has_changes() for each in histories):
            return History((), [now], ())
        before = self.composite_class(*(_only(each.non_added()) for each in histories))
        return History([now], (), [before])


def _only(values: Sequence[Any]) -> Any:
    return values[0] if values else None


def _is_attribute(value: Any) -> bool:
    """Whether the first argument is a column or attribute, and not what makes the value."""
    return (
        isinstance(value, str | MapperProperty)
        or hasattr(value, "__visit_name__")
        or hasattr(value, "__clause_element__")
        or (hasattr(value, "column") and not isinstance(value, type))
    )
