"""From state to state: every move of an object, and the events that it fires."""

import gc

import pytest
from sqlalchemy import delete, event, exc, inspect, select, text

from holdfast import Session, make_transient, make_transient_to_detached, was_deleted
from holdfast.exc import ObjectDeletedError
from models import library, shop

MOVES = (
    "transient_to_pending",
    "pending_to_transient",
    "pending_to_persistent",
    "persistent_to_transient",
    "persistent_to_deleted",
    "persistent_to_detached",
    "detached_to_persistent",
    "deleted_to_persistent",
    "deleted_to_detached",
    "loaded_as_persistent",
)
ATTACHES = ("before_attach", "after_attach")
TRANSACTIONS = (
    "after_flush",
    "after_flush_postexec",
    "after_commit",
    "after_rollback",
    "after_soft_rollback",
    "after_transaction_end",
)


@pytest.fixture
def session(engine, tables):
    for model in (library, shop):
        tables(model.Base.metadata)
    with Session(engine) as session:
        session.add(library.Author(id=1, name="Ann"))
        session.commit()
        session.expunge_all()
        yield session


def hear(session, *names):
    """What is fired from now on: names, with the object where there is one."""
    heard = []
    for name in names:

        def listener(*arguments, name=name):
            assert arguments[0] is session
            heard.append((name, *arguments[1:]) if name in (*MOVES, *ATTACHES) else name)

        event.listen(session, name, listener)
    return heard


# Each of these brings an object to where a move starts.


def transient(session):
    return library.Author(id=2, name="Bo")


def pending(session):
    author = transient(session)
    session.add(author)
    return author


def inserted(session):
    author = pending(session)
    session.flush()
    return author


def persistent(session):
    author = inserted(session)
    session.commit()
    return author


def deleted(session):
    author = persistent(session)
    session.delete(author)
    session.flush()
    return author


def inserted_and_deleted(session):
    author = inserted(session)
    session.delete(author)
    session.flush()
    return author


def detached(session):
    author = persistent(session)
    session.expunge(author)
    return author


def mark_and_flush(session, author):
    session.delete(author)
    session.flush()


ADD = Session.add
EXPUNGE = Session.expunge
ATTACHED = ["before_attach", "after_attach"]


def ending(method):
    return lambda session, author: getattr(session, method)()


ROWS = {
    "transient to pending by add": (
        transient,
        ADD,
        "pending",
        [*ATTACHED, "transient_to_pending"],
    ),
    "transient to pending by add_all": (
        transient,
        lambda session, author: session.add_all([author]),
        "pending",
        [*ATTACHED, "transient_to_pending"],
    ),
    "transient to detached by make_transient_to_detached": (
        transient,
        lambda session, author: make_transient_to_detached(author),
        "detached",
        [],
    ),
    "pending to persistent by a flush": (
        pending,
        ending("flush"),
        "persistent",
        ["pending_to_persistent"],
    ),
    **{
        f"pending to transient by {method}": (
            pending,
            ending(method),
            "transient",
            ["pending_to_transient"],
        )
        for method in ("expunge_all", "close", "reset", "rollback")
    },
    "pending to transient by expunge": (pending, EXPUNGE, "transient", ["pending_to_transient"]),
    "pending to transient by make_transient": (
        pending,
        lambda session, author: make_transient(author),
        "transient",
        ["pending_to_transient"],
    ),
    "persistent to deleted by a flush": (
        persistent,
        mark_and_flush,
        "deleted",
        ["persistent_to_deleted"],
    ),
    **{
        f"persistent to deleted by a DELETE synchronised by {how}": (
            inserted,
            lambda session, author, how=how: session.execute(
                delete(library.Author).where(library.Author.id == 2),
                execution_options={"synchronize_session": how},
            ),
            "deleted",
            ["persistent_to_deleted"],
        )
        for how in ("fetch", "evaluate")
    },
    **{
        f"persistent to detached by {method}": (
            persistent,
            ending(method),
            "detached",
            ["persistent_to_detached"],
        )
        for method in ("expunge_all", "close", "reset", "invalidate")
    },
    "persistent to detached by expunge": (
        persistent,
        EXPUNGE,
        "detached",
        ["persistent_to_detached"],
    ),
    "persistent to transient by rollback": (
        inserted,
        ending("rollback"),
        "transient",
        ["persistent_to_transient"],
    ),
    "persistent to transient by make_transient": (
        persistent,
        lambda session, author: make_transient(author),
        "transient",
        ["persistent_to_detached"],
    ),
    "detached to persistent by add": (
        detached,
        ADD,
        "persistent",
        [*ATTACHED, "detached_to_persistent"],
    ),
    "detached to persistent by delete": (
        detached,
        Session.delete,
        "persistent",
        [*ATTACHED, "detached_to_persistent"],
    ),
    "deleted to detached by commit": (
        deleted,
        ending("commit"),
        "detached",
        ["deleted_to_detached"],
    ),
    "deleted to detached by expunge": (deleted, EXPUNGE, "detached", ["deleted_to_detached"]),
    "deleted to persistent by rollback": (
        deleted,
        ending("rollback"),
        "persistent",
        ["deleted_to_persistent"],
    ),
    "deleted to transient by rollback": (
        inserted_and_deleted,
        ending("rollback"),
        "transient",
        ["deleted_to_detached"],
    ),
}


