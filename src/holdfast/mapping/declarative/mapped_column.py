"""Define `MappedColumn`, what `mapped_column()` returns until its class is mapped.

It stands in the class body for the attribute to come: it can be used in SQL expressions there,
and it keeps what the column and the attribute were told, apart. `columns` completes it with what
the annotation says, and makes the property.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column

from holdfast.foundation.sqlalchemy_core import NO_ARG
from holdfast.mapping.declarative.dataclass_arguments import NOTHING_GIVEN, DataclassArguments
from holdfast.mapping.mapped import Mapped, T_co
from holdfast.mapping.properties.column import ColumnProperty


class MappedColumn(Mapped[T_co]):
    """A column, and what the attribute for it should be like."""

    def __init__(
        self,
        *args: Any,
        arguments: DataclassArguments = NOTHING_GIVEN,
        deferred: Any = NO_ARG,
        deferred_group: str | None = None,
        deferred_raiseload: bool | None = None,
        active_history: bool = False,
        use_existing_column: bool = False,
        sort_order: Any = NO_ARG,
        is_mapped: bool = True,
        column: Column[Any] | None = None,
        **kw: Any,
    ) -> None:
        self.dataclass_arguments = arguments
        self.deferred_given = deferred
        self.deferred_group = deferred_group
        self.deferred_raiseload = deferred_raiseload
        self.active_history = active_history
        self.use_existing_column = use_existing_column
        self.sort_order = sort_order
        # False for unmapped_column(): the table gets the column, the class no attribute.
        self.is_mapped = is_mapped
        if kw.get("nullable", True) is None:
            del kw["nullable"]
        # Also a default of None is one: it keeps that of Annotated[] away.
        self.has_default: bool = any(
            kw.get(name, NO_ARG) is not NO_ARG for name in ("insert_default", "default")
        )
        self.column: Column[Any] = Column(*args, **kw) if column is None else column

    @property
    def name(self) -> Any:
        """Name of the column; None until the attribute's name is known, unless given."""
        return self.column.name

    @property
    def key(self) -> Any:
        """Key of the column in its table."""
        return self.column.key

    @property
    def is_deferred(self) -> bool:
        """Whether the column is loaded on access only, said outright or by a further option."""
        if self.deferred_given is NO_ARG:
            return self.deferred_group is not None or self.deferred_raiseload is not None
        return bool(self.deferred_given)

    @property
    def attribute_options(self) -> tuple[str, ...]:
        """Names of the given options that only a mapped attribute can have."""
        values = {
            "deferred": self.deferred_given is not NO_ARG and self.deferred_given,
            "deferred_group": self.deferred_group,
            "deferred_raiseload": self.deferred_raiseload,
            "active_history": self.active_history,
        }
        return tuple(name for name, value in values.items() if value)

    @property
    def mapper_property_to_assign(self) -> ColumnProperty | None:
        """The property, when a bare column would not say enough."""
        if not self.is_deferred and not self.active_history:
            return None
        made = ColumnProperty(
            self.column,
            deferred=self.is_deferred,
            group=self.deferred_group,
            raiseload=bool(self.deferred_raiseload),
            active_history=self.active_history,
        )
        made.dataclass_arguments = self.dataclass_arguments
        return made

    @property
    def place(self) -> int:
        """Where the column stands in the table, relative to others."""
        return 0 if self.sort_order is NO_ARG else int(self.sort_order)

    def copy(self) -> MappedColumn[T_co]:
        """The same with a column of its own: mixins and `Annotated[]` serve many classes."""
        made: MappedColumn[T_co] = MappedColumn.__new__(MappedColumn)
        made.__dict__.update(self.__dict__)
        made.column = self.column._copy()
        return made

    # -- as an expression in the class body -------------------------------------------------------

    def __clause_element__(self) -> Column[Any]:
        return self.column

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply an operator to the column."""
        return op(self.column, *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """The same with the column on the right."""
        return op(other, self.column, **kwargs)

    def __str__(self) -> str:
        return str(self.column)
