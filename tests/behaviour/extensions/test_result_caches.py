"""A cache of results: a listener of `do_orm_execute` that keeps them frozen."""

import pickle

import pytest
from sqlalchemy import event, select, update

from holdfast import (
    Session,
    UserDefinedOption,
    joinedload,
    merge_frozen_result,
    selectinload,
    sessionmaker,
)
from models.library import Author, Base, Book


class FromCache(UserDefinedOption):
    """Asks for a statement to be answered from the cache."""

    propagate_to_loaders = False


class AlsoLater(FromCache):
    """The same for what is loaded later."""

    propagate_to_loaders = True


class Cache:
    """Frozen results in the form in which a server would keep them."""

    def __init__(self):
        self.kept = {}

    def listen(self, state):
        if not any(isinstance(option, FromCache) for option in state.user_defined_options):
            return None
        cache_key = state.statement._generate_cache_key()
        key = (
            cache_key.key,
            tuple(parameter.effective_value for parameter in cache_key.bindparams),
            str(state.parameters),
        )
        if key not in self.kept:
            self.kept[key] = pickle.dumps(state.invoke_statement().freeze())
        frozen = pickle.loads(self.kept[key])
        return merge_frozen_result(state.session, state.statement, frozen, load=False)()


@pytest.fixture
def cache():
    return Cache()


@pytest.fixture
def make(engine, tables, cache):
    """A `sessionmaker` whose sessions share the cache."""
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Author(id=1, name="ann", books=[Book(id=1, title="a"), Book(id=2, title="b")]))
        session.add(Author(id=2, name="bob"))
        session.commit()
    made = sessionmaker(engine)
    event.listen(made, "do_orm_execute", cache.listen)
    return made


@pytest.mark.rule("XT-124")
def test_second_session_asks_the_cache(make, sql):
    statement = select(Author).order_by(Author.id).options(FromCache())
    with make() as one:
        assert [author.name for author in one.scalars(statement)] == ["ann", "bob"]
    sql.clear()

    with make() as other:
        found = other.scalars(statement).all()

        assert [author.name for author in found] == ["ann", "bob"]
        assert sql.emitted == []
        assert other.get(Author, 2) is found[1]
        assert other.scalars(select(Author.name)).all()
    assert len(sql) == 1


@pytest.mark.rule("XT-124")
def test_parameters_are_part_of_the_key(make, cache, sql):
    def named(name):
        with make() as session:
            return session.scalars(select(Author).filter_by(name=name).options(FromCache())).all()

    assert [len(named(name)) for name in ("ann", "bob", "cid", "ann")] == [1, 1, 0, 1]
    assert len(cache.kept) == len(sql) == 3


@pytest.mark.rule("XT-124")
@pytest.mark.parametrize("load", [joinedload, selectinload])
def test_related_objects_are_kept_with_their_parents(make, sql, load):
    statement = select(Author).order_by(Author.id).options(load(Author.books), FromCache())
    for _ in range(2):
        sql.clear()
        with make() as session:
            found = session.scalars(statement).unique().all()

            assert [len(author.books) for author in found] == [2, 0]
            assert all(book in session for book in found[0].books)
    assert sql.emitted == []


@pytest.mark.rule("XT-124")
def test_lazy_loads_may_be_kept_too(make, sql):
    statement = select(Author).where(Author.id == 1).options(AlsoLater())
    for _ in range(2):
        sql.clear()
        with make() as session:
            author = session.scalars(statement).one()
            assert [book.title for book in author.books] == ["a", "b"]
    assert sql.emitted == []


@pytest.mark.rule("XT-124")
def test_objects_from_the_cache_are_written_like_others(make, cache, sql):
    statement = select(Author).where(Author.id == 1).options(FromCache())
    with make() as session:
        session.scalars(statement).one()
    with make() as session:
        session.scalars(statement).one().name = "Ann"
        session.commit()

        # What the cache keeps is another matter.
        assert session.scalars(select(Author.name).where(Author.id == 1)).one() == "Ann"
    with make() as session:
        assert session.scalars(statement).one().name == "ann"
        cache.kept.clear()
        session.expire_all()
        assert session.scalars(statement).one().name == "Ann"


@pytest.mark.rule("XT-124")
def test_objects_of_the_session_take_what_the_cache_has(make):
    statement = select(Author).order_by(Author.id).options(FromCache())
    with make() as session:
        session.scalars(statement).all()
        session.execute(update(Author).values(name="new"))
        session.commit()
    with make() as session:
        author = session.get(Author, 1)
        assert author.name == "new"

        assert session.scalars(statement).first() is author
        assert author.name == "ann"
        assert author not in session.dirty


@pytest.mark.rule("XT-124")
def test_query_is_answered_from_the_cache(make, sql):
    for _ in range(2):
        sql.clear()
        with make() as session:
            rows = session.query(Author, Book.title).join(Author.books).options(FromCache())
            assert sorted(title for _, title in rows) == ["a", "b"]
    assert sql.emitted == []
