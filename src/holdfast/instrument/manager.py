"""Define `ClassManager`, which instruments one class.

It puts attributes on the class, wraps its `__init__`, makes its states, and can undo all that. It
is stored as `cls.__dict__["_sa_class_manager"]`: a subclass has one of its own, which takes in the
attributes of the managers above it.
"""

from __future__ import annotations

import contextlib
import inspect
import weakref
from collections.abc import Callable, Iterator, ValuesView
from typing import Any, ClassVar

from holdfast.errors.attributes import (
    ForeignInstrumentationError,
    ReservedNameError,
    finalizer_warning,
)
from holdfast.errors.mapping import UnmappedClassError
from holdfast.foundation.deprecated import warn
from holdfast.foundation.sqlalchemy_core import memoized_property
from holdfast.instrument.attribute_state import attribute_states
from holdfast.instrument.construction import (
    build_init,
    default_constructor,
    original_of,
    takes_keywords_as_values,
)
from holdfast.instrument.descriptor import InstrumentedAttribute, QueryableAttribute
from holdfast.instrument.slots.base import AttributeSlot
from holdfast.instrument.slots.value import ValueSlot
from holdfast.states.changes import SharedChanges
from holdfast.states.instance import InstanceState, blank

MANAGER_ATTRIBUTE = "_sa_class_manager"
STATE_ATTRIBUTE = "_sa_instance_state"


