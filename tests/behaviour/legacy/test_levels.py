"""Transactions of 1.x sessions: the root that is always there, and levels that nest."""

import pytest
from sqlalchemy import event, exc, inspect, select

from holdfast import Session as DefaultSession
from holdfast import legacy
from models.library import Author, Book, Tag
from watching import names_in

BY_NESTED = "rolled back by a nested rollback\\(\\) call. To begin a new transaction, issue Session"


@pytest.mark.rule("LG-20", "LG-27")
def test_session_is_in_a_transaction_at_all_times(session, control):
    roots = [session.transaction]
    assert control == []
    for end in (session.commit, session.rollback, session.close):
        session.execute(select(Author))
        end()
        assert session.in_transaction()
        assert session.get_transaction() is session.transaction
        roots.append(session.transaction)

    assert len(set(roots)) == 4
    assert all(isinstance(root, legacy.SessionTransaction) for root in roots)
    assert all(root.parent is None and not root.nested for root in roots)
    assert control == ["BEGIN", "COMMIT", "BEGIN", "ROLLBACK", "BEGIN", "ROLLBACK"]


@pytest.mark.rule("LG-21")
def test_beginning_of_each_root_is_told(bound):
    created = []
    maker = legacy.sessionmaker(bound)
    event.listen(maker, "after_transaction_create", lambda _, level: created.append(level))

    session = maker()
    assert created == [session.transaction]
    session.commit()
    session.rollback()
    assert len(created) == 3
    assert created[-1] is session.transaction
    session.close()


@pytest.mark.rule("LG-22", "LG-24", "LG-27", "LG-48")
def test_transaction_is_the_innermost_level(session):
    root = session.transaction
    sub = session.begin(subtransactions=True)
    assert (sub.parent, sub.nested) == (root, False)
    nested = session.begin_nested()
    assert (nested.parent, nested.nested) == (sub, True)
    assert session.transaction is nested
    assert session.get_transaction() is root

    session.commit()
    assert session.transaction is sub
    session.rollback()
    assert session.transaction is root


@pytest.mark.rule("LG-23")
def test_commit_and_rollback_act_on_the_innermost_level(session, control):
    root = session.transaction
    session.begin_nested()
    session.add(Tag(id=1, name="kept"))
    session.commit()
    session.begin_nested()
    session.add(Tag(id=2, name="undone"))
    session.flush()
    session.rollback()

    assert session.transaction is root
    assert control == ["BEGIN", "SAVEPOINT", "RELEASE", "SAVEPOINT", "ROLLBACK TO"]
    session.commit()
    assert control[-1] == "COMMIT"
    assert session.query(Tag.id).all() == [(1,)]


@pytest.mark.rule("LG-25")
def test_second_beginning_is_refused(session):
    message = "A transaction is already begun. Use subtransactions=True to allow subtransactions."
    with pytest.raises(exc.InvalidRequestError, match=message):
        session.begin()


@pytest.mark.rule("LG-28", "LG-113")
def test_end_of_the_root_changes_objects(session):
    ann = session.get(Author, 1)
    tag = Tag(name="t")
    session.add(tag)
    session.commit()
    assert inspect(ann).expired
    ann.name = "Anna"
    session.delete(tag)
    new = Tag(name="new")
    session.add(new)
    session.flush()

    session.rollback()

    assert inspect(new).transient
    assert inspect(tag).persistent
    assert ann.name == "Ann"


@pytest.mark.rule("LG-29")
def test_close_ends_all_levels_and_begins_a_root(session, control):
    ann = session.get(Author, 1)
    session.begin(subtransactions=True)
    session.begin_nested()
    session.add(Tag(name="t"))
    session.flush()
    control.clear()

    session.close()

    assert inspect(ann).detached
    assert list(session) == []
    assert session.transaction.parent is None
    assert session.is_active
    assert "COMMIT" not in control
    assert session.query(Tag).count() == 0


# -- subtransactions -------------------------------------------------------------------------------


@pytest.mark.rule("LG-40", "LG-41", "LG-42")
def test_commit_of_a_subtransaction_flushes_and_nothing_else(session, control):
    ann = session.get(Author, 1)
    root = session.transaction
    begun = session.begin(subtransactions=True)
    assert begun is session.transaction
    session.add(Tag(id=1, name="t"))
    control.clear()

    session.commit()

    assert session.transaction is root
    assert not session.new
    assert control == []
    assert not inspect(ann).expired
    session.commit()
    assert control == ["COMMIT"]
    assert inspect(ann).expired


@pytest.mark.rule("LG-40")
def test_subtransaction_outside_a_transaction_is_a_root(auto):
    level = auto.begin(subtransactions=True)

    assert level is auto.transaction
    assert level.parent is None


@pytest.mark.rule("LG-43", "LG-44", "LG-26")
def test_rollback_of_a_subtransaction_undoes_the_root_at_once(session, control):
    tag = Tag(name="t")
    root = session.transaction
    middle = session.begin(subtransactions=True)
    session.begin(subtransactions=True)
    session.add(tag)
    session.flush()
    control.clear()

    session.rollback()
    assert control == ["ROLLBACK"]
    assert inspect(tag).transient
    for level in (middle, root):
        assert session.transaction is level
        assert not session.is_active
        for use in (lambda: session.execute(select(Author)), session.commit, session.flush):
            session.add(Tag(name="late"))
            with pytest.raises(exc.InvalidRequestError, match=BY_NESTED):
                use()
        session.expunge_all()
        session.rollback()

    assert session.is_active
    assert session.transaction is not root
    assert session.query(Tag).count() == 0


