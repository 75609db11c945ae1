"""Keep what a `Query` holds: a draft of the SELECT, the session, and a few settings of its own.

Rules kept here:
1. A query is never changed: every method gives a copy.
2. The draft is an ordinary `select()`; what that cannot say is in the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar, Self

from sqlalchemy import LABEL_STYLE_DISAMBIGUATE_ONLY, SelectLabelStyle, select
from sqlalchemy.sql.expression import Select

from holdfast.errors.queries import QueryUseError
from holdfast.foundation.record import record, replace
from holdfast.foundation.sqlalchemy_core import immutabledict
from holdfast.queries.entities import SelectedElement, SelectedEntity, parse_elements
from holdfast.queries.facade.compound import CompoundSource
from holdfast.queries.options.statement import WithoutEagerLoads

LEGACY = SelectLabelStyle.LABEL_STYLE_LEGACY_ORM


@record
class QuerySettings:
    """What a query knows beside its draft."""

    # How columns are labelled when the query is executed.
    label_style: SelectLabelStyle = LEGACY
    # Values of bound parameters given with params().
    params: Mapping[str, Any] = field(default_factory=immutabledict)
    # The statement given with from_statement(), which replaces the draft's.
    from_statement: Any | None = None
    # The union that the draft selects from.
    source: CompoundSource | None = None
    # Where filter_by() looks: the target joined last.
    joinpoint: Any | None = None
    # Whether methods refuse what has no effect or another one than meant.
    assertions: bool = True
    # Whether relationships may load with the rows, or right after.
    eager_loads: bool = True
    # Rows even for a single entity (True), objects whenever possible (None).
    tuples: bool | None = None


DEFAULTS = QuerySettings()


class QueryBase:
    """The state of a query, and how copies of it are made."""

    session: Any | None
    draft: Select[Any]
    settings: QuerySettings

    # Core's dispatcher of query events, set by `hooks`, and whether it is worth a look.
    dispatch: Any = None
    has_listeners: ClassVar[bool] = False

    def __init__(self, entities: Any, session: Any | None = None) -> None:
        given = entities if isinstance(entities, tuple | list) else (entities,)
        self.session = session
        self.draft = select(*given)
        self.draft._label_style = LEGACY
        for column in self.draft._raw_columns:
            # Options and criteria may name back references, which configuration makes.
            entity = column._annotations.get("parententity")
            if entity is not None:
                entity.mapper.ensure_configured()
        self.settings = DEFAULTS

    def changed(self, draft: Any | None = None, **settings: Any) -> Self:
        """A copy with another draft, or with other settings."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        if draft is not None:
            made.draft = draft
        if settings:
            made.settings = replace(self.settings, **settings)
        return made

    # -- the statement -------------------------------------------------------------------------

    def heard(self) -> Self:
        """The query as the listeners of `before_compile` want it."""
        query = self
        if self.has_listeners:
            for listener in self.dispatch.before_compile:
                changed = listener(query)
                query = query if changed is None else changed
        return query

    def built(self, label_style: SelectLabelStyle | None = None) -> Any:
        """The statement that listeners want, labelled as given or as the query is executed."""
        return self.heard().drafted(label_style)

    def drafted(self, label_style: SelectLabelStyle | None = None) -> Any:
        """The same without asking listeners."""
        if not self.draft._raw_columns and not self.draft._setup_joins:
            raise QueryUseError.no_columns()
        style = self.settings.label_style if label_style is None else label_style
        draft: Any = self.draft
        if not self.settings.eager_loads:
            draft = draft.options(WithoutEagerLoads())
        if self.settings.from_statement is not None:
            return draft.set_label_style(style).from_statement(self.settings.from_statement)
        if self.settings.source is not None:
            draft = self.settings.source.applied(draft)
        return draft.set_label_style(style)

    def plain(self) -> Any:
        """The statement as others embed it: plain labels unless a style was asked for."""
        style = self.settings.label_style
        if style is LEGACY:
            style = LABEL_STYLE_DISAMBIGUATE_ONLY
        built = self.built(style)
        return built.params(self.settings.params) if self.settings.params else built

    def embedded(self) -> Any:
        """The same without eager loads, which no enclosing statement could read.

        Raises:
            InvalidRequestError: The statement was given whole.
        """
        if self.settings.from_statement is not None:
            raise QueryUseError.given_statement()
        return self.changed(eager_loads=False).plain()

    @property
    def elements(self) -> tuple[SelectedElement, ...]:
        """What stands in the select list."""
        return parse_elements(self.draft._raw_columns, self.settings.label_style)

    @property
    def only_entity(self) -> Any | None:
        """The entity, when the query is for one and nothing else."""
        elements = self.elements
        if len(elements) == 1 and isinstance(elements[0], SelectedEntity):
            return elements[0].entity
        return None

    # -- checks --------------------------------------------------------------------------------

    def check_open(self, method: str) -> None:
        """Refuse criteria after LIMIT or OFFSET, and on a given statement."""
        if not self.settings.assertions:
            return
        self.check_no_statement(method)
        draft = self.draft
        if draft._limit_clause is not None or draft._offset_clause is not None:
            raise QueryUseError.after_limit(method)

    def check_no_statement(self, method: str) -> None:
        """Refuse what a given statement cannot take in."""
        if self.settings.assertions and self.settings.from_statement is not None:
            raise QueryUseError.existing_statement(method)

    def check_fresh(self, method: str, *, joins: bool = True) -> None:
        """Refuse a new source of rows, or a look-up by key, once criteria were given."""
        if not self.settings.assertions:
            return
        self.check_no_statement(method)
        draft: Any = self.draft
        has_criteria = (
            draft._where_criteria
            or draft._group_by_clauses
            or draft._order_by_clauses
            or draft._distinct
            or draft._has_row_limiting_clause
            or (joins and (draft._from_obj or draft._setup_joins))
        )
        if has_criteria or self.settings.source is not None:
            raise QueryUseError.existing_criterion(method)
