"""The chained query."""

import pytest
from sqlalchemy import exc, func, select, text

from holdfast import Bundle, Session, contains_eager, joinedload, selectinload
from models.library import Author, Base, Book


@pytest.fixture
def session(tables, sql):
    with Session(tables(Base.metadata)) as session:
        ann = Author(id=1, name="Ann", books=[Book(id=1, title="A"), Book(id=2, title="B")])
        session.add_all([ann, Author(id=2, name="Ben"), Author(id=3, name="Cid")])
        session.commit()
        sql.clear()
        yield session


def names(found):
    return [each.name for each in found]


@pytest.mark.rule("QY-101")
def test_one_entity_gives_objects(session):
    assert names(session.query(Author).order_by(Author.id)) == ["Ann", "Ben", "Cid"]


@pytest.mark.rule("QY-3")
def test_columns_are_labelled_with_their_table(session, sql):
    session.query(Author.id).filter(Author.id == 2).all()

    assert sql.emitted == ["SELECT author.id AS author_id FROM author WHERE author.id = ?"]


@pytest.mark.rule("QY-101")
def test_several_elements_give_rows(session):
    found = session.query(Author, Author.name, func.count(Book.id)).join(Author.books)

    row = found.group_by(Author).one()

    assert (row.Author.id, row.name, row[2]) == (1, "Ann", 2)


@pytest.mark.rule("QY-101")
def test_objects_come_once(session):
    assert names(session.query(Author).join(Author.books)) == ["Ann"]


@pytest.mark.rule("QY-102")
def test_count_counts_rows(session, sql):
    assert session.query(Author).join(Author.books).count() == 2
    assert sql.emitted[0].startswith("SELECT count(*) AS count_1 FROM (SELECT author.id AS")


@pytest.mark.rule("QY-103")
def test_first_asks_for_one_row(session, sql):
    assert session.query(Author).order_by(Author.id).first().name == "Ann"
    assert "LIMIT" in sql.emitted[0]


@pytest.mark.rule("QY-103")
def test_first_of_nothing_is_none(session):
    assert session.query(Author).filter_by(name="Zoe").first() is None


@pytest.mark.rule("QY-103")
def test_one_wants_exactly_one(session):
    query = session.query(Author)

    assert query.filter_by(name="Ben").one().id == 2
    with pytest.raises(exc.NoResultFound):
        query.filter_by(name="Zoe").one()
    with pytest.raises(exc.MultipleResultsFound):
        query.one()
    assert query.filter_by(name="Zoe").one_or_none() is None


@pytest.mark.rule("QY-103")
def test_scalar_is_the_first_element(session):
    assert session.query(func.max(Author.id)).scalar() == 3
    assert session.query(Author.name).filter_by(id=2).scalar() == "Ben"
    assert session.query(Author.name).filter_by(id=9).scalar() is None


@pytest.mark.rule("QY-104")
def test_a_slice_limits_the_rows(session):
    query = session.query(Author).order_by(Author.id)

    assert names(query[1:2]) == ["Ben"]
    assert names(query[:2]) == ["Ann", "Ben"]
    assert names(query[1:]) == ["Ben", "Cid"]
    assert query[2].name == "Cid"
    assert query[2:1] == []
    with pytest.raises(IndexError, match="negative indexes"):
        query[-1]


@pytest.mark.rule("QY-107")
def test_filter_by_looks_in_the_entity_joined_last(session):
    query = session.query(Author).join(Author.books).filter_by(title="B")

    assert names(query) == ["Ann"]
    assert names(query.reset_joinpoint().filter_by(name="Ann")) == ["Ann"]


@pytest.mark.rule("QY-109")
def test_a_union_gives_objects_and_can_be_filtered(session):
    one = session.query(Author).filter_by(name="Ann")
    two = session.query(Author).filter_by(name="Ben")

    both = one.union(two)

    assert names(both.order_by(Author.name.desc())) == ["Ben", "Ann"]
    assert names(both.filter(Author.id == 1)) == ["Ann"]
    assert names(both.join(Author.books)) == ["Ann"]


def test_a_union_takes_loader_options(session, sql):
    query = session.query(Author).filter_by(id=1).union(session.query(Author).filter_by(id=2))
    found = query.options(selectinload(Author.books)).order_by(Author.id).all()
    sql.clear()

    assert [len(each.books) for each in found] == [2, 0]
    assert sql.emitted == []


@pytest.mark.rule("QY-108")
def test_exists_in_a_query(session):
    query = session.query(Author).filter_by(name="Ben")

    assert session.query(query.exists()).scalar()


def test_a_subquery_of_a_query(session):
    young = session.query(Author.id).filter(Author.id > 1).subquery()

    found = session.query(Author).join(young, young.c.id == Author.id).order_by(Author.id)

    assert names(found) == ["Ben", "Cid"]


def test_with_entities_replaces_what_is_selected(session):
    query = session.query(Author).filter(Author.id < 3)

    assert query.with_entities(Author.id).order_by(Author.id).all() == [(1,), (2,)]


