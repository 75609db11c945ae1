"""Put instrumentation on one class, and take it off again."""

from __future__ import annotations

import contextlib
import functools
import inspect
import weakref
from collections.abc import Callable, Iterator, ValuesView
from typing import Any, ClassVar

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.load_policy import NO_VALUE, LoadPolicy
from holdfast.foundation.sqlalchemy_core import ReadOnlyProperties, memoized_property
from holdfast.instrument.descriptor import InstrumentedAttribute, QueryableAttribute
from holdfast.instrument.reference_slot import ValueSlot
from holdfast.instrument.slots import AttributeSlot
from holdfast.states.changes import History, SharedChanges, note_change
from holdfast.states.instance import InstanceState, blank
from holdfast.states.ports import Socket

# ------------------------------------------------------------------------------
# Make the `__init__` of an instrumented class: every new object gets its state before all else.
#
# Two forms: a wrapper around the `__init__` that the class has, and the keyword constructor of
# classes that have none. The latter is the default constructor of a `registry` (MP-34).
#
# PERF: where all keywords name plain column attributes, the dictionary of keywords becomes the
# object's `__dict__` (tests/bench: construct with keywords). `ClassManager.plain_keys` says which
# those are; it is empty while anything else has to happen at construction: a mapping to configure,
# listeners of `init`, a `__new__` or `__setattr__` of the class's own.

InitWrapper = Callable[[Any, Callable[..., Any]], Callable[..., None]]

_ORIGINAL = "_sa_original_init"

# Most programs construct a class with few sets of keywords; those beyond this number are not kept.
KEYWORD_SETS_KEPT = 64


def default_constructor(self: Any, **kwargs: Any) -> None:
    """Assign every keyword to the attribute of its name.

    Raises:
        TypeError: A keyword names no attribute of the class.
    """
    class_ = type(self)
    state = self.__dict__.get("_sa_instance_state")
    plain = state.manager.plain_keys if state is not None else ()
    values = self.__dict__
    for key, value in kwargs.items():
        if key in plain:
            note_change(state, key, values.get(key, NO_VALUE))
            values[key] = value
        elif hasattr(class_, key):
            setattr(self, key, value)
        else:
            raise errors.ConstructorError.unknown_keyword(key, class_)


default_constructor.__name__ = "__init__"


def original_of(init: Callable[..., Any]) -> Callable[..., Any]:
    """The function below all wrappers of ours."""
    while True:
        below = getattr(init, "__dict__", {}).get(_ORIGINAL)
        if below is None:
            return init
        init = below


def build_init(manager: Any, original: Callable[..., Any]) -> Callable[..., None]:
    """The `__init__` to put on the manager's class in place of `original`."""
    init: Any
    if original is default_constructor:
        init = functools.update_wrapper(_keyword_init(manager), original)
    else:
        init = init_wrapper.plugged(manager, original)
    init.__dict__[_ORIGINAL] = original
    made: Callable[..., None] = init
    return made


def takes_keywords_as_values(manager: Any) -> bool:
    """Whether keywords may become the object's dictionary as they are."""
    class_ = manager.class_
    return (
        manager.original_init is default_constructor
        and manager.prepare is None
        and manager.initial_values is None
        and not manager.has_init_listeners
        and class_.__new__ is object.__new__
        and class_.__setattr__ is object.__setattr__
    )


def _keyword_init(manager: Any) -> Callable[..., None]:
    class_ = manager.class_
    state_class = manager.state_class
    are_plain = manager.plain_keys.issuperset
    wrapped = wrap_init(manager, default_constructor)
    records = manager.plain_keywords

    def __init__(self: Any, **kwargs: Any) -> None:  # noqa: N807
        names = (*kwargs,)
        changes = records.get(names)
        if changes is None or self.__class__ is not class_ or self.__dict__:
            # Without keywords there is nothing to hand over, and an empty set is in every set.
            if names and are_plain(names) and len(records) < KEYWORD_SETS_KEPT:
                records[names] = SharedChanges(dict.fromkeys(names, NO_VALUE))
            wrapped(self, **kwargs)
            return
        state = state_class(self)
        state.pk = None
        state.members = None
        state.extra = None
        state.changes = changes
        kwargs["_sa_instance_state"] = state
        self.__dict__ = kwargs

    return __init__


