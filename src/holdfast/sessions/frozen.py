"""Bring rows that were kept outside of sessions back into one: `merge_frozen_result()`.

For caches of results, which give the same rows to many sessions.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import FrozenResult

from holdfast.foundation.sqlalchemy_core import frozen_rows
from holdfast.queries.entities import SelectedEntity, parse_elements
from holdfast.sessions.merge import merge_all
from holdfast.sessions.session import Session


def merge_frozen_result(
    session: Session,
    statement: Any,
    frozen_result: FrozenResult[Any],
    load: bool = True,  # noqa: FBT001, FBT002  SQLAlchemy's form
) -> FrozenResult[Any]:
    """The result with the objects of a session in place of those that were frozen.

    Example:
        >>> frozen = session.execute(select(Author)).freeze()
        >>> result = merge_frozen_result(another_session, select(Author), frozen)()

    Args:
        session: Whose objects the rows are to hold.
        statement: The statement that gave the result.
        frozen_result: From `Result.freeze()`.
        load: Look up in the database what the session does not have; see `Session.merge()`.
    """
    elements = parse_elements(statement._raw_columns, statement._label_style)
    rows = frozen_rows(frozen_result)
    for place, element in enumerate(elements):
        if isinstance(element, SelectedEntity):
            present = [row for row in rows if row[place] is not None]
            found = [row[place] for row in present]
            for row, merged in zip(
                present, merge_all(session, found, load=load, options=None), strict=True
            ):
                row[place] = merged
    return frozen_result.with_new_rows([tuple(row) for row in rows])  # type: ignore[misc]
