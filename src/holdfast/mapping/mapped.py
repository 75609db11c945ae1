"""Mark attributes and methods of mapped classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from sqlalchemy import SQLColumnExpression

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.instrument.descriptor import InstrumentedAttribute

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import SQLCoreOperations


# ------------------------------------------------------------------------------
# Give the annotations that declare a mapped attribute: `Mapped` and its kin.
#
# Those of large collections stand beside what they read as, in `queries.facade`.
# To a type checker they are descriptors: `User.id` is an `InstrumentedAttribute[int]` and `user.id`
# an `int`. At run time they are markers that `declarative.annotated` looks for, and `Mapped` is
# the base of what may be assigned in a class body and used in expressions there.

T = TypeVar("T", bound=Any)
T_co = TypeVar("T_co", bound=Any, covariant=True)


class AnnotationMarker(Generic[T_co]):
    """What every annotation that the declarative scan understands derives from."""

    __slots__ = ()

    # How a relationship with this annotation loads; None where its arguments say.
    lazy_name: ClassVar[str | None] = None


class Mapped(SQLColumnExpression[T_co], AnnotationMarker[T_co]):
    """An attribute of a mapped class whose Python type is `T`.

    ```python
    class Author(Base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]
    ```
    """

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any) -> InstrumentedAttribute[T_co]: ...

        @overload
        def __get__(self, instance: object, owner: Any) -> T_co: ...

        def __get__(
            self, instance: object | None, owner: Any
        ) -> InstrumentedAttribute[T_co] | T_co: ...

        def __set__(self, instance: Any, value: SQLCoreOperations[T_co] | T_co) -> None: ...

        def __delete__(self, instance: Any) -> None: ...


class Unmapped(AnnotationMarker[T_co]):
    """A column of the table that no attribute stands for; goes with `unmapped_column()`."""


# ------------------------------------------------------------------------------
# Mark methods of a mapped class that the mapping calls: validators and reconstructors.
#
# The mapper collects the marks when the class is mapped; `hooks` calls what was marked.

Method = TypeVar("Method", bound=Callable[..., Any])


@record
class ValidatorMark:
    """What `@validates` was given."""

    names: tuple[str, ...]
    # Whether removals from collections are shown too.
    include_removes: bool
    # Whether changes that arrive from the other side of a relationship are shown too.
    include_backrefs: bool


def validates(
    *names: str, include_removes: bool = False, include_backrefs: bool = True
) -> Callable[[Method], Method]:
    """Let a method check, and replace, values that are set on attributes.

    The method receives the attribute's name and the value, and returns the value to store::

        @validates("email")
        def check_email(self, key, address): ...

    Args:
        *names: The attributes.
        include_removes: Also call for removals, with `is_remove` as a third argument.
        include_backrefs: Also call for changes that arrive from the other side of a relationship.
    """

    def decorate(method: Method) -> Method:
        vars(method)["__sa_validators__"] = ValidatorMark(names, include_removes, include_backrefs)
        return method

    return decorate


def reconstructor(method: Method) -> Method:
    """Let a method run whenever an object of the class is loaded, as `__init__` does not."""
    vars(method)["__sa_reconstructor__"] = True
    return method


def _functions(cls: type[Any]) -> Iterator[Any]:
    """Functions that instances of a class see as methods, each name once."""
    seen: set[str] = set()
    for each in cls.__mro__[:-1]:
        for name, value in vars(each).items():
            if name not in seen:
                seen.add(name)
                yield getattr(value, "__func__", value)


def validators_of(mapper: Any) -> dict[str, tuple[Callable[..., Any], dict[str, bool]]]:
    """Attribute name -> (method, options), of a mapper's class."""
    found: dict[str, tuple[Callable[..., Any], dict[str, bool]]] = {}
    for function in _functions(mapper.class_):
        mark = getattr(function, "__dict__", {}).get("__sa_validators__")
        if not isinstance(mark, ValidatorMark):
            continue
        options = {
            "include_removes": mark.include_removes,
            "include_backrefs": mark.include_backrefs,
        }
        for name in mark.names:
            if name in found:
                raise errors.MappingError.validator_exists(name, mapper)
            found[name] = (function, options)
    return found


def reconstructor_of(cls: type[Any]) -> Callable[[Any], None] | None:
    """The method that runs when an object of the class was loaded, or None."""
    for function in _functions(cls):
        if getattr(function, "__dict__", {}).get("__sa_reconstructor__"):
            marked: Callable[[Any], None] = function
            return marked
    return None