def test_add_columns_and_entities(session):
    query = session.query(Author.id).join(Author.books).add_columns(Book.title)

    assert query.order_by(Book.id).all() == [(1, "A"), (1, "B")]
    assert query.add_entity(Author).first()[2].name == "Ann"


def test_a_bundle_alone_may_come_without_a_row(session):
    bundle = Bundle("who", Author.id, Author.name, single_entity=True)

    assert session.query(bundle).filter(bundle.c.id == 2).one() == (2, "Ben")


def test_contains_eager_reads_the_query_s_own_join(session, sql):
    author = (
        session.query(Author)
        .join(Author.books)
        .filter(Book.title == "B")
        .options(contains_eager(Author.books))
        .one()
    )
    sql.clear()

    assert [book.title for book in author.books] == ["B"]
    assert sql.emitted == []


@pytest.mark.rule("QY-116")
def test_eager_joins_can_be_switched_off(session, sql):
    query = session.query(Author).options(joinedload(Author.books))

    query.enable_eagerloads(False).all()

    assert "JOIN" not in sql.emitted[0]


def test_params_give_values(session):
    query = session.query(Author).filter(text("author.name = :who")).params(who="Cid")

    assert query.one().id == 3


@pytest.mark.rule("QY-64")
def test_from_statement_reads_another_statement(session):
    found = session.query(Author).from_statement(text("SELECT * FROM author ORDER BY name DESC"))

    assert names(found) == ["Cid", "Ben", "Ann"]


def test_with_parent_finds_the_relationship(session):
    ann = session.get(Author, 1)

    with pytest.warns(exc.LegacyAPIWarning, match="considered legacy"):
        found = session.query(Book).with_parent(ann)
    with pytest.warns(exc.LegacyAPIWarning, match="considered legacy"):
        named = session.query(Book).with_parent(ann, Author.books)

    assert [book.id for book in found.order_by(Book.id)] == [1, 2]
    assert named.count() == 2


@pytest.mark.rule("QY-103")
def test_autoflush_can_be_turned_off(session):
    session.add(Author(name="Dee"))

    assert session.query(Author).autoflush(False).count() in {3, 4}
    assert session.query(Author).filter_by(name="Dee").autoflush(False).first() is None
    assert session.query(Author).filter_by(name="Dee").first() is not None


def test_populate_existing_overwrites(session):
    ann = session.get(Author, 1)
    ann.name = "Changed"

    session.query(Author).autoflush(False).populate_existing().all()

    assert ann.name == "Ann"


@pytest.mark.rule("QY-106")
def test_get_is_legacy(session):
    with pytest.warns(exc.LegacyAPIWarning, match="Query.get"):
        assert session.query(Author).get(2).name == "Ben"


@pytest.mark.rule("QY-105")
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("filter", (Author.id == 1,)),
        ("order_by", (Author.id,)),
        ("group_by", (Author.id,)),
        ("having", (Author.id == 1,)),
        ("join", (Author.books,)),
    ],
)
def test_criteria_after_limit_are_refused(session, method, arguments):
    limited = session.query(Author).limit(2)

    with pytest.raises(exc.InvalidRequestError, match="already has LIMIT or OFFSET applied"):
        getattr(limited, method)(*arguments)
    getattr(limited.enable_assertions(False), method)(*arguments)


def test_a_source_after_criteria_is_refused(session):
    with pytest.raises(exc.InvalidRequestError, match="with existing criterion"):
        session.query(Author).filter(Author.id == 1).select_from(Author)


def test_criteria_on_a_given_statement_are_refused(session):
    query = session.query(Author).from_statement(text("SELECT * FROM author"))

    with pytest.raises(exc.InvalidRequestError, match="existing full statement"):
        query.filter(Author.id == 1)


@pytest.mark.rule("QY-111")
def test_a_query_of_nothing_is_refused(session):
    with pytest.raises(exc.InvalidRequestError, match="Query contains no columns"):
        session.query().all()


@pytest.mark.rule("QY-110")
def test_a_query_needs_a_session(session):
    free = session.query(Author).with_session(None)

    with pytest.raises(exc.InvalidRequestError, match="not bound to a session"):
        free.all()
    assert names(free.with_session(session).filter_by(id=1)) == ["Ann"]


@pytest.mark.rule("QY-114")
def test_the_statement_is_a_select(session):
    statement = session.query(Author).filter_by(id=1).statement

    assert str(statement) == str(select(Author).where(Author.id == 1))


@pytest.mark.rule("QY-114")
def test_a_query_reads_as_its_sql(session):
    assert str(session.query(Author.id)).startswith("SELECT author.id AS author_id")


@pytest.mark.rule("QY-10")
def test_column_descriptions(session):
    (first, second) = session.query(Author, Book.title).column_descriptions

    assert (first["name"], first["type"], first["entity"]) == ("Author", Author, Author)
    assert (second["name"], second["entity"]) == ("title", Book)


def test_a_union_of_bundles_reads_from_the_union(session):
    name = Bundle("name", Author.id, Author.name)
    one, two = (session.query(name).filter(Author.id == n) for n in (1, 2))

    rows = one.union(two).order_by(Author.id.desc()).all()

    assert [row.name.id for row in rows] == [2, 1]
