"""join() in all its forms, executed."""

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, exc, literal_column, select
from sqlalchemy.dialects import postgresql

from holdfast import DeclarativeBase, Mapped, Session, aliased, join, mapped_column, outerjoin
from models.library import Author, Base, Book, Tag


@pytest.fixture
def session(tables):
    with Session(tables(Base.metadata)) as session:
        long, short = Tag(id=1, name="long"), Tag(id=2, name="short")
        books = [
            Book(id=1, title="A", pages=10, tags={long}),
            Book(id=2, title="B", pages=20, tags={long, short}),
        ]
        session.add_all([Author(id=1, name="Ann", books=books), Author(id=2, name="Ben")])
        session.commit()
        yield session


def from_of(statement):
    text = " ".join(str(statement).split())
    return text[text.index("FROM ") :]


ALONG = "FROM author JOIN book ON author.id = book.author_id"
other = aliased(Book, name="other")
ALIASED = "FROM author JOIN book AS other ON author.id = other.author_id"


@pytest.mark.rule("QY-40")
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (select(Author).join(Author.books), ALONG),
        (select(Author).join(Book), ALONG),
        (select(Author).join(Book, Author.id == Book.author_id), ALONG),
        (select(Author).join(Book, Author.books), ALONG),
        (select(Author).join(Author.books.of_type(other)), ALIASED),
        (select(Author).join(other, Author.books), ALIASED),
        (
            select(Author).join(Author.books.and_(Book.pages > literal_column("5"))),
            f"{ALONG} AND book.pages > 5",
        ),
    ],
)
def test_every_form_of_join_gives_its_on_clause(session, statement, expected):
    assert from_of(statement) == expected
    assert [each.id for each in session.scalars(statement)] == [1, 1]


@pytest.mark.rule("QY-41")
def test_outer_and_full_joins_keep_rows_without_partner(session):
    outer = select(Author.id, Book.id).join(Author.books, isouter=True)

    assert from_of(outer) == ALONG.replace("JOIN", "LEFT OUTER JOIN")
    assert from_of(select(Author.id, Book.id).outerjoin(Author.books)) == from_of(outer)
    assert (2, None) in session.execute(outer).all()
    full = select(Author).join(Author.books, full=True)
    assert from_of(full) == ALONG.replace("JOIN", "FULL OUTER JOIN")


@pytest.mark.rule("QY-42")
def test_join_from_states_both_sides(session):
    one = select(Tag.id, Author.name).join_from(Author, Book).join(Book.tags)
    two = select(Author.id).join_from(Author, other, Author.books.of_type(other))

    assert set(session.execute(one)) == {(1, "Ann"), (2, "Ann")}
    assert from_of(two) == ALIASED
    assert from_of(select(Book.id).join_from(Author, Book, Author.id == Book.author_id)) == ALONG


@pytest.mark.rule("QY-42")
def test_the_relationship_must_be_one_of_the_left_side():
    author = aliased(Author)

    with pytest.raises(exc.InvalidRequestError, match="does not match left side of relationship"):
        str(select(author).join_from(author, Book, Author.books))
    with pytest.raises(exc.InvalidRequestError, match="does not match left side of relationship"):
        str(select(Author).join_from(Author, Book, Tag.books))
    with pytest.raises(exc.InvalidRequestError, match="does not correspond to the right side"):
        str(select(Author).join(Tag, Author.books))


@pytest.mark.rule("QY-43")
def test_a_name_is_no_join_target():
    with pytest.raises(exc.ArgumentError, match="expected"):
        select(Author).join("books")
    with pytest.raises(exc.ArgumentError, match="expected"):
        select(Author).join(Book, "books")


@pytest.mark.rule("QY-44")
def test_a_join_without_a_way_is_an_error():
    with pytest.raises(exc.InvalidRequestError, match="Don't know how to join to"):
        str(select(Author).join(Tag))


@pytest.mark.rule("QY-44")
def test_a_join_with_several_ways_is_an_error():
    class Own(DeclarativeBase):
        pass

    class Place(Own):
        __tablename__ = "place"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Trip(Own):
        __tablename__ = "trip"

        id: Mapped[int] = mapped_column(primary_key=True)
        start_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
        end_id: Mapped[int] = mapped_column(ForeignKey("place.id"))

    with pytest.raises(exc.AmbiguousForeignKeysError, match="more than one foreign key"):
        str(select(Place).join_from(Place, Trip))


@pytest.mark.rule("QY-45")
def test_the_same_relationship_joins_once(session):
    statement = select(Author).join(Author.books).join(Author.books).where(Book.id == 1)

    assert from_of(statement).startswith(f"{ALONG} WHERE")
    assert session.scalars(statement).one().id == 1


@pytest.mark.rule("QY-45")
def test_two_ways_to_one_table_are_two_joins():
    one, two = aliased(Book, name="one"), aliased(Book, name="two")
    statement = select(Author).join(Author.books.of_type(one)).join(Author.books.of_type(two))

    assert from_of(statement) == (
        "FROM author JOIN book AS one ON author.id = one.author_id "
        "JOIN book AS two ON author.id = two.author_id"
    )


@pytest.mark.rule("QY-46")
def test_a_many_to_many_joins_its_association_too(session):
    statement = select(Book.id).join(Book.tags).where(Tag.name == "short")

    assert from_of(statement).startswith(
        "FROM book JOIN book_tag AS book_tag_1 ON book.id = book_tag_1.book_id "
        "JOIN tag ON tag.id = book_tag_1.tag_id"
    )
    assert session.scalars(statement).all() == [2]


@pytest.mark.rule("QY-47")
def test_joins_stand_alone_for_select_from(session):
    inner = select(Author.id, Book.id).select_from(join(Author, Book, Author.books))
    outer = select(Author.id, Book.id).select_from(outerjoin(Author, Book, Author.books))
    full = join(Author, Book, Author.id == Book.author_id, full=True)
    further = join(Author, Book).join(Book.tags.property.secondary)

    assert set(session.execute(inner)) == {(1, 1), (1, 2)}
    assert set(session.execute(outer)) == {(1, 1), (1, 2), (2, None)}
    assert "FULL OUTER JOIN" in str(select(Author).select_from(full))
    assert "JOIN book_tag ON" in str(select(Author).select_from(further))
    left = join(Author, Book, isouter=True)
    assert "LEFT OUTER JOIN" in str(select(Author).select_from(left))


def test_a_lateral_subquery_is_joined():
    newest = (
        select(Book.title).where(Book.author_id == Author.id).order_by(Book.id.desc()).limit(1)
    ).lateral("newest")
    statement = select(Author.name, newest.c.title).join(newest, literal_column("true"))

    sql = " ".join(str(statement.compile(dialect=postgresql.dialect())).split())
    assert "FROM author JOIN LATERAL (SELECT book.title AS title FROM book WHERE" in sql


def test_a_plain_table_is_joined_by_its_foreign_key(session):
    prize = Table("prize", MetaData(), Column("author_id", Integer), Column("year", Integer))
    statement = select(Author).join(prize, prize.c.author_id == Author.id)

    assert from_of(statement) == "FROM author JOIN prize ON prize.author_id = author.id"
