"""Be the one door to the names of SQLAlchemy Core that its documents do not promise.

Every other module imports such names from here, so that a new release of Core is one file's
review; `tests/unit/foundation/test_sqlalchemy_core.py` asserts that each of them exists. Documented
names (`sqlalchemy.select`, `sqlalchemy.exc`, `sqlalchemy.sql.visitors`) are imported directly.

Kept in alphabetical order, one name a line: `from x import Name as Name`, or, for a name with an
underscore, an assignment in the second block. Underscored *attributes* of Core's objects that
Holdfast reads or fills are listed in `UNDERSCORED_ATTRIBUTES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Column, ForeignKey, inspection
from sqlalchemy.engine.base import Connection, Engine
from sqlalchemy.engine.cursor import CursorResult as CursorResult  # what execute() answers
from sqlalchemy.engine.default import DefaultDialect as DefaultDialect  # flags of a database
from sqlalchemy.engine.default import DefaultExecutionContext as DefaultExecutionContext
from sqlalchemy.engine.interfaces import BindTyping as BindTyping  # who declares parameter types
from sqlalchemy.engine.interfaces import CacheStats as CacheStats  # "cached" mark in the echo log
from sqlalchemy.engine.interfaces import ExecuteStyle as ExecuteStyle  # marks an executemany
from sqlalchemy.engine.result import ChunkedIteratorResult as ChunkedIteratorResult  # yield_per
from sqlalchemy.engine.result import IteratorResult as IteratorResult  # results of our rows
from sqlalchemy.engine.result import SimpleResultMetaData as SimpleResultMetaData
from sqlalchemy.engine.util import (
    TransactionalContext as TransactionalContext,  # `with` blocks over transactions
)
from sqlalchemy.event import base as _event_base
from sqlalchemy.event import legacy as _event_legacy
from sqlalchemy.event import registry as _event_registry
from sqlalchemy.event.base import Events as Events  # base of the families of hooks
from sqlalchemy.event.base import dispatcher as dispatcher  # the class-level dispatch descriptor
from sqlalchemy.event.registry import EventTarget as EventTarget  # base of what is listened to
from sqlalchemy.sql import annotation as _annotation
from sqlalchemy.sql import base as _sql_base
from sqlalchemy.sql import coercions as coercions  # checks of arguments
from sqlalchemy.sql import roles as roles  # what an argument may be
from sqlalchemy.sql import sqltypes as _sqltypes
from sqlalchemy.sql import visitors
from sqlalchemy.sql.annotation import Annotated as Annotated  # elements with annotations
from sqlalchemy.sql.base import CacheableOptions as CacheableOptions  # options in the cache key
from sqlalchemy.sql.base import CompileState as CompileState  # the compile plugin's base
from sqlalchemy.sql.base import ExecutableOption as ExecutableOption  # base of loader options
from sqlalchemy.sql.base import ExecutableStatement as ExecutableStatement
from sqlalchemy.sql.base import Generative as Generative  # _generate()
from sqlalchemy.sql.base import Options as Options  # option bundles with class defaults
from sqlalchemy.sql.base import SchemaEventTarget as SchemaEventTarget  # types with DDL events
from sqlalchemy.sql.base import WriteableColumnCollection as WriteableColumnCollection
from sqlalchemy.sql.cache_key import HasCacheKey as HasCacheKey  # keyed parts of statements
from sqlalchemy.sql.dml import DeleteDMLState as DeleteDMLState
from sqlalchemy.sql.dml import InsertDMLState as InsertDMLState
from sqlalchemy.sql.dml import UpdateDMLState as UpdateDMLState
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.schema import SchemaConst as SchemaConst  # NULL_UNSPECIFIED
from sqlalchemy.sql.selectable import CompoundSelectState as CompoundSelectState  # unions
from sqlalchemy.sql.selectable import ExecutableReturnsRows as ExecutableReturnsRows
from sqlalchemy.sql.selectable import ForUpdateArg as ForUpdateArg  # with_for_update in get()
from sqlalchemy.sql.selectable import SelectState as SelectState  # base of our compile state
from sqlalchemy.sql.traversals import HasCopyInternals as HasCopyInternals
from sqlalchemy.sql.type_api import TypeEngine as TypeEngine
from sqlalchemy.sql.util import ClauseAdapter as ClauseAdapter  # columns -> alias's columns
from sqlalchemy.sql.util import ColumnAdapter as ColumnAdapter  # the same, with a look-up
from sqlalchemy.sql.util import adapt_criterion_to_null as adapt_criterion_to_null
from sqlalchemy.sql.util import criterion_as_pairs as criterion_as_pairs
from sqlalchemy.sql.util import (
    find_left_clause_that_matches_given as find_left_clause_that_matches_given,
)
from sqlalchemy.sql.util import find_left_clause_to_join_from as find_left_clause_to_join_from
from sqlalchemy.sql.util import join_condition as join_condition
from sqlalchemy.sql.util import reduce_columns as reduce_columns
from sqlalchemy.sql.util import selectables_overlap as selectables_overlap
from sqlalchemy.sql.util import splice_joins as splice_joins
from sqlalchemy.sql.util import tables_from_leftmost as tables_from_leftmost
from sqlalchemy.sql.util import unwrap_order_by as unwrap_order_by
from sqlalchemy.sql.visitors import InternalTraversal as InternalTraversal  # cache key fields
from sqlalchemy.util import EMPTY_DICT as EMPTY_DICT
from sqlalchemy.util import IdentitySet as IdentitySet
from sqlalchemy.util import OrderedSet as OrderedSet
from sqlalchemy.util import Properties as Properties  # the same, to be added to
from sqlalchemy.util import ReadOnlyProperties as ReadOnlyProperties  # ordered, read by name
from sqlalchemy.util import ScopedRegistry as ScopedRegistry  # scoped_session
from sqlalchemy.util import ThreadLocalRegistry as ThreadLocalRegistry
from sqlalchemy.util import create_proxy_methods as create_proxy_methods
from sqlalchemy.util import duck_type_collection as duck_type_collection  # list, set or dict
from sqlalchemy.util import immutabledict as immutabledict
from sqlalchemy.util import memoized_property as memoized_property
from sqlalchemy.util import merge_lists_w_ordering as merge_lists_w_ordering  # class body order
from sqlalchemy.util import topological as topological  # for tables and mappers only
from sqlalchemy.util.concurrency import in_greenlet as in_greenlet  # may the driver be awaited?

Made = TypeVar("Made", bound=Callable[..., Any])


class Decorator(Protocol):
    """Gives back what it is given."""

    def __call__(self, made: Made, /) -> Made:
        """Dress or register `made`."""


# Names that Core spells with an underscore, or whose own name would say too little here.
EventKey = _event_registry._EventKey  # one listener on one target
EXECUTABLE_PARTS: Any = ExecutableStatement._executable_traverse_internals  # for cache keys
NO_ARG = _sql_base.NO_ARG  # "not given"
deep_annotate: Any = _annotation._deep_annotate
deep_deannotate: Any = _annotation._deep_deannotate
earlier_arguments: Callable[..., Decorator] = _event_legacy._legacy_signature  # of a listener
entity_namespace_key: Any = _sql_base._entity_namespace_key  # filter_by()
event_registrars: Any = _event_base._registrars  # event name -> families, first match wins
generative: Decorator = _sql_base._generative  # decorator of generative methods
inspection_registrars: dict[type, Any] = inspection._registrars  # type -> what inspect() calls
inspects: Callable[..., Decorator] = inspection._inspects  # what inspect() answers for a class
omit_standard_example: Any = _event_legacy._omit_standard_example  # for docstrings of events
python_type_map: Any = _sqltypes._type_map  # Python type -> SQL type, of literals and Mapped[]
select_iterables: Any = _sql_base._select_iterables  # FROM elements -> their columns
self_inspects: Decorator = cast("Any", inspection._self_inspects)  # inspect() gives these back

UNDERSCORED_ATTRIBUTES: dict[type, tuple[str, ...]] = {
    Connection: ("_execute_context", "_handle_dbapi_exception"),
    CursorResult: ("_raw_all_tuples",),
    DefaultExecutionContext: ("_init_compiled", "_setup_result_proxy"),
    SelectState: ("_get_display_froms",),
}
"""Underscored attributes of Core's classes that Holdfast reads, calls or overrides, by class."""


