"""Let classes say how they are instrumented, and where their values are kept (XT-123).

```python
class Manager(InstrumentationManager):
    def initialize_instance_dict(self, class_, instance):
        instance.values = {}

    def get_instance_dict(self, class_, instance):
        return instance.values


class Author:
    __sa_instrumentation_manager__ = Manager
```

For libraries that manage objects in a way of their own; nothing of it is asked for other classes.
Import the module before the classes are mapped.

Rules kept here:
1. The first of `instrumentation_finders` that answers for a class decides; otherwise the class is
   instrumented as all are.
2. Classes that share a base of the application are instrumented in one way.
3. Where a class keeps its values elsewhere, `__dict__` of its objects is what Holdfast reads and
   writes, the state included, from the time when an object has its state.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from holdfast import errors
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.instrument.manager import (
    STATE_ATTRIBUTE,
    ClassManager,
    find_manager,
    manager_maker,
    manager_of_class,
)
from holdfast.states.instance import InstanceState, blank

INSTRUMENTATION_MANAGER = "__sa_instrumentation_manager__"
"""The class attribute that says how a class is instrumented: a factory."""

InstrumentationFactory = Callable[[type[Any]], Any]
"""Makes an `InstrumentationManager`, or a `ClassManager`, for a class."""

_SHARED_MODULES = frozenset(("abc", "builtins", "holdfast", "typing", "typing_extensions"))
_DICTIONARY = "_sa_instance_dict"
_STATE = "_default_state"
_SHOWS = "_sa_shows_dictionary"


def find_native_user_instrumentation_hook(cls: type[Any]) -> InstrumentationFactory | None:
    """What the class itself says, or one of its bases."""
    found: InstrumentationFactory | None = getattr(cls, INSTRUMENTATION_MANAGER, None)
    return found


instrumentation_finders: list[Callable[[type[Any]], InstrumentationFactory | None]] = [
    find_native_user_instrumentation_hook
]
"""Functions that answer the factory for a class, or None; to be added to."""


def restore_default_finders() -> None:
    """Take those away that were added."""
    instrumentation_finders[:] = [find_native_user_instrumentation_hook]


class InstrumentationManager:
    """How the classes are instrumented that name it; to be derived from.

    Args:
        class_: The class.
    """

    def __init__(self, class_: type[Any]) -> None: ...

    # -- the class -------------------------------------------------------------------------------

    def manage(self, class_: type[Any], manager: ClassManager) -> None:
        """The class has got its manager."""
        type.__setattr__(class_, "_default_class_manager", manager)

    def unregister(self, class_: type[Any], manager: ClassManager) -> None:
        """The class is as it was before."""
        type.__delattr__(class_, "_default_class_manager")

    def manager_getter(self, class_: type[Any]) -> Callable[[type[Any]], ClassManager]:
        """A function that finds the manager of a class."""
        return manager_of_class

    def instrument_attribute(self, class_: type[Any], key: str, inst: Any) -> None:
        """The class has got an attribute, or inherits one."""

    def post_configure_attribute(self, class_: type[Any], key: str, inst: Any) -> None:
        """An attribute of the class is complete."""

    def install_descriptor(self, class_: type[Any], key: str, inst: Any) -> None:
        """Put an attribute on the class."""
        type.__setattr__(class_, key, inst)

    def uninstall_descriptor(self, class_: type[Any], key: str) -> None:
        """Take it off."""
        if key in vars(class_):
            type.__delattr__(class_, key)

    def install_member(self, class_: type[Any], key: str, implementation: Any) -> None:
        """Put `__init__` on the class."""
        type.__setattr__(class_, key, implementation)

    def uninstall_member(self, class_: type[Any], key: str) -> None:
        """Take it off."""
        if key in vars(class_):
            type.__delattr__(class_, key)

    def instrument_collection_class(
        self, class_: type[Any], key: str, collection_class: Callable[[], Any]
    ) -> Callable[[], Any]:
        """What makes the collections of an attribute."""
        return collection_class

    # -- objects ---------------------------------------------------------------------------------

    def get_instance_dict(self, class_: type[Any], instance: Any) -> dict[str, Any]:
        """Where the values of an object are kept; asked once for each object."""
        values: dict[str, Any] = instance.__dict__
        return values

    def initialize_instance_dict(self, class_: type[Any], instance: Any) -> None:
        """An object is made; called before the others."""

    def install_state(self, class_: type[Any], instance: Any, state: InstanceState) -> None:
        """Keep the state of an object for `state_getter`; Holdfast finds it by itself."""
        setattr(instance, _STATE, state)

    def remove_state(self, class_: type[Any], instance: Any) -> None:
        """Keep it no more."""
        delattr(instance, _STATE)

    def state_getter(self, class_: type[Any]) -> Callable[[Any], InstanceState]:
        """A function that finds the state of an object."""
        return attrgetter(_STATE)

    def dict_getter(self, class_: type[Any]) -> Callable[[Any], dict[str, Any]]:
        """A function that finds the dictionary of an object."""
        return lambda instance: self.get_instance_dict(class_, instance)


class ExtendedClassManager(ClassManager):
    """The manager of a class that names an `InstrumentationManager`, which it asks."""

    def __init__(
        self, class_: type[Any], user: InstrumentationManager, *, wraps_init: bool = True
    ) -> None:
        self.user: InstrumentationManager = user
        super().__init__(class_, wraps_init=wraps_init)
        user.manage(class_, self)
        if type(user).get_instance_dict is not InstrumentationManager.get_instance_dict:
            _show_dictionary(class_)

    def put(self, name: str, member: Any) -> None:
        """Leave it to the application to put an attribute on the class."""
        is_attribute = isinstance(member, QueryableAttribute)
        put = self.user.install_descriptor if is_attribute else self.user.install_member
        put(self.class_, name, member)

    def take(self, attribute: QueryableAttribute[Any]) -> None:
        """Know an attribute, and tell of it."""
        is_new = self.get(attribute.key) is not attribute
        super().take(attribute)
        if is_new:
            self.user.instrument_attribute(self.class_, attribute.key, attribute)
        if attribute.slot is not None:
            self.user.post_configure_attribute(self.class_, attribute.key, attribute)

    def uninstall(self, key: str) -> None:
        """Leave it to the application to take an attribute off the class."""
        if key in self.replaced_members and key in self:
            self.user.uninstall_descriptor(self.class_, key)
        super().uninstall(key)

    def dispose(self) -> None:
        """Undo everything, and say so."""
        if self.wraps_init:
            self.user.uninstall_member(self.class_, "__init__")
        super().dispose()
        for name in ("__getattribute__", "__getstate__"):
            if _SHOWS in getattr(vars(self.class_).get(name), "__dict__", {}):
                type.__delattr__(self.class_, name)
        self.user.unregister(self.class_, self)

    def collection_class_of(self, key: str, given: Any) -> Any:
        """What the application makes collections from."""
        return self.user.instrument_collection_class(self.class_, key, given)

    def refresh_plain_keys(self) -> None:
        """Nothing: every object is to be prepared."""
        self.is_stale = False

    def new_instance(self) -> Any:
        """An object with a state, without calling `__init__`."""
        class_: Any = self.class_
        obj = class_.__new__(class_)
        self.attach(obj)
        return obj

    def attach(self, obj: Any) -> InstanceState:
        """The state of an object; made when there is none."""
        state: InstanceState | None = obj.__dict__.get(STATE_ATTRIBUTE)
        if state is None:
            manager: Any = self if type(obj) is self.class_ else self.manager_below(type(obj))
            state = blank(manager.state_class(obj))
            manager.set_values(obj, {STATE_ATTRIBUTE: state})
        return state

    def set_values(self, obj: Any, values: dict[str, Any]) -> None:
        """Give a new object its values, the state among them, where the class keeps them."""
        self.user.initialize_instance_dict(self.class_, obj)
        kept = self.user.get_instance_dict(self.class_, obj)
        self.user.install_state(self.class_, obj, values[STATE_ATTRIBUTE])
        kept.update(values)
        own = _own_dictionary(obj)
        if kept is not own:
            own[_DICTIONARY] = kept


def _own_dictionary(obj: Any) -> dict[str, Any]:
    """What Python itself keeps of an object."""
    values: dict[str, Any] = object.__getattribute__(obj, "__dict__")
    return values


def _show_dictionary(class_: type[Any]) -> None:
    """Have `__dict__` of objects answer where the class keeps their values.

    A class cannot be given a descriptor of that name once it is made.
    """
    usual: Any = class_.__getattribute__
    if _SHOWS in getattr(usual, "__dict__", {}):
        return

    def __getattribute__(self: Any, name: str) -> Any:  # noqa: N807
        if name not in ("__dict__", STATE_ATTRIBUTE):
            return usual(self, name)
        own = _own_dictionary(self)
        values = own.get(_DICTIONARY, own)
        if name == "__dict__":
            return values
        if STATE_ATTRIBUTE in values:
            return values[STATE_ATTRIBUTE]
        raise AttributeError(name)

    def __getstate__(self: Any) -> dict[str, Any]:  # noqa: N807
        return dict(self.__dict__)

    shown: list[Any] = [__getattribute__]
    if getattr(class_, "__getstate__", None) is getattr(object, "__getstate__", None):
        shown.append(__getstate__)
    for function in shown:
        vars(function)[_SHOWS] = True
        type.__setattr__(class_, function.__name__, function)


# -- which way a class is instrumented -----------------------------------------------------------


def _factory_of(class_: type[Any]) -> Any:
    """What has made the manager of a class, or is to make it, as far as somebody says so."""
    manager = find_manager(class_)
    if manager is not None:
        return manager.factory or ClassManager
    found = (find(class_) for find in instrumentation_finders)
    return next((each for each in found if each is not None), None)


def _check_relatives(class_: type[Any], factory: Any) -> None:
    """Refuse two ways for classes that have a base of the application in common."""
    relatives = {class_: None}
    waiting = [class_]
    for each in waiting:
        for other in (*each.__bases__, *type.__subclasses__(each)):
            if other in relatives or other.__module__.partition(".")[0] in _SHARED_MODULES:
                continue
            relatives[other] = None
            waiting.append(other)
            theirs = _factory_of(other)
            if theirs not in {factory, None}:
                raise errors.InstrumentationError.several_ways(class_, [factory, theirs])


def make_manager(class_: type[Any], *, wraps_init: bool = True) -> ClassManager:
    """The manager of a class, as the first finder that answers for it will have it.

    Raises:
        TypeError: A class that has a base in common with it is instrumented in another way.
    """
    factory = _factory_of(class_) or ClassManager
    _check_relatives(class_, factory)
    if isinstance(factory, type) and issubclass(factory, ClassManager):
        made: Any = factory(class_, wraps_init=wraps_init)
    else:
        made = factory(class_)
        if not isinstance(made, ClassManager):
            made = ExtendedClassManager(class_, made, wraps_init=wraps_init)
    manager: ClassManager = made
    manager.factory = factory
    return manager


manager_maker.plug(make_manager)

__all__ = [
    "INSTRUMENTATION_MANAGER",
    "ExtendedClassManager",
    "InstrumentationFactory",
    "InstrumentationManager",
    "find_native_user_instrumentation_hook",
    "instrumentation_finders",
    "restore_default_finders",
]
