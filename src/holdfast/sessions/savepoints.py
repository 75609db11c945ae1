"""This file treats nested transactions: levels that stand for a SAVEPOINT.

Rules kept here:
1. A SAVEPOINT is emitted when a connection is first used inside the level (TX-31).
2. What a level did belongs to the enclosing level once it is released (TX-36).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from holdfast.sessions.snapshot import Snapshot


def begin_savepoint(connection: Connection) -> Any:
    """Emit SAVEPOINT; the answer releases it with commit() and returns to it with rollback()."""
    return connection.begin_nested()


def hand_over(inner: Snapshot, outer: Snapshot) -> None:
    """Let the enclosing level answer for what the released one did."""
    outer.inserted.update(inner.inserted)
    outer.deleted.update(inner.deleted)
    outer.updated.update(inner.updated)
    for state, pk in inner.former_keys.items():
        # The oldest key is the one to go back to.
        outer.former_keys.setdefault(state, pk)
