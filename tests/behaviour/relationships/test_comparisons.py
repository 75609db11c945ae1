"""Relationships in SQL: compared with objects, tested for members, joined along."""

import pytest
from sqlalchemy import exc, select

from holdfast import Session, aliased, contains_eager, selectinload, with_parent
from models import company, library, tree
from models.library import Author, Book, Tag


def sql_of(element):
    """The text of an expression on one line."""
    return " ".join(str(element).split())


@pytest.fixture
def session(engine, tables):
    with Session(tables(library.Base.metadata)) as session:
        novel, poems = Tag(id=1, name="novel"), Tag(id=2, name="poems")
        session.add_all(
            [
                Author(
                    id=1,
                    name="a",
                    books=[
                        Book(id=1, title="x", pages=10, tags={novel}),
                        Book(id=2, title="y", pages=20, tags={novel, poems}),
                    ],
                ),
                Author(id=2, name="b", books=[Book(id=3, title="x", pages=30)]),
                Author(id=3, name="c"),
                Book(id=4, title="none"),
            ]
        )
        session.commit()
        yield session


def ids(session, statement):
    return sorted(each.id for each in session.scalars(statement))


@pytest.mark.rule("RL-80")
def test_reference_is_compared_by_the_foreign_key():
    author = Author(id=7)

    assert sql_of(Book.author == author) == ":param_1 = book.author_id"
    assert sql_of(Book.author == None) == "book.author_id IS NULL"  # noqa: E711
    assert sql_of(Book.author != None) == "book.author_id IS NOT NULL"  # noqa: E711
    assert sql_of(Book.author != author) == (
        "book.author_id != :author_id_1 OR book.author_id IS NULL"
    )


@pytest.mark.rule("RL-80")
def test_comparison_with_an_object_finds_its_rows(session):
    author = session.get(Author, 1)

    assert ids(session, select(Book).where(Book.author == author)) == [1, 2]
    assert ids(session, select(Book).where(Book.author != author)) == [3, 4]
    assert ids(session, select(Book).where(Book.author == None)) == [4]  # noqa: E711
    assert ids(session, select(Book).where(Book.author != None)) == [1, 2, 3]  # noqa: E711


@pytest.mark.rule("RL-81")
def test_key_is_read_when_the_statement_is_executed(session):
    author = Author(name="later")
    session.add(author)
    statement = select(Book).where(Book.author == author)
    session.flush()
    session.add(Book(id=9, author_id=author.id))

    assert ids(session, statement) == [9]


@pytest.mark.rule("RL-82")
def test_collection_is_not_compared_with_an_object():
    with pytest.raises(exc.InvalidRequestError, match="contains"):
        Author.books == Book()  # noqa: B015
    with pytest.raises(exc.InvalidRequestError, match="contains"):
        Author.books != Book()  # noqa: B015


@pytest.mark.rule("RL-82")
@pytest.mark.parametrize("attribute", [Author.books, Book.author])
def test_other_operators_are_refused(attribute):
    with pytest.raises(NotImplementedError, match=r"in_\(\) not yet supported"):
        attribute.in_([1])
    with pytest.raises(NotImplementedError):
        attribute < 5  # noqa: B015
    with pytest.raises(NotImplementedError):
        attribute.like("x")


@pytest.mark.rule("RL-82")
def test_collection_compared_with_none_asks_for_no_members(session):
    assert ids(session, select(Author).where(Author.books == None)) == [3]  # noqa: E711
    assert ids(session, select(Author).where(Author.books != None)) == [1, 2]  # noqa: E711


@pytest.mark.rule("RL-83")
def test_any_and_has_are_exists(session):
    assert sql_of(Author.books.any()).startswith("EXISTS (SELECT 1 FROM book, author")
    assert ids(session, select(Author).where(Author.books.any())) == [1, 2]
    assert ids(session, select(Author).where(Author.books.any(Book.pages > 20))) == [2]
    assert ids(session, select(Author).where(~Author.books.any(title="x"))) == [3]
    assert ids(session, select(Book).where(Book.author.has(name="a"))) == [1, 2]
    assert ids(session, select(Book).where(~Book.author.has())) == [4]
    assert ids(session, select(Book).where(Book.tags.any(Tag.name == "poems"))) == [2]


