"""Be the attribute of a mapped class: an expression on the class, a value on the object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from sqlalchemy import SQLColumnExpression

from holdfast import errors
from holdfast.foundation.load_policy import LoadPolicy, PassiveFlag, policy_of
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    HasCacheKey,
    InternalTraversal,
    coercions,
    inspection_registrars,
    marks_of,
    memoized_property,
    roles,
    self_inspects,
)
from holdfast.instrument.reference_slot import ValueSlot
from holdfast.instrument.slots import AttributeSlot
from holdfast.states.changes import History
from holdfast.states.instance import InstanceState

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import SQLCoreOperations


# ------------------------------------------------------------------------------
# Say what `sqlalchemy.inspect()` answers for mapped classes, their objects and attributes.
#
# Core keeps one function per type, and `sqlalchemy.orm` registers its own for `type` and `object`.
# Ours read the same attributes of a class or object that `sqlalchemy.orm` reads, so that it does
# not matter whose is in place; and they let themselves be replaced, so that it may be imported
# later.

T = TypeVar("T", bound=Any)


class InspectionAttrExtensionType(Enum):
    """What kind of extension an attribute comes from."""


class NotExtension(InspectionAttrExtensionType):
    """The attribute comes from no extension."""

    NOT_EXTENSION = "not_extension"


class InspectionAttr:
    """What everything that `inspect()` can answer says of itself; each is False by default."""

    __slots__: tuple[str, ...] = ()

    _is_internal_proxy = False
    is_aliased_class = is_mapper = is_selectable = False
    is_attribute = is_bundle = is_property = False
    is_clause_element = is_instance = False
    extension_type: InspectionAttrExtensionType = NotExtension.NOT_EXTENSION


class InspectionAttrInfo(InspectionAttr):
    """The same with a dictionary for the application's own notes."""

    __slots__ = ()

    @memoized_property
    def info(self) -> dict[Any, Any]:
        """Notes of the application about this thing; kept, never read."""
        return {}


class ORMDescriptor(Generic[T]):
    """Typing base of what stands on a class as expression and on its objects as value."""

    __slots__ = ()


class SQLORMOperations(Generic[T]):
    """Typing base of what has the operators of relationships: `of_type()`, `any()`, `has()`."""

    __slots__ = ()


class _AnyName:
    """Equal to every name: what a later registrant compares its own name with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class _Registration:
    """A registered function that another registrant takes for its own, and replaces."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.__dict__.update(__name__=_AnyName(), __module__=_AnyName())

    def __call__(self, subject: Any) -> Any:
        return self.function(subject)


def inspect_class(class_: type) -> Any:
    """The mapper of a class, or None; it need not be configured yet."""
    manager = class_.__dict__.get("_sa_class_manager")
    if manager is None or not manager.is_mapped:
        if "__sa_deferred__" in class_.__dict__:
            if hasattr(class_, "__sa_automap__"):
                raise errors.UnmappedClassError.unprepared(class_)
            raise errors.UnmappedClassError.deferred(class_)
        if "__sa_waits_for_subclasses__" in class_.__dict__:
            raise errors.UnmappedClassError.pending(class_)
        return None
    return manager.mapper


def inspect_generic(alias: Any) -> Any:
    """The same for a class with type arguments, as in `Node[int]`."""
    return inspect_class(alias.__origin__)


def inspect_object(obj: object) -> Any:
    """The state of an object, or None."""
    return getattr(obj, "_sa_instance_state", None)


def register() -> None:
    """Make `inspect()` know classes, objects and their states."""
    for type_, function in (
        (type, inspect_class),
        (type(ORMDescriptor[int]), inspect_generic),
        (object, inspect_object),
    ):
        if type_ not in inspection_registrars:
            inspection_registrars[type_] = _Registration(function)
    self_inspects(InstanceState)


register()


# ------------------------------------------------------------------------------
# Make the functions by which a class-level attribute reads, sets and deletes a value.
#
# PERF: a loaded value costs one dict look-up, and a further change of a value whose former one is
# recorded costs one look at the state (tests/bench: attribute get, attribute set). To that end the
# attribute's name is a constant in the functions: they are copies of the two below, with `"KEY"`
# exchanged for the name. Copying a code object takes microseconds, compiling one would take fifty.