@pytest.mark.rule("LG-43")
def test_rollback_of_a_subtransaction_in_a_savepoint_undoes_that(session, control):
    session.add(Tag(id=1, name="kept"))
    nested = session.begin_nested()
    session.begin(subtransactions=True)
    session.add(Tag(id=2, name="undone"))
    session.flush()

    session.rollback()

    assert control[-1] == "ROLLBACK TO"
    assert session.transaction is nested
    assert not session.is_active
    session.rollback()
    assert session.is_active
    session.commit()
    assert session.query(Tag.id).all() == [(1,)]


@pytest.mark.rule("LG-45")
def test_subtransaction_is_a_block(session):
    with session.begin(subtransactions=True) as level:
        assert session.transaction is level
        session.add(Tag(id=1, name="t"))
    assert session.is_active
    assert not session.new

    def fail():
        with session.begin(subtransactions=True):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not session.is_active
    session.rollback()
    assert session.query(Tag).count() == 0


@pytest.mark.rule("LG-46")
def test_failed_flush_leaves_the_session_to_be_rolled_back(session):
    root = session.transaction
    session.begin(subtransactions=True)
    session.add(Author(id=9, name=None))
    with pytest.raises(exc.DBAPIError) as failure:
        session.flush()

    message = "(?s)rolled back due to a previous exception during flush.*Original exception was"
    with pytest.raises(exc.InvalidRequestError, match=message) as refused:
        session.execute(select(Author))

    assert refused.value.__cause__ is failure.value
    assert not session.is_active
    session.rollback()
    assert session.transaction is root
    with pytest.raises(exc.InvalidRequestError, match=BY_NESTED):
        session.execute(select(Author))
    session.rollback()
    assert session.is_active


@pytest.mark.rule("LG-47")
def test_levels_of_both_kinds_nest_in_any_order(session, control):
    session.execute(select(Author))
    control.clear()
    for nested in (True, False, True, False, False):
        session.begin(subtransactions=True, nested=nested)
        session.execute(select(Author))
    assert control == ["SAVEPOINT", "SAVEPOINT"]

    session.commit()
    session.commit()
    assert control[2:] == []
    session.rollback()
    assert control[2:] == ["ROLLBACK TO"]
    assert session.is_active
    session.commit()
    assert control[3:] == []
    session.commit()
    assert control[3:] == ["RELEASE"]
    assert session.transaction.parent is None


@pytest.mark.rule("LG-49")
def test_outer_commit_commits_what_is_open_inside(session, control):
    root = session.transaction
    inner = session.begin(subtransactions=True)
    innermost = session.begin(subtransactions=True)
    session.add(Tag(id=1, name="t"))

    root.commit()

    assert control == ["BEGIN", "COMMIT"]
    assert not inner.is_active
    assert not innermost.is_active
    assert session.query(Tag.id).all() == [(1,)]


@pytest.mark.rule("LG-49")
def test_outer_rollback_ends_what_is_open_inside(session):
    root = session.transaction
    inner = session.begin(subtransactions=True)
    session.add(Tag(id=1, name="t"))
    session.flush()

    root.rollback()

    assert not inner.is_active
    assert session.is_active
    assert session.transaction.parent is None
    assert session.query(Tag).count() == 0


@pytest.mark.rule("LG-50")
def test_default_session_knows_no_subtransactions(bound):
    with DefaultSession(bound) as session, pytest.raises(TypeError, match="subtransactions"):
        session.begin(subtransactions=True)


# -- accounting ------------------------------------------------------------------------------------


@pytest.mark.rule("LG-110", "LG-111")
def test_objects_stay_as_they_are_without_accounting(make):
    session = make(_enable_transaction_accounting=False)
    ann, book = session.get(Author, 1), session.get(Book, 1)
    session.commit()
    assert not inspect(ann).expired
    tag = Tag(name="t")
    session.add(tag)
    session.delete(book)
    session.flush()

    session.rollback()

    assert inspect(tag).persistent
    assert inspect(book).deleted
    assert not inspect(ann).expired


@pytest.mark.rule("LG-112")
@pytest.mark.parametrize("accounts", [True, False])
def test_beginning_flushes_with_accounting_only(make, accounts):
    session = make(_enable_transaction_accounting=accounts)
    session.add(Tag(name="t"))
    session.begin_nested()
    assert bool(session.new) is not accounts
    session.close()

    auto = make(_enable_transaction_accounting=accounts, autocommit=True)
    auto.add(Tag(name="t"))
    auto.begin()
    assert bool(auto.new) is not accounts


@pytest.mark.rule("LG-170")
def test_only_the_root_is_prepared(make):
    session = make(twophase=True)
    for begin in (session.begin_nested, lambda: session.begin(subtransactions=True)):
        begin()
        with pytest.raises(exc.InvalidRequestError):
            session.prepare()
        session.rollback()
        session.close()
    session = make()
    with pytest.raises(exc.InvalidRequestError):
        session.prepare()
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("LG-170")
def test_root_of_two_phases_is_prepared_and_committed(make, control, engine):
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite knows no PREPARE")
    session = make(twophase=True)
    session.add(Tag(id=1, name="t"))

    session.prepare()
    session.commit()

    assert control == ["BEGIN TWOPHASE", "PREPARE", "COMMIT PREPARED"]


@pytest.mark.rule("LG-168")
def test_invalidated_session_begins_anew(pooled):
    session = legacy.Session(pooled)
    author = session.get(Author, 1)
    connection = session.connection()

    session.invalidate()

    assert inspect(author).detached
    assert connection.closed
    assert session.transaction.parent is None
    assert len(names_in(session)) == 5
    session.close()
