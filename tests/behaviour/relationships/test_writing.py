"""What a flush writes for relationships: keys, their order, and association rows."""

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    Table,
    UniqueConstraint,
    exc,
    insert,
    select,
    update,
)

from holdfast import Mapped, Session, mapped_column, relationship
from holdfast.exc import StaleDataError
from models import library
from models.library import Author, Book, Tag


@pytest.fixture
def session(engine, tables):
    with Session(tables(library.Base.metadata)) as session:
        yield session


@pytest.fixture
def open_session(engine):
    """A session on the tables of a base."""
    opened = []

    def open_one(base):
        base.metadata.create_all(engine)
        opened.append(Session(engine))
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()


def verbs(sql):
    """The statements that write, by their first words."""
    first = [each.split() for each in sql.emitted]
    return [
        f"{words[0]} {words[2] if words[0] != 'UPDATE' else words[1]}"
        for words in first
        if words[0] in ("INSERT", "UPDATE", "DELETE")
    ]


@pytest.mark.rule("RL-90", "RL-98")
def test_parents_are_written_first_and_their_keys_copied(session, sql):
    author = Author(name="a")
    session.add(Book(author=author))
    session.flush()

    assert verbs(sql) == ["INSERT author", "INSERT book"]
    assert author.books[0].author_id == author.id


@pytest.mark.rule("RL-90")
def test_children_are_deleted_first(session, sql):
    book = Book(author=Author(name="a"))
    session.add(book)
    session.commit()
    author = book.author
    session.delete(author)
    session.delete(book)
    sql.clear()
    session.flush()

    assert verbs(sql) == ["DELETE book", "DELETE author"]


@pytest.mark.rule("RL-91")
def test_member_that_is_taken_out_loses_its_key(session):
    book = Book()
    author = Author(name="a", books=[book])
    session.add(author)
    session.commit()

    author.books.remove(book)
    session.commit()

    assert book.author_id is None


def widgets(base, *, post_update):
    """Widget and Entry, which refer to each other."""

    class Widget(base):
        __tablename__ = "widget"
        id: Mapped[int] = mapped_column(primary_key=True)
        favourite_id: Mapped[int | None] = mapped_column(
            ForeignKey("entry.id", name="favourite", use_alter=True)
        )
        entries = relationship("Entry", primaryjoin="Widget.id == Entry.widget_id")
        favourite = relationship(
            "Entry", primaryjoin="Widget.favourite_id == Entry.id", post_update=post_update
        )

    class Entry(base):
        __tablename__ = "entry"
        id: Mapped[int] = mapped_column(primary_key=True)
        widget_id: Mapped[int | None] = mapped_column(ForeignKey("widget.id"))

    return Widget, Entry


@pytest.mark.rule("RL-92", "RL-20 post_update")
def test_post_update_writes_the_key_between_inserts_and_before_deletes(base, open_session, sql):
    widget_class, entry_class = widgets(base, post_update=True)
    session = open_session(base)
    entry = entry_class()
    widget = widget_class(entries=[entry], favourite=entry)
    session.add(widget)
    sql.clear()
    session.commit()

    assert verbs(sql) == ["INSERT widget", "INSERT entry", "UPDATE widget"]
    assert widget.favourite is entry

    session.delete(widget)
    session.delete(entry)
    sql.clear()
    session.commit()
    assert verbs(sql) == ["UPDATE widget", "DELETE entry", "DELETE widget"]


@pytest.mark.rule("RL-92")
def test_post_update_lets_a_row_refer_to_itself(base, open_session):
    class Node(base):
        __tablename__ = "node"
        id: Mapped[int] = mapped_column(primary_key=True)
        node_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        other = relationship("Node", remote_side=[id], post_update=True)

    session = open_session(base)
    node = Node()
    node.other = node
    session.add(node)
    session.commit()

    assert node.node_id == node.id


@pytest.fixture
def open_nodes(base, open_session):
    """A session with nodes by name: b and c have a as `other` and as `peer`."""

    class Node(base):
        __tablename__ = "node"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        other_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        peer_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        other = relationship("Node", remote_side=[id], foreign_keys=[other_id], post_update=True)
        peer = relationship("Node", remote_side=[id], foreign_keys=[peer_id], post_update=True)

    def open_nodes():
        session = open_session(base)
        a = Node(id=1, name="a")
        session.add_all([a, Node(id=2, name="b", other=a, peer=a)])
        session.add(Node(id=3, name="c", other=a, peer=a))
        session.commit()
        return session, *session.scalars(select(Node).order_by(Node.id))

    return open_nodes


@pytest.mark.rule("RL-92")
def test_post_update_leaves_the_keys_of_other_relationships_alone(open_nodes):
    session, a, b, c = open_nodes()
    session.expire(b, ["peer_id"])
    session.expire(c, ["other_id"])
    b.other = c.peer = None
    session.commit()

    assert (b.other, b.peer) == (None, a)
    assert (c.other, c.peer) == (a, None)


@pytest.mark.rule("RL-92")
def test_post_update_needs_no_update_before_a_delete_without_the_referred_object(open_nodes, sql):
    session, _, b, _ = open_nodes()
    node, key = type(b), b.id
    session.expunge_all()
    b = session.get_one(node, key)
    sql.clear()
    session.delete(b)
    session.flush()

    assert verbs(sql) == ["DELETE node"]


