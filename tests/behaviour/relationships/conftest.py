"""A base class of its own for each test, so that models may contradict each other."""

from collections.abc import Iterator

import pytest

from holdfast import DeclarativeBase


@pytest.fixture
def base() -> Iterator[type[DeclarativeBase]]:
    """A declarative base with an empty registry."""

    class Base(DeclarativeBase):
        pass

    yield Base
    Base.registry.dispose()
