"""Offer sessions and the functions around them, as `sqlalchemy.orm.session` does."""

from holdfast.sessions.execution import ORMExecuteState
from holdfast.sessions.factories import sessionmaker
from holdfast.sessions.membership import (
    make_transient,
    make_transient_to_detached,
)
from holdfast.sessions.session import Session, close_all_sessions, object_session
from holdfast.sessions.transaction import SessionTransaction, SessionTransactionOrigin

__all__ = [
    "ORMExecuteState",
    "Session",
    "SessionTransaction",
    "SessionTransactionOrigin",
    "close_all_sessions",
    "make_transient",
    "make_transient_to_detached",
    "object_session",
    "sessionmaker",
]