def _getter(missing: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def get(self: Any) -> Any:
        try:
            return self.__dict__["KEY"]
        except KeyError:
            pass
        # Out of the handler, so that an error of a load does not show the KeyError as its context.
        return missing(self)

    return get


def _value_setter(first_change: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any], None]:
    def set(self: Any, value: Any) -> None:
        state = self._sa_instance_state
        changes = state.changes
        if changes is not None and "KEY" in changes:
            self.__dict__["KEY"] = value
        else:
            first_change(state, self.__dict__, value)

    return set


def _for_key(function: Callable[..., Any], key: str) -> Callable[..., Any]:
    """The function with the constant `"KEY"` exchanged for `key`."""
    assert isinstance(function, FunctionType)
    code = function.__code__
    constants = tuple(key if each == "KEY" else each for each in code.co_consts)
    function.__code__ = code.replace(co_consts=constants)
    return function


def build_accessors(slot: Any, *, stores_directly: bool) -> tuple[Callable[..., Any], ...]:
    """The functions that get, set and delete the attribute of `slot`.

    `stores_directly`: a value may be stored without asking the slot once a change is recorded, as
    for a column value without listeners.
    """
    load = LoadPolicy.LOAD
    absent = slot.absent
    set_value = slot.set
    delete_value = slot.delete

    def missing(self: Any) -> Any:
        values = self.__dict__
        state = values.get("_sa_instance_state")
        if state is None:
            raise errors.UnmappedInstanceError(self)
        return absent(state, values, load)

    def set_through_slot(self: Any, value: Any) -> None:
        set_value(self._sa_instance_state, self.__dict__, value)

    def delete(self: Any) -> None:
        delete_value(self._sa_instance_state, self.__dict__)

    get = _for_key(_getter(missing), slot.key) if slot.keeps_value else missing
    set = _for_key(_value_setter(set_value), slot.key) if stores_directly else set_through_slot
    return get, set, delete


# ------------------------------------------------------------------------------
# Define what stands on a mapped class under the name of an attribute.
#
# On the class, `Author.name` is an expression for statements; on an object, `author.name` is the
# value. Reading and writing values is generated code (`accessors`), so that a loaded value is read
# without a call into the slot.

# Inside of the classes below, `property` is the mapped attribute's `MapperProperty`.
_become_property: Callable[..., None] = property.__init__


def named(expression: Any, key: str) -> Any:
    """An expression of another attribute, called `key` in rows; a bundle keeps its own name."""
    if "bundle" in expression._annotations:
        return expression
    return expression._annotate({"proxy_key": key})


