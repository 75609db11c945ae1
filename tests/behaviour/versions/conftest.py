"""A page in the database, and sessions that work at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import databases
from holdfast import Session, sessionmaker
from models.wiki import Base, Draft, Page


@pytest.fixture
def session(tables: Any, sql: Any) -> Iterator[Session]:
    """A session over a database with one page."""
    with Session(tables(Base.metadata)) as session:
        session.add(Page(id=1, version=7, text="one"))
        session.commit()
        sql.clear()
        yield session


@pytest.fixture
def shared_engine(engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """An engine whose connections have transactions of their own; SQLite needs a file for that."""
    if engine.dialect.name == "sqlite":
        engine = databases.sqlite_engine(str(tmp_path / "wiki.db"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def maker(shared_engine: Engine) -> sessionmaker[Session]:
    """Makes sessions over a database with one page and one draft."""
    maker = sessionmaker(shared_engine)
    with maker.begin() as session:
        session.add_all([Page(id=1, text="one"), Draft(id=1, text="one", length=3)])
    return maker
