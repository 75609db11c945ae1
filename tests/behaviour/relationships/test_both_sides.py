"""Two relationships that are each other's other side: what a change on one does to the other."""

import pytest
from sqlalchemy import ForeignKey, exc, select

from holdfast import Mapped, Session, mapped_column, relationship
from holdfast.exc import FlushError
from models import library
from models.library import Author, Book, Tag


@pytest.fixture
def session(engine, tables):
    with Session(tables(library.Base.metadata)) as session:
        yield session


@pytest.fixture
def stored(session):
    """An author with two books, committed and expired, and another without."""
    session.add(Author(id=1, name="a", books=[Book(id=1), Book(id=2)]))
    session.add(Author(id=2, name="b"))
    session.commit()
    return session.get(Author, 1), session.get(Author, 2)


def teams(base, *, one=None, many=None):
    """Team and Player with two sides; `one` are settings of `Player.team`."""

    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)
        players = relationship("Player", **(many or {}))

    class Player(base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True)
        number: Mapped[int | None]
        team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
        team = relationship("Team", **(one or {}))

    return Team, Player


@pytest.mark.rule("RL-40", "RL-41")
def test_change_on_one_side_shows_on_the_other_without_sql():
    author, book, second = Author(), Book(), Book()

    author.books.append(book)
    second.author = author

    assert book.author is author
    assert author.books == [book, second]


@pytest.mark.rule("RL-42")
def test_setting_another_parent_leaves_the_former_one():
    author, other, book = Author(), Author(), Book()
    book.author = author

    book.author = other

    assert author.books == []
    assert other.books == [book]


@pytest.mark.rule("RL-42")
def test_appending_to_another_collection_leaves_the_former_one():
    author, other, book = Author(books=[Book()]), Author(), Book()
    author.books.append(book)

    other.books.append(book)

    assert book not in author.books
    assert book.author is other


@pytest.mark.rule("RL-43")
def test_taking_a_member_out_unsets_its_reference_and_vice_versa():
    first, second = Book(), Book()
    author = Author(books=[first, second])

    author.books.remove(first)
    second.author = None

    assert first.author is None
    assert author.books == []


@pytest.mark.rule("RL-41", "RL-44", "RL-50")
def test_setting_a_reference_queues_the_change_until_the_collection_loads(session, stored, sql):
    author, other = stored
    first, _ = session.scalars(select(Book).order_by(Book.id)).all()
    assert first.author is author
    assert other.id == 2
    sql.clear()
    with session.no_autoflush:
        new = Book(id=3, author=author)
        first.author = other

        assert not sql.emitted
        assert "books" not in author.__dict__
        assert [book.id for book in author.books] == [2, 3]
        assert len(sql.emitted) == 1
        assert new in author.books
        assert other.books == [first]


@pytest.mark.rule("RL-45", "RL-94")
def test_many_to_many_keeps_both_in_step_and_writes_one_row(session):
    book, tag = Book(id=1), Tag(id=1, name="t")

    book.tags.add(tag)
    assert tag.books == [book]
    session.add(book)
    session.commit()
    assert session.execute(select(library.book_tag)).all() == [(1, 1)]

    tag.books.remove(book)
    assert book.tags == set()
    session.commit()
    assert session.execute(select(library.book_tag)).all() == []


@pytest.mark.rule("RL-46")
def test_backref_with_a_name_that_is_taken_is_refused(base):
    teams(base, many={"backref": "number"})

    with pytest.raises(exc.ArgumentError, match=r"Error creating backref 'number'.*exists"):
        base.registry.configure()


@pytest.mark.rule("RL-47")
@pytest.mark.parametrize(
    ("name", "message"), [("nothing", "has no property"), ("number", "not a relationship")]
)
def test_back_populates_must_name_a_relationship(base, name, message):
    teams(base, many={"back_populates": name})

    with pytest.raises(exc.InvalidRequestError, match=message):
        base.registry.configure()


@pytest.mark.rule("RL-48")
def test_naming_on_one_side_synchronises_in_that_direction_only(base):
    team_class, player_class = teams(base, many={"back_populates": "team"})
    team, other, player = team_class(), team_class(), player_class()

    team.players.append(player)
    assert player.team is team

    player.team = other
    assert other.players == []


@pytest.mark.rule("RL-49", "RL-141")
@pytest.mark.parametrize(
    ("one", "many"),
    [
        ({"viewonly": True, "sync_backref": False}, {}),
        ({"viewonly": True}, {}),
    ],
)
def test_viewonly_side_is_not_synchronised(base, one, many):
    team_class, player_class = teams(
        base,
        one={"back_populates": "players", **one},
        many={"back_populates": "team", **many},
    )
    team, player = team_class(), player_class()

    team.players.append(player)
    assert player.team is None

    team, player = team_class(), player_class()
    player.team = team
    assert team.players == []


@pytest.mark.rule("RL-51")
def test_object_of_a_class_without_the_back_reference_is_refused_at_once():
    author = Author()

    with pytest.raises(KeyError, match=r"Author\.books: its class has no attribute"):
        author.books.append(Tag(name="t"))


@pytest.mark.rule("RL-51")
def test_object_of_another_class_is_refused_at_flush_without_back_reference(base, engine):
    _, player_class = teams(base, one={"cascade": "merge"}, many={"viewonly": True})

    class Other(base):
        __tablename__ = "other"
        id: Mapped[int] = mapped_column(primary_key=True)

    base.metadata.create_all(engine)
    with Session(engine) as session:
        other = Other()
        session.add_all([other, player_class(team=other)])
        with pytest.raises(FlushError, match=r"Attempting to flush an item of type .*Other"):
            session.flush()


@pytest.mark.rule("RL-52")
def test_none_in_a_collection_is_refused_at_flush(session):
    author = Author(name="a")
    author.books.append(None)
    session.add(author)

    with pytest.raises(FlushError, match="Can't flush None value found in collection"):
        session.flush()
