"""Turn select() over classes into select() over tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, inspect
from sqlalchemy.sql.expression import (
    ClauseElement,
    FromClause,
    Select,
    TableClause,
    TextClause,
    TextualSelect,
)

from holdfast import errors
from holdfast.foundation.describe import warn
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    EXECUTABLE_PARTS,
    ExecutableReturnsRows,
    Generative,
    InternalTraversal,
    SelectState,
    coercions,
    collect_params,
    compiles_over,
    is_inline,
    is_lambda,
    proxy_key,
    roles,
    select_iterables,
    selectables_overlap,
    without_lambda,
)
from holdfast.queries.aliases import AliasedClass
from holdfast.queries.eager_joins import with_eager_joins
from holdfast.queries.entities import (
    LEGACY_STYLE,
    SelectedBundle,
    SelectedColumn,
    SelectedElement,
    SelectedEntity,
    column_descriptions,
    has_star,
    joined_entities,
    joins_on_given,
    mentioned_entities,
    parse_elements,
    read_from_given,
    refuse_star,
    with_composed_froms,
)
from holdfast.queries.joins import (
    clause_of_target,
    overlapping_targets,
    resolve_joins,
    with_stand_ins,
)
from holdfast.queries.load_plan import LoadPlan
from holdfast.queries.loader_criteria import (
    CriteriaInForce,
    criteria_of,
    criteria_of_mentioned,
    in_force,
    row_criteria,
)
from holdfast.queries.planning import PlanBuilder, is_selectable
from holdfast.queries.statement_options import replaced_options, statement_options

# ------------------------------------------------------------------------------
# Load entities from the rows of a statement that was not made for them.
#
# `select(Author).from_statement(stmt)` gives a `FromStatement`. It compiles as the inner statement
# does, and maps that statement's columns, by their names, to the attributes of what was selected.
# A union of selects over classes has no plan of its own: it gives plain rows (QY-65).


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


# ------------------------------------------------------------------------------
# Be Core's compile hook for `select()` over classes, attributes and aliases.
#
# Core calls `SelectOverClasses` when it compiles such a statement. The hook rewrites the statement
# to one over tables, which the inherited state then compiles, and leaves a `LoadPlan` behind that
# the rows are read by. Core's statement cache keeps both, so the hook runs once per shape of
# statement.
#
# Rules kept here:
# 1. Only a statement that stands alone gets a plan, eager joins and loader options; inside another
#    one it is a source of columns.
# 2. Nothing of the plan depends on bound values.


@compiles_over("select")
class SelectOverClasses(SelectState):
    """The compile state of one SELECT over classes."""

    __slots__ = ("criteria", "mentioned", "plan")

    # None for a statement inside of another one.
    plan: LoadPlan | None

    def __init__(self, statement: Any, compiler: Any, **kw: Any) -> None:
        self.criteria: CriteriaInForce = criteria_of(statement, compiler)
        with in_force(self.criteria):
            if compiler.stack or compiler.compile_state is not None:
                self.plan = None
                statement, elements, _ = parsed(statement)
                plain = as_core_select(statement, list(all_columns(elements)), elements)
                self.mentioned: list[tuple[Any, list[Any]]] = criteria_of_mentioned(
                    statement, elements
                )
            else:
                plain, self.plan = planned_select(statement)
                if has_star(parse_elements(statement._raw_columns)):
                    # What the rows hold is not known before they are there.
                    self.plan = None
                self.mentioned = []
        super().__init__(plain, compiler, **kw)

    def _get_display_froms(
        self, explicit_correlate_froms: Any = None, implicit_correlate_froms: Any = None
    ) -> list[FromClause]:
        """What stands in FROM; and now that it is known, the criteria of what stands there."""
        shown = super()._get_display_froms(explicit_correlate_froms, implicit_correlate_froms)
        for entity, criteria in self.mentioned:
            if any(selectables_overlap(entity.selectable, each) for each in shown):
                self.statement._where_criteria += tuple(criteria)
        self.mentioned = []
        return shown

    @classmethod
    def get_column_descriptions(cls, statement: Any) -> list[dict[str, Any]]:
        """What `select().column_descriptions` tells (QY-10)."""
        return column_descriptions(statement)

    @classmethod
    def all_selected_columns(cls, statement: Any) -> Iterator[Any]:
        """The columns that a subquery made of the statement has.

        Those of whole entities go by their own names, not by those of the attributes.
        """
        for element in parse_elements(statement._raw_columns, statement._label_style):
            whole = isinstance(element, SelectedEntity)
            for column in all_columns([element]):
                yield column._deannotate(["proxy_key"], clone=True) if whole else column

    @classmethod
    def from_statement(cls, statement: Any, from_statement: Any) -> FromStatement:
        """Load what `statement` selects from the rows of another statement (QY-64)."""
        return FromStatement(statement, from_statement)

    @classmethod
    def get_columns_clause_froms(cls, statement: Any) -> list[Any]:
        """What the select list alone selects from: entities as such, not only their tables."""
        return list(dict.fromkeys(chain.from_iterable(map(_clauses_of, statement._raw_columns))))

    @classmethod
    def _get_filter_by_entities(cls, statement: Any) -> Collection[Any]:
        """Where `filter_by()` looks for names (QY-7)."""
        found: dict[Any, None] = {}
        joins = list(statement._setup_joins)
        for memoized in statement._memoized_select_entities:
            joins.extend(memoized._setup_joins)
        for target, _, left, _ in joins:
            for side in (target, left):
                if side is not None:
                    found[clause_of_target(side)] = None
        for element in (*statement._from_obj, *statement._raw_columns):
            for clause in _clauses_of(element):
                found[clause] = None
        return [each._annotations.get("parententity", each) for each in found]


def planned_select(statement: Any) -> tuple[Any, LoadPlan]:
    """A SELECT over classes as one over tables, and the plan by which its rows are read."""
    statement, elements, aliases = parsed(statement)
    mentioned = [each for _, found in criteria_of_mentioned(statement, elements) for each in found]
    options = statement_options(
        statement._with_options, elements, replaced=replaced_options(statement)
    )
    builder = PlanBuilder(options, aliases=aliases)
    builder.set_up(elements)
    plain = as_core_select(statement, builder.columns, elements)
    plain._where_criteria += tuple(mentioned)
    return with_eager_joins(plain, builder), builder.finish()


def embedded_select(statement: Any, entity: Any, columns: Iterable[Any]) -> Any:
    """A SELECT over classes as one over tables, of these columns of one of its entities."""
    statement, elements, _ = parsed(statement)
    if all(each.entity is not entity for each in elements):
        # The statement continues another one, whose paths name its entity.
        entity = next(each.entity for each in elements if isinstance(each, SelectedEntity))
    own = [each if entity.adapter is None else entity.adapter.columns[each] for each in columns]
    with in_force(criteria_of(statement)):
        plain = as_core_select(statement, own, elements)
    plain = plain.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    plain._for_update_arg = None
    return plain if plain._has_row_limiting_clause else plain.order_by(None)


def without_lambdas(statement: Any) -> Any:
    """The statement with what its callables have given for FROM and joins."""
    joins = [part for join in statement._setup_joins for part in join[:3]]
    if not any(map(is_lambda, (*statement._from_obj, *joins))):
        return statement
    made = statement._generate()
    made._from_obj = tuple(map(without_lambda, statement._from_obj))
    made._setup_joins = tuple(
        (*map(without_lambda, join[:3]), join[3]) for join in statement._setup_joins
    )
    return made


def parsed(statement: Any) -> tuple[Any, tuple[SelectedElement, ...], Mapping[Any, Any]]:
    """The statement as it is meant, what it selects, and what stands in for its mappers.

    Its callables are called, and classes that it joins to have aliases where FROM has one of their
    tables already.
    """
    statement = without_lambdas(statement)
    elements = parsed_elements(statement)
    mappers = overlapping_targets(statement, elements) if statement._setup_joins else ()
    if not mappers:
        return statement, elements, EMPTY_DICT
    for mapper in mappers:
        warn(errors.alias_made_warning(mapper))
    aliases = {each: inspect(AliasedClass(each, flat=True, stands_for=each)) for each in mappers}
    statement = with_stand_ins(statement, aliases)
    return statement, parsed_elements(statement), aliases


def parsed_elements(statement: Any) -> tuple[SelectedElement, ...]:
    """What the statement selects, its classes configured."""
    elements = parse_elements(statement._raw_columns, statement._label_style)
    refuse_star(elements)
    for element in elements:
        if element.entity is not None:
            element.entity.mapper.ensure_configured()
    return elements


def _clauses_of(element: Any) -> Sequence[Any]:
    entity = element._annotations.get("parententity")
    if entity is not None:
        return (entity.__clause_element__(),)
    return element._from_objects  # type: ignore[no-any-return]


def joined_froms(
    statement: Any, elements: Sequence[SelectedElement], entities: Iterable[Any]
) -> Sequence[FromClause]:
    """The statement's FROM elements with its `join()` calls carried out."""
    froms: Sequence[FromClause] = statement._from_obj
    for memoized in statement._memoized_select_entities:
        before = parse_elements(memoized._raw_columns, statement._label_style)
        froms = resolve_joins(froms, memoized._setup_joins, before)
    if statement._setup_joins:
        joins = joins_on_given(statement._setup_joins, entities)
        froms = resolve_joins(froms, joins, elements)
    return froms


