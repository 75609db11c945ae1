"""select() over classes, attributes and expressions."""

import warnings

import pytest
from sqlalchemy import case, exc, func, literal, select, text

from holdfast import Session, aliased, joinedload
from models.library import Author, Base, Book


@pytest.fixture
def session(tables, sql):
    with Session(tables(Base.metadata)) as session:
        session.add_all(
            [
                Author(id=1, name="Ann", books=[Book(id=1, title="A"), Book(id=2, title="B")]),
                Author(id=2, name="Ben", books=[Book(id=3, title="A")]),
                Author(id=3, name="Cid"),
            ]
        )
        session.commit()
        sql.clear()
        yield session


def sql_of(statement):
    return " ".join(str(statement).split())


@pytest.mark.rule("QY-1")
def test_a_class_selects_its_columns_in_mapping_order(session):
    statement = select(Author).where(Author.id == 1)

    row = session.execute(statement).one()

    assert sql_of(statement) == (
        "SELECT author.id, author.name, author.email FROM author WHERE author.id = :id_1"
    )
    assert row.Author is session.get(Author, 1)


@pytest.mark.rule("QY-2")
def test_entities_columns_and_expressions_mix(session):
    other = aliased(Author, name="other")
    statement = select(
        Author, other, Book.title, Book.id.label("number"), func.upper(Book.title)
    ).join_from(Author, Book)

    result = session.execute(statement.join(other, other.id == Author.id).where(Book.id == 2))

    assert list(result.keys()) == ["Author", "other", "title", "number", "upper"]
    row = result.one()
    assert (row.Author, row.title, row.number, row.upper) == (row.other, "B", 2, "B")


@pytest.mark.rule("QY-3")
def test_names_that_collide_are_told_apart(session):
    statement = select(Author.id, Book.id).join(Author.books)

    assert sql_of(statement).startswith("SELECT author.id, book.id AS id_1 FROM")
    assert list(session.execute(statement).keys()) == ["id", "id_1"]
    query = str(session.query(Author.id, Book.id))
    assert query.startswith("SELECT author.id AS author_id, book.id AS book_id")


@pytest.mark.rule("QY-4")
def test_scalars_are_the_first_element_of_each_row(session):
    statement = select(Author.name, Author.id).order_by(Author.id)

    assert session.scalars(statement).all() == ["Ann", "Ben", "Cid"]


@pytest.mark.rule("QY-5")
def test_objects_come_as_often_as_their_rows_unless_made_unique(session):
    statement = select(Author).join(Author.books).order_by(Author.id)

    assert [each.id for each in session.scalars(statement)] == [1, 1, 2]
    assert [each.id for each in session.scalars(statement).unique()] == [1, 2]


@pytest.mark.rule("QY-6")
def test_criteria_combine_with_and(session):
    ann = session.get(Author, 1)
    plain = select(Book.id).where(Book.author == ann, Book.title == "A")

    assert session.scalars(plain).all() == [1]
    assert session.scalars(
        select(Book.id).filter(Book.author == ann).filter(Book.id > 1)
    ).all() == [2]


@pytest.mark.rule("QY-7")
def test_a_name_that_two_entities_have_is_ambiguous():
    statement = select(Author).join(Author.books)

    with pytest.raises(exc.AmbiguousColumnError, match="ambiguous"):
        statement.filter_by(id=1)
    with pytest.raises(exc.InvalidRequestError, match="None of the FROM clause entities have a"):
        statement.filter_by(shape=1)


@pytest.mark.rule("QY-7")
def test_a_name_is_found_in_any_entity_of_from(session):
    statement = select(Author.name).join(Author.books).filter_by(title="B")

    assert session.scalars(statement).all() == ["Ann"]


@pytest.mark.rule("QY-8")
def test_groups_and_order_speak_of_attributes_and_of_classes(session):
    counts = (
        select(Author.name, func.count(Book.id))
        .join(Author.books)
        .group_by(Author.name)
        .having(func.count(Book.id) > 1)
    )
    whole = select(Author, func.count(Book.id)).join(Author.books).group_by(Author)

    assert session.execute(counts).all() == [("Ann", 2)]
    assert {(row[0].name, row[1]) for row in session.execute(whole)} == {("Ann", 2), ("Ben", 1)}
    assert session.scalars(select(Author.name).order_by(Author.name.desc())).first() == "Cid"


@pytest.mark.rule("QY-8")
@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (lambda statement: statement.limit(1), ["Ann"]),
        (lambda statement: statement.limit(5).offset(2), ["Cid"]),
        (lambda statement: statement.slice(1, 2), ["Ben"]),
        (lambda statement: statement.where(Author.id == text(":x")).params(x=2), ["Ben"]),
        (lambda statement: statement.add_columns(Author.id), ["Ann", "Ben", "Cid"]),
        (lambda statement: statement.with_only_columns(Author.id), [1, 2, 3]),
        (lambda statement: statement.prefix_with("ALL"), ["Ann", "Ben", "Cid"]),
        (lambda statement: statement.execution_options(autoflush=False), ["Ann", "Ben", "Cid"]),
    ],
)
def test_generative_methods_work_as_in_core(session, part, expected):
    assert session.scalars(part(select(Author.name).order_by(Author.id))).all() == expected


@pytest.mark.rule("QY-8")
def test_distinct_and_reduced_columns(session):
    assert session.scalars(select(Book.title).distinct().order_by(Book.title)).all() == ["A", "B"]
    both = select(Author.id, Book.author_id).where(Author.id == Book.author_id)
    assert list(session.execute(both.reduce_columns(only_synonyms=False)).keys()) == ["id"]


