"""An account with three transfers and three notes."""

from collections.abc import Iterator

import pytest

from holdfast import Session
from models.bank import Account, Base, Note, Transfer


@pytest.fixture
def session(tables) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(
            Account(
                id=1,
                name="savings",
                transfers=[Transfer(amount=each) for each in (30, 10, 20)],
                notes=[Note(text=each) for each in "abc"],
            )
        )
        session.commit()
        yield session


@pytest.fixture
def account(session) -> Account:
    return session.get_one(Account, 1)
