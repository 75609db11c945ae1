"""Define `ColumnProperty`: an attribute that holds a column or a SQL expression."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Column

from holdfast.foundation.plugin import marks_of
from holdfast.foundation.sqlalchemy_core import coercions, proxy_key, roles
from holdfast.mapping.properties.base import MapperProperty, T
from holdfast.mapping.sockets import PluggedComparator

HIDDEN_PREFIX = "_sa_"
"""Properties whose names begin so are mapped without an attribute on the class."""


class ColumnProperty(MapperProperty[T]):
    """An attribute that holds the value of a column or SQL expression.

    Several columns are columns that are equal in every row, such as the two sides of the join that
    a class is mapped to; the first is read, all are written.
    """

    kind: ClassVar[str] = "column"
    is_attribute = True
    is_column: ClassVar[bool] = True
    Comparator: PluggedComparator = PluggedComparator("column")

    def __init__(
        self,
        column: Any,
        *additional_columns: Any,
        group: str | None = None,
        deferred: bool = False,
        raiseload: bool = False,
        comparator_factory: Any = None,
        active_history: bool = False,
        expire_on_flush: bool = True,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        super().__init__(comparator_factory=comparator_factory, info=info, doc=doc)
        # All columns; the first is the one that is selected.
        self.columns: list[Any] = [
            coercions.expect(roles.LabeledColumnExprRole, each)
            for each in (column, *additional_columns)
        ]
        # Deferred attributes of one group load together.
        self.group = group
        self.deferred: bool = deferred
        # Refuse to load when touched, rather than load.
        self.raiseload = raiseload
        # Load the old value before it is overwritten.
        self.active_history = active_history
        # An expression is read again after its row was updated.
        self.expire_on_flush = expire_on_flush
        if doc is None:
            self.doc: Any = next(
                (c.doc for c in reversed(self.columns) if getattr(c, "doc", None)), None
            )

    @property
    def info(self) -> dict[Any, Any]:
        """The dictionary of the attribute, or else that of its column."""
        if self.given_info is None:
            found = getattr(self.columns[0], "info", None)
            self.given_info: dict[Any, Any] = {} if found is None else found
        return self.given_info

    @info.setter
    def info(self, value: dict[Any, Any]) -> None:
        self.given_info = value

    @property
    def is_sql_expression(self) -> bool:
        """Whether the attribute holds an expression, which is read and never written."""
        return not isinstance(self.columns[0], Column)

    @property
    def instrument(self) -> bool:
        """Whether the property has an attribute on the class; a hidden discriminator has none."""
        return not self.key.startswith(HIDDEN_PREFIX)

    @property
    def expression(self) -> Any:
        """The column or expression that is selected, without annotations."""
        return self.columns[0]

    def expression_for(self, entity: Any) -> Any:
        """The expression as part of statements over classes.

        Args:
            entity: The mapper, or the `AliasedInsp` of an alias, that the attribute belongs to.
        """
        column = self.columns[0]
        if entity.is_aliased_class:
            marked = entity.adapt(self.expression_for(entity.mapper), self.key)
        else:
            marked = column._annotate(
                {
                    "entity_namespace": entity,
                    "parententity": entity,
                    "parentmapper": entity,
                    "proxy_key": self.key,
                }
            )._set_propagate_attrs(marks_of(entity))
        if proxy_key(column) is None:
            # Subqueries know it by the attribute's name, not by that of an anonymous label.
            marked.key = self.key
        return marked

    def __clause_element__(self) -> Any:
        # A class body may use the property where Core expects a column.
        return self.columns[0]

    @property
    def strategy_name(self) -> str:
        """Either "column", or "deferred" when the value is loaded on access only."""
        return "deferred" if self.deferred else "column"

    def copy(self) -> ColumnProperty:
        """A property with the same settings that belongs to no mapper yet."""
        made = type(self)(
            *self.columns,
            group=self.group,
            deferred=self.deferred,
            raiseload=self.raiseload,
            comparator_factory=self.comparator_factory,
            active_history=self.active_history,
            expire_on_flush=self.expire_on_flush,
            info=self.given_info,
            doc=self.doc,
        )
        made.dataclass_arguments = self.dataclass_arguments
        return made


class MappedSQLExpression(ColumnProperty[T]):
    """What `column_property()` makes; the name is the documented one."""

    inherit_cache: bool = True


class QueryExpression(MappedSQLExpression[T]):
    """What `query_expression()` makes: each statement says what it holds.

    Its own expression is what it holds otherwise; when deferred, it holds nothing then.
    """

    inherit_cache: bool = True

    @property
    def strategy_name(self) -> str:
        """Always the same, deferred or not."""
        return "query_expression"