@pytest.mark.rule("QY-8")
def test_fetch_and_hints_are_rendered():
    fetched = select(Author.id).order_by(Author.id).fetch(2)
    hinted = select(Author.id).with_hint(Author, "WITH (NOLOCK)")

    assert sql_of(fetched).endswith("ORDER BY author.id FETCH FIRST :param_1 ROWS ONLY")
    assert sql_of(hinted) == "SELECT author.id FROM author [WITH (NOLOCK)]"


@pytest.mark.rule("QY-8")
def test_a_subquery_is_correlated_with_the_entity_around_it(session):
    count = select(func.count(Book.id)).where(Book.author_id == Author.id)
    statement = select(Author.name, count.correlate(Author).scalar_subquery()).order_by(Author.id)

    assert session.execute(statement).all() == [("Ann", 2), ("Ben", 1), ("Cid", 0)]


@pytest.mark.rule("QY-8")
def test_added_columns_of_another_class_come_with_a_join(session):
    statement = select(Author.name).join(Author.books).add_columns(Book).order_by(Book.id)

    assert [(name, book.id) for name, book in session.execute(statement)] == [
        ("Ann", 1),
        ("Ann", 2),
        ("Ben", 3),
    ]


@pytest.mark.rule("QY-9")
def test_select_from_states_the_left_side(session):
    statement = select(func.count()).select_from(Author).outerjoin(Author.books)

    assert session.scalar(statement) == 4
    assert sql_of(statement) == (
        "SELECT count(*) AS count_1 FROM author LEFT OUTER JOIN book ON author.id = book.author_id"
    )


@pytest.mark.rule("QY-10", "QY-62")
def test_column_descriptions_tell_each_element():
    other = aliased(Author, name="other")
    described = select(Author, other, other.name, Book.id.label("number")).column_descriptions

    assert described == [
        {"name": "Author", "type": Author, "aliased": False, "expr": Author, "entity": Author},
        {"name": "other", "type": Author, "aliased": True, "expr": other, "entity": other},
        {
            "name": "name",
            "type": described[2]["type"],
            "aliased": True,
            "expr": described[2]["expr"],
            "entity": other,
        },
        {
            "name": "number",
            "type": described[3]["type"],
            "aliased": False,
            "expr": described[3]["expr"],
            "entity": Book,
        },
    ]
    assert [type(each["type"]).__name__ for each in described[2:]] == ["String", "Integer"]


@pytest.mark.rule("QY-10")
def test_expression_is_described_as_of_the_entity_that_it_names_first():
    other = aliased(Author)
    count = select(func.count(Author.id)).scalar_subquery()
    described = select(
        func.max(Book.id), func.coalesce(other.name, Author.name), Book.id + 1, func.count(), count
    ).column_descriptions

    assert [each["entity"] for each in described] == [Book, other, Book, None, None]
    assert [each["aliased"] for each in described] == [False, True, False, False, False]
    assert [each["name"] for each in described[:2]] == ["max", "coalesce"]


@pytest.mark.rule("QY-11")
def test_froms_and_selected_columns_are_those_of_the_classes():
    statement = select(Author).join(Author.books)

    assert sql_of(statement.get_final_froms()[0]).startswith("author JOIN book ON")
    assert statement.columns_clause_froms == [Author.__table__]
    assert statement.selected_columns.keys() == ["id", "name", "email"]


@pytest.mark.rule("QY-11")
def test_columns_may_be_replaced_under_what_they_select_from(session):
    count = select(Author.name).with_only_columns(func.count(), maintain_column_froms=True)

    assert session.scalar(count) == 3


@pytest.mark.rule("QY-12")
def test_unrelated_entities_give_every_pair_and_a_warning(session):
    statement = select(Author.id, Book.id).where(Author.id < 3)

    with pytest.warns(exc.SAWarning, match="cartesian product"):
        assert len(session.execute(statement).all()) == 6


@pytest.mark.rule("QY-13")
def test_a_statement_belongs_to_no_session(session, engine):
    statement = select(Author).where(Author.id == 1)

    first = session.scalars(statement).one()
    session.close()
    with Session(engine) as other:
        assert other.scalars(statement).one().name == first.name
        assert first not in other


@pytest.mark.rule("QY-14")
def test_what_cannot_be_selected_is_refused():
    with pytest.raises(exc.ArgumentError, match="expected"):
        select(object())
    with pytest.raises(exc.ArgumentError, match="explicitly declared"):
        select(Author).select_from("author")
    with pytest.raises(exc.ArgumentError, match="expected"):
        select(Author).join(object())


@pytest.mark.rule("QY-15")
def test_rows_are_locked_of_the_entity_that_is_named():
    from_books = select(Author).join(Author.books).with_for_update(of=Book)
    dialect = pytest.importorskip("sqlalchemy.dialects.postgresql").dialect()

    assert " ".join(str(from_books.compile(dialect=dialect)).split()).endswith("FOR UPDATE OF book")


@pytest.mark.rule("QY-15")
def test_rows_are_locked_of_an_alias_and_not_of_eager_joins():
    other = aliased(Author, name="other")
    statement = select(other).options(joinedload(other.books)).with_for_update(of=other)
    dialect = pytest.importorskip("sqlalchemy.dialects.postgresql").dialect()

    assert " ".join(str(statement.compile(dialect=dialect)).split()).endswith("FOR UPDATE OF other")


def test_rows_know_expressions_of_equal_statements(session):
    def row_and_names():
        other = aliased(Author)
        size = case((other.id > 1, literal("large")), else_="small")
        found = session.execute(select(other, size, other.name).where(other.id == 2)).one()
        return found._mapping, other, size

    for _ in range(3):
        mapping, other, size = row_and_names()
        assert (mapping[other].id, mapping[size], mapping[other.name]) == (2, "large", "Ben")


def test_no_warning_for_entities_that_are_joined(session):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.execute(select(Author, Book).join(Author.books)).all()