@pytest.mark.rule("SM-20")
@pytest.mark.parametrize("row", ROWS)
def test_move_ends_where_it_should_and_fires_its_events_once(session, row):
    start, cause, end, expected = ROWS[row]
    author = start(session)
    heard = hear(session, *MOVES, *ATTACHES)

    cause(session, author)

    assert getattr(inspect(author), end)
    assert heard == [(name, author) for name in expected]


@pytest.mark.rule("SM-20 (none) to transient")
def test_constructor_fires_init():
    heard = []

    def listener(target, args, kwargs):
        heard.append((target, args, kwargs))

    event.listen(library.Author, "init", listener)
    try:
        author = library.Author(name="Ann")
    finally:
        event.remove(library.Author, "init", listener)

    assert heard == [(author, (), {"name": "Ann"})]
    assert inspect(author).transient


@pytest.mark.rule("SM-20 (row) to persistent")
def test_load_fires_load_and_loaded_as_persistent(session):
    heard = hear(session, *MOVES)
    loaded = []

    def listener(target, context):
        loaded.append(target)

    event.listen(library.Author, "load", listener)
    try:
        author = session.scalars(select(library.Author)).one()
        session.scalars(select(library.Author)).one()
    finally:
        event.remove(library.Author, "load", listener)

    assert loaded == [author]
    assert heard == [("loaded_as_persistent", author)]


@pytest.mark.rule("SM-20 transient to pending by cascade and merge")
def test_cascade_and_merge_make_pending_objects(session):
    author = session.get(library.Author, 1)
    heard = hear(session, *MOVES, *ATTACHES)
    book = library.Book(title="Ice")
    outside = library.Author(name="Cy")

    author.books.append(book)
    merged = session.merge(outside)

    names = [*ATTACHED, "transient_to_pending"]
    made = [each for each in heard if each[1] is not merged]
    assert made == [(name, book) for name in names] + [("pending_to_persistent", book)]
    assert [each[0] for each in heard if each[1] is merged] == names


@pytest.mark.rule("SM-20 pending to transient by orphan removal")
def test_pending_orphan_becomes_transient_with_its_event(session):
    order = shop.Order(customer="Cy")
    line = shop.Line(number=1, product="pen")
    order.lines.append(line)
    session.add(order)
    heard = hear(session, *MOVES)

    order.lines.remove(line)

    assert heard == [("pending_to_transient", line)]
    assert inspect(line).transient


@pytest.mark.rule("SM-20 any to detached")
def test_objects_of_a_collected_session_are_detached_or_transient_without_events(engine, session):
    other = Session(engine)
    ann = other.get(library.Author, 1)
    new = library.Author(name="Cy")
    other.add(new)
    heard = []
    for name in MOVES:
        event.listen(other, name, lambda _, each, name=name: heard.append(name))
    other.connection().close()

    del other
    gc.collect()

    assert inspect(ann).detached
    assert inspect(new).transient
    assert heard == []


