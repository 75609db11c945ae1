"""Hold what one load knows: its origin, its options, and what is to follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from holdfast.foundation.codegen import FieldTuple, record
from holdfast.mapping.sockets import strategies
from holdfast.queries.load_plan import (
    AttributeChoice,
    EntityLoad,
    FollowUp,
    JoinedLoad,
    LoadPath,
    OptionTable,
)
from holdfast.queries.options import Load
from holdfast.queries.statement_options import StartsAt, build_option_table, propagated
from holdfast.states.identity_map import IdentityMap, Members, Space
from holdfast.states.instance import InstanceState
from holdfast.states.ports import SessionPort

# ------------------------------------------------------------------------------
# Tell a listener of statement executions what made Holdfast send a SELECT of its own.

ORIGIN_OPTION = "_load_origin"
"""Key under which the origin travels in execution options, as far as the session."""

GATHERING_OPTION = "_load_gathering"
"""The same for the list in which contexts wait for others that load the same thing."""


@record
class LoadOrigin:
    """Why a SELECT is sent: columns of an object are missing, or a relationship is loaded."""

    is_column_load: bool = False
    is_relationship_load: bool = False
    # The object whose attribute was touched; None for loads of many.
    lazy_loaded_from: InstanceState | None = None
    # Where the loaded entities stand in the first statement's options.
    path: LoadPath = LoadPath.ROOT
    # The relationship that was touched on that object.
    touched: Any = None
    # Somebody asked for the whole of an object to be read anew.
    is_refresh: bool = False

    @property
    def attribute_path(self) -> LoadPath:
        """The path to what is loaded: it ends in the relationship, if there is one."""
        state = self.lazy_loaded_from
        if state is None:
            return self.path.parent if self.is_relationship_load else self.path
        extra = state.extra
        if extra is None or not extra.load_options:
            return LoadPath((state.manager.mapper, self.touched))
        return LoadPath((*extra.load_path, self.touched))


COLUMN_LOAD = LoadOrigin(is_column_load=True)
REFRESH = LoadOrigin(is_column_load=True, is_refresh=True)


# ------------------------------------------------------------------------------
# Keep the options of a statement with the objects that it loaded, for their later loads.
#
# All objects of one execution share one `KeptOptions`, so that what the options say is worked out
# once for each path.


class KeptOptions(tuple[Any, ...]):  # noqa: SLOT001  tuples cannot have slots with values
    """The options that stay with loaded objects (LD-90)."""

    # Path of an object -> what the options say there and below.
    tables: dict[LoadPath, OptionTable]
    # Whether some option speaks of no attribute, and so stays with every object.
    for_all: bool
    # Those that apply when an attribute is touched: a "*" without entity ends with its statement.
    for_touched: tuple[Any, ...]

    def __reduce__(self) -> Any:
        return kept_options, (tuple(self),)


def kept_options(options: Iterable[Any]) -> tuple[Any, ...]:
    """Those of a statement's options that stay with its objects; () when none do."""
    kept = propagated(each for each in options if not isinstance(each, StartsAt))
    if not kept:
        return ()
    made = KeptOptions(kept)
    made.tables = {}
    made.for_touched = tuple(
        each for each in kept if not isinstance(each, Load) or each.root is not None
    )
    made.for_all = not all(isinstance(each, Load) for each in kept)
    return made


def lasting(options: tuple[Any, ...]) -> tuple[Any, ...]:
    """Those of an object's options that are in force when it is read again."""
    for_touched = getattr(options, "for_touched", options)
    return options if len(for_touched) == len(options) else kept_options(for_touched)


def table_at(options: tuple[Any, ...], path: LoadPath) -> OptionTable:
    """What kept options say of the entity in which `path` ends, and below it."""
    if not isinstance(options, KeptOptions):
        return build_option_table(options, [path.last], start=path)
    found: OptionTable | None = options.tables.get(path)
    if found is None:
        found = options.tables[path] = build_option_table(options, [path.last], start=path)
    return found


def kept_table(extra: Any) -> OptionTable:
    """What the options kept with an object say, by path."""
    return table_at(extra.load_options, extra.load_path)


