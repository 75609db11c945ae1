"""Criteria that go with a class: `with_loader_criteria()`."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from sqlalchemy import ForeignKey, delete, event, exists, func, select, update

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
    with_loader_criteria,
)
from holdfast.errors.queries import EntityError, LoaderOptionError
from holdfast.queries.loader_criteria import criteria_about
from models.library import Author, Base, Book
from models.tree import Base as Tree
from models.tree import Node


@pytest.fixture
def session(engine: Any, tables: Any) -> Any:
    tables(Base.metadata)
    with Session(engine) as session:
        for number, name in enumerate(("Ann", "Bob"), 1):
            books = [Book(id=10 * number + i, title=title) for i, title in enumerate("xy")]
            session.add(Author(id=number, name=name, books=books))
        session.commit()
        session.expunge_all()
        yield session


def no_x(cls: Any) -> Any:
    return cls.title != "x"


def titles(author: Author) -> list[str | None]:
    return [book.title for book in author.books]


@pytest.mark.rule("LD-130")
def test_criteria_filter_selected_and_joined_entities(session):
    only_ann = with_loader_criteria(Author, Author.name == "Ann")

    assert session.scalars(select(Author.name).options(only_ann)).all() == ["Ann"]
    query = select(Book.id).join(Book.author).order_by(Book.id).options(only_ann)
    assert session.scalars(query).all() == [10, 11]
    inner = select(func.count(Author.id)).scalar_subquery()
    assert session.execute(select(inner, Book.id).options(only_ann)).first()[0] == 1


@pytest.mark.rule("LD-130")
def test_criteria_filter_what_any_and_has_look_at(session):
    no_y = with_loader_criteria(Book, Book.title != "y")
    with_y = select(Author).where(Author.books.any(Book.title == "y"))
    of_ann = select(Book.id).where(Book.author.has()).order_by(Book.id)

    assert len(session.scalars(with_y).all()) == 2
    assert session.scalars(with_y.options(no_y)).all() == []
    only_ann = with_loader_criteria(Author, Author.name == "Ann")
    assert session.scalars(of_ann.options(only_ann)).all() == [10, 11]


@pytest.mark.rule("LD-130", "LD-131")
@pytest.mark.parametrize("how", [joinedload, selectinload, subqueryload, None])
def test_criteria_filter_what_is_loaded_eagerly_and_lazily(session, how):
    query = select(Author).options(with_loader_criteria(Book, no_x)).order_by(Author.id)
    if how is not None:
        query = query.options(how(Author.books))

    authors = session.scalars(query).unique().all()

    assert [titles(author) for author in authors] == [["y"], ["y"]]


def test_criteria_stay_with_a_pickled_object(session):
    ann = session.scalars(select(Author).options(with_loader_criteria(Book, no_x))).first()

    copied = pickle.loads(pickle.dumps(ann))
    session.expunge_all()
    session.add(copied)

    assert titles(copied) == ["y"]


@pytest.mark.rule("LD-132")
def test_criteria_reach_lazy_loads_only_when_they_may(session):
    stays = with_loader_criteria(Book, no_x, propagate_to_loaders=False)

    assert titles(session.scalars(select(Author).options(stays)).first()) == ["x", "y"]


@pytest.mark.rule("LD-132")
def test_criteria_for_loaders_leave_the_statement_alone(session):
    loaders = with_loader_criteria(Book, no_x, loader_only=True)

    assert len(session.scalars(select(Book).options(loaders)).all()) == 4
    assert titles(session.scalars(select(Author).options(loaders)).first()) == ["y"]


@pytest.mark.rule("LD-132")
@pytest.mark.parametrize(("includes", "count"), [(True, 2), (False, 4)])
def test_criteria_reach_aliases_on_request(session, includes, count):
    option = with_loader_criteria(Book, no_x, include_aliases=includes)

    assert len(session.scalars(select(aliased(Book)).options(option)).all()) == count


@pytest.mark.rule("LD-131")
def test_criteria_of_a_mixin_are_asked_of_each_class_below_it(session, tables):
    class Named:
        name: Mapped[str]

    class Local(DeclarativeBase):
        pass

    class Cat(Named, Local):
        __tablename__ = "cat"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Dog(Named, Local):
        __tablename__ = "dog"
        id: Mapped[int] = mapped_column(primary_key=True)

    tables(Local.metadata)
    session.add_all([each(name=name) for each in (Cat, Dog) for name in "ab"])
    session.flush()
    option = with_loader_criteria(Named, lambda cls: cls.name == "b")

    assert [cat.name for cat in session.scalars(select(Cat).options(option))] == ["b"]
    assert [dog.name for dog in session.scalars(select(Dog).options(option))] == ["b"]


@pytest.mark.rule("LD-131")
def test_criteria_of_a_mixin_reach_classes_that_are_mapped_later(session, tables):
    class Owned:
        owner: Mapped[int]

    option = with_loader_criteria(Owned, lambda cls: cls.owner == 1)

    class Local(DeclarativeBase):
        pass

    class Cat(Owned, Local):
        __tablename__ = "cat"
        id: Mapped[int] = mapped_column(primary_key=True)

    tables(Local.metadata)
    session.add_all([Cat(owner=1), Cat(owner=2)])
    session.flush()
    assert len(session.scalars(select(Cat).options(option)).all()) == 1

    class Dog(Owned, Local):
        __tablename__ = "dog"
        id: Mapped[int] = mapped_column(primary_key=True)

    session.commit()
    tables(Local.metadata)
    session.add_all([Dog(owner=1), Dog(owner=2)])
    session.flush()
    assert len(session.scalars(select(Dog).options(option)).all()) == 1


@pytest.mark.rule("LD-131", "LD-136")
def test_criteria_of_a_mixin_are_those_of_each_execution_when_a_class_is_first_needed(
    session, tables
):
    class Owned:
        owner: Mapped[int]

    class Local(DeclarativeBase):
        pass

    class Dog(Owned, Local):
        __tablename__ = "dog"
        id: Mapped[int] = mapped_column(primary_key=True)
        cats: Mapped[list["Cat"]] = relationship(order_by="Cat.id")  # noqa: UP037

    class Cat(Owned, Local):
        __tablename__ = "cat"
        id: Mapped[int] = mapped_column(primary_key=True)
        dog_id: Mapped[int | None] = mapped_column(ForeignKey("dog.id"))

    tables(Local.metadata)
    for owner in (1, 2):
        cats = [Cat(id=10 * owner + each, owner=each) for each in (1, 2)]
        session.add(Dog(id=owner, owner=owner, cats=cats))
    session.commit()

    def found(statement: Any, owner: int) -> list[tuple[int, ...]]:
        session.expunge_all()
        option = with_loader_criteria(Owned, lambda cls: cls.owner == owner)
        dogs = session.scalars(statement.options(option)).unique()
        return [(dog.id, *(cat.id for cat in dog.cats)) for dog in dogs]

    many = aliased(Cat)
    plain = select(Dog)
    for statement in (
        plain,
        plain.options(joinedload(Dog.cats)),
        plain.options(selectinload(Dog.cats)),
        plain.join(Dog.cats).order_by(Dog.id),
        plain.join(many, many.dog_id == Dog.id),
    ):
        for _ in range(3):
            assert [found(statement, owner) for owner in (1, 2)] == [[(1, 11)], [(2, 22)]]


def test_wb_statement_that_needed_one_more_class_is_not_found_by_one_made_at_the_same_time(tables):
    class Owned:
        owner: Mapped[int]

    class Local(DeclarativeBase):
        pass

    class Cat(Owned, Local):
        __tablename__ = "cat"
        id: Mapped[int] = mapped_column(primary_key=True)

    def made(owner: int) -> Any:
        option = with_loader_criteria(Owned, lambda cls: cls.owner == owner)
        return criteria_about(select(Cat).options(option))

    Local.registry.configure()
    one, two = made(1), made(2)
    assert one._generate_cache_key().key == two._generate_cache_key().key
    assert "cat.owner = " in str(one)
    assert one._generate_cache_key().key != two._generate_cache_key().key
    later = made(3)._generate_cache_key()
    assert [each.value for each in later.bindparams] == [3]


@pytest.mark.rule("LD-131")
@pytest.mark.parametrize("subject", ["Book", Book.__table__])
def test_criteria_are_for_classes(subject):
    with pytest.raises(EntityError, match="Expected mapped class or mapper, got"):
        with_loader_criteria(subject, no_x)


@pytest.mark.rule("LD-136")
@pytest.mark.parametrize("tracks", [True, False])
def test_closure_may_hold_anything_and_is_asked_each_time(session, tracks):
    def found(wanted: Any) -> list[int]:
        option = with_loader_criteria(
            Book, lambda cls: cls.title == wanted.pop(), track_closure_variables=tracks
        )
        return list(session.scalars(select(Book.id).order_by(Book.id).options(option)))

    assert [found(["x"]), found(["y"])] == [[10, 20], [11, 21]]


@pytest.mark.rule("LD-136")
def test_values_in_a_closure_are_those_of_each_execution(session, sql):
    def found(title: str) -> list[int]:
        option = with_loader_criteria(Book, lambda cls: cls.title == title)
        return list(session.scalars(select(Book.id).order_by(Book.id).options(option)))

    assert [found("x"), found("y")] == [[10, 20], [11, 21]]
    assert sql.emitted[-1] == sql.emitted[-2]


@pytest.mark.rule("LD-137")
def test_criteria_of_two_classes_that_ask_for_each_other_end(session):
    of_books = with_loader_criteria(Book, Book.author_id.in_(select(Author.id)))
    of_authors = with_loader_criteria(Author, Author.id.in_(select(Book.author_id)))

    query = select(Author.name).options(of_books, of_authors).order_by(Author.id)

    assert session.scalars(query).all() == ["Ann", "Bob"]


@pytest.mark.rule("LD-133")
def test_reads_of_an_object_again_are_not_filtered(session):
    ann = session.get_one(Author, 1)

    @event.listens_for(session, "do_orm_execute")
    def hide(state: Any) -> None:
        state.statement = state.statement.options(with_loader_criteria(Author, Author.id != 1))

    session.refresh(ann)
    assert ann.name == "Ann"
    session.expire(ann)
    assert ann.name == "Ann"
    session.expunge_all()
    assert session.get(Author, 1) is None


@pytest.mark.rule("LD-135")
def test_criteria_filter_rows_that_a_delete_reaches(session):
    option = with_loader_criteria(Book, no_x)

    session.execute(delete(Book).options(option))

    assert session.scalars(select(Book.title)).all() == ["x", "x"]


@pytest.mark.rule("LD-134")
def test_objects_of_the_identity_map_are_not_filtered(session):
    ann = session.get_one(Author, 1)
    book = session.get_one(Book, 10)
    option = with_loader_criteria(Author, Author.id != 1)
    session.scalars(
        select(Book).options(option), execution_options={"populate_existing": True}
    ).all()

    assert book.author is ann
    session.expunge(ann)
    session.expire(book, ["author"])
    assert book.author is None


def no_ann() -> Any:
    return with_loader_criteria(Author, Author.name != "Ann")


@pytest.mark.rule("LD-130")
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (select(func.count(Author.id).label("n")), [(1,)]),
        (select(Author).select_from(Author).with_only_columns(func.count()), [(1,)]),
        (select(func.count()).where(Author.id > 0), [(1,)]),
        (select(func.count()).select_from(select(Author).subquery()), [(1,)]),
        (select(Book.id).where(Book.author_id == Author.id), [(20,), (21,)]),
        (select(Book.id).where(exists(1).where(Author.id == Book.author_id)), [(20,), (21,)]),
        (select(Book.id).order_by(Book.author.has(), Book.id).limit(2), [(10,), (11,)]),
        (select(Book.author.has()).where(Book.id.in_([10, 20])), [(False,), (True,)]),
        (select(Author.id).union(select(Author.id)), [(2,)]),
        (select(Author.id).from_statement(select(Author.id).union(select(Author.id))), [(2,)]),
    ],
    ids=lambda each: None if isinstance(each, list) else " ".join(str(each).split()),
)
def test_criteria_are_found_wherever_the_class_is(session, statement, expected):
    found = session.execute(statement.options(no_ann())).all()

    assert [tuple(row) for row in found] == expected


@pytest.mark.rule("LD-136")
def test_values_that_stand_twice_are_those_of_each_execution(session, sql):
    def found(name: str) -> list[Any]:
        option = with_loader_criteria(Author, lambda cls: cls.name == name)
        both = select(Author.id).union_all(select(Author.id)).options(option)
        inner = select(Book.id).where(Book.author.has()).options(option)
        return [*session.scalars(both), *session.scalars(inner.order_by(Book.id))]

    assert [found("Ann"), found("Bob")] == [[1, 1, 10, 11], [2, 2, 20, 21]]
    assert sql.emitted[-1] == sql.emitted[-3]


@pytest.mark.rule("LD-130")
def test_class_of_the_statement_around_is_filtered_there_alone(session, sql):
    has_books = select(Book.id).where(Book.author_id == Author.id).exists()

    found = session.scalars(select(Author.name).where(has_books).options(no_ann())).all()

    assert found == ["Bob"]
    assert sql.emitted[-1].count("author.name != ?") == 1


@pytest.mark.rule("LD-130", "LD-135")
def test_statements_over_tables_filter_the_classes_within(session):
    chosen = select(Author.id).scalar_subquery()
    statement = update(Book.__table__).values(title="z").where(Book.__table__.c.author_id == chosen)

    session.execute(statement.options(no_ann()))

    assert session.scalars(select(Book.id).where(Book.title == "z")).all() == [20, 21]


@pytest.mark.rule("LD-130")
def test_criteria_filter_self_referential_existence(session, tables):
    tables(Tree.metadata)
    session.add(Node(id=1, name="top", children=[Node(id=2, name="x"), Node(id=3, name="y")]))
    session.flush()
    option = with_loader_criteria(Node, Node.name != "x")

    with_x = select(Node.id).where(Node.children.any(Node.name == "x"))
    with_y = select(Node.id).where(Node.children.any(Node.name == "y"))

    assert session.scalars(with_x.options(option)).all() == []
    assert session.scalars(with_y.options(option)).all() == [1]


def test_criteria_are_refused_within_other_options():
    with pytest.raises(LoaderOptionError, match="is not compatible with the Load"):
        selectinload(Author.books).options(with_loader_criteria(Book, no_x))