@self_inspects
class QueryableAttribute(
    SQLColumnExpression[T],
    roles.JoinTargetRole,
    roles.OnClauseRole,
    roles.ColumnsClauseRole,
    HasCacheKey,
    InspectionAttr,
):
    """A mapped attribute of a class or of an alias of one, as an expression.

    Attributes:
        class_: The mapped class, or the `AliasedClass`.
        key: Name of the attribute.
        parent: The `Mapper`, or the `AliasedInsp` of an alias.
        property: The `MapperProperty`; also `prop`.
        slot: The behaviour on objects; also `impl`. None for what holds no value of its own.
        of_type_entity: Target that `of_type()` chose, or None.
        extra_criteria: Criteria that `and_()` added.
    """

    is_attribute = True
    is_clause_element = False
    inherit_cache: bool = True
    _cache_key_traversal = [
        ("key", InternalTraversal.dp_string),
        ("parent", InternalTraversal.dp_multi),
        ("of_type_entity", InternalTraversal.dp_multi),
        ("extra_criteria", InternalTraversal.dp_clauseelement_list),
    ]

    # Name of the attribute that this one only stands for.
    forwards_to: str | None = None

    # Filled by `hooks`: Core's dispatcher of attribute events.
    dispatch: Any = None

    # What Core's traversals ask of elements of a statement (core.md 1.1).
    _annotations: Any = EMPTY_DICT
    _is_immutable = True

    property: Any
    prop: Any
    slot: Any

    def __init__(
        self,
        class_: Any,
        key: str,
        parent: Any = None,
        property: Any = None,
        slot: AttributeSlot | None = None,
        comparator: Any = None,
        *,
        of_type_entity: Any = None,
        extra_criteria: Iterable[Any] = (),
    ) -> None:
        self.class_ = class_
        self.key = key
        self.parent = parent
        self.prop = property
        if property is None or not property.is_relationship or property.configured:
            self.property = property
        self.slot: AttributeSlot | None = slot
        self.impl: AttributeSlot | None = slot
        self.of_type_entity = of_type_entity
        self.extra_criteria: tuple[Any, ...] = tuple(extra_criteria)
        if comparator is not None:
            self.__dict__["comparator"] = comparator

    # -- as an expression ------------------------------------------------------------------------

    @memoized_property
    def comparator(self) -> Any:
        """The object that has the attribute's SQL operators."""
        return self.prop.make_comparator(self.parent)

    @memoized_property
    def expression(self) -> Any:
        """The Core expression that stands for the attribute in a statement."""
        if self.of_type_entity is None and not self.extra_criteria:
            make = getattr(self.prop, "expression_for", None)
            if make is not None:
                made = make(self.parent)
                return made if self.prop.key == self.key else named(made, self.key)
        return self.comparator.__clause_element__()

    def __clause_element__(self) -> Any:
        return self.expression

    def _compiler_dispatch(self, visitor: Any, **kw: Any) -> Any:
        """Let constructs of the application compile an attribute as they would its column."""
        return self.expression._compiler_dispatch(visitor, **kw)  # noqa: SLF001  Core's protocol

    @memoized_property
    def _propagate_attrs(self) -> Any:
        if self.parent is None:
            return EMPTY_DICT
        return marks_of(self.parent)

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply an operator, by way of the comparator."""
        return op(self.comparator, *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """Apply an operator with the attribute on its right."""
        return op(other, self.comparator, **kwargs)

    def adapt_to_entity(self, entity: Any) -> QueryableAttribute[T]:
        """The same attribute of an alias of the class."""
        return AliasedAttribute(
            entity.entity,
            self.key,
            entity,
            self.prop,
            self.slot,
            self._adapted_comparator(entity),
            of_type_entity=self.of_type_entity,
            extra_criteria=self.extra_criteria,
        )

    def _adapted_comparator(self, entity: Any) -> Any:
        """None lets the property make one for the alias; what options changed is carried over."""
        if self.of_type_entity is None and not self.extra_criteria and self.prop is not None:
            return None
        return self.comparator.adapt_to_entity(entity)

    def of_type(self, entity: Any) -> QueryableAttribute[T]:
        """The relationship, with a subclass or an alias as its target."""
        return self._changed(self.comparator.of_type(entity))

    def and_(self, *criteria: Any) -> QueryableAttribute[T]:
        """The relationship, with more criteria for its ON clause or for its loads."""
        given = tuple(coercions.expect(roles.WhereHavingRole, each) for each in criteria)
        return self._changed(self.comparator.and_(*given), given)

    def _changed(self, comparator: Any, criteria: tuple[Any, ...] = ()) -> QueryableAttribute[T]:
        return QueryableAttribute(
            self.class_,
            self.key,
            self.parent,
            self.prop,
            self.slot,
            comparator,
            of_type_entity=getattr(comparator, "of_type_entity", None) or self.of_type_entity,
            extra_criteria=(*self.extra_criteria, *criteria),
        )

    def label(self, name: str | None) -> Any:
        """The expression under another name in the result."""
        return self.__clause_element__().label(name)

    # -- values of one object ------------------------------------------------------------------

    def history_of(self, state: InstanceState, policy: LoadPolicy) -> History:
        """What changed in one object since the last flush."""
        history: History = self.slot.history(state, state.dict, policy)
        return history

    def get_history(
        self, instance: Any, passive: PassiveFlag | LoadPolicy = PassiveFlag.PASSIVE_OFF
    ) -> History:
        """The same for the object itself, with an unloaded value loaded first."""
        return self.history_of(instance._sa_instance_state, policy_of(passive))

    def hasparent(
        self,
        state: InstanceState,
        optimistic: bool = False,  # noqa: FBT001, FBT002 - the public signature
    ) -> bool:
        """Whether some object holds `state` through the attribute."""
        return bool(self.slot.has_parent(state, optimistic=optimistic))

    @memoized_property
    def info(self) -> Any:
        """The dictionary for the application that was given with the property."""
        return self.prop.info

    def __getattr__(self, name: str) -> Any:
        # Only for names that neither the instance nor its class has. Those that start with an
        # underscore are somebody's protocol, never an operator.
        if name == "property" and "prop" in self.__dict__:
            # A relationship that was asked for before its mapper was configured.
            self.parent.mapper.ensure_configured()
            self.property = self.prop
            return self.prop
        if not name.startswith("_") and name not in ("property", "prop", "comparator", "key"):
            comparator = self.comparator
            try:
                return getattr(comparator, name)
            except AttributeError:
                raise errors.AttributeAccessError.on_expression(self, comparator, name) from None
        raise AttributeError(name)

    def __str__(self) -> str:
        name = getattr(self.class_, "__name__", self.class_)
        if getattr(self.parent, "is_aliased_class", False):
            name = f"aliased({name})"
        return f"{name}.{self.key}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self} at {id(self):#x}>"

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...

    else:
        __hash__ = object.__hash__

    # -- Core's traversals; an attribute is opaque to them ----------------------------------------

    @memoized_property
    def _from_objects(self) -> Any:
        return self.expression._from_objects

    def _clone(self, **kwargs: Any) -> QueryableAttribute[T]:
        return self

    def _copy_internals(self, **kwargs: Any) -> None:
        return None

    def get_children(self, **kwargs: Any) -> tuple[Any, ...]:
        """Nothing that a traversal of a statement should enter."""
        return ()


class AliasedAttribute(QueryableAttribute[T]):
    """An attribute of an alias.

    `alias.x == Cls.x` would be turned round if the right side's class derived from the left one's.
    """

    inherit_cache: bool = True


class InstrumentedAttribute(QueryableAttribute[T], property):
    """A mapped attribute on the class that maps it: expression on the class, value on objects."""

    inherit_cache: bool = True

    def __init__(self, *given: Any, doc: str | None = None, **more: Any) -> None:
        super().__init__(*given, **more)
        self.__doc__ = doc if doc is not None else getattr(self.prop, "doc", None)
        if self.slot is not None:
            self.refresh_accessors()

    def install_slot(self, slot: AttributeSlot) -> None:
        """Give the attribute its behaviour on objects, or another one."""
        self.slot: AttributeSlot | None = slot
        self.impl: AttributeSlot | None = slot
        slot.manager.slots[self.key] = slot
        self.refresh_accessors()

    def refresh_accessors(self) -> None:
        """Write the accessors anew; needed after listeners came or went."""
        slot = self.slot
        if slot is None:
            return
        slot.dispatch = self.dispatch
        slot.refresh()
        accessors = build_accessors(slot, stores_directly=self._stores_directly(slot))
        _become_property(self, *accessors, self.__doc__)
        slot.manager.refresh_construction()

    def _stores_directly(self, slot: AttributeSlot) -> bool:
        if not isinstance(slot, ValueSlot) or slot.has_listeners:
            return False
        # A dataclass may assign DONT_SET after a synonym was given a value, and the slot drops it.
        return slot.default is None or self.key not in slot.manager.forwarded_keys

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: Any) -> InstrumentedAttribute[T]: ...

        @overload
        def __get__(self, instance: object, owner: Any) -> T: ...

        def __get__(self, instance: object | None, owner: Any) -> InstrumentedAttribute[T] | T: ...

        def __set__(self, instance: Any, value: SQLCoreOperations[T] | T) -> None: ...

        def __delete__(self, instance: Any) -> None: ...
