"""Events of one flush: when they fire, what a listener sees, and what it may change."""

import pytest
from sqlalchemy import event, exc, inspect, select, text

from holdfast import Session
from models import library
from watching import author, listening, names_in, record_events

ORDER = (
    "before_flush",
    "after_transaction_create",
    "after_begin",
    "after_flush",
    "pending_to_persistent",
    "after_flush_postexec",
    "after_transaction_end",
)


@pytest.mark.rule("EV-40", "EV-41", "EV-42", "TX-5")
def test_events_of_a_flush_come_in_order(bound):
    with Session(bound) as session:
        session.add(author(2))
        log = []
        record_events(session, log, ORDER)
        with listening(library.Author, "before_insert", lambda *_: log.append("before_insert")):
            session.flush()

        assert log == [*ORDER[:3], "before_insert", *ORDER[3:]]


@pytest.mark.rule("EV-40", "SB-101")
def test_flush_without_work_fires_nothing(session):
    session.get(library.Author, 1)
    log = []
    record_events(session, log)

    session.flush()

    assert log == []


@pytest.mark.rule("EV-40")
def test_what_a_listener_of_before_flush_changes_takes_part(session):
    session.add_all([author(2), author(3)])
    session.commit()
    ann, gone = session.get(library.Author, 1), session.get(library.Author, 2)

    def before_flush(session, _context, instances):
        assert instances is None
        session.add(author(5))
        ann.name = "Anna"
        session.delete(gone)

    session.add(author(4))
    with listening(session, "before_flush", before_flush):
        session.flush()

    assert not session.new
    assert not session.dirty
    assert not session.deleted
    assert names_in(session) == ["Anna", "author 3", "author 4", "author 5"]


@pytest.mark.rule("EV-40")
def test_before_flush_is_told_the_objects_that_were_given(session):
    wanted, other = author(2), author(3)
    session.add_all([wanted, other])
    told = []

    with (
        listening(session, "before_flush", lambda *arguments: told.append(arguments[2])),
        pytest.warns(exc.SADeprecationWarning, match="objects"),
    ):
        session.flush([wanted])

    assert told == [[wanted]]
    assert list(session.new) == [other]


def look_at(session, new, changed, deleted):
    """What a listener sees of a session and of three of its objects."""
    return {
        "new": new in session.new,
        "dirty": changed in session.dirty,
        "deleted": deleted in session.deleted,
        "history": inspect(changed).attrs.name.history.has_changes(),
        "states": (inspect(new).pending, inspect(changed).persistent, inspect(deleted).persistent),
        "rows": session.connection().scalars(text("SELECT name FROM author ORDER BY id")).all(),
    }


@pytest.mark.rule("EV-41", "EV-42")
def test_states_are_those_of_before_in_after_flush_and_final_in_after_flush_postexec(session):
    session.add(author(2))
    session.commit()
    changed, deleted, new = (
        session.get(library.Author, 1),
        session.get(library.Author, 2),
        author(3),
    )
    changed.name = "Anna"
    session.delete(deleted)
    session.add(new)
    seen = {}
    for name in ("after_flush", "after_flush_postexec"):
        event.listen(
            session,
            name,
            lambda *_, name=name: seen.update({name: look_at(session, new, changed, deleted)}),
        )

    session.flush()

    rows = ["Anna", "author 3"]
    before = {"new": True, "dirty": True, "deleted": True, "history": True}
    assert seen["after_flush"] == {**before, "states": (True, True, True), "rows": rows}
    after = dict.fromkeys(before, False)
    assert seen["after_flush_postexec"] == {**after, "states": (False, True, False), "rows": rows}
    assert inspect(deleted).deleted


@pytest.mark.rule("EV-41", "SB-107")
def test_listener_of_after_flush_may_not_flush(session):
    refused = []

    def after_flush(session, _context):
        with pytest.raises(exc.InvalidRequestError, match="already flushing"):
            session.flush()
        refused.append(True)

    session.add(author(2))
    with listening(session, "after_flush", after_flush):
        session.flush()

    assert refused == [True]


@pytest.mark.rule("EV-42")
def test_what_is_changed_after_a_flush_waits_for_the_next_one(session):
    more = [author(3)]

    def after_flush_postexec(session, _context):
        if more:
            session.add(more.pop())

    event.listen(session, "after_flush_postexec", after_flush_postexec)
    session.add(author(2))

    session.flush()

    assert [each.id for each in session.new] == [3]
    session.flush()
    assert not session.new
    assert names_in(session) == ["Ann", "author 2", "author 3"]


@pytest.mark.rule("EV-42", "EV-43", "SB-153")
@pytest.mark.parametrize("rounds", [1, 98])
def test_commit_flushes_as_long_as_listeners_leave_work(session, rounds):
    numbers = iter(range(3, 3 + rounds))

    def after_flush_postexec(session, _context):
        for number in numbers:
            session.add(author(number))
            break

    event.listen(session, "after_flush_postexec", after_flush_postexec)
    session.add(author(2))
    session.commit()

    assert len(names_in(session)) == 2 + rounds


@pytest.mark.rule("EV-43", "SB-153")
def test_commit_gives_up_after_a_hundred_flushes_and_leaves_a_usable_session(session):
    flushes = []

    def after_flush_postexec(session, _context):
        flushes.append(1)
        session.add(author(100 + len(flushes)))

    event.listen(session, "after_flush_postexec", after_flush_postexec)
    session.add(author(2))

    with pytest.raises(exc.SQLAlchemyError, match="Over 100 subsequent flushes"):
        session.commit()

    assert len(flushes) == 100
    event.remove(session, "after_flush_postexec", after_flush_postexec)
    session.rollback()
    assert names_in(session) == ["Ann"]


@pytest.mark.rule("EV-44")
def test_object_loaded_before_the_new_one_has_its_place_is_replaced_with_a_warning(session):
    loaded = []
    new = author(2)
    session.add(new)

    with (
        listening(session, "after_flush", lambda s, _: loaded.append(s.get(library.Author, 2))),
        pytest.warns(exc.SAWarning, match="Identity map already had an identity .*, replacing"),
    ):
        session.flush()

    assert loaded[0] is not new
    assert session.get(library.Author, 2) is new
    assert inspect(loaded[0]).detached


@pytest.mark.rule("EV-180")
def test_transactions_can_be_counted(bound):
    count = []

    def after_transaction_create(_session, transaction):
        if transaction.parent is None:
            count.append(transaction)

    with Session(bound) as session:
        event.listen(session, "after_transaction_create", after_transaction_create)
        for number in range(1, 4):
            session.add(author(number))
            with session.begin_nested():
                session.scalars(select(library.Author)).all()
            session.commit()

    assert len(count) == 3
