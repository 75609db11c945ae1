"""Events of transactions: which fire, in which order, and what a listener may do."""

import pytest
from sqlalchemy import event, inspect, text

from holdfast import Session, SessionTransactionOrigin
from models import library
from watching import author, names_in, record_control, record_events


def watch(session):
    """One list of a session's events and its engine's transaction control."""
    log = []
    record_events(session, log)
    record_control(session.get_bind(), log)
    return log


@pytest.mark.rule("TX-5", "EV-130", "TX-3")
def test_flush_has_a_level_of_its_own(session):
    created, ended = [], []
    event.listen(session, "after_transaction_create", lambda _, level: created.append(level))
    event.listen(session, "after_transaction_end", lambda _, level: ended.append(level))
    seen = []
    event.listen(
        session,
        "after_flush",
        lambda *_: seen.extend((session.get_transaction(), session.get_nested_transaction())),
    )
    root = session.begin()
    session.add(author(2))
    session.flush()

    inner = created[1]
    assert (inner.parent, inner.nested) == (root, False)
    assert inner.origin is SessionTransactionOrigin.SUBTRANSACTION
    assert seen == [root, None]
    assert ended == [inner]
    session.commit()
    assert ended == [inner, root]


@pytest.mark.rule("TX-3", "SB-142", "TX-52")
def test_each_origin_is_told_at_the_beginning(bound):
    session = Session(bound)
    origins = []
    event.listen(
        session, "after_transaction_create", lambda _, level: origins.append(level.origin.name)
    )
    session.connection()
    session.begin_nested()
    session.add(author(2))
    session.commit()
    with session.begin():
        pass

    assert origins == ["AUTOBEGIN", "BEGIN_NESTED", "SUBTRANSACTION", "BEGIN"]
    assert [each.name for each in SessionTransactionOrigin] == [
        "AUTOBEGIN",
        "BEGIN",
        "BEGIN_NESTED",
        "SUBTRANSACTION",
    ]


@pytest.mark.rule("EV-136", "EV-132", "EV-133")
def test_commit_with_work_fires_in_order(session):
    ann = session.get(library.Author, 1)
    session.delete(ann)
    log = watch(session)

    session.commit()

    assert log == [
        "before_commit",
        "before_flush",
        "after_transaction_create",
        "after_flush",
        "after_flush_postexec",
        "after_transaction_end",
        "COMMIT",
        "after_commit",
        "deleted_to_detached",
        "after_transaction_end",
    ]


@pytest.mark.rule("EV-138", "SB-151")
def test_commit_without_use_fires_in_order(session):
    log = watch(session)

    session.commit()

    assert log == [
        "after_transaction_create",
        "before_commit",
        "after_commit",
        "after_transaction_end",
    ]


@pytest.mark.rule("TX-22", "TX-21", "TX-24", "EV-132")
def test_commit_with_open_savepoints_ends_each_level(session):
    session.connection()
    outer = session.begin_nested()
    session.connection()
    inner = session.begin_nested()
    session.connection()
    log = watch(session)

    session.commit()

    assert log == [
        "before_commit",
        "RELEASE",
        "after_commit",
        "after_transaction_end",
        "before_commit",
        "RELEASE",
        "after_commit",
        "after_transaction_end",
        "before_commit",
        "COMMIT",
        "after_commit",
        "after_transaction_end",
    ]
    assert not outer.is_active
    assert not inner.is_active


@pytest.mark.rule("TX-23", "TX-21", "TX-24", "EV-134", "EV-135")
def test_rollback_with_open_savepoints_fires_for_each_level(session):
    session.connection()
    outer = session.begin_nested()
    session.connection()
    inner = session.begin_nested()
    session.connection()
    log = []
    record_events(session, log)
    ended = []
    event.listen(session, "after_soft_rollback", lambda _, level: ended.append(level))
    root = session.get_transaction()

    session.rollback()

    level = ["after_rollback", "after_transaction_end", "after_soft_rollback"]
    assert log == level * 3
    assert ended == [inner, outer, root]
    assert not outer.is_active
    assert not inner.is_active


@pytest.mark.rule("TX-23")
def test_rollback_with_open_savepoints_sends_one_rollback(session, control):
    session.connection()
    session.begin_nested()
    session.connection()
    control.clear()

    session.rollback()

    assert control.count("ROLLBACK") == 1


