"""Make classes of named fields, as `dataclasses` does, without compiling code at import.

`dataclass` writes and compiles half a dozen methods for each class, which took a fifth of the time
of importing the package. Here all classes share their methods but `__init__`, which is written when
the first record of a class is made. Fields and defaults are declared as for `dataclasses`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field
from typing import Any, NoReturn, TypeVar, dataclass_transform, overload

from holdfast.foundation.codegen import build_function

T = TypeVar("T")


@overload
def record(class_: type[T], /) -> type[T]: ...


@overload
def record(*, eq: bool = True, frozen: bool = True) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(class_: Any = None, /, *, eq: bool = True, frozen: bool = True) -> Any:
    """Class decorator: a record of the annotated fields.

    Args:
        class_: The class.
        eq: Compare by values; otherwise every record is equal to itself alone.
        frozen: Refuse changes.
    """

    def decorate(class_: Any) -> Any:
        own = class_.__dict__
        # Field name -> default, a `Field` that makes one, or MISSING; those of bases come first.
        found = dict(getattr(class_, "__record_fields__", {}))
        found.update(
            (name, own.get(name, MISSING))
            for name, annotation in own.get("__annotations__", {}).items()
            if not str(annotation).startswith(("ClassVar", "typing.ClassVar"))
        )
        class_.__record_fields__ = found
        class_.__init__ = _init_writer(class_)
        class_.__repr__ = _repr
        if frozen:
            class_.__setattr__ = class_.__delattr__ = _refuse
        if eq:
            class_.__eq__, class_.__hash__ = _equals, _hash if frozen else None
        return class_

    return decorate if class_ is None else decorate(class_)


def replace(original: T, **changes: Any) -> T:
    """A record with some other values."""
    return type(original)(**{**vars(original), **changes})


def _init_writer(class_: Any) -> Callable[..., None]:
    def write_init(self: Any, *args: Any, **given: Any) -> None:
        class_.__init__ = _written_init(class_)
        class_.__init__(self, *args, **given)

    return write_init


def _written_init(class_: Any) -> Callable[..., None]:
    namespace: dict[str, Any] = {"MISSING": MISSING}
    parameters, lines = [], []
    for name, default in class_.__record_fields__.items():
        value = name
        if isinstance(default, Field):
            namespace[f"make_{name}"] = default.default_factory
            parameters.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        elif default is not MISSING:
            namespace[f"default_{name}"] = default
            parameters.append(f"{name}=default_{name}")
        else:
            parameters.append(name)
        lines.append(f"    _own[{name!r}] = {value}")
    head = f"def __init__(self, {', '.join(parameters)}):\n    _own = self.__dict__\n"
    hint = f"record {class_.__name__}"
    return build_function("__init__", head + "\n".join(lines), namespace, filename_hint=hint)


def _equals(self: Any, other: object) -> bool:
    return self.__dict__ == other.__dict__ if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(tuple(self.__dict__.values()))


def _repr(self: Any) -> str:
    values = ", ".join(
        f"{name}={getattr(self, name)!r}"
        for name, default in self.__record_fields__.items()
        if not isinstance(default, Field) or default.repr
    )
    return f"{type(self).__name__}({values})"


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} is frozen")
