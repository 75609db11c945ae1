"""Calls that a session refuses where it stands, and what its errors say."""

import threading

import pytest
from sqlalchemy import event, exc, inspect, select, text

from holdfast import Session
from models import library
from watching import author, listening, names_in

ENDINGS = ("commit", "rollback", "close", "reset", "invalidate")


def called(method):
    """The name under which an error speaks of a method of the session."""
    return "close" if method in ("reset", "invalidate") else method


def refused(session, method, running):
    """Call a method, which must be refused with an error that names both."""
    with pytest.raises(
        exc.IllegalStateChangeError,
        match=rf"Method '{called(method)}\(\)' can't be called here; method '{running}\(\)' is "
        "already in progress",
    ) as caught:
        getattr(session, method)()
    assert (caught.value.method, caught.value.running) == (called(method), running)


@pytest.mark.rule("TX-66", "SB-172")
@pytest.mark.parametrize("method", ENDINGS)
def test_listener_of_before_commit_may_not_end_the_transaction(session, method):
    ann = session.get(library.Author, 1)
    refusals = []

    def before_commit(_):
        refused(session, method, "commit")
        refusals.append(method)
        session.add(author(2))
        assert session.scalar(text("SELECT count(*) FROM author")) == 2

    event.listen(session, "before_commit", before_commit)
    session.commit()

    assert refusals == [method]
    assert ann in session
    assert names_in(session) == ["Ann", "author 2"]


@pytest.mark.rule("TX-66")
@pytest.mark.parametrize("method", ["commit", "rollback"])
def test_listener_of_before_commit_may_not_end_it_by_its_handle(session, method):
    transaction = session.begin()

    def before_commit(_):
        refused(transaction, method, "commit")

    event.listen(session, "before_commit", before_commit)
    transaction.commit()
    assert not session.in_transaction()


@pytest.mark.rule("TX-65", "TX-60 inside after_commit", "EV-133")
def test_listener_of_after_commit_may_not_emit_sql(session):
    seen = []

    def after_commit(_):
        assert not session.is_active
        assert session.in_transaction()
        with pytest.raises(exc.InvalidRequestError, match="in 'committed' state"):
            session.execute(text("SELECT 1"))
        with pytest.raises(exc.InvalidRequestError, match="in 'committed' state"):
            session.begin_nested()
        refused(session, "rollback", "commit")
        seen.append(1)

    event.listen(session, "after_commit", after_commit)
    session.connection()
    session.commit()

    assert seen == [1]
    assert session.is_active


@pytest.mark.rule("TX-65", "TX-60 inside after_rollback", "EV-134")
def test_listener_of_after_rollback_may_not_emit_sql(session):
    seen = []

    def after_rollback(_):
        assert not session.is_active
        assert session.in_transaction()
        with pytest.raises(exc.InvalidRequestError, match="in 'inactive' state"):
            session.execute(text("SELECT 1"))
        refused(session, "rollback", "rollback")
        seen.append(1)

    event.listen(session, "after_rollback", after_rollback)
    session.connection()
    session.rollback()

    assert seen == [1]


@pytest.mark.rule("TX-60 inside after_soft_rollback of the root", "EV-135")
def test_listener_of_after_soft_rollback_may_do_everything(session):
    seen = []

    def after_soft_rollback(_, previous):
        if previous.parent is None and not seen:
            assert session.is_active
            seen.append(names_in(session))
            session.add(author(2))
            session.commit()

    event.listen(session, "after_soft_rollback", after_soft_rollback)
    session.connection()
    session.rollback()

    assert seen == [["Ann"]]
    assert names_in(session) == ["Ann", "author 2"]


@pytest.mark.rule("TX-65")
def test_listener_of_after_begin_may_not_emit_sql_through_the_session(session):
    seen = []

    def after_begin(_session, _transaction, connection):
        with pytest.raises(exc.InvalidRequestError, match="provisioning a new connection"):
            session.execute(text("SELECT 1"))
        refused(session, "commit", "connection")
        refused(session, "close", "connection")
        seen.append(connection.scalar(text("SELECT 1")))

    event.listen(session, "after_begin", after_begin)

    assert names_in(session) == ["Ann"]
    assert seen == [1]


FLUSH_EVENTS = ("after_flush", "after_flush_postexec")


@pytest.mark.parametrize("method", ENDINGS)
@pytest.mark.parametrize("name", FLUSH_EVENTS)
def test_listener_of_a_flush_may_not_end_the_transaction(session, name, method):
    new = author(2)
    session.add(new)

    with listening(session, name, lambda *_: refused(session, method, "flush")):
        session.flush()

    assert new in session
    session.commit()
    assert names_in(session) == ["Ann", "author 2"]


