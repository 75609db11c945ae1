"""Build a `LoadPlan` together with the select list that it speaks of.

The compile hook makes one `PlanBuilder` for each SELECT that stands alone. Every attribute's
strategy is asked, through `EntityLoadBuilder`, to add its columns, joins or follow-ups.

Rules kept here:
1. The statement's own columns come first, in its order; columns of joined loads follow. So a
   statement can be wrapped in a subquery without a position changing.
2. Attributes are set up depth first, relationships before columns: so the columns of what is joined
   last come first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column

from holdfast import errors
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import EMPTY_DICT, hide_from_words, is_left_out
from holdfast.queries.entities import SelectedBundle, SelectedColumn, SelectedElement
from holdfast.queries.load_plan import (
    COLUMN,
    AttributeChoice,
    BundleResult,
    ColumnResult,
    ColumnStep,
    ElementResult,
    EntityLoad,
    FollowUp,
    JoinedLoad,
    LoadPath,
    LoadPlan,
    OptionTable,
    SubclassLoad,
)
from holdfast.queries.statement_options import StatementOptions

EAGER = frozenset(("contains_eager", "immediate", "joined", "selectin", "subquery"))
"""Strategies by which relationships are loaded at once."""

SELECTING = {"contains_eager": "contains_eager", "joined": "joinedload", "subquery": "subqueryload"}
"""Strategies that need a SELECT to take part in, and their options."""


class EagerJoin:
    """One relationship that is joined into the statement for loading."""

    def __init__(
        self,
        relationship: Any,
        parent: Any,
        target: Any,
        *,
        innerjoin: bool | str,
        criteria: Sequence[Any] = (),
        above: EagerJoin | None = None,
    ) -> None:
        self.relationship: Any = relationship
        # The entity that the relationship starts from, and the anonymous alias it leads to.
        self.parent: Any = parent
        self.target: Any = target
        # The eager join to whose target this one is joined; None for a selected entity.
        self.above: EagerJoin | None = above
        below_outer: bool = above is not None and (above.isouter or above.is_nested)
        # "unnested" is an inner join that becomes an outer one rather than be nested.
        self.isouter: bool = not innerjoin or (innerjoin == "unnested" and below_outer)
        # Whether it stands on the right side of an outer join (LD-51).
        self.is_nested: bool = below_outer and not self.isouter
        self.criteria: tuple[Any, ...] = tuple(criteria)
        # Which FROM element of the statement holds the join.
        self.place: int = 0


class PlanBuilder:
    """Collects the columns of a statement, its eager joins, and what its rows mean."""

    def __init__(
        self,
        options: StatementOptions,
        *,
        can_join: bool = True,
        in_returning: bool = False,
        aliases: Mapping[Any, Any] = EMPTY_DICT,
    ) -> None:
        """Begin with no columns.

        `can_join` is False where the statement cannot be changed; `in_returning`, only columns of
        tables can be had; `aliases` are those that the statement joins to in place of mappers.
        """
        self.aliases = aliases
        self.options: OptionTable = options.table
        self.start: LoadPath = options.start
        self.only: frozenset[str] | None = options.only
        self.is_eager: bool = options.is_eager
        self.can_join = can_join
        self.in_returning = in_returning
        # The statement's own columns, and those of eager joins, each in select order.
        self.columns: list[Any] = []
        self.eager_columns: list[Any] = []
        # What is joined, each after the one it is joined to.
        self.eager_joins: list[EagerJoin] = []
        self.has_joined_collection = False
        self.may_repeat = False
        self.embeds_statement = False
        self._positions: dict[Any, int] = {}
        self._eager_positions: dict[Any, int] = {}
        self._finish: list[Callable[[], ElementResult]] = []

    def column(self, expression: Any) -> int:
        """Position of an expression in the select list, to which it is added when it is new."""
        found = self._positions.get(expression)
        if found is None:
            found = self._positions[expression] = len(self.columns)
            self.columns.append(expression)
        return found

    def eager_column(self, expression: Any) -> int:
        """The same for a column of an eager join; counted from the first of these."""
        found = self._eager_positions.get(expression)
        if found is None:
            # A word in ORDER BY means none of these.
            hide_from_words(expression)
            found = self._eager_positions[expression] = len(self.eager_columns)
            self.eager_columns.append(expression)
        return found

    def set_up(self, elements: Sequence[SelectedElement]) -> None:
        """Collect the columns and joins of a select list."""
        self._finish = [self._element(element) for element in elements]

    def finish(self) -> LoadPlan:
        """The plan, when no column is to be added any more."""
        return LoadPlan(
            elements=tuple(finish() for finish in self._finish),
            width=len(self.columns) + len(self.eager_columns),
            needs_unique=self.has_joined_collection,
            may_repeat=self.may_repeat,
            embeds_statement=self.embeds_statement,
        )

    def _element(self, element: SelectedElement) -> Callable[[], ElementResult]:
        if isinstance(element, SelectedColumn):
            index = len(self.columns)
            # An element of its own, though it may repeat another.
            self.columns.append(element.column)
            self._positions.setdefault(element.column, index)
            type_ = getattr(element.column, "type", None)
            return lambda: ColumnResult(index, element.name or "", element.other_names, type_)
        if isinstance(element, SelectedBundle):
            members = [self._element(member) for member in element.members]
            return lambda: BundleResult(
                element.bundle, tuple(finish() for finish in members), str(element.name)
            )
        path = self.start or LoadPath((element.entity,))
        load = EntityLoadBuilder(self, element.entity, path, name=element.name or "", is_root=True)
        load.set_up()
        return load.finish


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
        base: EntityLoadBuilder | None = None,
        mapper: Any | None = None,
        has_columns: bool = True,
    ) -> None:
        self.plan = plan
        self._is_root = is_root
        self.entity = entity
        self.mapper: Any = mapper or entity.mapper
        # For rows of a subclass: how those of the entity's own class are loaded.
        self.base = base
        # False for a subclass whose tables are not selected from: its columns load on access.
        self.has_columns = has_columns
        self.path = path
        self.name = name
        # The eager join whose target this is; None for a selected entity.
        self.join = join
        self._adapt = adapt or _adaption_to(entity)
        self._eager = eager
        self._optional = optional
        self.columns: list[tuple[str, int]] = []
        self.deferred: set[str] = set()
        self.joined: dict[Any, tuple[EntityLoadBuilder, bool]] = {}
        self.follow_ups: dict[Any, FollowUp] = {}
        self.pk_positions: tuple[int, ...] = ()
        self._discriminator: int | None = None
        self._subclasses: list[EntityLoadBuilder] = []
        self.subclass_follow_ups: dict[Any, FollowUp] = {}
        # Names of relationships that are to be joined where the columns are loaded.
        self._joined_later: list[str] = []
        self.finished_joins: dict[Any, JoinedLoad] = {}

    # -- what strategies call --------------------------------------------------------------------

    def add_column(self, key: str, *columns: Any) -> None:
        """The attribute `key` is fed by the first of `columns`; all of them are selected."""
        positions = [self._position(column) for column in columns]
        self.columns.append((key, positions[0]))

    def defer(self, key: str) -> None:
        """An option leaves the column attribute `key` out."""
        self.deferred.add(key)
        discriminator = self.entity.polymorphic_on
        if key == self.mapper.polymorphic_key and holds(self.entity, discriminator):
            # Rows need it all the same, and in its place.
            self._position(discriminator)

    def add_joined(
        self, relationship: Any, load: EntityLoadBuilder, *, contains_eager: bool = False
    ) -> None:
        """The objects behind `relationship` stand in the same rows."""
        self.joined[relationship] = (load, contains_eager)
        if relationship.uselist:
            self.plan.has_joined_collection = True
        if not relationship.simple_many_to_one:
            self.plan.may_repeat = True

    def add_follow_up(
        self, relationship: Any, strategy: str, choice: AttributeChoice | None
    ) -> None:
        """Further SELECTs load `relationship` once the rows are in."""
        if strategy == "subquery":
            self.plan.embeds_statement = True
        below = self.path.along(relationship, relationship.mapper)
        differs = choice is not None and bool(choice.criteria)
        self.follow_ups[relationship] = FollowUp(
            relationship,
            strategy,
            self.path,
            choice,
            needs_options=differs or self._options_speak_of(below),
        )

    def _options_speak_of(self, path: LoadPath) -> bool:
        options = self.plan.options
        return bool(options.wildcards or options.groups) or options.has_below(path)

    def adapt(self, column: Any) -> Any:
        """A column of the mapper as it stands in this statement."""
        return self._adapt(column)

    @property
    def can_join(self) -> bool:
        """Whether relationships of this entity may be joined to the statement."""
        return self.plan.can_join and self.has_columns

    # -- the compile hook's part -----------------------------------------------------------------

    def set_up(self) -> None:
        """Ask the strategy of every attribute for its part."""
        base = self.base
        self._set_up_attributes()
        if base is not None:
            self._follow_up_columns(base)
            if not self.has_columns:
                self.pk_positions = base.pk_positions
                return
        self.pk_positions = tuple(self._position(column) for column in self.mapper.primary_key)
        if base is None:
            self._set_up_subclasses()

    def _follow_up_columns(self, base: EntityLoadBuilder) -> None:
        """Further SELECTs load the columns of subclasses that are to come at once."""
        if self.plan.only is not None and self._is_root:
            return
        named = self.plan.options.subclasses.get(self.path, {})
        chain = [each for each in self.mapper.iterate_to_root() if each.isa(base.mapper)][:-1]
        found = {}
        for mapper in chain:
            if mapper not in named and (self.has_columns or mapper.polymorphic_load != "selectin"):
                continue
            if mapper not in base.subclass_follow_ups:
                above = (each for each in mapper.inherits.iterate_to_root() if each in named)
                subclass = SubclassLoad(
                    named.get(mapper, mapper),
                    next(above, base.mapper) if mapper in named else base.mapper,
                    frozenset(self._joined_later if mapper is self.mapper else ()),
                )
                base.subclass_follow_ups[mapper] = FollowUp(
                    None,
                    "subclass",
                    self.path,
                    None,
                    needs_options=self._options_speak_of(self.path),
                    subclass=subclass,
                )
            found[mapper] = base.subclass_follow_ups[mapper]
        # What hangs on these columns comes after them.
        self.follow_ups = {**found, **self.follow_ups}

    def _set_up_subclasses(self) -> None:
        """Rows may be of subclasses, some of whose columns are selected too."""
        entity = self.entity
        selected = entity.with_polymorphic_mappers
        if entity.polymorphic_on is None:
            # The columns are selected, though nothing tells which rows are of a subclass.
            mappers = selected
        elif entity.polymorphic_on is not self.mapper.polymorphic_on or holds(
            entity, entity.polymorphic_on
        ):
            self._discriminator = self._position(entity.polymorphic_on)
            mappers = self.mapper.self_and_descendants
        else:
            return
        for mapper in mappers:
            if mapper is self.mapper:
                continue
            builder = EntityLoadBuilder(
                self.plan,
                entity,
                self.path,
                adapt=self._adapt,
                eager=self._eager,
                join=self.join,
                is_root=self._is_root,
                base=self,
                mapper=mapper,
                has_columns=mapper in selected,
            )
            builder.set_up()
            self._subclasses.append(builder)

    def _set_up_attributes(self) -> None:
        known = {} if self.base is None else self.base.mapper.properties
        for prop in self.mapper.properties.values():
            if known.get(prop.key) is prop:
                self._share(prop)
            elif prop.kind == COLUMN:
                # The entity has one discriminator, its own.
                if self.base is None or prop.instrument:
                    self._set_up_column(prop)
            elif prop.kind == "relationship":
                self._set_up_relationship(prop)

    def _share(self, prop: Any) -> None:
        """An attribute of the base is loaded for rows of a subclass as for its own."""
        base = self.base
        assert base is not None
        self.columns += [each for each in base.columns if each[0] == prop.key]
        if prop.key in base.deferred:
            self.deferred.add(prop.key)
        if prop in base.follow_ups:
            self.follow_ups[prop] = base.follow_ups[prop]
        if prop in base.joined:
            self.joined[prop] = base.joined[prop]

    def _set_up_column(self, prop: Any) -> None:
        options, only = self.plan.options, self.plan.only
        if not self.has_columns:
            base = self.base
            assert base is not None
            # The base's own column of that name stands in the row.
            self.columns += [each for each in base.columns if each[0] == prop.key]
            choice = options.column_choice(self.path, prop) if options else None
            if choice is not None and choice.strategy == "deferred":
                self.deferred.add(prop.key)
            return
        if only is not None and self._is_root:
            if prop.key in only:
                self.add_column(prop.key, *prop.columns)
            return
        if self.plan.in_returning and not isinstance(prop.columns[0], Column):
            return
        choice = options.column_choice(self.path, prop) if options else None
        if is_selectable(self.entity, prop):
            prop.strategy_for(_strategy_name(prop, choice)).setup(self, choice)

    def _set_up_relationship(self, prop: Any) -> None:
        options, only = self.plan.options, self.plan.only
        if only is not None and self._is_root and prop.key not in only:
            return
        choice = options.choice(self.path, prop) if options else None
        if prop.is_large:
            # No wildcard means it (LD-87), nor is there anything to leave unloaded.
            if choice is not None and choice.strategy in EAGER and not choice.wildcard:
                raise errors.LargeCollectionError.eager_option(prop)
            return
        name = _strategy_name(prop, choice)
        if name in EAGER and not self.plan.is_eager:
            return
        if self.plan.in_returning and name in SELECTING:
            if choice is not None and choice.strategy is not None and not choice.wildcard:
                warn_deprecated(errors.option_in_dml_warning(SELECTING[name]), version="2.1")
            return
        if name == "joined" and not self.has_columns:
            self._joined_later.append(prop.key)
        prop.strategy_for(name).setup(self, choice)

    def finish(self) -> EntityLoad:
        """The finished, immutable load."""
        offset = len(self.plan.columns) if self._eager else 0
        discriminator = self._discriminator
        return EntityLoad(
            mapper=self.mapper,
            entity=self.entity,
            path=self.path,
            pk_indexes=tuple(index + offset for index in self.pk_positions),
            columns=tuple(ColumnStep(key, index + offset) for key, index in self.columns),
            joined=tuple(self.finished_join(each) for each in self.joined),
            follow_ups=tuple(self.follow_ups.values()),
            deferred=frozenset(self.deferred),
            optional=self._optional,
            keeps_options=self._options_speak_of(self.path),
            name=self.name,
            discriminator=None if discriminator is None else discriminator + offset,
            subclasses=()
            if discriminator is None
            else tuple(each.finish() for each in self._subclasses),
        )

    def finished_join(self, relationship: Any) -> JoinedLoad:
        """Rows of all classes fill one relationship together, and so share its `JoinedLoad`."""
        base = self.base
        if base is not None and base.joined.get(relationship) is self.joined[relationship]:
            return base.finished_join(relationship)
        found = self.finished_joins.get(relationship)
        if found is None:
            load, contains_eager = self.joined[relationship]
            found = JoinedLoad(relationship, load.finish(), contains_eager)
            self.finished_joins[relationship] = found
        return found

    def _position(self, column: Any) -> int:
        adapted = self._adapt(column)
        return self.plan.eager_column(adapted) if self._eager else self.plan.column(adapted)


def _adaption_to(entity: Any) -> Callable[[Any], Any]:
    adapter = entity.adapter
    if adapter is None:
        return lambda column: column
    columns = adapter.columns
    return lambda column: columns[column]


def is_selectable(entity: Any, prop: Any) -> bool:
    """Whether what the entity reads from has the attribute's column (QY-61), and shows it."""
    column = prop.columns[0]
    if is_left_out(column) and not prop.declared_columns:
        return False
    return prop.strategy_name == "query_expression" or holds(entity, column)


def holds(entity: Any, column: Any) -> bool:
    """The same for a column of the mapper."""
    return not entity.is_aliased_class or entity.holds(column)


def _strategy_name(prop: Any, choice: AttributeChoice | None) -> str:
    name: str = prop.strategy_name
    if choice is not None and choice.strategy is not None:
        name = choice.strategy
    return name
