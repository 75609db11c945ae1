"""Hold what one execution needs while its rows become objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from holdfast.foundation.record import FieldTuple
from holdfast.queries.load_plan import EntityLoad, FollowUp, JoinedLoad
from holdfast.queries.options.paths import LoadPath
from holdfast.reading.origin import ORIGIN_OPTION, LoadOrigin
from holdfast.states.identity_map import IdentityMap, Space
from holdfast.states.instance import InstanceState
from holdfast.states.members import Members
from holdfast.states.ports import SessionPort

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
        if execution_options:
            self.note_origin(execution_options.get(ORIGIN_OPTION))
            self.populate_existing = bool(execution_options.get("populate_existing"))
            self.identity_token = execution_options.get("identity_token")
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
