"""Load entities from the rows of a statement that was not made for them.

`select(Author).from_statement(stmt)` gives a `FromStatement`. It compiles as the inner statement
does, and maps that statement's columns, by their names, to the attributes of what was selected.
A union of selects over classes has no plan of its own: it gives plain rows (QY-65).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.sql.expression import (
    ClauseElement,
    Select,
    TableClause,
    TextClause,
    TextualSelect,
)

from holdfast.foundation.sqlalchemy_core import (
    EXECUTABLE_PARTS,
    ExecutableReturnsRows,
    Generative,
    InternalTraversal,
    coercions,
    collect_params,
    is_inline,
    proxy_key,
    roles,
)
from holdfast.queries.entities import (
    LEGACY_STYLE,
    SelectedElement,
    column_descriptions,
    parse_elements,
)
from holdfast.queries.load_plan import LoadPlan
from holdfast.queries.options.criteria import CriteriaInForce, criteria_of
from holdfast.queries.options.statement import statement_options
from holdfast.queries.planning import PlanBuilder


class Named:
    """Give the construct its name without asking Core to generate the call of a compiler method."""

    __visit_name__ = "holdfast_from_statement"


class FromStatement(Named, Generative, ExecutableReturnsRows, ClauseElement):
    """What is selected, and the statement whose rows hold it."""

    _traverse_internals = [
        ("_raw_columns", InternalTraversal.dp_clauseelement_list),
        ("element", InternalTraversal.dp_clauseelement),
        ("_label_style", InternalTraversal.dp_plain_obj),
        *EXECUTABLE_PARTS,
    ]
    _is_from_container = True
    is_select = True

    def __init__(self, statement: Any, element: Any) -> None:
        self._raw_columns = list(statement._raw_columns)
        # The names of the elements are those that a SELECT gives them itself.
        is_legacy = statement._label_style is LEGACY_STYLE
        source = statement if is_legacy or not isinstance(element, Select) else element
        self._label_style = source._label_style
        self._with_options = statement._with_options
        self._execution_options = statement._execution_options
        self._propagate_attrs = statement._propagate_attrs
        # The statement that is run.
        self.element: Any = coercions.expect(roles.ReturnsRowsRole, element)
        self.is_dml: bool = getattr(self.element, "is_dml", False)
        self.is_insert: bool = getattr(self.element, "is_insert", False)
        self.is_update: bool = getattr(self.element, "is_update", False)
        self.is_delete: bool = getattr(self.element, "is_delete", False)

    @property
    def column_descriptions(self) -> list[dict[str, Any]]:
        """What each element of a row will be (QY-10)."""
        return column_descriptions(self)

    @property
    def _all_selected_columns(self) -> Any:
        return self.element._all_selected_columns

    @property
    def _returning(self) -> Any:
        return self.element._returning if self.is_dml else ()

    @property
    def _return_defaults(self) -> bool:
        return bool(self.is_dml and self.element._return_defaults)

    @property
    def _inline(self) -> bool:
        return bool(self.is_insert and is_inline(self.element))

    def _compiler_dispatch(self, visitor: Any, **kw: Any) -> str:
        """Compile as the inner statement does, with our state as the compiled one's."""
        statement: Any = self.element
        collect_params(visitor, self)
        if not visitor.stack:
            state = FromStatementState(self)
            visitor.compile_state = state
            statement = state.statement
        text: str = visitor.process(statement, **kw)
        return text


class FromStatementState:
    """What compiling a `FromStatement` leaves behind."""

    __slots__ = ("by_name", "criteria", "elements", "named", "plan", "statement", "wanted")

    def __init__(self, asked: FromStatement) -> None:
        elements = parse_elements(asked._raw_columns, asked._label_style)
        builder = PlanBuilder(statement_options(asked._with_options, elements), can_join=False)
        self.elements: tuple[SelectedElement, ...] = elements
        self.criteria: CriteriaInForce = criteria_of(asked)
        builder.set_up(elements)
        # The rows are the statement's own: whoever wrote it knows which of them repeat objects.
        builder.has_joined_collection = False
        self.plan: LoadPlan = builder.finish()
        # The columns of the plan, by position; `reading` finds each in the cursor's own order.
        self.wanted: tuple[Any, ...] = tuple(builder.columns)
        # Whether the columns are found in the rows by name rather than by position.
        self.by_name: bool = True
        element = asked.element
        if isinstance(element, TextClause):
            element = TextualSelect(element, list(self.wanted), positional=False)
        self.statement: Any = element
        # What the statement has for each of them, or under its name; None where it has neither.
        self.named: tuple[Any, ...] = tuple(
            _column_for(element.exported_columns, column) for column in self.wanted
        )


def _column_for(columns: Any, wanted: Any) -> Any | None:
    found = columns.corresponding_column(wanted)
    if found is not None:
        return found
    found = columns.get(proxy_key(wanted))
    # A column of another table is not meant, whatever its name.
    return None if isinstance(getattr(found, "table", None), TableClause) else found
