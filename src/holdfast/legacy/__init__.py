"""The session of SQLAlchemy 1.1, for programs that still rely on it; nothing else knows of it.

Transactions that begin by themselves and nest without SAVEPOINT, the autocommit mode, names in
place of attributes, and other forms that later releases gave up. A session from here is a `Session`
like all others, and its objects may move to and from them. In reading order:

- `extension`: warnings of forms, once for each place that uses one; `SessionExtension`, listeners
  as methods; objects that are held as long as they are persistent.
- `transaction`: `SessionTransaction`, levels that nest, and the root that is always there;
  connections of single statements, outside transactions.
- `session`: `Session`.
- `query`: `Query`, and `joinedload("books")` and its siblings.
- `factories`: `sessionmaker` and `scoped_session`; `mapper()`, and `relationship()` whose back
  references cascade.
"""

from holdfast.legacy.extension import SessionExtension
from holdfast.legacy.factories import mapper, relationship, scoped_session, sessionmaker
from holdfast.legacy.query import (
    Query,
    contains_eager,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    raiseload,
    selectinload,
    subqueryload,
    undefer,
)
from holdfast.legacy.session import Session
from holdfast.legacy.transaction import SessionTransaction

__all__ = [
    "Query",
    "Session",
    "SessionExtension",
    "SessionTransaction",
    "contains_eager",
    "defer",
    "immediateload",
    "joinedload",
    "lazyload",
    "load_only",
    "mapper",
    "raiseload",
    "relationship",
    "scoped_session",
    "selectinload",
    "sessionmaker",
    "subqueryload",
    "undefer",
]
