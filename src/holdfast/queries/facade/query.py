"""The chained query: `session.query(Author).filter(Author.name == "x").all()`.

A thin skin over `select()`: each method passes on to the method of that name, and adds the few
habits that queries had before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    SelectLabelStyle,
    exc,
    except_,
    except_all,
    intersect,
    intersect_all,
    select,
    union,
    union_all,
)

from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import ForUpdateArg, coercions, roles, self_inspects
from holdfast.queries.aliases import aliased
from holdfast.queries.facade.base import LEGACY, CompoundSource, JoiningQuery
from holdfast.queries.facade.results import ReadableQuery, T, WritableQuery


@self_inspects
class Query(JoiningQuery, ReadableQuery[T], WritableQuery):
    """A SELECT that is built by chained calls and executed in a session.

    Made by `session.query()`. Every method gives a new query.
    """

    # The state whose attribute the query loads lazily; None for all that users make.
    lazy_loaded_from: Any = None

    # -- what is selected ------------------------------------------------------------------------

    def add_columns(self, *column: Any) -> Self:
        """Select these elements too."""
        return self.changed(self.draft.add_columns(*column))

    def add_column(self, column: Any) -> Self:
        """Select one more element. Deprecated: use `add_columns()`."""
        warn_deprecated(
            "Query.add_column() is deprecated and will be removed in a future release.  Please use "
            "Query.add_columns()",
            version="1.4",
        )
        return self.add_columns(column)

    def add_entity(self, entity: Any, alias: Any = None) -> Self:
        """Select another entity too, from `alias` if one is given."""
        if alias is not None:
            entity = aliased(entity, alias)
        return self.changed(self.draft.add_columns(entity))

    def with_entities(self, *entities: Any, **_: Any) -> Self:
        """Select these elements in place of those so far."""
        return self.changed(self.draft.with_only_columns(*entities))

    def distinct(self, *expr: Any) -> Self:
        """Drop repeated rows; with expressions, PostgreSQL's DISTINCT ON."""
        return self.changed(self.draft.distinct(*expr))

    @property
    def column_descriptions(self) -> list[dict[str, Any]]:
        """What each element of a row is: name, type, aliased, expr and entity."""
        return [element.describe() for element in self.elements]

    def only_return_tuples(self, value: bool) -> Self:  # noqa: FBT001
        """Give rows even where there is a single entity."""
        return self.changed(tuples=value)

    def tuples(self) -> Self:
        """Give rows even where there is a single entity. Deprecated: rows are tuples."""
        warn_deprecated(
            "The Query.tuples() method is deprecated, Row now behaves like a tuple and can be "
            "typed directly.",
            version="2.1",
        )
        return self.only_return_tuples(True)

    # -- criteria --------------------------------------------------------------------------------

    def filter(self, *criterion: Any) -> Self:
        """Add criteria, combined with AND."""
        self.check_open("filter")
        return self.changed(self.draft.where(*criterion))

    def where(self, *criterion: Any) -> Self:
        """A synonym of `filter()`."""
        return self.filter(*criterion)

    @property
    def whereclause(self) -> Any:
        """The criteria so far, or None."""
        return self.draft.whereclause

    def order_by(self, *clauses: Any) -> Self:
        """Order the rows; None or False drops the order so far."""
        self.check_open("order_by")
        if len(clauses) == 1 and (clauses[0] is None or clauses[0] is False):
            return self.changed(self.draft.order_by(None))
        return self.changed(self.draft.order_by(*clauses))

    def group_by(self, *clauses: Any) -> Self:
        """Group the rows; None or False drops the groups so far."""
        self.check_open("group_by")
        if len(clauses) == 1 and (clauses[0] is None or clauses[0] is False):
            return self.changed(self.draft.group_by(None))
        return self.changed(self.draft.group_by(*clauses))

    def having(self, *having: Any) -> Self:
        """Add criteria about groups."""
        self.check_open("having")
        return self.changed(self.draft.having(*having))

    def limit(self, limit: Any) -> Self:
        """Give at most so many rows."""
        self.check_no_statement("limit")
        return self.changed(self.draft.limit(limit))

    def offset(self, offset: Any) -> Self:
        """Leave out so many rows."""
        self.check_no_statement("offset")
        return self.changed(self.draft.offset(offset))

    def slice(self, start: int, stop: int) -> Self:
        """The rows from `start` up to `stop`, as with Python's slices."""
        self.check_no_statement("slice")
        return self.changed(self.draft.slice(start, stop))

    def params(self, *args: Mapping[str, Any], **kwargs: Any) -> Self:
        """Give values to bound parameters of the criteria."""
        given = dict(self.settings.params)
        for each in args:
            given.update(each)
        given.update(kwargs)
        return self.changed(params=given)

    # -- how it is executed ----------------------------------------------------------------------

    def options(self, *args: Any) -> Self:
        """Apply loader options and others."""
        return self.changed(self.draft.options(*_flat(args)))

    def execution_options(self, **kwargs: Any) -> Self:
        """Set options of the execution."""
        # Unlike a statement, a query takes the options of connections too.
        draft = self.draft._generate()
        draft._execution_options = draft._execution_options.union(kwargs)
        return self.changed(draft)

    def get_execution_options(self) -> Any:
        """The options of the execution that were set."""
        return self.draft._execution_options

    def autoflush(self, setting: bool) -> Self:  # noqa: FBT001
        """Whether pending changes are flushed before the query is executed."""
        return self.execution_options(autoflush=setting)

    def populate_existing(self) -> Self:
        """Overwrite what objects in the session hold with what is read."""
        return self.execution_options(populate_existing=True)

    def yield_per(self, count: int) -> Self:
        """Fetch and build so many objects at a time."""
        return self.execution_options(yield_per=count)

    def enable_eagerloads(self, value: bool) -> Self:  # noqa: FBT001
        """Whether relationships may load with the rows, or right after; else when touched."""
        return self.changed(eager_loads=value)

    def enable_assertions(self, value: bool) -> Self:  # noqa: FBT001
        """Whether calls in an order that has no meaning are refused."""
        return self.changed(assertions=value)

    def with_session(self, session: Any) -> Self:
        """The same query in another session."""
        made = self.changed()
        made.session = session
        return made

    def with_for_update(
        self,
        *,
        nowait: bool = False,
        read: bool = False,
        of: Any = None,
        skip_locked: bool = False,
        key_share: bool = False,
    ) -> Self:
        """Lock the rows that are read."""
        draft = self.draft._generate()
        draft._for_update_arg = ForUpdateArg(
            nowait=nowait, read=read, of=of, skip_locked=skip_locked, key_share=key_share
        )
        return self.changed(draft)

    def ext(self, extension: Any) -> Self:
        """Add a syntax extension of a database."""
        return self.changed(self.draft.ext(extension))

    def prefix_with(self, *prefixes: Any, dialect: str = "*") -> Self:
        """Put text after the word SELECT."""
        return self.changed(self.draft.prefix_with(*prefixes, dialect=dialect))

    def suffix_with(self, *suffixes: Any, dialect: str = "*") -> Self:
        """Put text behind the statement."""
        return self.changed(self.draft.suffix_with(*suffixes, dialect=dialect))

    def with_hint(self, selectable: Any, text: str, dialect_name: str = "*") -> Self:
        """Give the database a hint about one FROM element."""
        return self.changed(self.draft.with_hint(selectable, text, dialect_name))

    def with_statement_hint(self, text: str, dialect_name: str = "*") -> Self:
        """Give the database a hint about the statement."""
        return self.changed(self.draft.with_statement_hint(text, dialect_name))

    def with_transformation(self, fn: Callable[[Self], Query[Any]]) -> Query[Any]:
        """What `fn` makes of the query."""
        return fn(self)

    # -- as a part of other statements -----------------------------------------------------------

    @property
    def statement(self) -> Any:
        """The SELECT that the query stands for."""
        return self.plain()

    @property
    def selectable(self) -> Any:
        """The same as other statements embed it, with table_column labels unless others are set."""
        style = self.settings.label_style
        plain = self.plain()
        return plain.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL) if style is LEGACY else plain

    def __clause_element__(self) -> Any:
        return self.selectable

    def set_label_style(self, style: SelectLabelStyle) -> Self:
        """Choose how columns are labelled."""
        return self.changed(label_style=style)

    @property
    def get_label_style(self) -> SelectLabelStyle:
        """How columns are labelled."""
        return self.settings.label_style

    def with_labels(self) -> Self:
        """Label columns as table_column. Deprecated: use `set_label_style()`."""
        warn_deprecated(
            "The Query.with_labels() and Query.apply_labels() method is considered legacy as of "
            "the 1.x series of SQLAlchemy. Use set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL) "
            "instead.",
            category=exc.LegacyAPIWarning,
        )
        return self.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)

    apply_labels = with_labels

    def subquery(
        self,
        name: str | None = None,
        with_labels: bool = False,  # noqa: FBT001, FBT002
        reduce_columns: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        """The query as a FROM element."""
        query = self.enable_eagerloads(False)
        style = LABEL_STYLE_TABLENAME_PLUS_COL
        statement = query.built(style) if with_labels else query.embedded()
        if reduce_columns:
            statement = statement.reduce_columns()
        return statement.subquery(name=name)

    def cte(
        self,
        name: str | None = None,
        recursive: bool = False,  # noqa: FBT001, FBT002
        nesting: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        """The query as a common table expression."""
        return self.embedded().cte(name=name, recursive=recursive, nesting=nesting)

    def label(self, name: str | None) -> Any:
        """The query as a labelled column."""
        return self.embedded().label(name)

    def scalar_subquery(self) -> Any:
        """The query as a single value."""
        return self.embedded().scalar_subquery()

    def as_scalar(self) -> Any:
        """The same. Deprecated: use `scalar_subquery()`."""
        warn_deprecated(
            "The Query.as_scalar() method is deprecated and will be removed in a future release. "
            "Use Query.scalar_subquery() instead.",
            version="1.4",
        )
        return self.scalar_subquery()

    def from_statement(self, statement: Any) -> Self:
        """Load what is selected from the rows of another statement."""
        self.check_fresh("from_statement", joins=False)
        coerced = coercions.expect(roles.SelectStatementRole, statement)
        return self.changed(from_statement=coerced)

    # -- unions ----------------------------------------------------------------------------------

    def union(self, *q: Query[Any]) -> Self:
        """Rows of this query and of others, each once."""
        return self._compound(union, q)

    def union_all(self, *q: Query[Any]) -> Self:
        """Rows of this query and of others."""
        return self._compound(union_all, q)

    def intersect(self, *q: Query[Any]) -> Self:
        """Rows that this query and the others have in common, each once."""
        return self._compound(intersect, q)

    def intersect_all(self, *q: Query[Any]) -> Self:
        """Rows that this query and the others have in common."""
        return self._compound(intersect_all, q)

    def except_(self, *q: Query[Any]) -> Self:
        """Rows that the others do not have, each once."""
        return self._compound(except_, q)

    def except_all(self, *q: Query[Any]) -> Self:
        """Rows that the others do not have."""
        return self._compound(except_all, q)

    def _compound(self, combine: Callable[..., Any], others: tuple[Query[Any], ...]) -> Self:
        style = LABEL_STYLE_TABLENAME_PLUS_COL
        parts = [each.built(style) if isinstance(each, Query) else each for each in (self, *others)]
        source = CompoundSource(combine(*parts).subquery())
        draft = select(*self.draft._raw_columns).set_label_style(LEGACY)
        draft._with_options = self.draft._with_options
        draft._execution_options = self.draft._execution_options
        return self.changed(draft, source=source, joinpoint=None)

    # -- single values of the past ---------------------------------------------------------------

    def values(self, *columns: Any) -> Any:
        """Rows of these columns. Legacy: use `with_entities()`."""
        _warn_of_values("values")
        if not columns:
            return iter(())
        return iter(self.with_entities(*columns).result())

    def value(self, column: Any) -> Any:
        """The first value of a column. Legacy: use `with_entities()` and `scalar()`."""
        _warn_of_values("value")
        found: Any = self.with_entities(column).first()
        return None if found is None else found[0]

    def __str__(self) -> str:
        built = self.built()
        bind: Any = None
        if self.session is not None:
            try:
                bind = self.session.get_bind(clause=built)
            except exc.UnboundExecutionError:
                bind = None
        return str(built.compile(bind))


def _flat(args: tuple[Any, ...]) -> list[Any]:
    """Options, some of which may come in lists."""
    found: list[Any] = []
    for each in args:
        if isinstance(each, list | tuple):
            found.extend(_flat(tuple(each)))
        else:
            found.append(each)
    return found


def _warn_of_values(method: str) -> None:
    warn_deprecated(
        f"Query.{method}() is deprecated and will be removed in a future release.  Please use "
        "Query.with_entities()",
        version="1.4",
    )
