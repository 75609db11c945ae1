"""Show the `__init__` of instrumented classes as SQLAlchemy does: as text made for each class.

Under the stand-in, tracebacks and debuggers name the class whose object is being made, and
listeners of `init` are given the parameters that were left out with their defaults.
"""

from __future__ import annotations

import inspect
import linecache
import weakref
from collections.abc import Callable
from typing import Any

from holdfast.instrument.construction import init_wrapper, wrap_init

_TEXT = """\
def __init__{parameters}:
    new_state = class_manager._new_state_if_none({owner})
    if new_state:
        return new_state._initialize_instance({arguments})
    else:
        return original_init({arguments})
"""

_PREFIX: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


class _Construction:
    """What the text calls class manager and new state."""

    def __init__(self, wrapped: Callable[..., None]) -> None:
        self.wrapped = wrapped

    def _new_state_if_none(self, instance: Any) -> _Construction | None:
        return None if "_sa_instance_state" in vars(instance) else self

    def _initialize_instance(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        self.wrapped(instance, *args, **kwargs)


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
        return f"{parameter.name}={parameter.name}"
    return _PREFIX.get(parameter.kind, "") + parameter.name


def show_init(manager: Any, original: Callable[..., Any]) -> Callable[..., None]:
    """The constructor of a class as a function whose text can be looked up."""
    wrapped = wrap_init(manager, original)
    code = getattr(original, "__code__", None)
    if code is None:
        return wrapped
    given = inspect.signature(original, follow_wrapped=False).parameters.values()
    # The defaults themselves have no text.
    bare = [
        each.replace(annotation=each.empty, default=each.empty if each.default is each.empty else 0)
        for each in given
    ]
    text = _TEXT.format(
        parameters=inspect.Signature(bare),
        owner=bare[0].name,
        arguments=", ".join(map(_argument, bare)),
    )
    class_ = manager.class_
    name = f"<sqlalchemy generated __init__ for class {class_.__module__}.{class_.__qualname__}>"
    names: dict[str, Any] = {"class_manager": _Construction(wrapped), "original_init": original}
    exec(compile(text, name, "exec"), names)
    init: Any = names["__init__"]
    vars(init).update(vars(wrapped))
    del init.__wrapped__
    for attribute in ("__defaults__", "__kwdefaults__", "__doc__", "__module__", "__qualname__"):
        setattr(init, attribute, getattr(original, attribute))
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    weakref.finalize(class_, linecache.cache.pop, name, None).atexit = False
    shown: Callable[..., None] = init
    return shown


def put_writer_in_place() -> None:
    """Have the constructors of classes that are instrumented from now on shown so."""
    init_wrapper.plug(show_init)
