"""Deleted objects lose their rows, and others what referred to them."""

import pytest
from sqlalchemy import delete, event, exc, func, inspect, select, text

from holdfast import Session, make_transient, was_deleted
from holdfast.errors import ObjectDeletedError
from holdfast.errors.flush import DependencyRuleError, FlushCycleError, FlushError
from models import library, shop, tree


@pytest.fixture
def session(engine, tables):
    for model in (library, shop, tree):
        tables(model.Base.metadata)
    with Session(engine) as session:
        yield session


def count(session, cls):
    return session.scalar(select(func.count()).select_from(cls.__table__))


def test_deleted_objects_go_in_one_statement(session, sql):
    tags = [library.Tag(name=str(number)) for number in range(3)]
    session.add_all(tags)
    session.commit()
    for tag in session.scalars(select(library.Tag)):
        session.delete(tag)
    sql.clear()
    session.flush()

    assert sql.emitted[-1] == "DELETE FROM tag WHERE tag.id = ?"
    assert sql.parameters[-1] == [(1,), (2,), (3,)]
    assert all(inspect(tag).deleted for tag in tags)


def test_children_without_cascade_lose_their_parent(session):
    author = library.Author(name="x", books=[library.Book()])
    session.add(author)
    session.commit()
    book = author.books[0]
    session.delete(author)
    session.flush()

    assert book.author_id is None
    assert count(session, library.Author) == 0


def test_children_with_cascade_go_first(session):
    order = shop.Order(customer="c", lines=[shop.Line(number=1, product="p")])
    session.add(order)
    session.commit()
    session.delete(order)
    session.flush()

    assert (count(session, shop.Order), count(session, shop.Line)) == (0, 0)


def test_an_orphan_is_deleted(session):
    order = shop.Order(customer="c", lines=[shop.Line(number=n, product="p") for n in (1, 2)])
    session.add(order)
    session.commit()
    line = order.lines.pop()
    assert line not in session.deleted
    session.flush()

    assert inspect(line).deleted
    assert count(session, shop.Line) == 1


def test_an_orphan_that_found_another_parent_stays(session):
    one = shop.Order(customer="1", notes={"a": shop.Note(kind="a")})
    two = shop.Order(customer="2")
    session.add_all([one, two])
    session.commit()
    assert not two.notes
    note = one.notes.pop("a")
    two.notes["a"] = note
    session.flush()

    assert note.order_id == two.id


def test_association_rows_go_with_either_side(session):
    book = library.Book(tags={library.Tag(name="t")})
    session.add(book)
    session.commit()
    session.delete(book)
    session.flush()

    assert session.scalar(select(func.count()).select_from(library.book_tag)) == 0
    assert count(session, library.Tag) == 1


def test_a_key_column_is_not_blanked(session):
    order = shop.Order(customer="c", lines=[shop.Line(number=1, product="p")])
    session.add(order)
    session.commit()
    line = order.lines[0]
    shop.Order.lines.property.cascade = "save-update, merge"
    try:
        order.lines.remove(line)

        with pytest.raises(DependencyRuleError, match="tried to blank-out primary key column"):
            session.flush()
    finally:
        shop.Order.lines.property.cascade = "all, delete-orphan"


def test_a_key_column_that_is_not_loaded_is_not_blanked(session):
    session.add(shop.Order(customer="c", lines=[shop.Line(number=1, product="p")]))
    session.commit()
    line = session.scalars(select(shop.Line)).one()
    shop.Order.lines.property.cascade = "save-update, merge"
    try:
        assert line in line.order.lines
        session.expire(line, ["order_id"])
        line.order.lines.remove(line)

        with pytest.raises(DependencyRuleError, match="tried to blank-out primary key column"):
            session.flush()
    finally:
        shop.Order.lines.property.cascade = "all, delete-orphan"


def test_a_tree_is_deleted_leaves_first(session):
    root = tree.Node(name="r", children=[tree.Node(name="c", children=[tree.Node(name="g")])])
    session.add(root)
    session.commit()
    for node in session.scalars(select(tree.Node)):
        session.delete(node)
    session.flush()

    assert count(session, tree.Node) == 0


def test_a_row_that_is_gone_warns(session):
    tag = library.Tag(name="t")
    session.add(tag)
    session.flush()
    session.execute(delete(library.Tag.__table__))
    session.delete(tag)

    with pytest.warns(exc.SAWarning, match=r"expected to delete 1 row\(s\); 0 were matched"):
        session.flush()


