"""Define what every mapped attribute has, and the attributes made of columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from sqlalchemy import Column
from typing_extensions import TypeVar

from holdfast import errors
from holdfast.foundation.codegen import Subscripted
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy
from holdfast.foundation.sqlalchemy_core import (
    HasCacheKey,
    coercions,
    marks_of,
    memoized_property,
    proxy_key,
    roles,
)
from holdfast.instrument.descriptor import InspectionAttr
from holdfast.mapping.sockets import PluggedComparator, comparators, strategies
from holdfast.states.changes import History
from holdfast.states.instance import InstanceState

# ------------------------------------------------------------------------------
# Define `MapperProperty`, what every mapped attribute has.
#
# Life of a property: made by the application or by the mapper; `attach` ties it to a mapper and a
# name; in the second pass `resolve`, `link` and `finish` are called once each, in this order, every
# step for all pending mappers before the next step begins.

T = TypeVar("T", default=Any)


class MapperProperty(HasCacheKey, InspectionAttr, Subscripted[T]):
    """One mapped attribute of one mapper: a column, a relationship, a synonym or a composite.

    Subclass mappers of an inheritance hierarchy share the property objects of their base.
    """

    kind: ClassVar[str]
    """ "column", "relationship", "synonym" or "composite"; also the loader options' wildcard."""

    is_property = True
    is_column: ClassVar[bool] = False
    is_relationship: ClassVar[bool] = False
    is_synonym: ClassVar[bool] = False
    is_composite: ClassVar[bool] = False

    # Name of the attribute, set by `attach`.
    key: str
    # The mapper that owns the property, set by `attach`.
    parent: Any

    def __init__(
        self,
        *,
        comparator_factory: Any = None,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        self.comparator_factory: Any = comparator_factory or comparators.get(self.kind)
        self.doc = doc
        # Made when first read, unless given.
        self.given_info = info
        # What mapped_column(), relationship() ... were told about dataclass fields; kept by
        # `mapping.declarative`, not looked at here.
        self.dataclass_arguments: Any = None
        # The columns that were given before they had names; only `mapping.declarative` reads it.
        self.declared_columns: tuple[Any, ...] = ()
        # What the attribute of a new object reads as while it is not set: a dataclass default.
        self.unset_value: Any = None
        # Whether `finish` has run.
        self.configured: bool = False
        self.strategies: dict[str, Any] = {}

    @property
    def info(self) -> dict[Any, Any]:
        """Data of the application about this attribute."""
        if self.given_info is None:
            self.given_info = self._new_info()
        return self.given_info

    @info.setter
    def info(self, value: dict[Any, Any]) -> None:
        self.given_info = value

    def _new_info(self) -> dict[Any, Any]:
        return {}

    def attach(self, mapper: Any, key: str) -> None:
        """Belong to `mapper` under the name `key`."""
        known = self.__dict__.get("key")
        if known is not None and known != key and self.__dict__.get("parent") is mapper:
            warn(
                f"ORM mapped property {self} being assigned to attribute {key!r} is already "
                f"associated with attribute {known!r}. The attribute will be de-associated from "
                f"{known!r}."
            )
        self.parent = mapper
        self.key = key

    def resolve(self) -> None:
        """Second pass, first step: find what strings and callables stand for."""

    def link(self) -> None:
        """Second pass, second step: find the properties that this one works together with."""

    def finish(self) -> None:
        """Second pass, last step: all properties are resolved and linked."""
        self.configured = True

    def make_comparator(self, entity: Any) -> Any:
        """The object that gives the class-level attribute its SQL operators.

        Args:
            entity: The mapper, or the `AliasedInsp` of an alias, that the attribute belongs to.
        """
        return self.comparator_factory(self, entity)

    @property
    def class_attribute(self) -> Any:
        """The descriptor on the mapped class."""
        return getattr(self.parent.class_, self.key)

    @property
    def comparator(self) -> Any:
        """The comparator of the attribute on the owning class."""
        return self.class_attribute.comparator

    @property
    def strategy_name(self) -> str:
        """Name under which `reading` registered the strategy that loads this attribute."""
        raise AttributeError(f"a {self.kind} is not loaded by a strategy of its own")

    @property
    def strategy(self) -> Any:
        """The strategy object that loads this attribute when no option says otherwise."""
        return self.strategy_for(self.strategy_name)

    def strategy_for(self, name: str) -> Any:
        """The strategy object of that name for this property, made when first asked for."""
        found = self.strategies.get(name)
        if found is None:
            found = self.strategies[name] = strategies[name](self)
        return found

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> Any:
        return (self,)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Pickled as a name, once it has one.
        if "parent" in vars(self):
            return _named_property, (self.parent, self.key)
        return super().__reduce_ex__(protocol)

    def __str__(self) -> str:
        parent = getattr(self, "parent", None)
        if parent is None:
            return f"{type(self).__name__} without a mapper"
        return f"{parent.class_.__name__}.{self.key}"

    def __repr__(self) -> str:
        parent = getattr(self, "parent", None)
        name = "no key" if parent is None else f"{parent.class_.__name__}.{self.key}"
        return f"<{type(self).__name__} at 0x{id(self):x}; {name}>"


def _named_property(mapper: Any, key: str) -> MapperProperty:
    found: MapperProperty = mapper.get_property(key)
    return found


# ------------------------------------------------------------------------------
# Define `SynonymProperty`: a second name for an attribute.


class SynonymProperty(MapperProperty[T]):
    """Another name under which an attribute is read, written and used in SQL."""

    kind: ClassVar[str] = "synonym"
    is_synonym: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        map_column: bool | None = None,  # noqa: FBT001 - the documented position
        descriptor: Any = None,
        comparator_factory: Any = None,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        super().__init__(comparator_factory=comparator_factory, info=info, doc=doc)
        # The attribute that this one stands for.
        self.name = name
        # Map the table's column of this name as `name`, since the synonym takes its place.
        self.map_column = map_column
        # A Python descriptor of the class that does the reading and writing.
        self.descriptor = descriptor

    def attach(self, mapper: Any, key: str) -> None:
        """Belong to a mapper; with `map_column`, map the column under the other name too."""
        super().attach(mapper, key)
        if not self.map_column:
            return
        if self.name in mapper.given_properties:
            raise errors.MappingArgumentError.synonym_column_taken(self)
        column = mapper.persist_selectable.c.get(key)
        if column is None:
            raise errors.MappingArgumentError.synonym_without_column(self)
        mapper.add_property(self.name, column)

    def target_of(self, class_: Any) -> Any:
        """The attribute of a class, or alias of it, that this one stands for."""
        target = getattr(class_, self.name)
        if not getattr(target, "is_attribute", False):
            raise errors.MappingError.synonym_target(self, target)
        return target

    def make_comparator(self, entity: Any) -> Any:
        """The target's comparator, or one of our own factory around the target's property."""
        target = self.target_of(entity.entity)
        if self.comparator_factory is not None:
            return self.comparator_factory(target.property, entity)
        return target.comparator


# ------------------------------------------------------------------------------
# Define `ColumnProperty`: an attribute that holds a column or a SQL expression.

HIDDEN_PREFIX = "_sa_"
"""Properties whose names begin so are mapped without an attribute on the class."""


class ColumnProperty(MapperProperty[T]):
    """An attribute that holds the value of a column or SQL expression.

    Several columns are columns that are equal in every row, such as the two sides of the join that
    a class is mapped to; the first is read, all are written.
    """

    kind: ClassVar[str] = "column"
    is_attribute = True
    is_column: ClassVar[bool] = True
    Comparator: PluggedComparator = PluggedComparator()

    def __init__(
        self,
        column: Any,
        *additional_columns: Any,
        group: str | None = None,
        deferred: bool = False,
        raiseload: bool = False,
        comparator_factory: Any = None,
        active_history: bool = False,
        expire_on_flush: bool = True,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        super().__init__(comparator_factory=comparator_factory, info=info, doc=doc)
        # All columns; the first is the one that is selected.
        self.columns: list[Any] = [
            coercions.expect(roles.LabeledColumnExprRole, each)
            for each in (column, *additional_columns)
        ]
        # Deferred attributes of one group load together.
        self.group = group
        self.deferred: bool = deferred
        # Refuse to load when touched, rather than load.
        self.raiseload = raiseload
        # Load the old value before it is overwritten.
        self.active_history = active_history
        # An expression is read again after its row was updated.
        self.expire_on_flush = expire_on_flush
        if doc is None:
            self.doc: Any = next(
                (c.doc for c in reversed(self.columns) if getattr(c, "doc", None)), None
            )

    def _new_info(self) -> dict[Any, Any]:
        # The dictionary of the column is that of the attribute, too.
        found: dict[Any, Any] | None = getattr(self.columns[0], "info", None)
        return {} if found is None else found

    @property
    def is_sql_expression(self) -> bool:
        """Whether the attribute holds an expression, which is read and never written."""
        return not isinstance(self.columns[0], Column)

    @property
    def instrument(self) -> bool:
        """Whether the property has an attribute on the class; a hidden discriminator has none."""
        return not self.key.startswith(HIDDEN_PREFIX)

    @property
    def expression(self) -> Any:
        """The column or expression that is selected, without annotations."""
        return self.columns[0]

    def expression_for(self, entity: Any) -> Any:
        """The expression as part of statements over classes.

        Args:
            entity: The mapper, or the `AliasedInsp` of an alias, that the attribute belongs to.
        """
        column = self.columns[0]
        if entity.is_aliased_class:
            marked = entity.adapt(self.expression_for(entity.mapper), self.key)
        else:
            marked = column._annotate(
                {
                    "entity_namespace": entity,
                    "parententity": entity,
                    "parentmapper": entity,
                    "proxy_key": self.key,
                }
            )._set_propagate_attrs(marks_of(entity))
        if proxy_key(column) is None:
            # Subqueries know it by the attribute's name, not by that of an anonymous label.
            marked.key = self.key
        return marked

    def __clause_element__(self) -> Any:
        # A class body may use the property where Core expects a column.
        return self.columns[0]

    @property
    def strategy_name(self) -> str:
        """Either "column", or "deferred" when the value is loaded on access only."""
        return "deferred" if self.deferred else "column"

    def copy(self) -> ColumnProperty:
        """A property with the same settings that belongs to no mapper yet."""
        made = type(self)(
            *self.columns,
            group=self.group,
            deferred=self.deferred,
            raiseload=self.raiseload,
            comparator_factory=self.comparator_factory,
            active_history=self.active_history,
            expire_on_flush=self.expire_on_flush,
            info=self.given_info,
            doc=self.doc,
        )
        made.dataclass_arguments = self.dataclass_arguments
        return made


class MappedSQLExpression(ColumnProperty[T]):
    """What `column_property()` makes; the name is the documented one."""


class QueryExpression(MappedSQLExpression[T]):
    """What `query_expression()` makes: each statement says what it holds.

    Its own expression is what it holds otherwise; when deferred, it holds nothing then.
    """

    @property
    def strategy_name(self) -> str:
        """Always the same, deferred or not."""
        return "query_expression"


# ------------------------------------------------------------------------------
# Define `CompositeProperty`: several columns seen as one value object.
#
# The value object is made from the columns when a new row is loaded, or when it is first read, and
# kept in the object's dictionary under the attribute's name, so that its owner may change it in
# place; whoever brings other values into the columns (a refresh, a flush) drops it there.


class CompositeProperty(MapperProperty[T]):
    """An attribute whose value is made of the values of several columns."""

    kind: ClassVar[str] = "composite"
    is_attribute = True
    is_composite: ClassVar[bool] = True
    Comparator: PluggedComparator = PluggedComparator()

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
            raise errors.MappingArgumentError.composite_part(attr, self)
        return key_of_column

    @property
    def props(self) -> list[Any]:
        """The properties of the columns."""
        return [self.parent.properties[key] for key in self.column_keys]

    @property
    def columns(self) -> list[Any]:
        """The columns."""
        return [prop.columns[0] for prop in self.props]

    def values_of(self, value: Any) -> tuple[Any, ...]:
        """The column values of a value object; None stands for as many of them."""
        if value is None:
            return (None,) * len(self.column_keys)
        if self._values_of is None:
            cls = type(value)
            if not hasattr(cls, "__composite_values__") and dataclasses.is_dataclass(cls):
                names = [field.name for field in dataclasses.fields(cls) if field.init]
                self._values_of = lambda value: tuple(getattr(value, name) for name in names)
            else:
                self._values_of = lambda value: tuple(value.__composite_values__())
        return self._values_of(value)

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