@pytest.mark.rule("RL-83")
def test_any_on_a_reference_and_has_on_a_collection_name_the_other():
    with pytest.raises(exc.InvalidRequestError, match=r"'any\(\)' not implemented.*has\(\)"):
        Book.author.any()
    with pytest.raises(exc.InvalidRequestError, match=r"'has\(\)' not implemented.*any\(\)"):
        Author.books.has()


@pytest.mark.rule("RL-83")
def test_any_of_a_self_reference_looks_at_an_alias(engine, tables):
    with Session(tables(tree.Base.metadata)) as session:
        top = tree.Node(name="top", children=[tree.Node(name="leaf")])
        session.add(top)
        session.commit()

        found = select(tree.Node).where(tree.Node.children.any(tree.Node.name == "leaf"))
        assert session.scalars(found).all() == [top]


@pytest.mark.rule("RL-84")
def test_contains_finds_the_owners_of_an_object(session):
    book, novel, poems = session.get(Book, 3), session.get(Tag, 1), session.get(Tag, 2)

    assert sql_of(Author.books.contains(book)) == "author.id = :param_1"
    assert ids(session, select(Author).where(Author.books.contains(book))) == [2]
    both = select(Book).where(Book.tags.contains(novel), Book.tags.contains(poems))
    assert ids(session, both) == [2]
    assert ids(session, select(Book).where(~Book.tags.contains(poems))) == [1, 3, 4]


@pytest.mark.rule("RL-84")
def test_contains_on_a_reference_is_refused(session):
    with pytest.raises(exc.InvalidRequestError, match=r"'contains' not implemented.*=="):
        Book.author.contains(Author(id=1))


@pytest.mark.rule("RL-85")
def test_with_parent_gives_the_members_of_one_object(session):
    author, novel = session.get(Author, 1), session.get(Tag, 1)
    other = aliased(Book)

    assert ids(session, select(Book).where(with_parent(author, Author.books))) == [1, 2]
    assert ids(session, select(Book).where(with_parent(novel, Tag.books))) == [1, 2]
    of_alias = select(other).where(with_parent(author, Author.books, from_entity=other))
    assert ids(session, of_alias) == [1, 2]
    by_type = select(other).where(with_parent(author, Author.books.of_type(other)))
    assert ids(session, by_type) == [1, 2]


@pytest.mark.rule("RL-85")
def test_with_parent_takes_an_attribute_and_no_name(session):
    with pytest.raises(exc.ArgumentError):
        with_parent(session.get(Author, 1), "books")
    with pytest.raises(exc.ArgumentError):
        with_parent(session.get(Author, 1), Author.name)


@pytest.mark.rule("RL-86")
def test_and_adds_criteria_to_joins_and_loads(session):
    joined = select(Author).join(Author.books.and_(Book.pages > 15)).distinct()
    assert "ON author.id = book.author_id AND book.pages > " in sql_of(joined)
    assert ids(session, joined) == [1, 2]

    loaded = select(Author).options(selectinload(Author.books.and_(Book.pages > 15)))
    author = session.scalars(loaded.where(Author.id == 1)).one()
    assert [book.id for book in author.books] == [2]


@pytest.mark.rule("RL-86")
def test_of_type_changes_the_target(session):
    long = aliased(Book)
    statement = (
        select(Author)
        .join(Author.books.of_type(long))
        .where(long.pages == 20)
        .options(contains_eager(Author.books.of_type(long)))
    )

    author = session.scalars(statement).unique().one()
    assert [book.id for book in author.books] == [2]


@pytest.mark.rule("RL-86", "RL-83")
def test_of_type_names_a_subclass(engine, tables):
    with Session(tables(company.Base.metadata)) as session:
        staff = [company.Engineer(name="e", language="c"), company.Manager(name="m")]
        firm = company.Company(name="c", staff=staff)
        session.add_all([firm, company.Company(name="d")])
        session.commit()

        of_engineers = company.Company.staff.of_type(company.Engineer)
        knows = of_engineers.any(company.Engineer.language == "c")
        assert session.scalars(select(company.Company).where(knows)).all() == [firm]
        names = select(company.Engineer.name).select_from(company.Company).join(of_engineers)
        assert session.scalars(names).all() == ["e"]