def test_rows_that_need_each_other_cannot_be_ordered(session):
    one, two = tree.Node(name="1"), tree.Node(name="2")
    one.parent, two.parent = two, one
    session.add_all([one, two])

    with pytest.raises(FlushCycleError, match="Circular dependency detected") as caught:
        session.flush()
    assert len(caught.value.cycles) == 2
    assert caught.value.edges


def test_post_update_breaks_a_circle(session):
    player = tree.Player()
    team = tree.Team(players=[player], captain=player)
    session.add(team)
    session.commit()

    assert (team.captain_id, player.team_id) == (player.id, team.id)

    session.delete(team)
    session.delete(player)
    session.commit()
    assert (count(session, tree.Team), count(session, tree.Player)) == (0, 0)


def test_a_related_object_outside_of_the_session_is_left_out(session):
    author = library.Author(name="x")
    session.add(author)
    session.flush()
    book = library.Book()
    author.books.append(book)
    session.expunge(book)

    with pytest.warns(exc.SAWarning, match="not in session, add operation along 'Author.books'"):
        session.flush()
    assert count(session, library.Book) == 0


def test_none_in_a_collection_is_an_error(session):
    author = library.Author(name="x")
    author.books.append(None)
    session.add(author)

    with pytest.raises(FlushError, match=r"Can't flush None value found in collection"):
        session.flush()


def test_an_object_of_the_wrong_class_is_an_error(session):
    team = tree.Team()
    session.add(team)
    with session.no_autoflush:
        team.__dict__["captain"] = tree.Node(name="no player")

    with pytest.raises(FlushError, match="Attempting to flush an item of type"):
        session.flush()


def test_an_expired_object_keeps_its_values_when_its_row_goes(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    session.delete(author)
    session.commit()
    make_transient(author)

    assert (author.id, author.name) == (1, "Ann")
    session.add(author)
    session.commit()
    assert session.get_one(library.Author, 1) is author


def test_deletion_of_an_expired_object_whose_row_is_gone_says_so(session):
    author = library.Author(name="Ann")
    session.add(author)
    session.commit()
    session.execute(text("DELETE FROM author"))
    session.delete(author)

    with pytest.raises(ObjectDeletedError, match="row is otherwise not present"):
        session.flush()


@pytest.mark.rule("SB-84")
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_deleting_a_deleted_object_is_silent_and_the_flush_warns(session, ends):
    tag = library.Tag(name="t")
    session.add(tag)
    session.commit()
    session.delete(tag)
    session.delete(tag)
    session.flush()
    session.delete(tag)
    assert tag in session.deleted
    with pytest.warns(exc.SAWarning, match="expected to delete 1 row"):
        session.flush()
    assert inspect(tag).deleted
    getattr(session, ends)()

    assert inspect(tag).detached is (ends == "commit")
    assert count(session, library.Tag) == (ends == "rollback")


@pytest.mark.rule("SM-7", "SB-84")
@pytest.mark.filterwarnings("ignore:DELETE statement on table")
def test_deleting_a_deleted_object_leaves_it_deleted(session):
    moves = []
    for name in ("persistent_to_deleted", "deleted_to_persistent"):
        event.listen(session, name, lambda _, each, name=name: moves.append(name))
    tag = library.Tag(name="t")
    session.add(tag)
    session.commit()
    session.delete(tag)
    session.flush()
    session.delete(tag)

    assert was_deleted(tag)
    assert inspect(tag).deleted
    assert tag in session
    session.flush()
    assert (inspect(tag).deleted, list(session.deleted)) == (True, [])
    assert tag not in session
    assert not list(session.identity_map)
    session.rollback()
    assert inspect(tag).persistent
    assert moves == ["persistent_to_deleted", "deleted_to_persistent"]


@pytest.mark.rule("SM-7", "SM-23")
def test_object_deleted_again_in_a_savepoint_stays_deleted_when_that_is_undone(session):
    tag = library.Tag(name="t")
    session.add(tag)
    session.commit()
    session.delete(tag)
    session.flush()
    savepoint = session.begin_nested()
    session.delete(tag)
    savepoint.rollback()

    assert inspect(tag).deleted
    assert (list(session.deleted), list(session.identity_map)) == ([], [])
