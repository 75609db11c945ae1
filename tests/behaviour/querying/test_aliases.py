"""aliased(), subqueries, common table expressions and unions of statements over classes."""

import pytest
from sqlalchemy import (
    ForeignKey,
    Integer,
    String,
    exc,
    func,
    inspect,
    literal,
    select,
    text,
    union_all,
)

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    mapped_column,
    relationship,
    selectinload,
)
from models.library import Author, Base, Book
from models.tree import Base as TreeBase
from models.tree import Node


@pytest.fixture
def session(tables, sql):
    with Session(tables(Base.metadata)) as session:
        ann = Author(id=1, name="Ann")
        ann.books = [Book(id=1, title="A", pages=10), Book(id=2, title="B", pages=20)]
        session.add_all([ann, Author(id=2, name="Ben")])
        session.commit()
        sql.clear()
        yield session


def sql_of(statement):
    return " ".join(str(statement).split())


@pytest.mark.rule("QY-60")
def test_an_alias_reads_from_an_alias_of_the_table(session):
    one, named = aliased(Author), aliased(Author, name="writer")

    assert sql_of(select(one.id)) == "SELECT author_1.id FROM author AS author_1"
    assert sql_of(select(named.id)) == "SELECT writer.id FROM author AS writer"
    assert session.scalars(select(one).where(one.id == 2)).one() is session.get(Author, 2)


@pytest.mark.rule("QY-60")
def test_columns_of_an_alias_may_match_by_name(session):
    made = select(literal(7).label("id"), literal("Eve").label("name")).subquery()
    found = aliased(Author, made, adapt_on_names=True)

    assert session.execute(select(found.id, found.name)).all() == [(7, "Eve")]


@pytest.mark.rule("QY-60")
def test_a_plain_table_may_be_aliased_too():
    table = Author.__table__

    assert aliased(table, name="writer").name == "writer"
    with pytest.raises(exc.ArgumentError, match="only applies to ORM elements"):
        aliased(table, adapt_on_names=True)


@pytest.mark.rule("QY-61")
def test_an_alias_of_a_subquery_gives_whole_objects(session):
    thick = aliased(Book, select(Book).where(Book.pages > 15).subquery())

    (book,) = session.scalars(select(thick))

    assert (type(book), book.id, book.title) == (Book, 2, "B")


@pytest.mark.rule("QY-61")
def test_an_attribute_that_the_subquery_lacks_warns():
    partial = aliased(Book, select(Book.id).subquery())

    with pytest.warns(exc.SAWarning, match="Did not locate an expression in selectable"):
        select(partial.title)


@pytest.mark.rule("QY-62")
def test_inspecting_an_alias_gives_its_entity():
    other = aliased(Author, name="other")
    entity = inspect(other)

    assert entity.is_aliased_class
    assert entity.mapper is inspect(Author)
    assert (entity.name, entity.selectable.name) == ("other", "other")
    assert entity.entity is other


@pytest.mark.rule("QY-63")
def test_statements_stand_within_others(session):
    count = select(func.count(Book.id)).where(Book.author_id == Author.id).scalar_subquery()
    busy = select(Book.author_id).where(Book.pages > 15)

    assert session.execute(select(Author.name, count).order_by(Author.id)).all() == [
        ("Ann", 2),
        ("Ben", 0),
    ]
    assert session.scalars(select(Author.id).where(Author.id.in_(busy))).all() == [1]
    exists = select(Book).where(Book.author_id == Author.id).exists()
    assert session.scalars(select(Author.id).where(~exists)).all() == [2]
    found = select(Author.id).subquery()
    assert session.scalars(select(Book.id).join(found, found.c.id == Book.author_id)).all() == [
        1,
        2,
    ]


@pytest.mark.rule("QY-63")
def test_subqueries_name_columns_as_attributes_do(session):
    class_ = select(Author).subquery()

    assert class_.c.keys() == ["id", "name", "email"]
    assert session.scalars(select(class_.c.name).order_by(class_.c.id)).all() == ["Ann", "Ben"]


@pytest.mark.rule("QY-63")
def test_a_common_table_expression_may_be_an_entity(session):
    thick = aliased(Book, select(Book).where(Book.pages > 15).cte("thick"))

    assert sql_of(select(thick)).startswith("WITH thick AS (SELECT")
    assert session.scalars(select(Author).join(thick, thick.author_id == Author.id)).one().id == 1


@pytest.mark.rule("QY-63")
def test_a_recursive_expression_walks_a_tree(tables):
    with Session(tables(TreeBase.metadata)) as session:
        root = Node(id=1, name="a", children=[Node(id=2, name="b"), Node(id=3, name="c")])
        root.children[0].children.append(Node(id=4, name="d"))
        session.add_all([root, Node(id=5, name="other")])
        session.flush()
        top = select(Node).where(Node.id == 1).cte("below", recursive=True)
        below = aliased(Node, top.union_all(select(Node).join(top, Node.parent_id == top.c.id)))

        found = session.scalars(select(below).order_by(below.id)).all()

        assert [each.id for each in found] == [1, 2, 3, 4]
        assert found[0] is root


