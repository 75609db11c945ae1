"""Results of statements over classes."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Integer, TypeDecorator, exc, inspect, select, type_coerce

from holdfast import (
    Bundle,
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    composite,
    joinedload,
    mapped_column,
)
from holdfast.loading import merge_frozen_result
from models.library import Author, Base, Book


@dataclass(frozen=True)
class Point:
    x: int
    y: int


@pytest.fixture
def session(tables, sql):
    with Session(tables(Base.metadata)) as session:
        ann = Author(id=1, name="Ann", books=[Book(id=1, title="A"), Book(id=2, title="B")])
        session.add_all([ann, Author(id=2, name="Ben"), Author(id=3, name="Cid")])
        session.commit()
        sql.clear()
        yield session


def authors(*ids):
    return select(Author.name).where(Author.id.in_(ids)).order_by(Author.id)


NONE, ONE, SEVERAL = authors(), authors(2), authors(1, 3)


@pytest.mark.rule(
    "QY-30 one()",
    "QY-30 one_or_none()",
    "QY-30 first()",
    "QY-30 scalar()",
    "QY-30 scalar_one()",
    "QY-30 scalar_one_or_none()",
    "QY-30 all()",
)
@pytest.mark.parametrize(
    ("method", "of_none", "of_one", "of_several"),
    [
        ("one", exc.NoResultFound, ("Ben",), exc.MultipleResultsFound),
        ("one_or_none", None, ("Ben",), exc.MultipleResultsFound),
        ("first", None, ("Ben",), ("Ann",)),
        ("scalar", None, "Ben", "Ann"),
        ("scalar_one", exc.NoResultFound, "Ben", exc.MultipleResultsFound),
        ("scalar_one_or_none", None, "Ben", exc.MultipleResultsFound),
        ("all", [], [("Ben",)], [("Ann",), ("Cid",)]),
    ],
)
def test_a_result_gives_what_its_method_promises(session, method, of_none, of_one, of_several):
    for statement, expected in ((NONE, of_none), (ONE, of_one), (SEVERAL, of_several)):
        result = session.execute(statement)
        if isinstance(expected, type):
            with pytest.raises(expected):
                getattr(result, method)()
        else:
            assert getattr(result, method)() == expected


@pytest.mark.rule("QY-30")
def test_the_errors_say_how_many_rows_were_wanted(session):
    with pytest.raises(exc.NoResultFound, match="No row was found when one was required"):
        session.scalars(select(Author).where(Author.id == 9)).one()
    with pytest.raises(
        exc.MultipleResultsFound, match="Multiple rows were found when exactly one was required"
    ):
        session.scalars(select(Author)).one()


@pytest.mark.rule("QY-31")
def test_rows_may_be_read_as_mappings_and_in_part(session):
    statement = select(Author, Author.name).order_by(Author.id)
    ann = session.get(Author, 1)

    assert session.execute(statement).mappings().first() == {"Author": ann, "name": "Ann"}
    assert session.execute(statement).columns(1).first() == ("Ann",)
    assert session.execute(statement).columns("name").scalars().all() == ["Ann", "Ben", "Cid"]
    assert session.execute(statement).scalars(1).all() == ["Ann", "Ben", "Cid"]


@pytest.mark.rule("QY-31")
def test_rows_come_in_partitions(session):
    result = session.scalars(select(Author).order_by(Author.id))

    assert [[each.id for each in part] for part in result.partitions(2)] == [[1, 2], [3]]


@pytest.mark.rule("QY-31")
def test_rows_come_in_portions_under_yield_per(session):
    statement = select(Author).order_by(Author.id).execution_options(yield_per=2)

    parts = list(session.scalars(statement).partitions())

    assert [[each.id for each in part] for part in parts] == [[1, 2], [3]]
    assert len(session.scalars(select(Author)).yield_per(1).all()) == 3


@pytest.mark.rule("QY-31")
def test_rows_in_portions_cannot_be_made_unique(session):
    for result_of in (
        lambda: session.execute(select(Author).execution_options(yield_per=2)).unique(),
        lambda: session.execute(select(Author)).yield_per(2).unique(),
        lambda: session.execute(select(Author)).unique().yield_per(2),
    ):
        result = result_of()
        with pytest.raises(exc.InvalidRequestError, match="conjunction with unique"):
            next(result)


@pytest.mark.rule("QY-31")
def test_rows_of_joined_collections_must_be_made_unique(session):
    statement = select(Author).options(joinedload(Author.books)).order_by(Author.id)

    assert [len(each.books) for each in session.scalars(statement).unique()] == [2, 0, 0]
    with pytest.raises(exc.InvalidRequestError, match=r"unique\(\) method must be invoked"):
        session.scalars(statement).all()


@pytest.mark.rule("QY-31")
def test_a_frozen_result_may_be_read_again_and_merged(session, engine):
    frozen = session.execute(select(Author, Author.name).order_by(Author.id)).freeze()

    assert [name for _, name in frozen()] == ["Ann", "Ben", "Cid"]
    assert frozen().all() == frozen().all()
    session.close()
    with Session(engine) as other:
        merged = merge_frozen_result(other, select(Author, Author.name), frozen, load=False)()
        first = merged.first()
        assert (first.name, first.Author.id) == ("Ann", 1)
        assert first.Author in other


@pytest.mark.rule("QY-31")
def test_results_may_be_chained(session):
    one, other = (session.scalars(select(Author).where(Author.id == n)) for n in (1, 2))
    names = session.execute(ONE).merge(session.execute(SEVERAL))

    assert names.all() == [("Ben",), ("Ann",), ("Cid",)]
    assert [each.id for each in (*one, *other)] == [1, 2]


@pytest.mark.rule("QY-32")
def test_rows_are_tuples_whose_elements_have_names(session):
    other = aliased(Author, name="other")
    statement = select(Author, other, Author.name).join(other, other.id == Author.id)

    row = session.execute(statement.where(Author.id == 1)).one()

    assert tuple(row) == row == (row[0], row[1], "Ann")
    assert row.Author is row._mapping[Author] is row[0]
    assert row.other is row._mapping[other] is row[1]
    assert row.name == row._mapping[Author.name] == row._mapping["name"] == "Ann"


@pytest.mark.rule("QY-33")
def test_a_bundle_gives_one_element(session):
    who = Bundle("who", Author.id, Author.name)

    row = session.execute(select(who, Author).where(Author.id == 2)).one()

    assert (row.who.id, row.who.name, row.Author.id) == (2, "Ben", 2)
    assert row._mapping[who] == (2, "Ben")


@pytest.mark.rule("QY-33")
def test_a_composite_gives_its_object(tables):
    class Own(DeclarativeBase):
        pass

    class Mark(Own):
        __tablename__ = "mark"

        id: Mapped[int] = mapped_column(primary_key=True)
        at: Mapped[Point] = composite(mapped_column("x"), mapped_column("y"))

    with Session(tables(Own.metadata)) as session:
        session.add(Mark(id=1, at=Point(3, 4)))
        session.flush()

        assert session.execute(select(Mark.id, Mark.at)).one() == (1, Point(3, 4))
        assert session.scalars(select(Mark.at)).one() == Point(3, 4)


@pytest.mark.rule("QY-34")
def test_a_result_is_read_once(session):
    result = session.scalars(select(Author).order_by(Author.id))

    assert [each.id for each in result] == [1, 2, 3]
    assert result.all() == []


@pytest.mark.rule("QY-31")
@pytest.mark.parametrize("is_known", [True, False])
def test_values_without_hash_cannot_be_made_unique(session, is_known):
    class Listed(TypeDecorator):
        impl = Integer
        cache_ok = True

        def process_result_value(self, value, dialect):
            return [value]

    Listed.hashable = not is_known
    Listed._isnull = not is_known
    listed = type_coerce(Author.id, Listed).label("listed")

    with pytest.raises(exc.InvalidRequestError, match="non-hashable values"):
        session.execute(select(Author, listed)).unique().all()
    assert len(session.query(Author, listed).all()) == 3


def test_what_a_call_overwrites_is_chosen_by_the_call(session):
    ann = session.get(Author, 1)
    ann.name = "Changed"
    statement = select(Author).where(Author.id == 1)

    with session.no_autoflush:
        session.scalars(statement).one()
        assert ann.name == "Changed"
        session.scalars(statement, execution_options={"populate_existing": True}).one()
    assert ann.name == "Ann"


def test_an_identity_token_keeps_rows_of_two_sources_apart(session):
    statement = select(Author).where(Author.id == 1)
    plain = session.scalars(statement).one()

    other = session.scalars(statement, execution_options={"identity_token": "b"}).one()

    assert other is not plain
    assert inspect(other).identity_key[2] == "b"
