"""Adding, deleting, expunging, expiring, refreshing and getting objects."""

import pytest
from sqlalchemy import exc, inspect, select, text, update

from holdfast import Session
from models import library, shop


@pytest.fixture
def session(engine, tables):
    for model in (library, shop):
        tables(model.Base.metadata)
    with Session(engine) as session:
        session.add_all([library.Author(id=1, name="Ann"), library.Author(id=2, name="Bo")])
        session.commit()
        yield session


def test_adding_a_marked_object_takes_the_mark_away(session):
    ann = session.get(library.Author, 1)
    session.delete(ann)

    session.add(ann)
    session.commit()

    assert session.get(library.Author, 1) is ann


def test_adding_a_deleted_object_is_refused(session):
    ann = session.get(library.Author, 1)
    session.delete(ann)
    session.flush()

    with pytest.raises(exc.InvalidRequestError, match="make_transient"):
        session.add(ann)
    session.commit()
    with pytest.raises(exc.InvalidRequestError, match="make_transient"):
        session.add(ann)


@pytest.mark.parametrize("is_pending", [True, False])
def test_deleting_an_object_without_row_is_refused(session, is_pending):
    author = library.Author(name="Cy")
    if is_pending:
        session.add(author)

    with pytest.raises(exc.InvalidRequestError, match="is not persisted"):
        session.delete(author)


def test_deleting_a_detached_object_attaches_it(session):
    ann = session.get(library.Author, 1)
    session.expunge(ann)

    session.delete(ann)

    assert inspect(ann).persistent
    session.commit()
    assert session.get(library.Author, 1) is None


def test_delete_cascade_marks_at_once_and_loads_what_it_needs(session):
    order = shop.Order(customer="Cy", lines=[shop.Line(number=1, product="pen")])
    session.add(order)
    session.commit()

    session.delete(order)

    assert {type(each).__name__ for each in session.deleted} == {"Order", "Line"}


def test_link_to_a_member_joins_the_session_and_its_end_does_not(session):
    ann = session.get(library.Author, 1)
    appended, linked = library.Book(title="Ice"), library.Book(title="Fog")

    ann.books.append(appended)
    linked.author = ann

    assert appended in session
    assert linked not in session


def test_pending_orphan_leaves_at_once(session):
    order = shop.Order(customer="Cy")
    line = shop.Line(number=1, product="pen")
    session.add(order)
    order.lines.append(line)
    assert line in session

    order.lines.remove(line)

    assert line not in session
    assert inspect(line).transient


def test_get_answers_from_memory(session, sql):
    ann = session.get(library.Author, 1)
    sql.clear()

    assert session.get(library.Author, 1) is ann
    assert session.get(library.Author, (1,)) is ann
    assert session.get(library.Author, {"id": 1}) is ann
    assert sql.emitted == []


def test_get_of_an_expired_object_reads_it_and_of_a_gone_one_deletes_it(session, sql):
    ann = session.get(library.Author, 1)
    session.expire(ann)
    sql.clear()
    assert session.get(library.Author, 1) is ann
    assert len(sql.emitted) == 1

    session.execute(text("DELETE FROM author WHERE id = 1"))
    session.expire(ann)

    assert session.get(library.Author, 1) is None
    assert inspect(ann).deleted
    session.rollback()
    assert inspect(ann).persistent


def test_get_takes_composite_keys_in_every_form(session):
    session.add(shop.Order(id=7, customer="Cy", lines=[shop.Line(number=1, product="pen")]))
    session.commit()
    line = session.get(shop.Line, (7, 1))

    assert session.get(shop.Line, [7, 1]) is line
    assert session.get(shop.Line, {"number": 1, "order_id": 7}) is line
    with pytest.raises(exc.InvalidRequestError, match="Incorrect number of values"):
        session.get(shop.Line, 7)
    with pytest.raises(exc.InvalidRequestError, match="Incorrect names of values"):
        session.get(shop.Line, {"number": 1})


def test_get_warns_of_a_key_that_is_null(session):
    with pytest.warns(exc.SAWarning, match="fully NULL"):
        assert session.get(library.Author, None) is None


def test_get_can_insist_on_the_database(session):
    ann = session.get(library.Author, 1)
    session.execute(text("UPDATE author SET name = 'Anna' WHERE id = 1"))

    assert session.get(library.Author, 1).name == "Ann"
    assert session.get(library.Author, 1, populate_existing=True) is ann
    assert ann.name == "Anna"


def test_get_one_raises_for_a_missing_row(session):
    with pytest.raises(exc.NoResultFound, match="No row was found when one was required"):
        session.get_one(library.Author, 99)


def test_expire_forgets_changes_and_keeps_what_is_not_mapped(session, sql):
    ann = session.get(library.Author, 1)
    ann.name = "Anna"
    ann.nickname = "A"
    sql.clear()

    session.expire(ann)

    assert sql.emitted == []
    assert ann not in session.dirty
    assert ann.nickname == "A"
    assert ann.name == "Ann"


def test_expire_of_named_attributes_leaves_the_others(session):
    ann = session.get(library.Author, 1)

    session.expire(ann, ["name"])

    assert inspect(ann).expired_attributes == {"name"}
    with pytest.raises(KeyError):
        session.expire(ann, ["nothing"])


def test_refresh_reads_again_and_loses_changes(session):
    ann = session.get(library.Author, 1)
    session.execute(text("UPDATE author SET name = 'Anna' WHERE id = 1"))
    ann.email = "lost@example.org"

    session.refresh(ann)

    assert (ann.name, ann.email) == ("Anna", None)


def test_refresh_of_a_gone_row_raises(session):
    ann = session.get(library.Author, 1)
    session.execute(text("DELETE FROM author WHERE id = 1"))

    with pytest.raises(exc.InvalidRequestError, match="Could not refresh instance"):
        session.refresh(ann)
    with pytest.raises(exc.ArgumentError, match="with_for_update should be"):
        session.refresh(session.get(library.Author, 2), with_for_update={})


@pytest.mark.parametrize("method", ["expire", "refresh"])
def test_outsiders_cannot_be_expired_or_refreshed(session, method):
    with pytest.raises(exc.InvalidRequestError, match="is not persistent within this Session"):
        getattr(session, method)(library.Author(name="Cy"))


def test_no_autoflush_holds_for_the_block(session):
    session.add(library.Author(id=3, name="Cy"))
    with session.no_autoflush:
        assert len(session.scalars(select(library.Author)).all()) == 2

    assert session.autoflush
    assert len(session.scalars(select(library.Author)).all()) == 3


def test_merge_copies_onto_the_member(session):
    outside = library.Author(id=1, name="Anna")

    merged = session.merge(outside)

    assert merged is session.get(library.Author, 1)
    assert merged is not outside
    assert merged.name == "Anna"
    assert outside not in session
    assert session.merge(library.Author(name="Cy")) in session.new


def test_merge_without_load_emits_nothing(session, engine, sql):
    ann = session.get(library.Author, 1)
    with Session(engine) as other:
        sql.clear()
        copy = other.merge(ann, load=False)
        assert copy.name == "Ann"
        assert copy not in other.dirty
        assert sql.emitted == []
        with pytest.raises(exc.InvalidRequestError, match="does not support objects transient"):
            other.merge(library.Author(name="Cy"), load=False)


def test_core_statements_pass_through(session):
    table = library.Author.__table__

    session.execute(update(table).values(name="all"))

    assert session.execute(select(table.c.name)).scalars().all() == ["all", "all"]
    with pytest.raises(exc.ArgumentError, match="text\\("):
        session.execute("SELECT 1")
