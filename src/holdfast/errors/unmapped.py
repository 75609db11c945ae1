"""Define the errors about objects, classes and columns that no mapper knows."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import class_text, describe_class


class UnmappedError(HoldfastError, exc.InvalidRequestError):
    """Something is used that is not mapped."""


class UnmappedClassError(UnmappedError):
    """A class is used that is not mapped."""

    slug = "unmapped-class"

    def __init__(self, cls: Any = None, msg: str | None = None) -> None:
        super().__init__(msg or _unmapped_class_text(cls))

    def __reduce__(self) -> Any:
        return type(self), (None, self.args[0])

    @classmethod
    def without_manager(cls, given: Any) -> Self:
        """The instrumentation is asked for of a class that has none."""
        return cls(
            None,
            f"Can't locate an instrumentation manager for class {describe_class(given)}. "
            f"{_unmapped_class_text(given)}",
        )

    @classmethod
    def deferred(cls, mapped: type) -> Self:
        """The class waits for `prepare()` to complete its mapping."""
        return cls(
            None,
            f"Class {describe_class(mapped)} has a deferred mapping on it.  It is not yet usable "
            f"as a mapped class. Call {mapped.__name__}.prepare(engine) first. [deferred-mapping]",
        )

    @classmethod
    def pending(cls, mapped: type) -> Self:
        """The class is mapped with its concrete subclasses, which is still to be done."""
        return cls(
            None,
            f"Class {describe_class(mapped)} is a subclass of AbstractConcreteBase and has a "
            "mapping pending until all subclasses are defined. Call the "
            "sqlalchemy.orm.configure_mappers() function after all subclasses have been defined "
            "to complete the mapping of this class. [mapping-pending]",
        )


class UnmappedInstanceError(UnmappedError):
    """An object is used whose class is not mapped, or was not when the object was made."""

    slug = "unmapped-instance"

    def __init__(self, obj: Any = None, msg: str | None = None) -> None:
        super().__init__(msg or _unmapped_instance_text(obj))

    def __reduce__(self) -> Any:
        return type(self), (None, self.args[0])

    @classmethod
    def unpickled(cls, given: type) -> Self:
        """An object arrives in a process where its class is not mapped."""
        return cls(
            None,
            f"Cannot deserialize object of type {class_text(given)} - no mapper() has been "
            "configured for this class within the current Python process. Import the module that "
            "maps it before unpickling. [unpickled-unmapped]",
        )


class UnmappedColumnError(HoldfastError, exc.InvalidRequestError):
    """A column is needed that the mapper does not map."""

    @classmethod
    def not_mapped(cls, column: Any, mapper: Any) -> Self:
        """No attribute of the mapper holds the column."""
        return cls.compose(
            f"No column {column} is configured on mapper {mapper}... Map it, or use another class. "
            "[unmapped-column]",
            column=str(column),
        )

    @classmethod
    def in_key_copy(cls, side: str, column: Any, mapper: Any) -> Self:
        """A relationship copies a key from or to a column that has no attribute.

        Args:
            side: "source" or "destination".
            column: The column without attribute.
            mapper: The mapper that lacks it.
        """
        return cls.compose(
            f"Can't execute sync rule for {side} column '{column}'; mapper '{mapper}' does not map "
            "this column. Map the column, or name other columns in the relationship's primaryjoin. "
            "[unmapped-column]",
            column=str(column),
        )


def _unmapped_class_text(cls: Any) -> str:
    return (
        f"Class '{describe_class(cls)}' is not mapped. Declare it on a DeclarativeBase, or pass it "
        "to registry.map_imperatively(). [unmapped-class]"
    )


def _unmapped_instance_text(obj: Any) -> str:
    manager = getattr(type(obj), "_sa_class_manager", None)
    name = describe_class(type(obj))
    if manager is not None and manager.is_mapped:
        return (
            f"Class '{name}' is mapped, but this instance lacks instrumentation. It was made "
            "before the class was mapped, or without its __init__ in a way that Holdfast does not "
            "see. Make the object after the mapping. [unmapped-instance]"
        )
    text = f"Class '{name}' is not mapped"
    if isinstance(obj, type):
        text += (
            f"; was a class ({describe_class(obj)}) supplied where an instance was required? Pass "
            f"{obj.__name__}(...) instead."
        )
    else:
        text += ". Declare it on a DeclarativeBase, or pass it to registry.map_imperatively()."
    return f"{text} [unmapped-instance]"