# What declarative mapping asks of Core's columns and types, which only underscored names answer.


def nullability_given(column: Column[Any]) -> bool:
    """Whether the application said of a column if it may be NULL."""
    return column._user_defined_nullable is not SchemaConst.NULL_UNSPECIFIED


def merge_column(source: Column[Any], target: Column[Any], *, keep_default: bool) -> None:
    """Give `target` what `source` says and it does not; its default only if `keep_default`."""
    source._merge(target, omit_defaults=keep_default)


def refers_to_bare_column(foreign_key: ForeignKey) -> bool:
    """Whether a foreign key names a column object that belongs to no table yet."""
    target = foreign_key._table_column
    return target is not None and target.table is None


def is_null_type(type_: TypeEngine[Any]) -> bool:
    """Whether a column was given no type."""
    return bool(type_._isnull)


def set_column_type(column: Column[Any], type_: TypeEngine[Any]) -> None:
    """Give a column without type its type."""
    column._set_type(type_)


def refresh_columns(selectable: Any, column: Column[Any]) -> None:
    """Let a join know a column that one of its tables got since."""
    selectable._refresh_for_new_column(column)


def type_for_python_type(
    type_: TypeEngine[Any], python_type: Any, matched: Any, flattened: Any
) -> TypeEngine[Any] | None:
    """The form of a SQL type that fits a Python type, or None when it does not fit."""
    found: TypeEngine[Any] | None = type_._resolve_for_python_type(python_type, matched, flattened)
    return found


