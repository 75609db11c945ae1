"""SAVEPOINT: when it is sent, what its release and its rollback do, nesting, failures inside."""

import pytest
from sqlalchemy import event, exc, inspect, select, text

from holdfast import Session, SessionTransactionOrigin
from models import library
from watching import author, names_in, record_events


@pytest.mark.rule("TX-30")
@pytest.mark.parametrize("autoflush", [True, False])
def test_begin_nested_flushes_and_begins_a_root(bound, sql, autoflush):
    session = Session(bound, autoflush=autoflush)
    new = author(2)
    session.add(new)
    sql.clear()

    nested = session.begin(nested=True)

    assert inspect(new).persistent
    assert sql.emitted[0].startswith("INSERT")
    assert nested is session.get_nested_transaction()
    session.rollback()
    nested = session.begin_nested()
    assert nested.parent is session.get_transaction()
    assert nested.parent.origin is SessionTransactionOrigin.BEGIN


@pytest.mark.rule("TX-31")
def test_savepoint_is_sent_with_the_first_use_of_a_connection(session, control):
    session.connection()
    control.clear()
    with session.begin_nested():
        assert control == []
        session.execute(text("SELECT 1"))
        assert control == ["SAVEPOINT"]
    assert control == ["SAVEPOINT", "RELEASE"]
    control.clear()

    with session.begin_nested():
        pass
    session.begin_nested().rollback()

    assert control == []


@pytest.mark.rule("TX-32")
def test_innermost_savepoint_is_the_nested_transaction(session):
    assert not session.in_nested_transaction()
    assert session.get_nested_transaction() is None
    outer = session.begin_nested()
    inner = session.begin_nested()

    assert session.in_nested_transaction()
    assert session.get_nested_transaction() is inner
    inner.commit()
    assert session.get_nested_transaction() is outer
    outer.rollback()
    assert not session.in_nested_transaction()


@pytest.mark.rule("TX-33")
def test_release_flushes_and_expires_nothing(session, control):
    ann = session.get(library.Author, 1)
    nested = session.begin_nested()
    new = author(2)
    session.add(new)
    control.clear()

    nested.commit()

    assert control == ["SAVEPOINT", "RELEASE"]
    assert inspect(new).persistent
    assert {"name", "id"} <= set(vars(ann))
    assert {"name", "id"} <= set(vars(new))
    assert session.get_transaction().is_active


@pytest.mark.rule("TX-34")
def test_rollback_to_a_savepoint_leaves_the_root_usable(session, control):
    nested = session.begin_nested()
    session.connection()
    control.clear()

    nested.rollback()

    assert control == ["ROLLBACK TO"]
    assert session.get_transaction().is_active
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("TX-35", "SM-30", "SM-160")
def test_rollback_to_a_savepoint_undoes_what_came_after_it_and_no_more(session):
    session.add_all([author(number) for number in (2, 3, 4, 5)])
    session.commit()
    ann, gone, flushed, unflushed, rekeyed = session.scalars(
        select(library.Author).order_by(library.Author.id)
    ).all()
    nested = session.begin_nested()
    new = author(9)
    session.add(new)
    session.delete(gone)
    flushed.name = "flushed"
    rekeyed.id = 50
    session.flush()
    pending = author(10)
    session.add(pending)
    unflushed.name = "unflushed"

    nested.rollback()

    assert inspect(new).transient
    assert inspect(pending).transient
    assert inspect(gone).persistent
    assert [inspect(each).expired for each in (flushed, unflushed, rekeyed)] == [True] * 3
    assert not inspect(ann).expired
    assert inspect(rekeyed).identity == (5,)
    assert [each.name for each in (ann, gone, flushed, unflushed, rekeyed)] == [
        "Ann",
        *(f"author {number}" for number in (2, 3, 4, 5)),
    ]
    assert not session.new
    assert not session.dirty
    assert not session.deleted


@pytest.mark.rule("TX-36")
def test_what_a_released_savepoint_did_belongs_to_the_enclosing_one(session):
    ann = session.get(library.Author, 1)
    outer = session.begin_nested()
    with session.begin_nested():
        new = author(2)
        session.add(new)
        ann.id = 7
    with session.begin_nested():
        session.delete(ann)
    assert inspect(new).persistent
    assert inspect(ann).deleted

    outer.rollback()

    assert inspect(new).transient
    assert inspect(ann).persistent
    assert inspect(ann).identity == (1,)
    assert session.get(library.Author, 1) is ann