@pytest.mark.rule("EV-137", "SM-32")
@pytest.mark.parametrize("method", ["close", "reset", "invalidate"])
def test_close_fires_the_end_of_each_level_only(session, method):
    ann = session.get(library.Author, 1)
    session.begin_nested()
    log = []
    record_events(session, log, ("after_rollback", "after_soft_rollback", "before_commit"))
    event.listen(session, "persistent_to_detached", lambda *_: log.append("detached"))
    event.listen(session, "after_transaction_end", lambda _, level: log.append(level.nested))

    getattr(session, method)()

    assert log == ["detached", True, False]
    assert inspect(ann).detached


@pytest.mark.rule("EV-134", "EV-135", "TX-63")
def test_later_rollback_after_a_failed_flush_fires_no_second_after_rollback(session):
    session.add(library.Author(id=2, name=None))
    log = []
    record_events(session, log, ("after_rollback", "after_soft_rollback"))
    with pytest.raises(Exception, match=r"(?i)null"):
        session.flush()
    assert log == ["after_rollback", "after_soft_rollback"]

    session.rollback()

    assert log == ["after_rollback", "after_soft_rollback", "after_soft_rollback"]


@pytest.mark.rule("EV-131", "TX-161")
def test_after_begin_fires_once_for_each_connection(apart):
    authors, tags = apart(), apart()
    session = Session(binds={library.Author: authors, library.Tag: tags})
    heard = []
    event.listen(session, "after_begin", lambda _, level, connection: heard.append(connection))

    session.add_all([author(2), library.Tag(id=1, name="x"), author(3)])
    session.flush()
    session.add(author(4))
    session.commit()

    assert sorted(heard, key=id) == sorted(set(heard), key=id)
    assert {connection.engine for connection in heard} == {authors, tags}
    assert len(heard) == 2


@pytest.mark.rule("EV-132", "SB-153")
def test_new_objects_of_before_commit_take_part(session):
    def before_commit(_):
        session.execute(text("INSERT INTO author (id, name) VALUES (2, 'sql')"))
        session.add(author(3))

    event.listen(session, "before_commit", before_commit)
    session.commit()
    event.remove(session, "before_commit", before_commit)

    assert names_in(session) == ["Ann", "sql", "author 3"]


@pytest.mark.rule("SB-153")
def test_commit_flushes_again_what_listeners_of_a_flush_have_added(session):
    def after_flush_postexec(*_):
        if session.get(library.Author, 3) is None:
            session.add(author(3))

    event.listen(session, "after_flush_postexec", after_flush_postexec)
    session.add(author(2))
    session.commit()

    assert names_in(session) == ["Ann", "author 2", "author 3"]


@pytest.mark.parametrize("name", ["after_commit", "after_transaction_end"])
def test_commit_is_finished_though_a_listener_fails(session, name):
    new = author(2)
    session.add(new)
    session.flush()

    def fail(*_):
        raise ZeroDivisionError

    event.listen(session, name, fail)
    with pytest.raises(ZeroDivisionError):
        session.commit()
    event.remove(session, name, fail)

    assert not session.in_transaction()
    assert session.is_active
    assert inspect(new).persistent
    assert inspect(new).expired
    assert names_in(session) == ["Ann", "author 2"]


def test_rollback_ends_every_level_though_a_listener_fails(session):
    session.begin_nested()
    new = author(2)
    session.add(new)
    session.flush()

    def fail(*_):
        raise ZeroDivisionError

    event.listen(session, "after_soft_rollback", fail)
    with pytest.raises(ZeroDivisionError):
        session.rollback()
    event.remove(session, "after_soft_rollback", fail)

    assert not session.in_transaction()
    assert inspect(new).transient
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("EV-83", "SM-120")
def test_refresh_tells_listeners_that_everything_was_read(session):
    ann = session.get(library.Author, 1)
    heard = []

    def refreshed(_target, _context, names):
        heard.append(names)

    event.listen(library.Author, "refresh", refreshed)
    try:
        session.refresh(ann)
        session.refresh(ann, ["name"])
        session.expire(ann)
        assert ann.name == "Ann"
    finally:
        event.remove(library.Author, "refresh", refreshed)

    assert heard == [None, {"name"}, {"id", "name", "email"}]