# What statements over classes ask of Core's FROM elements and names.


def anonymous_alias(selectable: Any, *, name: str | None, flat: bool) -> Any:
    """An alias of a FROM element; `flat` aliases the tables inside of a join."""
    return selectable._anonymous_fromclause(name=name, flat=flat)


def column_naming(label_style: Any) -> Any:
    """A function that names the columns of one SELECT, each name once."""
    return SelectState._column_naming_convention(label_style)


def proxy_key(element: Any) -> str | None:
    """The name that a column or expression has in the columns of a subquery."""
    name: str | None = getattr(element, "_proxy_key", None)
    return name


def is_left_out(column: Any) -> bool:
    """Whether a column stands in no statement that does not name it, as an INSERT's sentinel."""
    return bool(getattr(column, "_omit_from_statements", False))


def numbered_names(element: Any) -> set[str]:
    """Names that Core numbers when it compiles: "kind" for a parameter that becomes `kind_1`."""
    return {
        part._orig_key
        for part in visitors.iterate(element)
        if isinstance(part, BindParameter) and part.unique
    }


def is_star(column: Any) -> bool:
    """Whether an expression stands for columns that only the database knows."""
    return bool(column._is_star)


# What statements that write ask of Core's constructs.


def has_rows(insert: Any) -> bool:
    """Whether an INSERT holds its rows: several of them in `values()`, or a SELECT."""
    return bool(insert._multi_values or insert._select_names)


def post_values(insert: Any) -> Any:
    """What follows VALUES, such as ON CONFLICT; None for nothing."""
    return getattr(insert, "_post_values_clause", None)


def sorts_rows(insert: Any) -> bool:
    """Whether rows are returned in the order of the parameters."""
    return bool(insert._sort_by_parameter_order)


def sort_rows(insert: Any, *, sorts: bool) -> None:
    """Return rows in the order of the parameters, or in any."""
    insert._sort_by_parameter_order = sorts


def is_bare_insert(insert: Any) -> bool:
    """Whether it says no more than INSERT INTO a table."""
    return not (
        insert._values
        or insert._returning
        or insert._prefixes
        or insert._hints
        or insert._independent_ctes
        or insert._return_defaults
        or insert.dialect_kwargs
        or post_values(insert) is not None
    )


def has_ordered_values(update: Any) -> bool:
    """Whether SET was given with `ordered_values()`."""
    return bool(update._maintain_values_ordering)


def collect_params(compiler: Any, statement: Any) -> None:
    """Let a compiler know the values that a statement was given by `params()`."""
    if compiler._collect_params:
        compiler._add_to_params(statement)


# What reading the rows of a result asks of Core's results.


def close_exhausted(result: Any) -> None:
    """Give a cursor back whose rows have all been fetched."""
    result._soft_close()