@pytest.mark.rule("RL-92")
@pytest.mark.parametrize("names", [None, ["other_id", "peer_id"]])
def test_post_update_clears_keys_before_a_delete_though_they_are_expired(open_nodes, sql, names):
    session, a, b, c = open_nodes()
    session.delete(c)
    session.flush()
    for node in (a, b):
        session.expire(node, names)
        session.delete(node)
    sql.clear()
    session.flush()

    assert verbs(sql) == ["UPDATE node", "DELETE node"]
    assert not session.scalars(select(type(a))).all()


@pytest.mark.rule("RL-93")
def test_rows_that_refer_to_each_other_are_a_cycle_without_post_update(base, open_session):
    widget_class, entry_class = widgets(base, post_update=False)
    session = open_session(base)
    entry = entry_class()
    session.add(widget_class(entries=[entry], favourite=entry))

    with pytest.raises(exc.CircularDependencyError):
        session.flush()


@pytest.mark.rule("RL-94")
def test_association_rows_are_written_in_batches(session, sql):
    tags = [Tag(name=name) for name in "abc"]
    book = Book(tags=set(tags))
    session.add(book)
    session.flush()
    rows = [each for each in sql.emitted if each.startswith("INSERT INTO book_tag")]
    assert len(rows) == 1

    sql.clear()
    book.tags.clear()
    session.flush()
    rows = [each for each in sql.emitted if each.startswith("DELETE FROM book_tag")]
    assert len(rows) == 1
    assert session.execute(select(library.book_tag)).all() == []


@pytest.mark.rule("RL-94")
def test_association_row_that_is_gone_is_stale(session):
    book = Book(tags={Tag(name="a"), Tag(name="b")})
    session.add(book)
    session.commit()
    assert len(book.tags) == 2
    gone = library.book_tag.delete().where(library.book_tag.c.tag_id == 1)
    session.execute(gone)
    book.tags.clear()

    with pytest.raises(StaleDataError, match="Only 1 were matched"):
        session.flush()


@pytest.mark.rule("RL-95")
def test_same_member_twice_is_written_twice(base, open_session):
    pairs = Table(
        "pairs",
        base.metadata,
        Column("a_id", ForeignKey("a.id")),
        Column("b_id", ForeignKey("b.id")),
        UniqueConstraint("a_id", "b_id"),
    )

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)

    class A(base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        bs: Mapped[list[B]] = relationship(secondary=pairs)

    session = open_session(base)
    b = B()
    session.add(A(bs=[b, b]))

    with pytest.raises(exc.IntegrityError):
        session.flush()


def keyed(base, *, passive):
    class User(base):
        __tablename__ = "users"
        name: Mapped[str] = mapped_column(primary_key=True)
        posts = relationship(
            "Post", passive_updates=passive, primaryjoin="User.name == foreign(Post.author)"
        )

    class Post(base):
        __tablename__ = "post"
        id: Mapped[int] = mapped_column(primary_key=True)
        # Without a constraint where updates carry the key: not every database defers constraints.
        author: Mapped[str | None] = mapped_column(
            *([ForeignKey("users.name", onupdate="CASCADE")] if passive else [])
        )
        notes = relationship("Note", passive_updates=passive)

    class Note(base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))

    return User, Post


@pytest.mark.rule("RL-96", "RL-20 passive_updates")
@pytest.mark.parametrize("passive", [True, False])
def test_changed_key_is_carried_by_the_database_or_by_updates(base, open_session, sql, passive):
    user_class, post_class = keyed(base, passive=passive)
    session = open_session(base)
    session.add(user_class(name="a", posts=[post_class(id=1), post_class(id=2)]))
    session.commit()
    user = session.get(user_class, "a")
    sql.clear()
    user.name = "b"
    session.flush()

    updated = [each for each in sql.emitted if each.startswith("UPDATE post")]
    assert bool(updated) is (not passive)
    # Only the referring rows: those that refer to them are left alone.
    assert not any("note" in each for each in sql.emitted)
    session.commit()
    assert session.scalars(select(post_class.author)).all() == ["b", "b"]


@pytest.mark.rule("RL-97")
def test_reference_wins_over_its_foreign_key_when_it_changed(session):
    first, second = Author(id=1, name="a"), Author(id=2, name="b")
    book = Book()
    session.add_all([first, second, book])
    session.flush()

    book.author = first
    book.author_id = 2
    session.flush()
    assert book.author_id == 1

    session.commit()
    assert book.author is first
    book.author_id = 2
    session.flush()
    assert book.author_id == 2


@pytest.mark.rule("RL-99")
def test_related_object_outside_the_session_is_skipped_with_a_warning(base, open_session):
    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Player(base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True)
        team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
        team = relationship(Team, cascade="merge")

    session = open_session(base)
    player = Player(team=Team())
    session.add(player)

    with pytest.warns(exc.SAWarning, match="not in session"):
        session.flush()
    assert player.team_id is None


@pytest.mark.rule("RL-98")
def test_row_waits_for_the_key_of_a_pending_object_of_its_own_class(base, open_session, sql):
    class Node(base):
        __tablename__ = "node"
        id: Mapped[int] = mapped_column(Integer, primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        parent = relationship("Node", remote_side=[id])

    session = open_session(base)
    child = Node(parent=Node())
    session.add(child)
    session.flush()

    assert child.parent_id == child.parent.id
    assert child.id > child.parent.id


@pytest.mark.rule("RL-91")
def test_statements_of_core_do_not_touch_loaded_references(session):
    book = Book(author=Author(name="a"))
    session.add(book)
    session.flush()
    session.execute(insert(library.Author.__table__).values(id=50, name="z"))
    session.execute(update(library.Book.__table__).values(author_id=50))

    assert book.author.name == "a"
    session.expire(book)
    assert book.author.name == "z"