@pytest.mark.rule("SM-21", "SM-22")
def test_flush_fires_deletions_then_insertions_between_its_two_last_events(session):
    ann = session.get(library.Author, 1)
    bo = pending(session)
    session.delete(ann)
    heard = hear(session, *MOVES, *TRANSACTIONS)
    seen = []
    event.listen(
        session, "pending_to_persistent", lambda s, each: seen.append(inspect(each).persistent)
    )

    session.flush()

    assert heard == [
        "after_flush",
        ("persistent_to_deleted", ann),
        ("pending_to_persistent", bo),
        "after_flush_postexec",
        "after_transaction_end",
    ]
    assert seen == [True]


@pytest.mark.rule("SM-23")
def test_rollback_fires_its_events_in_order(session):
    ann = session.get(library.Author, 1)
    bo = inserted(session)
    session.delete(ann)
    session.flush()
    cy = library.Author(name="Cy")
    session.add(cy)
    heard = hear(session, *MOVES, *TRANSACTIONS)

    session.rollback()

    assert heard[0] == "after_rollback"
    assert set(heard[1:3]) == {("persistent_to_transient", bo), ("pending_to_transient", cy)}
    assert heard[3:] == [
        ("deleted_to_persistent", ann),
        "after_transaction_end",
        "after_soft_rollback",
    ]


@pytest.mark.rule("SM-24")
def test_commit_detaches_deleted_objects_after_the_commit_and_before_the_end(session):
    bo = deleted(session)
    heard = hear(session, *MOVES, "after_commit", "after_transaction_end")

    session.commit()

    assert heard == ["after_commit", ("deleted_to_detached", bo), "after_transaction_end"]


@pytest.mark.rule("SM-25")
def test_commit_without_expiry_leaves_deleted_objects_deleted(session):
    session.expire_on_commit = False
    bo = deleted(session)
    heard = hear(session, *MOVES)

    session.commit()

    assert inspect(bo).deleted
    assert inspect(bo).session is session
    assert heard == []


@pytest.mark.rule("SM-26")
@pytest.mark.parametrize("method", ["expunge_all", "close", "reset"])
@pytest.mark.parametrize("listens", [False, True])
def test_emptying_a_session_leaves_deleted_objects_deleted(session, method, listens):
    bo = deleted(session)
    heard = hear(session, *MOVES) if listens else []

    getattr(session, method)()

    assert inspect(bo).deleted
    assert heard == []


@pytest.mark.rule("SM-26")
def test_rollback_after_expunge_all_restores_deleted_objects(session):
    bo = deleted(session)
    session.expunge_all()

    session.rollback()

    assert inspect(bo).persistent
    assert bo in session
    assert bo.name == "Bo"


@pytest.mark.rule("SM-27")
def test_expunged_deleted_object_stays_detached_when_its_deletion_is_rolled_back(session):
    bo = deleted(session)
    heard = hear(session, *MOVES)

    session.expunge(bo)
    session.rollback()

    assert heard == [("deleted_to_detached", bo)]
    assert inspect(bo).detached


@pytest.mark.rule("SM-28")
def test_detached_object_is_not_marked_yet_when_delete_attaches_it(session):
    bo = detached(session)
    marked = []
    for name in (*ATTACHES, "detached_to_persistent"):
        event.listen(session, name, lambda s, each: marked.append(each in s.deleted))

    session.delete(bo)

    assert marked == [False] * 3
    assert bo in session.deleted


@pytest.mark.rule("SM-29")
def test_get_of_a_gone_row_answers_none_and_deletes_the_object(session):
    ann = session.get(library.Author, 1)
    session.execute(text("DELETE FROM author"))
    session.expire(ann)
    heard = hear(session, *MOVES)

    assert session.get(library.Author, 1) is None

    assert inspect(ann).deleted
    assert heard == [("persistent_to_deleted", ann)]


@pytest.mark.rule("SM-29")
def test_access_and_refresh_of_a_gone_row_raise_and_leave_the_object_persistent(session):
    ann = session.get(library.Author, 1)
    session.execute(text("DELETE FROM author"))
    session.expire(ann)

    with pytest.raises(ObjectDeletedError):
        ann.name
    assert inspect(ann).persistent
    with pytest.raises(exc.InvalidRequestError, match="Could not refresh instance"):
        session.refresh(ann)
    assert inspect(ann).persistent


