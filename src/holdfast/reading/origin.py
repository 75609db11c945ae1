"""Tell a listener of statement executions what made Holdfast send a SELECT of its own."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.record import record
from holdfast.queries.options.paths import LoadPath
from holdfast.states.instance import InstanceState

ORIGIN_OPTION = "_load_origin"
"""Key under which the origin travels in execution options, as far as the session."""


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