def kept_choice(state: Any, prop: Any) -> AttributeChoice | None:
    """What the options kept with an object say of one of its relationships."""
    extra = state.extra
    if extra is None or not extra.load_options:
        return None
    return kept_table(extra).choice(extra.load_path, prop)


def choices_at(context: LoadContext, path: LoadPath, mapper: Any) -> dict[str, AttributeChoice]:
    """What the options of an execution say there of later loads, by name of the relationship."""
    table = table_at(context.load_options, path)
    found = {}
    for prop in mapper.relationships:
        choice = table.choice(path, prop)
        if choice is not None and choice.strategy in WHEN_TOUCHED:
            found[prop.key] = choice
    return found


WHEN_TOUCHED = frozenset(("select", "immediate", "raise", "raise_on_sql", "noload"))
"""Strategies that say what is done when an attribute is touched, or as if it were."""


def lazy_choice(state: Any, prop: Any) -> AttributeChoice | None:
    """What they say of one that is touched; nothing any more, once it has expired."""
    extra = state.extra
    if extra is None:
        return None
    said: AttributeChoice | None = extra.said.get(prop.key)
    if said is not None or prop.key in extra.released:
        return said
    return kept_choice(state, prop)


def lazy_column_choice(state: Any, prop: Any) -> AttributeChoice | None:
    """The same for a column."""
    extra = state.extra
    if extra is None or not extra.load_options or prop.key in extra.released:
        return None
    return kept_table(extra).column_choice(extra.load_path, prop)


# ------------------------------------------------------------------------------
# Hold what one execution needs while its rows become objects.

NOTHING: Mapping[str, Any] = {}

Filling: TypeAlias = dict[int, tuple[Any, list[Any] | None]]
"""Id of the parent -> (parent, members with repetitions and None, or None for a parent that has
the collection already)."""


class Source(FieldTuple):
    """The statement that found the parents, for SELECTs that embed it."""

    statement: Any
    parameters: Mapping[str, Any]
    # Where in the paths of the plan the statement's own entity stands.
    depth: int