@pytest.mark.rule("TX-37")
def test_outer_savepoint_releases_the_inner_one_first(session, control):
    outer = session.begin_nested()
    session.connection()
    inner = session.begin_nested()
    session.add(author(2))
    control.clear()

    outer.commit()

    assert control == ["SAVEPOINT", "RELEASE", "RELEASE"]
    assert not inner.is_active
    assert session.get_nested_transaction() is None
    assert names_in(session) == ["Ann", "author 2"]


@pytest.mark.rule("TX-37")
def test_outer_savepoint_discards_the_inner_one_with_its_own_rollback(session, control):
    outer = session.begin_nested()
    session.connection()
    inner = session.begin_nested()
    session.add(author(2))
    session.flush()
    control.clear()
    heard = []
    record_events(session, heard)

    outer.rollback()

    assert heard == [
        "after_transaction_end",
        "after_rollback",
        "after_transaction_end",
        "after_soft_rollback",
    ]
    assert control[-1] == "ROLLBACK TO"
    assert not inner.is_active
    with pytest.raises(exc.ResourceClosedError):
        inner.commit()
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("TX-35", "TX-37", "SB-163", "SB-165")
@pytest.mark.parametrize("ending", ["rollback", "close"])
@pytest.mark.parametrize("which", ["root", "outer"])
def test_end_of_an_outer_level_undoes_what_an_open_inner_one_did(session, which, ending):
    session.add_all([author(number) for number in (2, 3)])
    session.commit()
    ann, gone, rekeyed = session.scalars(select(library.Author).order_by(library.Author.id)).all()
    levels = {"root": session.get_transaction(), "outer": session.begin_nested()}
    rekeyed.id = 20
    session.flush()
    inner = session.begin_nested()
    new = author(9)
    session.add(new)
    session.delete(gone)
    ann.name = "changed"
    rekeyed.id = 30
    session.flush()

    getattr(levels[which], ending)()

    assert not inner.is_active
    assert not session.in_nested_transaction()
    assert session.in_transaction() is (which == "outer")
    assert inspect(new).transient
    assert inspect(gone).persistent
    assert inspect(rekeyed).identity == (3,)
    assert [each.name for each in (ann, gone, rekeyed)] == ["Ann", "author 2", "author 3"]
    assert names_in(session) == ["Ann", "author 2", "author 3"]


@pytest.mark.rule("API-20")
@pytest.mark.parametrize("level", ["begin", "begin_nested"])
def test_close_of_a_level_undoes_its_work_in_the_database_and_in_memory(session, level):
    ann = session.get(library.Author, 1)
    session.commit()
    transaction = getattr(session, level)()
    flushed, pending = author(2), author(3)
    session.add(flushed)
    ann.name = "changed"
    session.flush()
    session.add(pending)
    log = []
    record_events(session, log, ("after_rollback", "after_soft_rollback", "after_transaction_end"))

    transaction.close()

    assert log == ["after_transaction_end"]
    assert inspect(flushed).transient
    assert inspect(pending).transient
    assert ann.name == "Ann"
    session.commit()
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("TX-6")
def test_close_of_an_ended_level_leaves_later_ones_alone(session):
    first = session.begin_nested()
    first.commit()
    second = session.begin_nested()

    first.close()

    assert second.is_active
    assert session.get_nested_transaction() is second


@pytest.mark.rule("TX-38", "TX-8")
def test_exception_in_a_block_rolls_back_to_the_savepoint_and_goes_on(session):
    session.add(author(2))

    def fail():
        with session.begin_nested():
            session.add(author(3))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    session.add(author(4))
    session.commit()
    assert names_in(session) == ["Ann", "author 2", "author 4"]


@pytest.mark.rule("TX-39", "SB-109")
def test_flush_that_fails_in_a_savepoint_rolls_back_that_savepoint_only(session, control):
    ann = session.get(library.Author, 1)
    session.add(author(2))
    outer = session.begin_nested()
    session.add(author(3))
    nested = session.begin_nested()
    session.add(library.Author(id=4, name=None))
    control.clear()

    with pytest.raises(exc.IntegrityError):
        session.flush()

    assert control == ["SAVEPOINT", "ROLLBACK TO"]
    assert not session.is_active
    assert not nested.is_active
    assert outer.is_active
    nested.rollback()
    assert session.is_active
    assert control == ["SAVEPOINT", "ROLLBACK TO"]
    assert "name" in vars(ann)
    outer.commit()
    session.commit()
    assert names_in(session) == ["Ann", "author 2", "author 3"]


