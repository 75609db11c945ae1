"""Write functions and classes at run time."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, field
from importlib import import_module
from itertools import count
from types import FunctionType, GenericAlias
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform, overload

from holdfast.foundation.sqlalchemy_core import roles

# ------------------------------------------------------------------------------
# Turn generated source into a function whose lines show in tracebacks.
#
# Row loaders, attribute accessors and parameter readers are written as source text for speed. The
# text is compiled under a name of its own and registered with `linecache`, so that a traceback, a
# debugger and `inspect.getsource` show it like any other code. The text goes when the function
# goes.

_serial = count(1)
_DROPPED = str.maketrans("", "", "<>[]{}'\"`|:;*?&#/\\\n")  # not in names of files


def build_function(
    name: str, source: str, namespace: Mapping[str, Any], *, filename_hint: str
) -> Callable[..., Any]:
    """Run `source`, which must define the function `name`, and give back that function.

    Args:
        name: The function that the source defines.
        source: Python source text, e.g. of one `def`.
        namespace: The names that the source refers to; it is copied, not filled.
        filename_hint: What the function is for, e.g. `load User`; shown in tracebacks.
    """
    filename = f"<holdfast {filename_hint.translate(_DROPPED)} #{next(_serial)}>"
    if not source.endswith("\n"):
        source += "\n"
    scope = dict(namespace)
    scope.setdefault("__name__", "holdfast.generated")
    exec(compile(source, filename, "exec"), scope)
    function: FunctionType = scope[name]
    # An entry without a modification time is left alone by linecache.checkcache().
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    return function


def source_of(function: Callable[..., Any]) -> str | None:
    """The text that `build_function` made `function` from, or None for any other function."""
    code = getattr(function, "__code__", None)
    if code is None or not code.co_filename.startswith("<holdfast "):
        return None
    return "".join(linecache.getlines(code.co_filename)) or None


def late_function(module: str, name: str) -> Callable[..., Any]:
    """A function that stands for a callable of a module which is imported at the first call.

    For parts of the house that many programs never enter. Type checkers, and the contracts on
    imports, are shown an ordinary import instead.
    """
    found: Callable[..., Any] | None = None

    def call(*arguments: Any, **keywords: Any) -> Any:
        nonlocal found
        if found is None:
            found = getattr(import_module(module), name)
        return found(*arguments, **keywords)

    return call


# ------------------------------------------------------------------------------
# Let classes be subscripted in annotations, as in `Mapper[Author]`, at less cost than `Generic`.
#
# `class Mapper(Subscripted[T])` is generic to type checkers. At run time its brackets make an alias
# in C, and classes are made without the bookkeeping of `typing`, which every import would pay for.

if TYPE_CHECKING:
    from typing import Generic as Subscripted

    # The same for what stands in a select list and gives a value of the type in brackets.
    SelectedAs = roles.TypedColumnsClauseRole
else:

    class Subscripted:
        """Base of the classes that may be subscripted."""

        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)

    SelectedAs = Subscripted


# ------------------------------------------------------------------------------
# Make classes of named fields, as `dataclasses` does, without compiling code at import.
#
# `dataclass` writes and compiles half a dozen methods for each class, which took a fifth of the
# time of importing the package. Here all classes share their methods but `__init__`, which is
# written when a class has more than a few records: many have one or two, the constants of their
# module. Fields and defaults are declared as for `dataclasses`.
#
# For the same reason `FieldTuple` stands for `NamedTuple`, `Keywords` for `TypedDict` and `Choice`
# for `Enum`: to type checkers they are these, at run time they are made in a tenth of the time.
# What applications know as an enumeration or a named tuple is made by the standard library.

T = TypeVar("T")

# Records of one class that are made before it is worth while to compile a function for them.
FEW = 16


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
    """The `__init__` of the first records, which makes way for a written one."""
    fields: dict[str, Any] = class_.__record_fields__
    made = 0

    def write_init(self: Any, *args: Any, **given: Any) -> None:
        nonlocal made
        made += 1
        values = fields | given
        is_unclear = args or len(values) > len(fields) or any(v is MISSING for v in values.values())
        if is_unclear or made > FEW:
            class_.__init__ = _written_init(class_)
            class_.__init__(self, *args, **given)
            return
        for name, value in values.items():
            make: Any = value.default_factory if isinstance(value, Field) else None
            self.__dict__[name] = value if make is None else make()

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


if TYPE_CHECKING:
    from enum import Enum as Choice
    from typing import NamedTuple as FieldTuple
    from typing import TypedDict as Keywords
else:
    # Reads one place of a tuple; what the standard library's own named tuples use.
    from collections import _tuplegetter

    tuple_new = tuple.__new__
    # Makers of tuples by length; copying one with other names is far cheaper than compiling.
    _MAKERS = {
        2: lambda cls, a, b: tuple_new(cls, (a, b)),
        3: lambda cls, a, b, c: tuple_new(cls, (a, b, c)),
        4: lambda cls, a, b, c, d: tuple_new(cls, (a, b, c, d)),
        5: lambda cls, a, b, c, d, e: tuple_new(cls, (a, b, c, d, e)),
    }

    def _named_maker(fields: tuple[str, ...], defaults: tuple[Any, ...]) -> Any:
        code = _MAKERS[len(fields)].__code__.replace(co_varnames=("cls", *fields))
        return FunctionType(code, {"tuple_new": tuple_new}, "__new__", defaults)

    class _TupleClass(type):
        """Makes the classes of `FieldTuple`."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
            body["__slots__"] = ()
            fields = tuple(body.get("__annotations__", ()))
            if fields:
                body["__new__"] = _named_maker(
                    fields, tuple(body[field] for field in fields if field in body)
                )
                body["__match_args__"] = fields
                body.update(
                    (field, _tuplegetter(place, None)) for place, field in enumerate(fields)
                )
            return super().__new__(cls, name, bases, body)

    class FieldTuple(tuple, metaclass=_TupleClass):  # noqa: SLOT001  the metaclass says so
        """A tuple whose places have names: those of the annotated fields."""

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            values = ", ".join(map("{}={!r}".format, self.__match_args__, self))
            return f"{type(self).__name__}({values})"

    class Keywords:
        """Names the keywords of functions, as `**how: Unpack[...]`; they are its annotations."""

        def __init_subclass__(cls, *, total: bool = True) -> None:
            pass

    class _ChoiceClass(type):
        """Makes the classes of `Choice`."""

        def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> None:
            for each, value in body.items():
                if not each.startswith("_"):
                    member = object.__new__(cls)
                    member.name, member.value = each, value
                    setattr(cls, each, member)

        def __iter__(cls) -> Iterator[Any]:
            return (each for each in vars(cls).values() if isinstance(each, cls))

    class Choice(metaclass=_ChoiceClass):
        """One of the values that a class lists by their names."""

        def __reduce__(self) -> Any:
            return getattr, (type(self), self.name)

        def __repr__(self) -> str:
            return f"{type(self).__name__}.{self.name}"


__all__ = ["Choice", "FieldTuple", "Keywords", "SelectedAs", "Subscripted", "record", "replace"]
