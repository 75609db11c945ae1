"""Hand rows on while the garbage collector rests."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Sequence
from threading import Lock
from types import TracebackType
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import JSON

# ------------------------------------------------------------------------------
# Pause the garbage collector for the short time in which many rows become objects.
#
# Objects made of rows live on, so each collection in between walks all of them for nothing; with
# 10,000 rows the collector takes half of the time. The pause is counted, since sessions in several
# threads may overlap; it ends with the last of them. It never disables a collector that was on for
# longer than the block, and never enables one that the application has switched off.

_lock = Lock()
_pauses = 0  # blocks that are open now
_resume = False  # whether the collector was on when the first of them began
_is_allowed = True


def set_collector_pausing(enabled: bool) -> None:  # noqa: FBT001  a switch with one argument
    """Allow or forbid the pauses, for the whole process. They are allowed at first."""
    global _is_allowed
    _is_allowed = enabled


def count_all_as_old() -> None:
    """Tell the collector that what exists now lives on, without letting it walk the objects.

    They are moved to the oldest generation at once, as several collections in turn would do.
    """
    if not gc.get_freeze_count():  # otherwise the application has frozen objects that stay so
        gc.freeze()
        gc.unfreeze()


class paused_collector:  # noqa: N801  reads as a function: `with paused_collector():`
    """A block in which the collector does not run."""

    __slots__ = ("_counted",)

    def __enter__(self) -> None:
        global _pauses, _resume
        self._counted = _is_allowed
        if not self._counted:
            return
        with _lock:
            if not _pauses:
                _resume = gc.isenabled()
                if _resume:
                    gc.disable()
            _pauses += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _pauses
        if not self._counted:
            return
        with _lock:
            _pauses -= 1
            if not _pauses and _resume:
                gc.enable()


# ------------------------------------------------------------------------------
# Fetch the rows of a cursor's result as plain tuples of processed values.
#
# Core processes values cell by cell. A column of JSON text is faster to read at one go, so results
# that have one are processed column by column; all others as Core does it. Called by `reading`.

Reader: TypeAlias = Callable[[Sequence[Any]], list[Any]]

# By compiled statement: what reads each column; None where Core does it all.
_readers: WeakKeyDictionary[Any, tuple[Reader | None, ...] | None] = WeakKeyDictionary()
_read_json = json.JSONDecoder().raw_decode


def remaining_rows(result: Any) -> Any:
    """All rows that are left of a cursor's result."""
    metadata = result._metadata
    if metadata._effective_processors is None or _readers_of(result, metadata) is None:
        return result._raw_all_tuples()
    return _processed(result, result._fetchall_impl())


def next_rows(result: Any, count: int) -> Any:
    """The next rows of a cursor's result, at most `count`."""
    return _processed(result, result._fetchmany_impl(count))


def _processed(result: Any, rows: Any) -> Any:
    metadata = result._metadata
    is_plain = metadata._tuplefilter is None and result._row_logging_fn is None
    if is_plain and rows:
        if metadata._effective_processors is None:
            if type(rows[0]) is tuple:
                return rows
        else:
            # PERF: load 10,000 of typed columns.
            readers = _readers_of(result, metadata)
            if readers is not None:
                columns = zip(*rows, strict=True)
                return list(
                    zip(
                        *(
                            column if read is None else read(column)
                            for read, column in zip(readers, columns, strict=True)
                        ),
                        strict=True,
                    )
                )
    return result._row_getter[2](rows)


def _readers_of(result: Any, metadata: Any) -> tuple[Reader | None, ...] | None:
    compiled = result.context.compiled
    if compiled is None:
        return None
    if compiled not in _readers:
        _readers[compiled] = _find_readers(compiled, metadata._effective_processors)
    return _readers[compiled]


def _find_readers(compiled: Any, processors: Sequence[Any]) -> tuple[Reader | None, ...] | None:
    """What reads each column, where the statement has columns of JSON text."""
    entries = compiled._result_columns
    if not compiled._ordered_columns or len(entries) != len(processors):
        return None
    is_json = [
        process is not None and _is_json_text(entry.type, compiled.dialect)
        for entry, process in zip(entries, processors, strict=True)
    ]
    if not any(is_json):
        return None
    return tuple(
        None if process is None else _json_reader(process) if is_text else _cell_reader(process)
        for process, is_text in zip(processors, is_json, strict=True)
    )


def _is_json_text(type_: Any, dialect: Any) -> bool:
    """Whether values of a type are text that Core itself hands to `json.loads`."""
    made = type_.dialect_impl(dialect)
    return (
        isinstance(made, JSON)
        and type(made).result_processor.__module__.startswith("sqlalchemy.")
        and dialect._json_deserializer is None
        and made._str_impl.result_processor(dialect, None) is None
    )


def _cell_reader(process: Callable[[Any], Any]) -> Reader:
    return lambda column: list(map(process, column))


def _json_reader(process: Callable[[Any], Any]) -> Reader:
    """What reads JSON without the detours of `json.loads`; `process` reads what is not so plain."""

    def read(column: Sequence[Any]) -> list[Any]:
        values: list[Any] = []
        try:
            for text in column:
                if text is None:
                    values.append(None)
                    continue
                value, end = _read_json(text)
                if end != len(text):
                    break
                values.append(value)
            else:
                return values
        except (TypeError, ValueError):
            pass
        return list(map(process, column))

    return read