@pytest.mark.parametrize("method", ENDINGS)
def test_listener_of_a_mapper_may_not_end_the_transaction(session, method):
    session.add(author(2))

    with listening(library.Author, "before_insert", lambda *_: refused(session, method, "flush")):
        session.flush()

    session.commit()
    assert names_in(session) == ["Ann", "author 2"]


@pytest.mark.parametrize("by_handle", [True, False])
def test_listener_of_before_flush_may_not_commit(session, by_handle):
    session.add(author(2))
    owner = session.get_transaction() if by_handle else session

    with listening(session, "before_flush", lambda *_: refused(owner, "commit", "flush")):
        session.flush()

    session.commit()
    assert names_in(session) == ["Ann", "author 2"]


@pytest.mark.rule("SB-107")
def test_flush_from_within_a_flush_is_refused(session):
    session.add(author(2))

    def flush_again(*_):
        with pytest.raises(exc.InvalidRequestError, match="already flushing"):
            session.flush()

    with listening(library.Author, "after_insert", flush_again):
        session.flush()

    session.commit()


def test_listener_of_a_flush_may_use_a_savepoint_of_its_own(session):
    session.add(author(2))

    def in_savepoint(*_):
        with session.begin_nested():
            session.execute(library.Tag.__table__.insert().values(id=1, name="made"))

    with listening(session, "after_flush", in_savepoint):
        session.commit()

    assert session.scalars(select(library.Tag.name)).all() == ["made"]


@pytest.mark.rule("TX-67", "SB-172", "VC-80")
@pytest.mark.parametrize("method", ["commit", "rollback", "close"])
def test_second_thread_may_not_end_what_the_first_is_committing(session, method):
    caught = []

    def from_elsewhere():
        try:
            getattr(session, method)()
        except exc.IllegalStateChangeError as error:
            caught.append(str(error))

    def before_commit(_):
        thread = threading.Thread(target=from_elsewhere)
        thread.start()
        thread.join()

    session.get(library.Author, 1)
    event.listen(session, "before_commit", before_commit)
    session.commit()

    assert len(caught) == 1
    assert f"Method '{method}()'" in caught[0]
    assert "method 'commit()' is already in progress" in caught[0]


@pytest.mark.rule("TX-67")
def test_second_thread_may_not_use_a_session_that_is_connecting(bound):
    session = Session(bound)
    caught = []

    def from_elsewhere():
        try:
            session.connection()
        except exc.InvalidRequestError as error:
            caught.append(str(error))

    def after_begin(*_):
        thread = threading.Thread(target=from_elsewhere)
        thread.start()
        thread.join()

    event.listen(session, "after_begin", after_begin)
    session.connection()

    assert len(caught) == 1
    assert "provisioning a new connection; concurrent operations are not permitted" in caught[0]
    session.close()


@pytest.mark.rule("TX-6")
@pytest.mark.parametrize("method", ["commit", "rollback", "begin_nested", "prepare"])
@pytest.mark.parametrize("ending", ["commit", "rollback", "close"])
def test_transaction_is_used_once(session, ending, method):
    session.twophase = method == "prepare"
    transaction = session.begin()
    getattr(transaction, ending)()

    with pytest.raises(exc.ResourceClosedError, match="This transaction is closed"):
        getattr(transaction, method)()

    transaction.close()


@pytest.mark.rule("TX-51", "SB-146")
def test_begin_in_a_transaction_is_refused_but_not_a_savepoint(session):
    session.connection()

    with pytest.raises(exc.InvalidRequestError, match="already begun on this Session"):
        session.begin()
    assert session.begin(nested=True).nested


@pytest.mark.rule("TX-53")
def test_begin_knows_no_subtransactions(session):
    with pytest.raises(TypeError, match="subtransactions"):
        session.begin(subtransactions=True)


# -- after a failure -------------------------------------------------------------------------------


@pytest.fixture
def failed(session):
    """A session whose flush has failed, with the changed object `ann`."""
    session.ann = session.get(library.Author, 1)
    session.add(library.Author(id=2, name=None))
    with pytest.raises(exc.IntegrityError):
        session.flush()
    return session


USES = {
    "execute": lambda s: s.execute(text("SELECT 1")),
    "commit": lambda s: s.commit(),
    "begin_nested": lambda s: s.begin_nested(),
    "get": lambda s: s.get(library.Author, 77),
    "connection": lambda s: s.connection(),
    "merge": lambda s: s.merge(library.Author(id=77, name="x")),
    "query": lambda s: s.query(library.Author).all(),
    "load": lambda s: s.ann.name,
    "refresh": lambda s: s.refresh(s.ann),
    "flush": lambda s: (s.add(author(8)), s.flush()),
    "bulk": lambda s: s.bulk_insert_mappings(library.Author, [{"id": 5, "name": "x"}]),
}


