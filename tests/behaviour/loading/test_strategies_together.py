"""Strategies and options that meet on one object: what was wrong where random loads looked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from holdfast import (
    Session,
    aliased,
    contains_eager,
    errors,
    immediateload,
    joinedload,
    lazyload,
    raiseload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    with_loader_criteria,
    with_polymorphic,
)
from models import market
from models.library import Author, Book
from models.market import Engineer, Food, Item, Manager, Shop


@pytest.fixture
def market_session(engine: Any) -> Any:
    market.Base.metadata.create_all(engine)
    with engine.begin() as connection:
        market.fill(connection)
    with Session(engine) as session:
        yield session


@pytest.mark.parametrize("option", [lazyload, immediateload])
@pytest.mark.parametrize("is_present", [False, True])
def test_criteria_of_a_reference_that_loads_by_itself_are_heard(
    session: Session, option: Any, is_present: bool
) -> None:
    kept = session.get(Author, 1) if is_present else None

    books = session.scalars(
        select(Book).order_by(Book.id).options(option(Book.author.and_(Author.name != "ann")))
    ).all()

    assert [each.author and each.author.name for each in books] == [None, None, "bob", None]
    assert (kept is not None) == is_present


def test_criteria_of_a_joined_load_are_heard_where_nothing_can_be_joined(session: Session) -> None:
    statement = select(Book).from_statement(select(Book).order_by(Book.id))
    option = joinedload(Book.author.and_(Author.name != "ann"))

    books = session.scalars(statement.options(option)).all()

    assert [each.author and each.author.name for each in books] == [None, None, "bob", None]


@pytest.mark.parametrize("strategy", [joinedload, subqueryload, selectinload])
@pytest.mark.parametrize("hears", [False, True])
def test_joined_collections_below_other_loads_need_no_unique(
    session: Session, strategy: Any, hears: bool
) -> None:
    if hears:
        event.listen(session, "do_orm_execute", lambda _: None)
    option = selectinload(Book.author)
    option = getattr(option, strategy.__name__)(Author.books)

    books = session.scalars(select(Book).order_by(Book.id).options(option)).all()

    found = [each.author and [book.id for book in each.author.books] for each in books]
    assert found == [[1, 2], [1, 2], [3], None]


def test_nearest_of_two_joined_relationships_fills_the_attribute(session: Session) -> None:
    option = joinedload(Book.author).joinedload(Author.books)
    option = option.joinedload(Book.author.and_(Author.name == "nobody"))

    books = session.scalars(select(Book).order_by(Book.id).options(option)).unique().all()

    assert [each.author and each.author.name for each in books] == ["ann", "ann", "bob", None]


@pytest.mark.parametrize("how", ["lacks", "expired"])
def test_options_are_heard_for_relationships_that_present_objects_lack(
    session: Session, how: str
) -> None:
    author = session.get(Author, 1)
    assert author is not None
    if how == "expired":
        session.expire(author)
    session.scalars(select(Author).options(raiseload(Author.books))).all()

    with pytest.raises(errors.LoadRefusedError):
        _ = author.books
    session.expire(author)
    session.scalars(select(Author).options(lazyload(Author.books.and_(Book.id == 1)))).all()
    assert [book.id for book in author.books] == [1]


def test_criteria_of_a_statement_do_not_stay_with_objects_that_were_there(
    session: Session,
) -> None:
    author = session.get(Author, 1)
    assert author is not None
    session.expire(author)
    session.scalars(select(Author).options(with_loader_criteria(Book, Book.id > 1))).all()

    assert [book.id for book in author.books] == [1, 2]


@pytest.mark.parametrize("how", ["refresh", "expire", "expire_one"])
def test_refusal_is_heard_again_when_the_object_is_read_again(session: Session, how: str) -> None:
    statement = select(Author).where(Author.id == 1).options(raiseload(Author.books))
    author = session.scalars(statement).one()
    if how == "expire_one":
        session.expire(author, ["books"])
    else:
        getattr(session, how)(author)
    assert author.name == "ann"

    with pytest.raises(errors.LoadRefusedError):
        _ = author.books
    session.refresh(author, ["books"])
    assert [book.id for book in author.books] == [1, 2]


def test_wildcard_ends_when_the_object_is_read_again(session: Session) -> None:
    author = session.scalars(select(Author).where(Author.id == 1).options(raiseload("*"))).one()
    session.refresh(author)

    assert [book.id for book in author.books] == [1, 2]


def test_replaced_objects_forget_the_options_that_they_had(session: Session) -> None:
    author = session.scalars(select(Author).where(Author.id == 1).options(raiseload("*"))).one()
    session.scalars(select(Author), execution_options={"populate_existing": True}).all()

    assert [book.id for book in author.books] == [1, 2]


@pytest.mark.parametrize("option", [lazyload, selectinload, subqueryload, joinedload])
def test_criteria_over_a_named_subclass_leave_other_classes(
    market_session: Session, option: Any
) -> None:
    statement = select(Item).where(Item.id == 2)
    attribute = Item.alike.of_type(Food).and_(Food.rank < 4)

    item = market_session.scalars(statement.options(option(attribute))).unique().one()

    assert [each.id for each in item.alike] == [8, 2]


def test_unaliased_subclasses_are_refused_whatever_else_the_option_says(
    market_session: Session,
) -> None:
    both = with_polymorphic(Item, [Food])
    option = joinedload(Item.alike.of_type(both)).defer(both.id)

    with pytest.raises(errors.LoaderConflictError):
        market_session.scalars(select(Food).options(option)).unique().all()


def test_immediate_loads_in_a_circle_end(market_session: Session) -> None:
    option = selectinload(Manager.reports).joinedload(Engineer.chief).immediateload(Manager.reports)

    manager = market_session.get(Manager, 1, options=[option])

    assert manager is not None
    assert [each.id for each in manager.reports] == [5, 2]


@pytest.mark.parametrize("limit", [1, 2])
def test_subqueries_of_a_subclass_that_the_statement_does_not_select(
    market_session: Session, limit: int
) -> None:
    statement = select(market.Person).where(market.Person.id.in_([1, 4])).limit(limit)
    options = [selectin_polymorphic(market.Person, [Manager]), subqueryload(Manager.reports)]

    found = market_session.scalars(statement.order_by(market.Person.id).options(*options)).all()

    reports = [[each.id for each in person.__dict__["reports"]] for person in found]
    assert reports == [[5, 2], [6]][:limit]


def test_contained_collections_and_chunks_meet(market_session: Session) -> None:
    other = aliased(Shop)
    statement = select(Shop).outerjoin(Shop.neighbours.of_type(other)).order_by(Shop.id, other.id)
    option = contains_eager(Shop.neighbours.of_type(other))
    option = option.selectinload(other.staff, chunksize=1).subqueryload(market.Person.shop)

    shops = market_session.scalars(statement.options(option)).unique().all()

    staff = {each.id: [p.id for p in each.staff] for shop in shops for each in shop.neighbours}
    assert staff == {1: [1, 2, 3, 6], 2: [4, 5, 9], 3: [8], 4: [], 5: []}
