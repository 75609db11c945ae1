"""Public names that SQLAlchemy keeps for older programs."""

import pickle

import pytest
from sqlalchemy import event, exc, inspect, select

from holdfast import (
    AliasOption,
    DeclarativeBase,
    Mapped,
    Session,
    contains_alias,
    contains_eager,
    create_session,
    mapped_column,
    mapper,
    merge_result,
    scoped_session,
)
from holdfast.ext.asyncio import AsyncSession
from models.library import Author, Base, Book


@pytest.fixture
def session(tables):
    with Session(tables(Base.metadata)) as session:
        session.add(Author(id=1, name="Ann", books=[Book(id=1, title="x")]))
        session.commit()
        yield session


def test_created_session_does_little_by_itself(session):
    with create_session(session.get_bind(), info={"a": 1}) as other:
        assert (other.autoflush, other.expire_on_commit, other.info) == (False, False, {"a": 1})
    with create_session(autoflush=True) as other:
        assert other.autoflush


def test_mapper_is_but_a_name_for_listeners():
    heard = []

    def listener(target, other):
        heard.append((other if isinstance(other, type) else type(target)).__name__)

    with pytest.raises(exc.InvalidRequestError, match=r"mapper\(\)' function is removed"):
        mapper(Author, Author.__table__)
    for name in ("after_mapper_constructed", "pickle"):
        with pytest.warns(exc.SADeprecationWarning, match=r"mapper\(\)` symbol is deprecated"):
            event.listen(mapper, name, listener)

    class OwnBase(DeclarativeBase):
        pass

    class Note(OwnBase):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)

    pickle.dumps(Author())
    for name in ("after_mapper_constructed", "pickle"):
        with pytest.warns(exc.SADeprecationWarning):
            event.remove(mapper, name, listener)
    pickle.dumps(Author())

    assert heard == ["Note", "Author"]


def test_rows_of_another_session_are_merged(session):
    query = session.query(Author)
    with Session(session.get_bind()) as other:
        given = other.get(Author, 1)
        other.expunge(given)
    session.rollback()

    with pytest.warns(exc.LegacyAPIWarning, match="merge_result"):
        (merged,) = merge_result(query, [given])

    assert merged in session
    assert merged.name == "Ann"


def test_alias_option_says_nothing(session):
    with pytest.warns(exc.SADeprecationWarning, match="AliasOption object is not necessary"):
        option = contains_alias("ulist")
    assert isinstance(option, AliasOption)
    statement = select(Author.__table__, Book.__table__).join(Book.__table__)

    query = session.query(Author).options(option, contains_eager(Author.books))
    (ann,) = query.from_statement(statement).all()

    assert "books" not in inspect(ann).unloaded


def test_unloaded_attributes_have_an_old_name(session):
    ann = session.get(Author, 1)

    with pytest.warns(exc.SADeprecationWarning, match="unloaded_expirable attribute is deprecated"):
        assert inspect(ann).unloaded_expirable == {"books"}


def test_registry_of_threads_warns_of_asyncio_sessions():
    sessions = scoped_session(lambda: AsyncSession())

    with pytest.warns(exc.SADeprecationWarning, match="Using `scoped_session` with asyncio"):
        sessions()


def test_key_is_looked_up_whatever_the_order(session):
    with pytest.warns(exc.LegacyAPIWarning):
        assert session.query(Author).order_by(Author.name).distinct().get(1).name == "Ann"


def test_missing_relationship_is_no_wrong_argument(session):
    ann = session.get(Author, 1)
    message = "relates instances of class 'Author' to instances of class 'Author'"

    with (
        pytest.warns(exc.LegacyAPIWarning),
        pytest.raises(exc.InvalidRequestError, match=message),
    ):
        session.query(Author).with_parent(ann)
