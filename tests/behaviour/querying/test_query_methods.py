"""The documented methods of the chained query."""

import pytest
from sqlalchemy import (
    LABEL_STYLE_DISAMBIGUATE_ONLY,
    Select,
    delete,
    exc,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects import mssql, postgresql

from holdfast import Query, Session, aliased, selectinload
from models.library import Author, Base, Book


@pytest.fixture
def session(tables, sql):
    with Session(tables(Base.metadata)) as session:
        ann = Author(id=1, name="Ann", books=[Book(id=1, title="A"), Book(id=2, title="B")])
        session.add_all([ann, Author(id=2, name="Ben"), Author(id=3, name="Cid")])
        session.commit()
        sql.clear()
        yield session


def sql_of(query, dialect=None):
    statement = query.statement if isinstance(query, Query) else query
    return " ".join(str(statement.compile(dialect=dialect)).split())


METHODS = """
    add_columns add_entity all apply_labels autoflush column_descriptions correlate count cte delete
    distinct enable_assertions enable_eagerloads except_ except_all execution_options exists filter
    filter_by first from_statement get group_by having instances intersect intersect_all join label
    lazy_loaded_from limit merge_result offset one one_or_none only_return_tuples options order_by
    outerjoin params populate_existing prefix_with reset_joinpoint scalar scalar_subquery
    select_from selectable set_label_style slice statement subquery suffix_with tuples union
    union_all update value values where whereclause with_entities with_for_update with_hint
    with_labels with_parent with_session with_statement_hint with_transformation yield_per
"""


@pytest.mark.rule("QY-100")
@pytest.mark.parametrize("name", METHODS.split())
def test_a_query_has_every_documented_method(session, name):
    assert hasattr(session.query(Author), name)


@pytest.mark.rule("QY-100")
@pytest.mark.parametrize(
    ("part", "names"),
    [
        (lambda query: query.where(Author.id > 1), ["Ben", "Cid"]),
        (lambda query: query.limit(1).offset(1), ["Ben"]),
        (lambda query: query.slice(0, 1), ["Ann"]),
        (lambda query: query.distinct(), ["Ann", "Ben", "Cid"]),
        (lambda query: query.outerjoin(Author.books).where(Book.id.is_(None)), ["Ben", "Cid"]),
        (lambda query: query.order_by(None).order_by(Author.id.desc()), ["Cid", "Ben", "Ann"]),
        (lambda query: query.options(selectinload(Author.books)), ["Ann", "Ben", "Cid"]),
        (lambda query: query.execution_options(autoflush=False), ["Ann", "Ben", "Cid"]),
        (lambda query: query.yield_per(2), ["Ann", "Ben", "Cid"]),
        (lambda query: query.with_transformation(lambda q: q.filter(Author.id < 2)), ["Ann"]),
        (lambda query: query.filter(text("author.id = :x")).params(x=2), ["Ben"]),
        (lambda query: query.prefix_with("ALL").suffix_with("-- end"), ["Ann", "Ben", "Cid"]),
        (lambda query: query.with_statement_hint("x", "oracle"), ["Ann", "Ben", "Cid"]),
    ],
)
def test_generative_methods_change_what_is_read(session, part, names):
    assert [each.name for each in part(session.query(Author).order_by(Author.id))] == names


@pytest.mark.rule("QY-100")
def test_set_operations_keep_what_they_promise(session):
    low = session.query(Author).filter(Author.id < 3)
    high = session.query(Author).filter(Author.id > 1)

    assert [each.id for each in low.intersect(high)] == [2]
    assert [each.id for each in low.except_(high)] == [1]
    assert low.union_all(high).count() == 4
    for method in ("intersect_all", "except_all"):
        words = method.removesuffix("_all").upper()
        assert f"{words} ALL" in sql_of(getattr(low, method)(high))


@pytest.mark.rule("QY-100")
def test_groups_are_counted(session):
    counted = session.query(Author.name, func.count(Book.id)).join(Author.books)

    assert counted.group_by(Author.name).having(func.count(Book.id) > 1).all() == [("Ann", 2)]
    assert counted.group_by(Author.name).whereclause is None


@pytest.mark.rule("QY-100")
def test_a_query_is_part_of_others(session):
    ids = session.query(Author.id).filter(Author.name == "Ann")

    assert session.query(ids.label("first")).scalar() == 1
    assert session.query(Book.title).filter(Book.author_id == ids.scalar_subquery()).count() == 2
    assert session.query(Book.title).filter(Book.author_id.in_(ids)).count() == 2
    assert session.query(Author).join(ids.cte("a"), text("a.id = author.id")).one().id == 1
    inner = session.query(Book.id).filter(Book.author_id == Author.id).correlate(Author)
    assert session.query(Author).filter(inner.exists()).one().id == 1
    assert sql_of(ids.subquery(with_labels=True).select()).startswith("SELECT anon_1.author_id")


@pytest.mark.rule("QY-100")
def test_a_legacy_lock_and_hints_are_rendered(session):
    query = session.query(Author.id)

    locked = sql_of(query.with_for_update(of=Author, nowait=True), postgresql.dialect())
    assert locked.endswith("FOR UPDATE OF author NOWAIT")
    hinted = query.with_hint(Author, "WITH (NOLOCK)", "mssql")
    assert "WITH (NOLOCK)" in sql_of(hinted, mssql.dialect())


@pytest.mark.rule("QY-100")
def test_labels_are_chosen(session):
    query = session.query(Author.id)

    assert "AS author_id" in str(query)
    plain = query.set_label_style(LABEL_STYLE_DISAMBIGUATE_ONLY)
    assert str(plain).startswith("SELECT author.id \nFROM")
    with pytest.warns(exc.LegacyAPIWarning, match="considered legacy"):
        query.with_labels()
    with pytest.warns(exc.LegacyAPIWarning, match="considered legacy"):
        query.apply_labels()


def test_old_spellings_warn_and_work(session):
    with pytest.warns(exc.SADeprecationWarning, match="add_column"):
        pair = session.query(Author.id).add_column(Author.name)
    with pytest.warns(exc.SADeprecationWarning, match="as_scalar"):
        first = session.query(func.min(Author.id)).as_scalar()

    assert session.scalar(select(first)) == 1
    assert pair.filter(Author.id == first).one() == (1, "Ann")


@pytest.mark.rule("QY-100")
def test_one_entity_gives_rows_when_they_are_asked_for(session):
    query = session.query(Author).filter_by(id=1)

    assert query.only_return_tuples(True).one()[0].name == "Ann"
    with pytest.warns(exc.SADeprecationWarning, match="Row now behaves like a tuple"):
        rows = query.tuples()
    assert rows.one().Author.name == "Ann"


@pytest.mark.rule("QY-101")
def test_a_query_never_changes(session):
    query = session.query(Author)
    query.filter(Author.id == 1).order_by(Author.name).limit(1)

    assert len(query.all()) == 3


@pytest.mark.rule("QY-104")
def test_a_position_is_read_at_once(session, sql):
    query = session.query(Author).order_by(Author.id)

    assert query[0].name == "Ann"
    assert "LIMIT" in sql.emitted[0]
    assert query[-2:-5] == []
    for wrong in (slice(-2, None), slice(None, -1)):
        with pytest.raises(IndexError, match="negative indexes are not accepted"):
            query[wrong]
    with pytest.raises(IndexError):
        query[-1]


@pytest.mark.rule("QY-106")
def test_get_wants_a_query_without_criteria(session):
    with (
        pytest.warns(exc.LegacyAPIWarning, match="Query.get"),
        pytest.raises(exc.InvalidRequestError, match="existing criterion"),
    ):
        session.query(Author).filter(Author.id == 1).get(1)


@pytest.mark.rule("QY-107")
def test_names_are_those_of_the_last_join_or_of_the_first_entity(session):
    query = session.query(Author, Book)

    assert "author.name =" in str(query.filter_by(name="x"))
    assert "book.title =" in str(session.query(Author).join(Author.books).filter_by(title="x"))
    other = aliased(Book, name="other")
    joined = session.query(Author).join(Author.books.of_type(other)).filter_by(title="A")
    assert joined.one().id == 1


@pytest.mark.rule("QY-109")
def test_a_union_is_joined_and_ordered_by_its_class(session):
    one, two = (session.query(Author).filter_by(id=n) for n in (1, 2))
    query = one.union(two).join(Author.books).filter(Book.title == "B")

    assert query.order_by(Author.name).one().id == 1
    assert str(one.union(two)).startswith("SELECT anon_1.author_id AS anon_1_author_id")


@pytest.mark.rule("QY-112")
def test_old_ways_to_read_warn(session):
    query = session.query(Author).order_by(Author.id)

    with pytest.warns(exc.SADeprecationWarning, match="Query.values"):
        assert next(iter(query.values(Author.name))) == ("Ann",)
    with pytest.warns(exc.SADeprecationWarning, match="Query.value"):
        assert query.value(Author.name) == "Ann"
    cursor = session.connection().execute(Author.__table__.select().where(text("id > 1")))
    with pytest.warns(exc.SADeprecationWarning, match="Query.instances"):
        assert {each.id for each in query.instances(cursor)} == {2, 3}
    with pytest.warns(exc.LegacyAPIWarning, match="merge_result"):
        assert [each.id for each in query.merge_result(query.all())] == [1, 2, 3]


@pytest.mark.rule("QY-113")
def test_what_left_sqlalchemy_is_absent(session):
    query = session.query(Author)

    assert not hasattr(query, "from_self")
    assert not hasattr(query, "with_lockmode")
    with pytest.raises(exc.ArgumentError, match="expected"):
        query.join("books")


@pytest.mark.rule("QY-114")
def test_the_statement_of_a_query_runs_by_itself(session):
    query = session.query(Author).filter(Author.id == 2)

    assert isinstance(query.statement, Select)
    assert session.scalars(query.statement).one().name == "Ben"
    assert " ".join(str(query).split()).endswith("FROM author WHERE author.id = ?") or "%" in str(
        query
    )


@pytest.mark.rule("QY-115")
def test_a_query_writes_and_counts_its_rows(session):
    assert session.query(Author).filter(Author.id > 1).update({"name": "Zoe"}) == 2
    assert session.query(Author).filter(Author.name == "Zoe").delete() == 2
    assert session.query(Author).count() == 1


@pytest.mark.rule("QY-115")
@pytest.mark.parametrize(
    ("part", "method"),
    [
        (lambda query: query.limit(1), "limit"),
        (lambda query: query.offset(1), "offset"),
        (lambda query: query.order_by(Author.id), "order_by"),
        (lambda query: query.group_by(Author.id), "group_by"),
        (lambda query: query.distinct(), "distinct"),
        (lambda query: query.join(Author.books), "join"),
        (lambda query: query.select_from(Author), "select_from"),
    ],
)
def test_a_query_with_more_than_criteria_does_not_write(session, part, method):
    query = part(session.query(Author))

    with pytest.raises(exc.InvalidRequestError, match=rf"{method}.*has been called"):
        query.update({"name": "x"})
    with pytest.raises(exc.InvalidRequestError, match=rf"{method}.*has been called"):
        query.delete()


@pytest.mark.rule("QY-116")
def test_eager_loads_are_left_until_touched(session, sql):
    query = session.query(Author).options(selectinload(Author.books)).filter_by(id=1)

    author = query.enable_eagerloads(False).one()

    assert len(sql) == 1
    assert "books" not in inspect(author).dict
    assert len(author.books) == 2


@pytest.mark.rule("QY-116")
def test_a_query_may_read_in_portions(session):
    found = session.query(Author).order_by(Author.id).yield_per(1)

    assert [each.id for each in found] == [1, 2, 3]


@pytest.mark.rule("QY-90")
def test_statements_that_write_describe_themselves():
    statement = update(Author).where(Author.id == 1).returning(Author.id, Author)

    assert statement.entity_description == {
        "name": "Author",
        "type": Author,
        "expr": Author,
        "entity": Author,
        "table": Author.__table__,
    }
    described = statement.returning_column_descriptions
    assert [each["name"] for each in described] == ["id", "Author"]
    assert [each["entity"] for each in described] == [Author, Author]
    for other in (insert(Author), delete(Author)):
        assert other.entity_description["entity"] is Author


def test_an_object_compares_by_null_where_its_key_is_none(session):
    statement = select(Book.id).where(Book.author != Author(id=1))

    assert session.scalars(statement).all() == []