def wrap_init(manager: Any, original: Callable[..., Any]) -> Callable[..., None]:
    """A function that gives a new object its state, tells listeners, and calls `original`."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        if "_sa_instance_state" in self.__dict__:
            # Called by the `__init__` of a subclass, which did all this.
            original(self, *args, **kwargs)
            return
        if manager.prepare is not None:
            manager.prepare()
        if manager.is_stale:
            manager.refresh_plain_keys()
        state = manager.attach(self)
        if manager.initial_values is not None:
            for key, value in manager.initial_values.items():
                manager.slots[key].set(state, self.__dict__, value)
        if not manager.has_init_listeners:
            original(self, *args, **kwargs)
            return
        dispatch = manager.dispatch
        dispatch.init(state, args, kwargs)
        try:
            original(self, *args, **kwargs)
        except BaseException:
            dispatch.init_failure(state, args, kwargs)
            raise

    return functools.update_wrapper(__init__, original)


init_wrapper: Socket[InitWrapper] = Socket("init_wrapper")
init_wrapper.plug(wrap_init)


# ------------------------------------------------------------------------------
# Define `AttributeState`, what `inspect(obj).attrs.name` answers.


class AttributeState:
    """One attribute of one object (AH-40)."""

    __slots__ = ("key", "state")

    def __init__(self, state: InstanceState, key: str) -> None:
        self.state: InstanceState = state
        self.key: str = key

    @property
    def loaded_value(self) -> Any:
        """The present value, or `NO_VALUE`; never loads."""
        return self.state.dict.get(self.key, NO_VALUE)

    @property
    def value(self) -> Any:
        """The value, loaded if necessary, as attribute access gives it."""
        return getattr(self.state.obj(), self.key)

    @property
    def history(self) -> History:
        """What changed since the last flush; never loads (AH-20)."""
        return self._history(LoadPolicy.NO_INITIALIZE)

    def load_history(self) -> History:
        """What changed since the last flush, with an unloaded value loaded first (AH-21)."""
        return self._history(LoadPolicy.RETURN_NO_VALUE)

    def _history(self, policy: LoadPolicy) -> History:
        history: History = self.state.manager[self.key].history_of(self.state, policy)
        return history

    def __repr__(self) -> str:
        return f"<AttributeState of {self.state.class_.__name__}.{self.key}>"


# ------------------------------------------------------------------------------
# Define `ClassManager`, which instruments one class.
#
# It puts attributes on the class, wraps its `__init__`, makes its states, and can undo all that. It
# is stored as `cls.__dict__["_sa_class_manager"]`: a subclass has one of its own, which takes in
# the attributes of the managers above it.

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
    # Filled by `ext.instrumentation`: what made the manager; how objects that are loaded get their
    # values, where the class has a way of its own.
    factory: Any = None
    set_values: Callable[[Any, dict[str, Any]], None] | None = None

    def __init__(self, class_: type[Any], *, wraps_init: bool = True) -> None:
        taken = class_.__dict__.get(MANAGER_ATTRIBUTE)
        if taken is not None:
            raise errors.ForeignInstrumentationError.taken(class_)
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
        # Some may have been instrumented before the class.
        for below in filter(None, map(find_manager, iter_subclasses(class_))):
            self.subclasses.add(below)
            below.__dict__.pop("bases", None)
        self._own_init: Any = class_.__dict__.get("__init__")
        self.original_init: Callable[..., None] = original_of(class_.__init__)
        setattr(class_, MANAGER_ATTRIBUTE, self)
        self.wraps_init = wraps_init
        if wraps_init:
            self.install_init()
        if "__del__" in class_.__dict__:
            warn(errors.finalizer_warning(class_))
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
        """Wrap the class's `__init__`, or the constructor of one that has none (MP-191)."""
        if constructor is not None and self.original_init is object.__init__:
            self.original_init = constructor
        init = build_init(self, self.original_init)
        self.put("__init__", init)
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

    def put(self, name: str, member: Any) -> None:
        """Put an attribute, or `__init__`, on the class."""
        setattr(self.class_, name, member)

    # -- attributes ----------------------------------------------------------------------------

    def check_name(self, key: str) -> None:
        """Refuse the names of the manager and the state."""
        if key in (MANAGER_ATTRIBUTE, STATE_ATTRIBUTE):
            raise errors.ReservedNameError.taken(key)

    def install(self, attribute: QueryableAttribute[Any]) -> None:
        """Put an attribute on the class, in place of what is there under its name.

        Raises:
            KeyError: The name is that of the manager or the state.
        """
        key = attribute.key
        self.check_name(key)
        if key not in self.replaced_members:
            self.replaced_members[key] = self.class_.__dict__.get(key)
        self.put(key, attribute)
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
        return manager_maker.plugged(class_, wraps_init=False)

    def collection_class_of(self, key: str, given: Any) -> Any:
        """What makes the collections of an attribute."""
        return given

    def has_parent(self, state: InstanceState, key: str, *, optimistic: bool = False) -> bool:
        """Whether some object holds `state` through the attribute `key` of this class."""
        return self.slots[key].has_parent(state, optimistic=optimistic)

    def attribute_states(self, state: InstanceState) -> Any:
        """What `inspect(obj).attrs` gives: ordered, by name or as attributes, read-only (AH-41)."""
        return ReadOnlyProperties({key: AttributeState(state, key) for key in self})

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


def iter_subclasses(class_: type[Any]) -> Iterator[type[Any]]:
    """All classes below a class, each before those that derive from it."""
    for each in type.__subclasses__(class_):
        yield each
        yield from iter_subclasses(each)


def _on_class(class_: type[Any], key: str) -> Any:
    """What an object of the class finds under a name, without calling descriptors."""
    for base in class_.__mro__:
        if key in base.__dict__:
            return base.__dict__[key]
    return None


manager_maker: Socket[Callable[..., ClassManager]] = Socket("manager_maker")
manager_maker.plug(ClassManager)


def register_class(class_: type[Any]) -> ClassManager:
    """The manager of a class, made when there is none."""
    manager = class_.__dict__.get(MANAGER_ATTRIBUTE)
    return manager if isinstance(manager, ClassManager) else manager_maker.plugged(class_)


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
        raise errors.UnmappedClassError.without_manager(class_)
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