def all_columns(elements: Sequence[SelectedElement]) -> Iterator[Any]:
    """Every column that the elements stand for, deferred ones of tables included."""
    for element in elements:
        if isinstance(element, SelectedEntity):
            for column in entity_columns(element.entity):
                yield _as_read(element.entity, column)
        elif isinstance(element, SelectedBundle):
            yield from all_columns(element.members)
        elif isinstance(element, SelectedColumn):
            yield _as_read(element.entity, element.column)


def _as_read(entity: Any | None, column: Any) -> Any:
    """A column of a class as it stands in what its mapper names to read from, if anything."""
    if entity is None or entity.is_aliased_class or entity.adapter is None:
        return column
    found = entity.adapter.traverse(column)
    key = column._annotations.get("proxy_key")
    return found if key is None or found is column else found._annotate({"proxy_key": key})


def entity_columns(entity: Any) -> Iterator[Any]:
    """The columns of all column attributes of an entity, each marked with the attribute's name."""
    for prop in entity.mapper.properties.values():
        if prop.kind != "column" or (prop.deferred and prop.is_sql_expression):
            continue
        if is_selectable(entity, prop):
            yield prop.expression_for(entity)
            for column in prop.columns[1:]:
                yield column if entity.adapter is None else entity.adapter.columns[column]
    for mapper in entity.with_polymorphic_mappers:
        for key, prop in mapper.properties.items():
            # The entity has one discriminator, its own.
            is_own = prop.kind == "column" and prop.instrument
            if is_own and entity.mapper.properties.get(key) is not prop:
                yield entity.adapt(prop.expression_for(mapper), key)