@pytest.mark.rule("SM-30")
def test_savepoint_takes_back_its_own_moves_only(session):
    ann = session.get(library.Author, 1)
    outer_new, outer_deleted = inserted(session), library.Author(id=9, name="Di")
    session.add(outer_deleted)
    session.flush()
    session.delete(outer_deleted)
    session.flush()
    nested = session.begin_nested()
    cy = library.Author(name="Cy")
    session.add(cy)
    session.flush()
    di = library.Author(name="Di")
    session.add(di)
    session.delete(ann)
    session.flush()
    ed = library.Author(name="Ed")
    session.add(ed)
    heard = hear(session, *MOVES)

    nested.rollback()

    assert sorted(heard, key=lambda each: (each[0], each[1].name or "")) == [
        ("deleted_to_persistent", ann),
        ("pending_to_transient", ed),
        ("persistent_to_transient", cy),
        ("persistent_to_transient", di),
    ]
    assert inspect(outer_new).persistent
    assert inspect(outer_deleted).deleted


@pytest.mark.rule("SM-31")
@pytest.mark.parametrize("start", [pending, inserted, inserted_and_deleted])
def test_object_made_transient_by_rollback_is_like_new(session, start):
    author = start(session)
    session.rollback()
    assert inspect(author).transient
    assert not was_deleted(author)

    session.add(author)
    session.commit()

    assert session.get(library.Author, 2) is author
    assert author.name == "Bo"


@pytest.mark.rule("SM-31")
def test_object_read_anew_from_a_row_that_is_rolled_back_becomes_transient(session):
    inserted(session)
    gc.collect()
    read = session.get(library.Author, 2)
    heard = hear(session, *MOVES)

    session.rollback()

    assert heard == [("persistent_to_transient", read)]
    assert inspect(read).transient
    assert read.name == "Bo"
    assert list(session) == []
    session.add(read)
    session.commit()
    assert session.get(library.Author, 2) is read


@pytest.mark.rule("SM-31")
def test_object_read_anew_and_deleted_is_not_restored_without_its_row(session):
    inserted(session)
    gc.collect()
    read = session.get(library.Author, 2)
    session.delete(read)
    session.flush()

    session.rollback()

    assert inspect(read).transient
    assert list(session) == []


@pytest.mark.rule("SM-31")
def test_object_whose_key_was_given_to_another_is_restored(session):
    ann = session.get(library.Author, 1)
    session.delete(ann)
    session.flush()
    session.add(library.Author(id=1, name="other"))
    session.flush()
    gc.collect()
    other = session.get(library.Author, 1)
    assert other is not ann

    session.rollback()

    assert inspect(ann).persistent
    assert ann.name == "Ann"
    assert inspect(other).transient


@pytest.mark.rule("SM-31")
def test_object_read_anew_beside_an_expunged_one_becomes_transient_with_it(session):
    bo = inserted(session)
    session.expunge(bo)
    read = session.get(library.Author, 2)

    session.rollback()

    assert inspect(bo).transient
    assert inspect(read).transient


@pytest.mark.rule("SM-30")
def test_object_read_anew_within_a_savepoint_stays_when_its_row_does(session):
    inserted(session)
    gc.collect()
    nested = session.begin_nested()
    read = session.get(library.Author, 2)

    nested.rollback()

    assert inspect(read).persistent
    assert read.name == "Bo"


@pytest.mark.rule("SM-32")
def test_close_expunges_first_and_ends_each_level_afterwards(session):
    ann = session.get(library.Author, 1)
    session.begin_nested()
    new = pending(session)
    heard = hear(session, *MOVES, *TRANSACTIONS)

    session.close()

    assert heard == [
        ("persistent_to_detached", ann),
        ("pending_to_transient", new),
        "after_transaction_end",
        "after_transaction_end",
    ]


@pytest.mark.rule("SM-33")
def test_exchanged_keys_go_back_with_the_rollback(session):
    session.add(library.Author(id=2, name="Bo"))
    session.commit()
    ann, bo = session.get(library.Author, 1), session.get(library.Author, 2)
    ann.id = 3
    session.flush()
    bo.id = 1
    session.flush()
    assert session.identity_map[inspect(bo).key] is bo
    assert inspect(bo).identity == (1,)

    session.rollback()

    assert (inspect(ann).identity, inspect(bo).identity) == ((1,), (2,))
    assert session.get(library.Author, 1) is ann
    assert session.get(library.Author, 2) is bo
