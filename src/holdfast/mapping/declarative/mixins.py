"""Define `declared_attr`: an attribute that is made anew for each class that a mixin is part of.

`scan` opens a `declaring` block per class; within it each function runs once and what it returned
is remembered, so that functions may refer to each other's columns as `cls.name`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from holdfast.foundation.deprecated import warn
from holdfast.instrument.descriptor import InstrumentedAttribute
from holdfast.mapping.mapped import Mapped, T_co

C = TypeVar("C", bound=type)

# Class that is being scanned -> declared_attr -> what it returned for that class.
_declaring: dict[type, dict[object, Any]] = {}


@contextmanager
def declaring(cls: type) -> Iterator[None]:
    """While a class is being scanned, remember what its `declared_attr` functions return."""
    _declaring[cls] = {}
    try:
        yield
    finally:
        del _declaring[cls]


class declared_attr(Generic[T_co]):  # noqa: N801 - the public name
    """Decorator for a method of a mixin or abstract class that returns a mapped attribute.

    ```python
    class HasOwner:
        @declared_attr
        def owner_id(cls) -> Mapped[int]:
            return mapped_column(ForeignKey("owner.id"))
    ```

    `declared_attr.directive` is for `__tablename__` and its kin; `declared_attr.cascading` runs for
    each subclass of a mapped class too.
    """

    is_cascading: bool = False
    is_directive = False

    def __init__(self, fn: Callable[..., Mapped[T_co]], cascading: bool = False) -> None:  # noqa: FBT001, FBT002 - the documented signature
        # Under @classmethod the function is one floor down.
        self.fget: Callable[..., Any] = fn.__func__ if isinstance(fn, classmethod) else fn
        if cascading:
            self.is_cascading = True
        self.__doc__ = fn.__doc__

    @property
    def return_annotation(self) -> Any:
        """What the function says it returns, or None."""
        return getattr(self.fget, "__annotations__", {}).get("return")

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any) -> InstrumentedAttribute[T_co]: ...

        @overload
        def __get__(self, instance: object, owner: Any) -> T_co: ...

        def __get__(
            self, instance: object | None, owner: Any
        ) -> InstrumentedAttribute[T_co] | T_co: ...

        def __set__(self, instance: Any, value: Any) -> None: ...

    else:

        def __get__(self, instance: object | None, owner: type) -> Any:
            remembered = _declaring.get(owner)
            if remembered is None:
                self._check_owner(owner)
                return self.fget(owner)
            if self not in remembered:
                remembered[self] = self.fget(owner)
            return remembered[self]

    def _check_owner(self, owner: type) -> None:
        """Warn of a use outside of mapping, where each access makes another column."""
        name = self.fget.__name__
        special = name.startswith("__") and name.endswith("__")
        if not special and "_sa_class_manager" not in owner.__dict__:
            warn(
                f"Unmanaged access of declarative attribute {name} from non-mapped class "
                f"{owner.__name__}: each access makes a new object. [declared-attr-unmanaged]"
            )

    if TYPE_CHECKING:

        @classmethod
        def directive(cls, fn: Callable[..., Any]) -> Any:
            """For a method that returns an option such as `__tablename__`, not an attribute."""

        cascading: type[declared_attr[Any]]


class _Flagged:
    """`declared_attr.cascading` and `.directive`: `declared_attr` with a flag set."""

    def __init__(self, **flags: bool) -> None:
        self.flags = flags

    def __get__(self, instance: object, owner: type[declared_attr[Any]]) -> Any:
        wanted = {name: True for name in self.flags if not getattr(owner, name)}
        return type(owner.__name__, (owner,), wanted) if wanted else owner


if not TYPE_CHECKING:
    declared_attr.cascading = _Flagged(is_cascading=True)
    declared_attr.directive = _Flagged(is_directive=True)


def declarative_mixin(cls: C) -> C:
    """Mark a class as a mixin, for type checkers that want to know; does nothing."""
    return cls


def has_inherited_table(cls: type) -> bool:
    """Whether a base of the class is mapped to a table.

    For `declared_attr` functions that must not repeat for subclasses what their base has.
    """
    return any(getattr(base, "__table__", None) is not None for base in cls.__mro__[1:])
