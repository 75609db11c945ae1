"""Extensions come when they are imported, and never with `sqlalchemy.orm`."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

AWAITED = """
import asyncio
import sqlalchemy as sa
from holdfast import DeclarativeBase, Mapped, mapped_column
from holdfast.ext.asyncio import AsyncSession, create_async_engine
from holdfast.ext.horizontal_shard import ShardedSession

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)

async def live(engine):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session, session.begin():
        session.add(Author())
        assert (await session.scalars(sa.select(Author.id))).all() == [1]
    await engine.dispose()
"""

LIFE = """
asyncio.run(live(create_async_engine("sqlite+aiosqlite://")))
"""

OURS = """
import holdfast.ext.asyncio as ours
import holdfast.ext.asyncio.exc as our_exceptions
"""

THEIRS = """
import sqlalchemy.ext.asyncio as theirs
from sqlalchemy.ext.asyncio import exc as their_exceptions
"""

SAME = """
assert ours.AsyncEngine is theirs.AsyncEngine
assert ours.AsyncResult is theirs.AsyncResult
assert our_exceptions.AsyncBindNotFound is their_exceptions.AsyncBindNotFound
assert ours.AsyncSession is not theirs.AsyncSession
"""

NO_ORM = """
import sys
loaded = [name for name in sys.modules if f"{name}.".startswith("sqlalchemy.orm.")]
assert not loaded, loaded
"""


def run_fresh(*parts):
    source = "\n".join(textwrap.dedent(part) for part in parts)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_import_of_the_package_loads_no_extension():
    run_fresh(
        """
        import sys
        import holdfast
        from holdfast import Session
        prefixes = ("holdfast.aio", "holdfast.ext", "holdfast.sharding", "sqlalchemy.ext")
        loaded = [name for name in sys.modules if name.startswith(prefixes)]
        assert not loaded and "greenlet" not in sys.modules, loaded
        """
    )


def test_chained_queries_are_imported_when_first_used():
    run_fresh(
        """
        import sys
        import holdfast
        from sqlalchemy import create_engine, event, literal_column
        assert {"Query", "DynamicMapped", "Session"} <= set(dir(holdfast))
        session = holdfast.Session(create_engine("sqlite://"))
        late = ("holdfast.queries.facade", "holdfast.instrument.keyed_dicts")
        assert not [name for name in sys.modules if name.startswith(late)]
        query = session.query(literal_column("1"))
        event.listen(type(query), "before_compile", lambda query: query.limit(0), retval=True)
        assert query.all() == [] and type(query) is holdfast.Query
        from holdfast.collections import attribute_keyed_dict
        assert holdfast.attribute_keyed_dict is attribute_keyed_dict
        assert not hasattr(holdfast, "chained_query")
        """
    )


def test_awaited_session_loads_no_sqlalchemy_orm():
    run_fresh(AWAITED, LIFE, NO_ORM)


@pytest.mark.parametrize("order", [(OURS, THEIRS), (THEIRS, OURS)], ids=["ours", "theirs"])
def test_engines_are_those_of_sqlalchemy_whichever_is_imported_first(order):
    run_fresh(
        *order,
        SAME,
        AWAITED,
        "asyncio.run(live(theirs.create_async_engine('sqlite+aiosqlite://')))",
    )


def test_stand_in_answers_for_extensions_too():
    run_fresh(
        """
        from holdfast.compat import install_as_sqlalchemy_orm
        install_as_sqlalchemy_orm()
        import sys
        assert "holdfast.aio.session" not in sys.modules
        import holdfast.ext.asyncio, holdfast.ext.horizontal_shard
        import sqlalchemy.ext.asyncio
        from sqlalchemy.ext.asyncio import AsyncSession, exc
        from sqlalchemy.ext.asyncio.session import async_sessionmaker
        from sqlalchemy.ext.asyncio.scoping import async_scoped_session
        from sqlalchemy.ext.asyncio.engine import AsyncEngine
        from sqlalchemy.ext.horizontal_shard import ShardedSession
        assert AsyncSession is holdfast.ext.asyncio.AsyncSession
        assert async_sessionmaker is holdfast.ext.asyncio.async_sessionmaker
        assert async_scoped_session is holdfast.ext.asyncio.async_scoped_session
        assert AsyncEngine is holdfast.ext.asyncio.AsyncEngine
        assert exc.AsyncBindNotFound
        assert ShardedSession is holdfast.ext.horizontal_shard.ShardedSession
        try:
            from sqlalchemy.ext.asyncio import no_such_name
        except ImportError:
            pass
        else:
            raise AssertionError("an unknown name was imported")
        """
    )


def test_stand_in_serves_bases_and_sessions_of_other_libraries():
    run_fresh(
        """
        from holdfast.compat import install_as_sqlalchemy_orm
        install_as_sqlalchemy_orm()
        import sqlalchemy as sa
        from sqlalchemy.ext.asyncio.session import _EXECUTE_OPTIONS
        from sqlalchemy.orm import Mapped, Session, mapped_column, registry
        from sqlalchemy.orm.decl_api import DeclarativeMeta

        class Meta(DeclarativeMeta):
            def __new__(mcs, name, bases, namespace):
                made = super().__new__(mcs, name, bases, namespace)
                if not bases:
                    made._sa_registry = registry()
                    made.metadata = made._sa_registry.metadata
                    made.__abstract__ = True
                return made

        class Base(metaclass=Meta):
            pass

        class Author(Base):
            __tablename__ = "author"
            id: Mapped[int] = mapped_column(primary_key=True)

        class Reading(Session):
            def execute(self, statement, params=None, *, _parent_execute_state=None,
                        _add_event=None, **how):
                return super().execute(
                    statement, params, _parent_execute_state=_parent_execute_state,
                    _add_event=_add_event, **how)

        engine = sa.create_engine("sqlite://")
        Base.metadata.create_all(engine)
        assert dict(_EXECUTE_OPTIONS) == {"prebuffer_rows": True}
        assert [each.class_ for each in Base._sa_registry.mappers] == [Author]
        with Reading(engine) as session:
            session.add(Author(id=1))
            assert session.execute(sa.select(Author.id)).all() == [(1,)]
            heard = []
            session.execute(sa.select(Author.id), _add_event=heard.append)
            assert [state.is_select for state in heard] == [True]
        """
    )
