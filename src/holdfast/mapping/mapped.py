"""Give the annotations that declare a mapped attribute: `Mapped` and its kin.

Those of large collections stand beside what they read as, in `queries.facade`.
To a type checker they are descriptors: `User.id` is an `InstrumentedAttribute[int]` and `user.id`
an `int`. At run time they are markers that `declarative.annotated` looks for, and `Mapped` is
the base of what may be assigned in a class body and used in expressions there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from sqlalchemy import SQLColumnExpression

from holdfast.instrument.descriptor import InstrumentedAttribute

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import SQLCoreOperations

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