def hold_rows(result: Any) -> Any:
    """All rows of a statement that writes; its cursor is closed, and the result still has them."""
    rows = result._raw_all_tuples()
    result._rewind(rows)
    result.context._rowcount = len(rows)
    return rows


def replace_rows(result: Any, rows: Sequence[Any]) -> None:
    """Give a result of which nothing is left these rows, as if they were the statement's."""
    result._rewind(rows)


def without_rows(result: Any) -> Any:
    """A cursor's result whose rows are for us alone: to others it has only a row count."""
    result._soft_close()
    result._metadata = result._no_result_metadata
    return result


def position_of_column(result: Any, column: Any, *, required: bool) -> int | None:
    """Where a column stands in the rows of a cursor's result; None where it is not there.

    Raises:
        NoSuchColumnError: It is `required` and not there.
    """
    position: int | None = result._metadata._index_for_key(column, required)
    return position


def gives_scalars(result: Any) -> bool:
    """Whether the rows that a result was made of are single values rather than tuples."""
    return bool(result._source_supports_scalars)


def require_unique_with(result: Any, refuse: Any) -> None:
    """Call `refuse` when rows of a result are read without `unique()`."""
    result._unique_filter_state = (set(), refuse)


def requires_unique(result: Any) -> bool:
    """Whether the rows of a result have to be read with `unique()`."""
    return result._unique_filter_state is not None


def yield_per_of(result: Any) -> int | None:
    """How many rows at a time a result was told to fetch."""
    count: int | None = result._yield_per
    return count


def frozen_rows(frozen: Any) -> list[list[Any]]:
    """The rows of a frozen result, as lists that may be changed."""
    return list(frozen._rewrite_rows())


def is_lambda(element: Any) -> bool:
    """Whether an element of a statement is a callable that gives it."""
    return getattr(element, "_is_lambda_element", False)


def without_lambda(element: Any) -> Any:
    """An element of a statement, or what its callable has given: an element, or several."""
    return element._resolved if is_lambda(element) else element


def hide_from_words(column: Any) -> None:
    """Let no word in ORDER BY or GROUP BY be understood as the name of this column."""
    column._allow_label_resolve = False


def is_server_side(result: Any) -> bool:
    """Whether the rows of a cursor's result come in portions from the server."""
    return bool(result.context._is_server_side)


def has_listeners(connection: Connection) -> bool:
    """Whether someone listens to the statements of a connection or of its engine."""
    return bool(connection._has_events or connection.engine._has_events)


def is_heard(target: Any) -> bool:
    """Whether someone listens now to a session, a class of sessions, an engine or a connection."""
    # The dispatch of a class tells no listener from none, that of an object of it does.
    one = object.__new__(target) if isinstance(target, type) else target
    return any(getattr(one.dispatch, name) for name in type(one).dispatch._event_names)


def note_silence(source: Engine | Connection) -> None:
    """Let statements take the shorter ways again, where nobody listens any more.

    Core notes on an engine or connection that somebody has listened, and never takes it back.
    """
    if not is_heard(source):
        # A False here would hide what Core notes on the class for listeners of all engines.
        vars(source).pop("_has_events", None)


def is_inline(statement: Any) -> bool:
    """Whether an INSERT asks for no generated keys back."""
    return bool(statement._inline)


C = TypeVar("C", bound=type[CompileState])

_names = ["holdfast"]
_states: dict[str, type[CompileState]] = {}


def marks_of(entity: Any) -> immutabledict[str, Any]:
    """What an expression that stands for an entity passes on to the statements that it is in."""
    return immutabledict({"compile_state_plugin": _names[-1], "plugin_subject": entity})


def has_marks(attributes: Mapping[str, Any]) -> bool:
    """Whether a statement with these attributes is ours to compile."""
    return attributes.get("compile_state_plugin") in _names


def compiles_over(kind: str) -> Callable[[C], C]:
    """Class decorator: compile statements of this kind, e.g. "select"."""

    def register(state: C) -> C:
        _states[kind] = state
        return CompileState.plugin_for(_names[0], kind)(state)

    return register


def take_name(name: str) -> None:
    """Mark what is made from now on with another name; what has the old one stays ours."""
    _names.append(name)
    for kind, state in _states.items():
        CompileState.plugin_for(name, kind)(state)