class ClassManager(dict[str, QueryableAttribute[Any]]):
    """The instrumentation of one class; its attributes by name, inherited ones included."""

    STATE_ATTR = STATE_ATTRIBUTE
    MANAGER_ATTR = MANAGER_ATTRIBUTE

    # Filled by `hooks`: Core's dispatcher of instance events, and whether it has listeners.
    dispatch: Any = None
    has_init_listeners: bool = False
    has_load_listeners: bool = False
    has_refresh_listeners: bool = False
    has_refresh_flush_listeners: bool = False
    has_expire_listeners: bool = False
    # Filled by `hooks`: has a `dispatch` of the events of instrumentation; None without listeners.
    observer: Any = None

    def __init__(self, class_: type[Any], *, wraps_init: bool = True) -> None:
        taken = class_.__dict__.get(MANAGER_ATTRIBUTE)
        if taken is not None:
            raise ForeignInstrumentationError.taken(class_)
        super().__init__()
        self.class_ = class_
        # Filled by `mapping`; None until the class is mapped.
        self.mapper: Any = None
        self.registry: Any = None
        # Called before the first object is made, then set to None by whoever put it here.
        self.prepare: Callable[[], None] | None = None
        # Attribute name -> value that every new object starts with (MP-143), or None.
        self.initial_values: dict[str, Any] | None = None
        # Attribute name -> behaviour; inherited ones included.
        self.slots: dict[str, AttributeSlot] = {}
        # Names that the constructor may store without asking anyone; see `construction`.
        self.plain_keys: set[str] = set()
        # Sets of keywords found to be plain, each with the record of changes it leads to.
        self.plain_keywords: dict[tuple[str, ...], SharedChanges] = {}
        # Whether `plain_keys` is to be found out anew.
        self.is_stale: bool = True
        self.state_class: type[InstanceState] = type(
            "InstanceState",
            (InstanceState,),
            {"__slots__": (), "manager": self, "__module__": InstanceState.__module__},
        )
        # Attributes of the class itself, which `uninstall` and `dispose` put back: name -> what
        # the class had there before, or None.
        self.replaced_members: dict[str, Any] = {}
        # Managers of the classes below, at any depth.
        self.subclasses: weakref.WeakSet[ClassManager] = weakref.WeakSet()
        # Names of attributes that others stand for, such as synonyms.
        self.forwarded_keys: set[str] = set()
        for base in reversed(self.bases):
            base.subclasses.add(self)
            self.forwarded_keys.update(base.forwarded_keys)
            self.update(base)
            self.slots.update(base.slots)
        for below in _managers_below(class_):
            self.subclasses.add(below)
            below.__dict__.pop("bases", None)
        self._own_init: Any = class_.__dict__.get("__init__")
        self.original_init: Callable[..., None] = original_of(class_.__init__)
        setattr(class_, MANAGER_ATTRIBUTE, self)
        self.wraps_init = wraps_init
        if wraps_init:
            self.install_init()
        if "__del__" in class_.__dict__:
            warn(finalizer_warning(class_))
        if self.observer is not None:
            self.observer.dispatch.class_instrument(class_)

    # -- the class -------------------------------------------------------------------------------

    @property
    def is_mapped(self) -> bool:
        """Whether a mapper has taken the class."""
        return self.mapper is not None

    @memoized_property
    def bases(self) -> list[ClassManager]:
        """Managers of the classes above, the nearest first."""
        found = (base.__dict__.get(MANAGER_ATTRIBUTE) for base in self.class_.__mro__[1:])
        return [each for each in found if isinstance(each, ClassManager)]

    def subclass_managers(self, *, recursive: bool = True) -> list[ClassManager]:
        """Managers of the classes below, the nearest first."""
        found = [each for each in self.subclasses if recursive or self in each.bases[:1]]
        return sorted(found, key=lambda each: len(each.class_.__mro__))

    def install_init(self, constructor: Callable[..., None] | None = None) -> None:
        """Wrap the class's `__init__`, so that every new object gets its state.

        Args:
            constructor: Takes the place of an `__init__` that the class has not (MP-191).
        """
        if constructor is not None and self.original_init is object.__init__:
            self.original_init = constructor
        self.class_.__init__ = init = build_init(self, self.original_init)
        if self.original_init is not default_constructor:
            # For those who look at the parameters without following wrappers.
            with contextlib.suppress(NameError, TypeError, ValueError):
                init.__signature__ = inspect.signature(self.original_init)  # type: ignore[attr-defined]
        self.refresh_construction()

    def refresh_construction(self) -> None:
        """Have the next construction find out which keywords may be stored directly."""
        for manager in (self, *self.subclasses) if self.subclasses else (self,):
            manager.plain_keys.clear()
            manager.plain_keywords.clear()
            manager.is_stale = True

    def refresh_plain_keys(self) -> None:
        """Find out which keywords the default constructor may store directly."""
        self.is_stale = self.prepare is not None
        if not takes_keywords_as_values(self):
            return
        self.plain_keys.update(
            key
            for key, slot in self.slots.items()
            if isinstance(slot, ValueSlot)
            and not slot.has_listeners
            and self.get(key) is _on_class(self.class_, key)
        )

    # -- attributes ----------------------------------------------------------------------------

    def check_name(self, key: str) -> None:
        """Refuse the names of the manager and the state."""
        if key in (MANAGER_ATTRIBUTE, STATE_ATTRIBUTE):
            raise ReservedNameError.taken(key)

    def install(self, attribute: QueryableAttribute[Any]) -> None:
        """Put an attribute on the class, in place of what is there under its name.

        Raises:
            KeyError: The name is that of the manager or the state.
        """
        key = attribute.key
        self.check_name(key)
        if key not in self.replaced_members:
            self.replaced_members[key] = self.class_.__dict__.get(key)
        setattr(self.class_, key, attribute)
        self.take(attribute)
        if attribute.forwards_to is not None:
            self.forwarded_keys.add(attribute.forwards_to)
            target = self.get(attribute.forwards_to)
            if isinstance(target, InstrumentedAttribute):
                target.refresh_accessors()
        self.refresh_construction()
        if self.observer is not None:
            self.observer.dispatch.attribute_instrument(self.class_, key, attribute)

    def take(self, attribute: QueryableAttribute[Any]) -> None:
        """Know an attribute, and make the classes below know it that have none of its name."""
        key = attribute.key
        self[key] = attribute
        if attribute.slot is not None:
            self.slots[key] = attribute.slot
        for manager in self.subclasses:
            if key not in manager.replaced_members and manager.class_ is not attribute.class_:
                manager.take(attribute)

    def install_slot(self, key: str, slot: AttributeSlot) -> None:
        """Give an installed attribute its behaviour; subclasses take it over."""
        attribute = self[key]
        assert isinstance(attribute, InstrumentedAttribute)
        attribute.install_slot(slot)
        self.take(attribute)
        self.refresh_construction()

    def uninstall(self, key: str) -> None:
        """Take an attribute off the class, and put back what was there before."""
        former = self.replaced_members.pop(key, None)
        attribute = self.get(key)
        if attribute is not None and self.class_.__dict__.get(key) is attribute:
            # Past the metaclass, which would map or refuse to unmap.
            type.__delattr__(self.class_, key)
            if former is not None:
                type.__setattr__(self.class_, key, former)
        self.drop(key)

    def drop(self, key: str) -> None:
        """Know an attribute no more, and make the classes below forget it too."""
        self.pop(key, None)
        self.slots.pop(key, None)
        self.plain_keys.discard(key)
        self.plain_keywords.clear()
        for manager in self.subclasses:
            if key not in manager.replaced_members:
                manager.drop(key)

    def dispose(self) -> None:
        """Undo everything: the class is as it was before."""
        if self.observer is not None:
            self.observer.dispatch.class_uninstrument(self.class_)
        for key in list(self.replaced_members):
            self.uninstall(key)
        if not self.wraps_init:
            pass
        elif self._own_init is not None:
            self.class_.__init__ = self._own_init
        elif "__init__" in self.class_.__dict__:
            del self.class_.__init__
        if self.class_.__dict__.get(MANAGER_ATTRIBUTE) is self:
            type.__delattr__(self.class_, MANAGER_ATTRIBUTE)
        for base in self.bases:
            base.subclasses.discard(self)
        self.mapper = None
        self.prepare = None

    # -- objects ---------------------------------------------------------------------------------

    def new_instance(self) -> Any:
        """An object with a state, without calling `__init__` (MP-190)."""
        class_: Any = self.class_
        obj = class_.__new__(class_)
        obj.__dict__[STATE_ATTRIBUTE] = blank(self.state_class(obj))
        return obj

    def attach(self, obj: Any) -> InstanceState:
        """The state of an object that was made by hand; made when there is none."""
        values = obj.__dict__
        state: InstanceState | None = values.get(STATE_ATTRIBUTE)
        if state is None:
            manager = self if type(obj) is self.class_ else self.manager_below(type(obj))
            state = values[STATE_ATTRIBUTE] = blank(manager.state_class(obj))
        return state

    def manager_below(self, class_: type[Any]) -> ClassManager:
        """The manager of a subclass, made when it is not mapped itself (MP-192)."""
        manager = class_.__dict__.get(MANAGER_ATTRIBUTE)
        if isinstance(manager, ClassManager):
            return manager
        return ClassManager(class_, wraps_init=False)

    def has_parent(self, state: InstanceState, key: str, *, optimistic: bool = False) -> bool:
        """Whether some object holds `state` through the attribute `key` of this class."""
        return self.slots[key].has_parent(state, optimistic=optimistic)

    def attribute_states(self, state: InstanceState) -> Any:
        """The `inspect(obj).attrs` collection of one object."""
        return attribute_states(self, state)

    # -- one of a kind ---------------------------------------------------------------------------

    __hash__: ClassVar[Any] = object.__hash__
    __eq__: Any = object.__eq__
    __ne__: Any = object.__ne__

    def __bool__(self) -> bool:
        return True

    @property
    def attributes(self) -> ValuesView[QueryableAttribute[Any]]:
        """All attributes."""
        return self.values()

    def __repr__(self) -> str:
        return f"<ClassManager of {self.class_.__module__}.{self.class_.__qualname__}>"