def as_core_select(
    statement: Any, columns: Sequence[Any], elements: Sequence[SelectedElement]
) -> Any:
    """The statement over tables: the given columns, and what its classes bring along."""
    entities = mentioned_entities(statement, elements)
    plain = statement._generate()
    plain._raw_columns = list(columns)
    targets = joined_entities(statement)
    froms = joined_froms(statement, elements, [*entities, *targets])
    plain._from_obj = with_composed_froms(froms, entities, targets)
    # What a subquery takes from around it: of a class whose tables are joined, each of them.
    around = chain.from_iterable((each, *each._from_objects) for each in plain._correlate)
    plain._correlate = tuple(dict.fromkeys(around))
    criteria = row_criteria(each for each in entities if each not in targets)
    plain._where_criteria += tuple(criteria)
    plain._setup_joins = ()
    plain._memoized_select_entities = ()
    plain._with_options = ()
    plain._propagate_attrs = EMPTY_DICT
    if plain._label_style is LEGACY_STYLE:
        plain._label_style = LABEL_STYLE_TABLENAME_PLUS_COL
    if plain._group_by_clauses:
        plain._group_by_clauses = _expanded(plain._group_by_clauses)
    if plain._distinct_on:
        plain._distinct_on = _expanded(plain._distinct_on)
    return read_from_given(plain, [*entities, *targets])


def _expanded(clauses: Sequence[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for clause in clauses:
        entity = clause._annotations.get("parententity")
        if entity is not None and isinstance(clause, FromClause):
            found.extend(entity_columns(entity))
        else:
            found.extend(select_iterables((clause,)))
    return tuple(found)
