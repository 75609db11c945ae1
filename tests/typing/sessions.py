"""What makes sessions."""

from __future__ import annotations

from typing import Any, assert_type

from authors import Author
from sqlalchemy import Connection, Engine, Result, create_engine, select

from holdfast import (
    Query,
    Session,
    SessionTransaction,
    object_session,
    scoped_session,
    sessionmaker,
)


class Ours(Session):
    pass


def makers(engine: Engine, connection: Connection) -> None:
    make = sessionmaker(engine, expire_on_commit=False)
    assert_type(make, sessionmaker[Session])
    assert_type(make(), Session)
    assert_type(sessionmaker(connection), sessionmaker[Session])
    assert_type(sessionmaker(), sessionmaker[Session])
    with make.begin() as session:
        assert_type(session, Session)
    ours = sessionmaker(engine, class_=Ours)
    assert_type(ours(), Ours)


def transactions(session: Session) -> None:
    with session.begin() as transaction:
        assert_type(transaction, SessionTransaction)
    with Session(create_engine("sqlite://")) as opened, opened.begin_nested():
        assert_type(opened, Session)
    with session.no_autoflush:
        assert_type(session.is_active, bool)
    info: dict[Any, Any] = session.info
    assert info is not None


def membership(author: Author) -> None:
    assert_type(object_session(author), Session | None)
    assert_type(Session.object_session(author), Session | None)


class Queried:
    query = scoped_session(sessionmaker()).query_property()


def scopes(engine: Engine) -> None:
    scope = scoped_session(sessionmaker(engine))
    assert_type(scope, scoped_session[Session])
    assert_type(scope(), Session)
    assert_type(scope.get(Author, 5), Author | None)
    assert_type(scope.get_one(Author, 5), Author)
    assert_type(scope.scalars(select(Author)).one(), Author)
    assert_type(scope.scalar(select(Author.name)), str | None)
    assert_type(scope.execute(select(Author.id, Author.name)), Result[int, str])
    assert_type(scope.query(Author), Query[Author])
    scope.add(Author(name="x"))
    scope.commit()
    scope.remove()
    ours = scoped_session(sessionmaker(engine, class_=Ours))
    assert_type(ours(), Ours)
    assert_type(Queried.query, Query[Queried])
