"""Offer sessions and the functions around them, as `sqlalchemy.orm.session` does."""

from holdfast.sessions.execute_state import ORMExecuteState
from holdfast.sessions.session import Session, close_all_sessions, object_session
from holdfast.sessions.sessionmaker import sessionmaker
from holdfast.sessions.state_functions import (
    make_transient,
    make_transient_to_detached,
)
from holdfast.sessions.transactions.transaction import SessionTransaction, SessionTransactionOrigin

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
