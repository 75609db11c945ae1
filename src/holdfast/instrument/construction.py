"""Make the `__init__` of an instrumented class: every new object gets its state before all else.

Two forms: a wrapper around the `__init__` that the class has, and the keyword constructor of
classes that have none. The latter is the default constructor of a `registry` (MP-34).

PERF: where all keywords name plain column attributes, the dictionary of keywords becomes the
object's `__dict__` (tests/bench: construct with keywords). `ClassManager.plain_keys` says which
those are; it is empty while anything else has to happen at construction: a mapping to configure,
listeners of `init`, a `__new__` or `__setattr__` of the class's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from holdfast.errors.attributes import ConstructorError
from holdfast.foundation.markers import NO_VALUE
from holdfast.states.changes import SharedChanges, note_change
from holdfast.states.ports import Socket

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
            raise ConstructorError.unknown_keyword(key, class_)


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