@pytest.mark.rule("TX-40", "TX-21")
def test_session_rollback_after_a_failure_in_a_savepoint_ends_the_root(session):
    session.add(author(2))
    session.begin_nested()
    session.add(library.Author(id=4, name=None))
    with pytest.raises(exc.IntegrityError):
        session.flush()
    with pytest.raises(exc.PendingRollbackError):
        session.execute(text("SELECT 1"))

    session.rollback()

    assert not session.in_transaction()
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("TX-42")
def test_savepoints_nest_to_any_depth(session, control):
    session.connection()
    control.clear()
    levels = []
    for number in range(2, 62):
        levels.append(session.begin_nested())
        session.add(author(number))
    session.flush()

    for level in levels[:29:-1]:
        level.rollback()
    levels[0].commit()
    session.commit()

    assert control.count("SAVEPOINT") == 60
    assert control.count("ROLLBACK TO") == 30
    assert control.count("RELEASE") == 30
    assert len(names_in(session)) == 31


@pytest.mark.rule("TX-41", "EV-131")
def test_after_begin_is_told_the_level_when_the_savepoint_is_sent(session):
    heard = []
    root = session.begin()

    def after_begin(_session, transaction, connection):
        heard.append((transaction, connection))

    from_the_start = session.connection()
    nested = session.begin_nested()
    event.listen(session, "after_begin", after_begin)
    assert heard == []
    session.execute(text("SELECT 1"))
    session.execute(text("SELECT 1"))

    assert heard == [(nested, from_the_start)]
    assert nested.parent is root


@pytest.mark.rule("TX-43")
def test_options_of_the_session_are_not_applied_again_for_a_savepoint(bound):
    applied = []
    event.listen(
        bound, "set_connection_execution_options", lambda _, options: applied.append(options)
    )
    session = Session(bound, execution_options={"marker": 1})
    session.connection()
    assert len(applied) == 1

    with session.begin_nested():
        assert session.connection().get_execution_options()["marker"] == 1

    assert len(applied) == 1


@pytest.mark.rule("TX-52")
def test_savepoint_of_a_session_that_must_not_begin_by_itself(bound):
    session = Session(bound, autobegin=False)
    heard = []
    record_events(session, heard)

    session.begin_nested()

    assert heard == ["after_transaction_create", "after_transaction_create"]
    assert session.in_nested_transaction()


def test_rollback_to_a_savepoint_undoes_an_insert_whose_key_changed_inside(session):
    new = author(2)
    session.add(new)
    session.flush()
    nested = session.begin_nested()
    new.id = 8
    session.flush()

    nested.rollback()

    assert inspect(new).persistent
    assert inspect(new).identity == (2,)
    session.rollback()
    assert inspect(new).transient


def test_row_that_was_read_anew_and_given_another_key_goes_with_its_insert(session):
    session.add(author(2))
    session.flush()
    session.expunge_all()
    again = session.get(library.Author, 2)
    again.id = 8
    session.flush()

    session.rollback()

    assert inspect(again).transient
    assert (again.id, again.name) == (8, "author 2")
    assert names_in(session) == ["Ann"]


def test_object_that_left_its_key_to_a_new_one_gets_it_back(session):
    ann = session.get(library.Author, 1)
    ann.id = 5
    session.flush()
    new = author(1)
    session.add(new)
    session.flush()

    session.rollback()

    assert inspect(new).transient
    assert inspect(ann).identity == (1,)
    assert ann.name == "Ann"


@pytest.mark.rule("SB-165", "SB-163")
@pytest.mark.parametrize("is_deleted_too", [False, True])
def test_object_comes_back_that_had_taken_the_key_of_a_new_one(session, is_deleted_too):
    ann, new = session.get(library.Author, 1), author(9)
    session.add(new)
    session.flush()
    session.delete(new)
    session.flush()
    ann.id = 9
    session.flush()
    if is_deleted_too:
        session.delete(ann)
        session.flush()

    session.rollback()

    assert inspect(ann).persistent
    assert inspect(ann).identity == (1,)
    assert session.get(library.Author, 1) is ann
    assert inspect(new).transient


@pytest.mark.rule("SB-163", "SM-31")
@pytest.mark.parametrize("detour", [[], [8]])
def test_deleted_object_comes_back_though_a_new_one_has_taken_its_key(session, detour):
    ann, new = session.get(library.Author, 1), author(9)
    session.add(new)
    session.flush()
    for number in detour:
        new.id = number
        session.flush()
    session.delete(ann)
    session.flush()
    new.id = 1
    session.flush()

    session.rollback()

    assert inspect(ann).persistent
    assert session.get(library.Author, 1) is ann
    assert ann.name == "Ann"
    assert inspect(new).transient