@pytest.mark.rule("QY-64")
@pytest.mark.parametrize(
    "statement",
    [
        text("SELECT id, name FROM author ORDER BY id"),
        text("SELECT name AS n, id AS i FROM author ORDER BY id").columns(Author.name, Author.id),
        text("SELECT id, name FROM author ORDER BY id").columns(id=Integer, name=String),
        select(Author.__table__).order_by(Author.__table__.c.id),
        select(Author).where(Author.id == 1).union_all(select(Author).where(Author.id == 2)),
        select(aliased(Author)).order_by("id"),
    ],
)
def test_objects_come_from_any_statement(session, statement):
    found = session.scalars(select(Author).from_statement(statement)).all()

    assert [(each.id, each.name) for each in found] == [(1, "Ann"), (2, "Ben")]
    assert found[0] is session.get(Author, 1)


@pytest.mark.rule("QY-64")
def test_columns_are_found_by_name_where_the_statement_has_its_own(session):
    made = select(literal(1).label("id"), literal("Eve").label("name"))
    statement = select(Author).from_statement(made)

    (author,) = session.scalars(statement, execution_options={"populate_existing": True})

    assert (author.id, author.name) == (1, "Eve")


@pytest.mark.rule("QY-64")
def test_columns_of_another_class_are_not_meant_by_their_name(session):
    statement = select(Book, Author).from_statement(select(Book).where(Book.id == 2))

    with pytest.raises(exc.NoSuchColumnError, match="author"):
        session.execute(statement)


@pytest.mark.rule("QY-64")
def test_parameters_and_options_of_the_outer_statement_apply(session):
    given = text("SELECT id, name FROM author WHERE id = :id OR id = :other").params(id=1, other=9)
    statement = select(Author).from_statement(given).params(id=2)

    assert [each.id for each in session.scalars(statement)] == [2]
    loaded = session.scalars(statement.options(selectinload(Author.books))).one()
    assert "books" in inspect(loaded).dict
    with pytest.raises(AttributeError):
        statement.where(Author.id == 1)


@pytest.mark.rule("QY-65")
def test_a_union_gives_rows_and_with_an_alias_entities(session):
    both = union_all(
        select(Author).where(Author.id == 1), select(Author).where(Author.id == 2)
    ).order_by("id")

    assert [tuple(row)[:2] for row in session.execute(both)] == [(1, "Ann"), (2, "Ben")]
    found = aliased(Author, both.subquery())
    assert {each.name for each in session.scalars(select(found))} == {"Ann", "Ben"}
    same = select(Author.id).intersect(select(Book.id))
    assert sorted(session.scalars(same)) == [1, 2]
    assert session.scalars(select(Book.id).except_(select(Author.id))).all() == []


@pytest.mark.rule("QY-66")
def test_textual_columns_are_mapped(session):
    given = text("SELECT id, name FROM author WHERE id < :most").columns(Author.id, Author.name)
    low = given.bindparams(most=2).subquery("low")

    assert session.execute(select(low.c.id, low.c.name)).all() == [(1, "Ann")]
    found = select(Author.id, Author.name).from_statement(given.bindparams(most=3))
    assert sorted(session.execute(found)) == [(1, "Ann"), (2, "Ben")]
    assert session.scalars(select(text("name")).select_from(Author).order_by(Author.id)).all() == [
        "Ann",
        "Ben",
    ]


@pytest.mark.rule("QY-67")
def test_a_relationship_may_lead_to_an_alias(tables):
    class Own(DeclarativeBase):
        pass

    class Shelf(Own):
        __tablename__ = "shelf"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Item(Own):
        __tablename__ = "item"

        id: Mapped[int] = mapped_column(primary_key=True)
        weight: Mapped[int]
        shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))

    heavy = aliased(Item, select(Item).where(Item.weight > 15).subquery())
    Shelf.heavy_items = relationship(
        heavy, viewonly=True, primaryjoin=Shelf.id == heavy.shelf_id, order_by=heavy.id
    )
    with Session(tables(Own.metadata)) as session:
        session.add(Shelf(id=1))
        session.flush()
        session.add_all([Item(id=1, weight=10, shelf_id=1), Item(id=2, weight=20, shelf_id=1)])
        session.commit()

        assert session.execute(select(Shelf.id, heavy.id).join(Shelf.heavy_items)).all() == [(1, 2)]
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.heavy_items))).one()
        assert [each.id for each in shelf.heavy_items] == [2]
        session.expire_all()
        assert [each.id for each in shelf.heavy_items] == [2]
