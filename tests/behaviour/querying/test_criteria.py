"""Criteria over relationships, executed."""

import gc

import pytest
from sqlalchemy import exc, select

from holdfast import Session, aliased, selectinload, with_parent
from models.library import Author, Base, Book, Tag


@pytest.fixture
def session(tables, sql):
    with Session(tables(Base.metadata)) as session:
        long, short = Tag(id=1, name="long"), Tag(id=2, name="short")
        ann, ben = Author(id=1, name="Ann"), Author(id=2, name="Ben")
        session.add_all(
            [
                Book(id=1, pages=900, author=ann, tags={long}),
                Book(id=2, pages=90, author=ann, tags={short, long}),
                Book(id=3, pages=9),
                ben,
            ]
        )
        session.commit()
        sql.clear()
        yield session


def ids(session, statement):
    return sorted(each.id for each in session.scalars(statement).unique())


@pytest.mark.rule("RL-80", "RL-85", "QY-6")
def test_books_of_an_object(session):
    ann = session.get(Author, 1)

    assert ids(session, select(Book).where(Book.author == ann)) == [1, 2]
    assert ids(session, select(Book).where(Book.author != ann)) == [3]
    assert ids(session, select(Book).where(with_parent(ann, Author.books))) == [1, 2]
    assert ids(session, select(Book).where(Book.author == None)) == [3]  # noqa: E711


def test_the_author_of_an_object(session):
    book = session.get(Book, 2)

    assert ids(session, select(Author).where(Author.books.contains(book))) == [1]
    assert ids(session, select(Author).where(~Author.books.any())) == [2]
    assert ids(session, select(Author).where(Author.books == None)) == [2]  # noqa: E711


def test_members_of_a_many_to_many(session):
    short = session.get(Tag, 2)

    assert ids(session, select(Book).where(Book.tags.contains(short))) == [2]
    assert ids(session, select(Book).where(~Book.tags.contains(short))) == [1, 3]
    assert ids(session, select(Book).where(Book.tags.any(Tag.name == "long"))) == [1, 2]
    assert ids(session, select(Tag).where(with_parent(session.get(Book, 1), Book.tags))) == [1]


@pytest.mark.rule("RL-81")
def test_a_comparison_reads_the_key_at_execution(session):
    eve = Author(name="Eve", books=[Book(id=9)])
    statement = select(Book).where(Book.author == eve)
    session.add(eve)

    assert ids(session, statement) == [9]


def test_a_detached_object_compares_by_its_last_known_key(session):
    ann = session.get(Author, 1)
    statement = select(Book).where(Book.author == ann)
    session.expire(ann)
    session.expunge(ann)

    assert ids(session, statement) == [1, 2]


@pytest.mark.parametrize("names", [None, ["id"]])
def test_an_object_that_got_its_key_since_compares_by_it_when_detached_and_expired(session, names):
    eve = Author(name="Eve", books=[Book(id=9)])
    statement = select(Book).where(Book.author == eve)
    session.add(eve)
    session.flush()
    session.expire(eve, names)
    session.expunge(eve)

    assert ids(session, statement) == [9]


def test_a_collected_object_compares_by_its_last_known_key(session):
    session.expunge_all()
    statement = select(Book).where(Book.author == session.get(Author, 1))
    gc.collect()

    assert ids(session, statement) == [1, 2]


def test_criteria_of_an_option_follow_their_values(session):
    def books_longer_than(pages):
        session.expunge_all()
        option = selectinload(Author.books.and_(Book.pages > pages))
        return [book.id for book in session.scalars(select(Author).options(option)).first().books]

    assert books_longer_than(100) == [1]
    assert books_longer_than(10) == [1, 2]
    assert books_longer_than(1000) == []


@pytest.mark.rule("QY-40")
def test_an_alias_joins_and_filters(session):
    other = aliased(Book)
    statement = (
        select(Author)
        .join(Author.books)
        .join(Author.books.of_type(other))
        .where(Book.pages > other.pages)
    )

    assert ids(session, statement) == [1]


@pytest.mark.rule("QY-61")
def test_an_alias_of_a_subquery_gives_objects(session):
    long = select(Book).where(Book.pages > 50).subquery()
    book = aliased(Book, long)

    assert ids(session, select(book).order_by(book.pages)) == [1, 2]
    assert all(isinstance(each, Book) for each in session.scalars(select(book)))


@pytest.mark.rule("QY-7")
def test_filter_by_finds_names_in_all_entities(session):
    statement = select(Author).join(Author.books).filter_by(pages=90)

    assert ids(session, statement) == [1]
    with pytest.raises(exc.InvalidRequestError, match="have a property"):
        select(Author).filter_by(nothing=5)


def test_aliases_of_aliases_read_their_own_columns_of_a_subquery(session):
    one, other = aliased(Book), aliased(Book)
    pairs = select(one, other).join(other, one.pages < other.pages).subquery()
    small, large = aliased(one, pairs), aliased(other, pairs)

    rows = session.execute(select(small, large).order_by(small.pages, large.pages)).all()

    assert [(a.id, b.id) for a, b in rows] == [(3, 2), (3, 1), (2, 1)]


def test_several_members_of_a_many_to_many(session):
    long, short = session.get(Tag, 1), session.get(Tag, 2)
    statement = select(Book).where(Book.tags.contains(long), Book.tags.contains(short))

    assert ids(session, statement) == [2]


def test_comparing_with_an_object_that_lost_its_key_is_an_error(session):
    author = Author(id=1)
    statement = select(Book).where(Book.author == author)
    assert ids(session, statement) == [1, 2]
    del author.id
    with pytest.raises(exc.StatementError, match=r"value for column author\.id"):
        session.scalars(statement)
    author.id = 2

    assert ids(session, statement) == []