class LoadContext:
    """One execution of one plan in one session; also what listeners get as `context`."""

    __slots__ = (
        "execution_options",
        "fillings",
        "gathered",
        "gathers_in",
        "identity_map",
        "identity_token",
        "is_lazy",
        "is_refresh",
        "keeps_for_all",
        "load_options",
        "locked",
        "members",
        "new_states",
        "parents",
        "populate_existing",
        "refreshed",
        "refreshed_states",
        "roots",
        "session",
        "source",
        "statement",
        "target",
        "target_load",
        "watches",
    )

    def __init__(
        self,
        session: SessionPort,
        execution_options: Mapping[str, Any] = NOTHING,
        *,
        load_options: tuple[Any, ...] = (),
        statement: Any = None,
        target: InstanceState | None = None,
    ) -> None:
        self.session: Any = session
        members: Members = session.members
        self.members: Members = members
        self.identity_map: IdentityMap = members.identity_map
        self.execution_options: Mapping[str, Any] = execution_options
        # Loaded attributes are replaced, and changes lost, rather than kept.
        self.populate_existing: bool = False
        # Becomes part of the keys of loaded objects.
        self.identity_token: Any = None
        # Whether the rows are for an attribute that was touched: then objects that were complete
        # before need nothing.
        self.is_lazy: bool = False
        # Whether they are for `Session.refresh` of the whole of an object (EV-83).
        self.is_refresh: bool = False
        # Of SELECTs that load one thing together, so that what follows waits for the last of them:
        # the contexts that this one has gathered, and the list in which it is gathered itself.
        self.gathered: list[LoadContext] | None = None
        self.gathers_in: list[LoadContext] | None = None
        if execution_options:
            self.note_origin(execution_options.get(ORIGIN_OPTION))
            self.populate_existing = bool(execution_options.get("populate_existing"))
            self.identity_token = execution_options.get("identity_token")
            self.gathers_in = execution_options.get(GATHERING_OPTION)
        # Options that stay with the loaded objects: with all, or where they say something.
        self.load_options: tuple[Any, ...] = load_options
        self.keeps_for_all: bool = bool(load_options) and getattr(load_options, "for_all", True)
        self.statement: Any = statement
        # Set where a load that follows embeds the statement.
        self.source: Source | None = None
        # Root entity of the plan -> the equal one of this statement, where they are not the same:
        # a cached plan was made for other aliases. None where all are the same.
        self.roots: dict[Any, Any] | None = None
        # The one object that the rows of one entity load are for, whether or not the identity
        # map holds it.
        self.target: InstanceState | None = target
        self.target_load: EntityLoad | None = None
        # An object whose row was locked, and must have the version that was loaded (VC-13).
        self.locked: InstanceState | None = None
        # The members that rows hold for joined collections; emptied when a batch is finished.
        self.fillings: dict[JoinedLoad, Filling] = {}
        # Load that follows -> objects of the batch that it is for.
        self.parents: dict[FollowUp, list[Any]] = {}
        # States made by this batch, and those that got values, in order; for listeners.
        self.new_states: list[InstanceState] = []
        self.refreshed_states: list[tuple[InstanceState, list[str]]] = []
        # Objects that `populate_existing` has replaced in this execution.
        self.refreshed: set[InstanceState] = set()
        # Whether anyone hears from the session of loads. Its guard says only that somebody has
        # listened to something.
        self.watches: bool = session.has_listeners and bool(session.dispatch.loaded_as_persistent)

    def note_origin(self, origin: LoadOrigin | None) -> None:
        """Why the rows are read."""
        if origin is not None:
            self.is_lazy = origin.lazy_loaded_from is not None
            self.is_refresh = origin.is_refresh

    def path_of(self, path: LoadPath) -> LoadPath:
        """A path of the plan as the options of this statement name it."""
        roots = self.roots
        if roots is None or path[0] not in roots:
            return path
        return LoadPath((roots[path[0]], *path[1:]))

    def space_of(self, mapper: Any) -> Space:
        """The identity map's dictionary for the hierarchy of `mapper`."""
        return self.identity_map.space_of(mapper.base_mapper, self.identity_token)


# ------------------------------------------------------------------------------
# Run the SELECTs that follow a batch: selectin loading and its kin.
#
# Called when the objects of a batch are complete. Each relationship's strategy loads for all
# parents of the batch at once.


def load_follow_ups(context: LoadContext) -> None:
    """Load what the plan leaves to further SELECTs, parents before what hangs on them."""
    parents, context.parents = context.parents, {}
    for follow_up, objects in sorted(parents.items(), key=_rank):
        relationship = follow_up.relationship
        distinct = list({id(each): each for each in objects if each is not None}.values())
        if relationship is None:
            strategy = strategies[follow_up.strategy](follow_up.subclass)
        else:
            strategy = relationship.strategy_for(follow_up.strategy)
            if context.is_lazy:
                distinct = [each for each in distinct if not _is_complete(each, relationship.key)]
        if distinct:
            strategy.load_for(distinct, follow_up, context)


def load_gathered(context: LoadContext) -> None:
    """Load what follows the SELECTs that `context` has gathered, at once where they agree.

    A listener may have given each of them other options.
    """
    waiting, context.gathered = context.gathered, []
    while waiting:
        first, *others = waiting
        waiting = []
        for other in others:
            if other.load_options != first.load_options or other.roots != first.roots:
                waiting.append(other)
                continue
            for follow_up, objects in other.parents.items():
                first.parents.setdefault(follow_up, []).extend(objects)
        load_follow_ups(first)


def _rank(item: tuple[FollowUp, Any]) -> int:
    """Columns come before what hangs on them, those of the lowest subclasses first."""
    subclass = item[0].subclass
    return 0 if subclass is None else -subclass.depth


def _is_complete(instance: Any, key: str) -> bool:
    """Whether an object lacks neither the attribute nor any other."""
    values = instance.__dict__
    if key not in values:
        return False
    manager: Any = values["_sa_instance_state"].manager
    return bool(values.keys() >= manager.slots.keys())
