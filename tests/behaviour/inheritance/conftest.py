"""A company with one person of each class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from holdfast import Session
from models.company import Base, Boss, Company, Engineer, Intern, Machine, Manager, Person


@pytest.fixture
def empty(engine: Engine, sql: Any) -> Iterator[Session]:
    """A session on empty tables."""
    Base.metadata.create_all(engine)
    sql.clear()
    with Session(engine) as session:
        yield session


@pytest.fixture
def session(empty: Session, sql: Any) -> Session:
    """A session on a company: 1 person, 2 engineer, 3 manager, 4 boss, 5 intern."""
    manager = Manager(id=3, name="max", level=2)
    company = Company(id=1, name="acme")
    company.staff = [
        Person(id=1, name="pam"),
        Engineer(id=2, name="eve", language="sql", manager=manager, machines=[Machine(name="pc")]),
        manager,
        Boss(id=4, name="bob", level=9, car="red"),
        Intern(id=5, name="ian", school="eton"),
    ]
    empty.add(company)
    empty.commit()
    empty.expunge_all()
    sql.clear()
    return empty
