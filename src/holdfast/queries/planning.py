"""Build a `LoadPlan` together with the select list that it speaks of.

The compile hook makes one `PlanBuilder` for each SELECT that stands alone. Every attribute's
strategy is asked, through `EntityLoadBuilder`, to add its columns, joins or follow-ups.

Rules kept here:
1. The statement's own columns come first, in its order; columns of joined loads follow. So a
   statement can be wrapped in a subquery without a position changing.
2. Attributes are set up breadth first: joined entities wait until all selected ones are done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from holdfast.queries.entities import SelectedBundle, SelectedColumn, SelectedElement
from holdfast.queries.load_plan import (
    BundleResult,
    ColumnResult,
    ColumnStep,
    ElementResult,
    EntityLoad,
    FollowUp,
    JoinedLoad,
    LoadPlan,
)
from holdfast.queries.paths import COLUMN, AttributeChoice, LoadPath
from holdfast.queries.statement_options import StatementOptions


class EagerJoin:
    """One relationship that is joined into the statement for loading."""

    __slots__ = ("children", "criteria", "innerjoin", "isouter", "parent", "relationship", "target")

    def __init__(
        self,
        relationship: Any,
        parent: Any,
        target: Any,
        *,
        innerjoin: bool | str,
        criteria: Sequence[Any] = (),
    ) -> None:
        self.relationship = relationship
        # The entity that the relationship starts from, and the anonymous alias it leads to.
        self.parent = parent
        self.target = target
        # False, True, or "unnested": whether the child of an outer join stays beside it.
        self.innerjoin = innerjoin
        self.isouter = not innerjoin
        self.criteria = tuple(criteria)
        self.children: list[EagerJoin] = []


class PlanBuilder:
    """Collects the columns of a statement, its eager joins, and what its rows mean."""

    def __init__(self, options: StatementOptions, *, can_join: bool = True) -> None:
        self.options = options.table
        self.start = options.start
        self.only = options.only
        # False where the statement cannot be changed, so that nothing can be joined to it.
        self.can_join = can_join
        # The statement's own columns, and those of eager joins, each in select order.
        self.columns: list[Any] = []
        self.eager_columns: list[Any] = []
        # Selectable of a selected entity -> what is joined to it, outermost first.
        self.eager_joins: list[EagerJoin] = []
        self.has_joined_collection = False
        self.eager_order_by: list[Any] = []
        self._positions: dict[Any, int] = {}
        self._eager_positions: dict[Any, int] = {}
        self._waiting: deque[Callable[[], None]] = deque()

    def column(self, expression: Any) -> int:
        """Position of an expression in the select list, to which it is added when it is new."""
        found = self._positions.get(expression)
        if found is None:
            found = self._positions[expression] = len(self.columns)
            self.columns.append(expression)
        return found

    def own_column(self, expression: Any) -> int:
        """Add an expression that is an element of its own, though it may repeat another."""
        self.columns.append(expression)
        return self._positions.setdefault(expression, len(self.columns) - 1)

    def eager_column(self, expression: Any) -> int:
        """The same for a column of an eager join; counted from the first of these."""
        found = self._eager_positions.get(expression)
        if found is None:
            found = self._eager_positions[expression] = len(self.eager_columns)
            self.eager_columns.append(expression)
        return found

    def later(self, action: Callable[[], None]) -> None:
        """Run something once all entities of this level are set up."""
        self._waiting.append(action)

    def build(self, elements: Sequence[SelectedElement]) -> LoadPlan:
        """The plan for a select list; columns and joins are collected on the way."""
        made = [self._element(element) for element in elements]
        while self._waiting:
            self._waiting.popleft()()
        return LoadPlan(
            elements=tuple(finish() for finish in made),
            width=len(self.columns) + len(self.eager_columns),
            needs_unique=self.has_joined_collection,
        )

    def _element(self, element: SelectedElement) -> Callable[[], ElementResult]:
        if isinstance(element, SelectedColumn):
            index = len(self.columns)
            self.own_column(element.column)
            return lambda: _column_result(element, index)
        if isinstance(element, SelectedBundle):
            members = [self._element(member) for member in element.members]
            return lambda: BundleResult(
                element.bundle, tuple(finish() for finish in members), element.name
            )
        path = self.start or LoadPath((element.entity,))
        load = EntityLoadBuilder(self, element.entity, path, name=element.name or "", is_root=True)
        load.set_up()
        return load.finish


def _column_result(element: SelectedColumn, index: int) -> ColumnResult:
    column = element.column
    return ColumnResult(
        index,
        element.name or "_no_label",
        (column,),
        is_hashable=getattr(getattr(column, "type", None), "hashable", True),
    )


class EntityLoadBuilder:
    """What is known so far of how one entity of the statement is loaded."""

    def __init__(
        self,
        plan: PlanBuilder,
        entity: Any,
        path: LoadPath,
        *,
        name: str = "",
        adapt: Callable[[Any], Any] | None = None,
        eager: bool = False,
        optional: bool = True,
        join: EagerJoin | None = None,
        is_root: bool = False,
    ) -> None:
        self.plan = plan
        self._is_root = is_root
        self.entity = entity
        self.mapper = entity.mapper
        self.path = path
        self.name = name
        # The eager join whose target this is; None for a selected entity.
        self.join = join
        self._adapt = adapt or _adaption_to(entity)
        self._eager = eager
        self._optional = optional
        self._columns: list[tuple[str, int]] = []
        self._deferred: set[str] = set()
        self._joined: list[tuple[Any, EntityLoadBuilder, bool]] = []
        self._follow_ups: list[FollowUp] = []
        self._pk_positions: tuple[int, ...] = ()

    # -- what strategies call --------------------------------------------------------------------

    def add_column(self, key: str, column: Any) -> None:
        """The attribute `key` is fed by `column` of the mapper."""
        self._columns.append((key, self._position(column)))

    def defer(self, key: str) -> None:
        """An option leaves the column attribute `key` out."""
        self._deferred.add(key)

    def add_joined(
        self, relationship: Any, load: EntityLoadBuilder, *, contains_eager: bool = False
    ) -> None:
        """The objects behind `relationship` stand in the same rows."""
        self._joined.append((relationship, load, contains_eager))
        if relationship.uselist:
            self.plan.has_joined_collection = True

    def add_follow_up(
        self, relationship: Any, strategy: str, choice: AttributeChoice | None
    ) -> None:
        """Further SELECTs load `relationship` once the rows are in."""
        below = self.path.along(relationship, relationship.mapper)
        differs = choice is not None and bool(choice.criteria)
        self._follow_ups.append(
            FollowUp(
                relationship,
                strategy,
                self.path,
                choice,
                needs_options=differs or self._options_speak_of(below),
            )
        )

    def _options_speak_of(self, path: LoadPath) -> bool:
        options = self.plan.options
        return bool(options.wildcards or options.groups) or options.has_below(path)

    def adapt(self, column: Any) -> Any:
        """A column of the mapper as it stands in this statement."""
        return self._adapt(column)

    @property
    def is_optional(self) -> bool:
        """Whether rows may lack this entity."""
        return self._optional

    # -- the compile hook's part -----------------------------------------------------------------

    def set_up(self) -> None:
        """Ask the strategy of every attribute for its part."""
        self._set_up_attributes()
        self._pk_positions = tuple(self._position(column) for column in self.mapper.primary_key)

    def _set_up_attributes(self) -> None:
        options, only = self.plan.options, self.plan.only
        for prop in self.mapper.properties.values():
            if only is not None and self._is_root:
                if prop.key not in only:
                    continue
                if prop.kind == COLUMN:
                    self.add_column(prop.key, prop.columns[0])
                    continue
            if prop.kind == COLUMN:
                choice = options.column_choice(self.path, prop) if options else None
                name = _column_strategy(prop, choice)
            elif prop.kind == "relationship":
                choice = options.choice(self.path, prop) if options else None
                name = prop.strategy_name
                if choice is not None and choice.strategy is not None:
                    name = choice.strategy
            else:
                continue
            if prop.kind == COLUMN and not is_selectable(self.entity, prop):
                continue
            prop.strategy_for(name).setup(self, choice)

    def finish(self) -> EntityLoad:
        """The finished, immutable load."""
        offset = len(self.plan.columns) if self._eager else 0
        return EntityLoad(
            mapper=self.mapper,
            entity=self.entity,
            path=self.path,
            pk_indexes=tuple(index + offset for index in self._pk_positions),
            columns=tuple(ColumnStep(key, index + offset) for key, index in self._columns),
            joined=tuple(
                JoinedLoad(relationship, load.finish(), contains_eager)
                for relationship, load, contains_eager in self._joined
            ),
            follow_ups=tuple(self._follow_ups),
            deferred=frozenset(self._deferred),
            optional=self._optional,
            keeps_options=self._options_speak_of(self.path),
            name=self.name,
        )

    def _position(self, column: Any) -> int:
        adapted = self._adapt(column)
        return self.plan.eager_column(adapted) if self._eager else self.plan.column(adapted)


def _adaption_to(entity: Any) -> Callable[[Any], Any]:
    if entity.is_aliased_class:
        columns = entity.adapter.columns
        return lambda column: columns[column]
    return lambda column: column


def is_selectable(entity: Any, prop: Any) -> bool:
    """Whether what the entity reads from has the attribute's column (QY-61)."""
    return not entity.is_aliased_class or entity.holds(prop.columns[0])


def _column_strategy(prop: Any, choice: AttributeChoice | None) -> str:
    name: str = prop.strategy_name
    if choice is not None and choice.strategy is not None:
        name = choice.strategy
    return name
