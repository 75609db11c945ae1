"""Which methods of a session may be called when: one test for each cell of the table.

The table is `tests/calls.toml`, from which a part of `docs/architecture/lifecycle.md` is made.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from sqlalchemy import event, exc, text

from holdfast import Session
from models import library
from watching import author, listening

MOMENTS = {
    moment["when"]: moment
    for moment in tomllib.loads(
        Path(__file__).parents[2].joinpath("calls.toml").read_text(encoding="utf8")
    )["moment"]
}

CALLS = {
    "execute": lambda session: session.execute(text("SELECT 1")),
    "flush": lambda session: (session.add(author(9)), session.flush()),
    "begin": lambda session: session.begin(),
    "begin_nested": lambda session: session.begin_nested(),
    "prepare": lambda session: session.prepare(),
    "commit": lambda session: session.commit(),
    "rollback": lambda session: session.rollback(),
    "close": lambda session: session.close(),
}


def at_once(session, call):
    call()


def in_a_transaction(session, call):
    session.connection()
    call()


def inside(name, finish):
    """Inside of a listener, while the session finishes its work."""

    def come(session, call):
        calls = [call]
        # Once: what is called may cause the event again.
        event.listen(session, name, lambda *_: calls and calls.pop()())
        session.add(author(8))
        finish(session)

    return come


def after_a_flush_that_failed(session, call):
    session.add(library.Author(id=7, name=None))
    with pytest.raises(exc.IntegrityError):
        session.flush()
    call()


def after_prepare(session, call):
    session.prepare()
    call()


def after_a_commit_that_failed(session, call):
    def fail(_):
        raise ConnectionError

    session.connection()
    with listening(session.get_bind(), "commit", fail), pytest.raises(ConnectionError):
        session.commit()
    call()


def after_a_final_close(session, call):
    session.close()
    call()


def rolled_back(session):
    session.flush()
    session.rollback()


WAYS = {
    "no transaction": at_once,
    "in a transaction": in_a_transaction,
    "listener of after_begin": inside("after_begin", Session.connection),
    "listener of before_flush": inside("before_flush", Session.flush),
    "listener of after_flush": inside("after_flush", Session.flush),
    "after a flush that failed": after_a_flush_that_failed,
    "listener of before_commit": inside("before_commit", Session.commit),
    "after prepare()": after_prepare,
    "listener of after_commit": inside("after_commit", Session.commit),
    "after a COMMIT that failed": after_a_commit_that_failed,
    "listener of after_rollback": inside("after_rollback", rolled_back),
    "listener of after_soft_rollback": inside("after_soft_rollback", rolled_back),
    "after close() with close_resets_only=False": after_a_final_close,
}


def test_table_has_a_row_for_each_moment_and_a_column_for_each_call():
    assert list(MOMENTS) == list(WAYS)
    assert {tuple(moment) for moment in MOMENTS.values()} == {("when", "running", *CALLS)}


def refusal_of(session, call):
    """The error with which a call is refused, or None."""
    try:
        CALLS[call](session)
    except exc.SQLAlchemyError as error:
        return error
    return None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("when", WAYS)
@pytest.mark.rule("TX-60", "TX-65", "TX-66", "TX-67", "SB-172", "VC-81")
def test_call_is_allowed_or_refused_as_the_table_says(bound, when, call):
    expected, running = MOMENTS[when][call], MOMENTS[when]["running"]
    session = Session(bound, close_resets_only=False)
    # Nothing is connected before `prepare()`, so that every database can.
    session.twophase = when == "after prepare()"
    found = []

    WAYS[when](session, lambda: found.append(refusal_of(session, call)))

    (error,) = found
    if expected == "yes":
        assert error is None
    elif expected == "Core's":
        assert type(error) is exc.PendingRollbackError
    else:
        assert error.slug == expected
    if running and expected in ("concurrent-use", "no-sql-now", "already-flushing"):
        assert (error.method, error.running) == (call, running)
        assert f"'{call}()'" in str(error)
        assert f"'{running}()'" in str(error)
    session.close()