@pytest.mark.rule("TX-61", "TX-60 flush failed")
@pytest.mark.parametrize("use", USES)
@pytest.mark.filterwarnings("ignore:Session's state has been changed")
def test_session_whose_flush_failed_refuses_sql(failed, use):
    with pytest.raises(
        exc.PendingRollbackError, match=r"(?s)first issue Session.rollback\(\).*Original exception"
    ):
        USES[use](failed)

    failed.rollback()
    assert failed.is_active
    assert names_in(failed) == ["Ann"]


@pytest.mark.rule("TX-61", "TX-60 flush failed")
def test_session_whose_flush_failed_refuses_begin(failed):
    with pytest.raises(exc.InvalidRequestError, match="already begun"):
        failed.begin()


@pytest.mark.rule("TX-60 flush failed", "TX-63")
@pytest.mark.parametrize("method", ["rollback", "close", "reset", "invalidate"])
def test_session_whose_flush_failed_can_be_ended(failed, method, control):
    getattr(failed, method)()

    assert failed.is_active
    assert not failed.in_transaction()
    assert "ROLLBACK" not in control


CHANGES = {
    "add": lambda s: s.add(author(8)),
    "delete": lambda s: s.delete(s.ann),
    "assign": lambda s: setattr(s.ann, "name", "Anna"),
}


@pytest.mark.rule("TX-62", "TX-60 flush failed")
@pytest.mark.parametrize("change", CHANGES)
def test_changes_to_a_session_whose_flush_failed_are_discarded_with_a_warning(failed, change):
    CHANGES[change](failed)

    with pytest.warns(exc.SAWarning, match="state has been changed on a non-active transaction"):
        failed.rollback()

    assert not failed.new
    assert not failed.deleted
    assert not failed.dirty
    assert names_in(failed) == ["Ann"]
    assert failed.ann.name == "Ann"


@pytest.mark.rule("TX-62")
def test_warning_of_discarded_changes_as_an_error_leaves_a_usable_session(failed):
    failed.add(author(8))

    with pytest.raises(exc.SAWarning):
        failed.rollback()

    assert not failed.in_transaction()
    assert names_in(failed) == ["Ann"]


@pytest.mark.rule("TX-60 flush failed")
def test_objects_can_be_expunged_and_expired_after_a_failed_flush(failed):
    failed.expire(failed.ann)
    failed.expunge(failed.ann)

    assert failed.ann not in failed
    failed.rollback()
    assert inspect(failed.ann).detached


@pytest.mark.rule("TX-64")
def test_statement_that_fails_outside_of_a_flush_leaves_the_transaction_active(session):
    new = author(2)
    session.add(new)
    session.flush()

    with pytest.raises(exc.DBAPIError):
        session.execute(text("SELECT nothing FROM nowhere"))

    assert session.is_active
    assert session.in_transaction()
    assert inspect(new).persistent


@pytest.mark.rule("TX-60 no transaction", "TX-60 active")
def test_session_is_active_without_transaction_and_within(session):
    assert session.is_active
    assert not session.in_transaction()
    session.begin()
    assert session.is_active
    assert session.in_transaction()


@pytest.mark.rule("TX-68", "TX-60 COMMIT failed", "SB-156")
@pytest.mark.parametrize("method", ["rollback", "close", "reset"])
def test_failed_commit_leaves_the_session_to_be_ended(session, bound, method):
    new = author(2)
    session.add(new)

    def fail(_):
        raise ConnectionError("gone")

    with listening(bound, "commit", fail), pytest.raises(ConnectionError):
        session.commit()

    assert not session.is_active
    assert session.in_transaction()
    with pytest.raises(exc.InvalidRequestError, match="in 'prepared' state"):
        session.execute(text("SELECT 1"))
    getattr(session, method)()
    assert session.is_active
    assert names_in(session) == ["Ann"]


# -- objects whose values went with a rollback ---------------------------------------------------


def test_object_that_was_expired_before_its_insert_was_rolled_back_is_not_written_empty(session):
    new = author(2)
    session.add(new)
    session.flush()
    session.expire(new)
    session.rollback()
    session.add(new)

    with pytest.raises(exc.InvalidRequestError, match=r"cannot be refreshed.*name, email"):
        session.flush()

    session.rollback()
    new.id, new.name, new.email = 2, "again", None
    session.add(new)
    session.commit()
    assert names_in(session) == ["Ann", "again"]


@pytest.mark.rule("SB-84")
def test_delete_of_a_deleted_object_is_silent_and_the_flush_warns(session):
    ann = session.get(library.Author, 1)
    session.delete(ann)
    session.delete(ann)
    session.flush()

    session.delete(ann)

    with pytest.warns(exc.SAWarning, match=r"expected to delete 1 row\(s\); 0 were matched"):
        session.flush()
