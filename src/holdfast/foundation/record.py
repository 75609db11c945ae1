"""Make frozen classes of named fields, as `dataclasses` does, without compiling code at import.

`dataclass(frozen=True)` writes and compiles half a dozen methods for each class, which took a fifth
of the time of importing the package. Here all classes share their methods but `__init__`, which is
written when the first record of a class is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, TypeVar, dataclass_transform, overload

from holdfast.foundation.codegen import build_function

T = TypeVar("T")


@overload
def record(class_: type[T], /) -> type[T]: ...


@overload
def record(*, eq: bool) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(class_: Any = None, /, *, eq: bool = True) -> Any:
    """Class decorator: a record of the annotated fields.

    Args:
        class_: The class.
        eq: Compare by values; otherwise every record is equal to itself alone.
    """
    if class_ is None:
        return lambda class_: record(class_) if eq else _made(class_)
    _made(class_)
    class_.__eq__ = _equals
    class_.__hash__ = _hash
    return class_


def replace(original: T, **changes: Any) -> T:
    """A record with some other values."""
    return type(original)(**{**vars(original), **changes})


def _made(class_: Any) -> Any:
    dataclass(init=False, repr=False, eq=False)(class_)

    def write_init(self: Any, *args: Any, **given: Any) -> None:
        class_.__init__ = _written_init(class_)
        class_.__init__(self, *args, **given)

    class_.__init__ = write_init
    class_.__repr__ = _repr
    class_.__setattr__ = class_.__delattr__ = _refuse
    return class_


def _written_init(class_: type[Any]) -> Callable[..., None]:
    namespace: dict[str, Any] = {"MISSING": MISSING}
    parameters, lines = [], []
    for each in fields(class_):
        name, value = each.name, each.name
        if each.default_factory is not MISSING:
            namespace[f"make_{name}"] = each.default_factory
            parameters.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        elif each.default is not MISSING:
            namespace[f"default_{name}"] = each.default
            parameters.append(f"{name}=default_{name}")
        else:
            parameters.append(name)
        lines.append(f"    values[{name!r}] = {value}")
    head = f"def __init__(self, {', '.join(parameters)}):\n    values = self.__dict__\n"
    hint = f"record {class_.__name__}"
    return build_function("__init__", head + "\n".join(lines), namespace, filename_hint=hint)


def _equals(self: Any, other: object) -> bool:
    return self.__dict__ == other.__dict__ if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(tuple(self.__dict__.values()))


def _repr(self: Any) -> str:
    values = ", ".join(
        f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr
    )
    return f"{type(self).__name__}({values})"


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} is frozen")