def _managers_below(class_: type[Any]) -> Iterator[ClassManager]:
    """Managers of subclasses that were instrumented before the class."""
    for each in type.__subclasses__(class_):
        manager = each.__dict__.get(MANAGER_ATTRIBUTE)
        if isinstance(manager, ClassManager):
            yield manager
        yield from _managers_below(each)


def _on_class(class_: type[Any], key: str) -> Any:
    """What an object of the class finds under a name, without calling descriptors."""
    for base in class_.__mro__:
        if key in base.__dict__:
            return base.__dict__[key]
    return None


# -- from classes and objects to managers and states -------------------------------------------


def register_class(class_: type[Any]) -> ClassManager:
    """The manager of a class, made when there is none."""
    manager = class_.__dict__.get(MANAGER_ATTRIBUTE)
    return manager if isinstance(manager, ClassManager) else ClassManager(class_)


def unregister_class(class_: type[Any]) -> None:
    """Undo the instrumentation of a class."""
    manager_of_class(class_).dispose()


def find_manager(class_: Any) -> ClassManager | None:
    """The manager of a class, or None."""
    try:
        manager = class_.__dict__.get(MANAGER_ATTRIBUTE)
    except AttributeError:
        return None
    return manager if isinstance(manager, ClassManager) else None


def manager_of_class(class_: Any) -> ClassManager:
    """The manager of a class.

    Raises:
        UnmappedClassError: The class is not instrumented.
    """
    manager = find_manager(class_)
    if manager is None:
        raise UnmappedClassError.without_manager(class_)
    return manager


def instance_state(obj: Any) -> InstanceState:
    """The state of an object; `AttributeError` when it has none (SM-9)."""
    state: InstanceState = obj._sa_instance_state
    return state


def instance_dict(obj: Any) -> dict[str, Any]:
    """The dictionary of an object."""
    values: dict[str, Any] = obj.__dict__
    return values


def find_state(obj: Any) -> InstanceState | None:
    """The state of an object, or None."""
    state = getattr(obj, STATE_ATTRIBUTE, None)
    return state if isinstance(state, InstanceState) else None


__all__ = [
    "ClassManager",
    "default_constructor",
    "find_manager",
    "find_state",
    "instance_dict",
    "instance_state",
    "manager_of_class",
    "register_class",
    "unregister_class",
]
