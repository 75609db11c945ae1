"""Sequences of a database, asked for their next value."""

import pytest
from sqlalchemy import MetaData, Sequence

from holdfast import Session


@pytest.fixture
def sequence(engine):
    if not engine.dialect.supports_sequences:
        pytest.skip("no sequences")
    metadata = MetaData()
    made = Sequence("numbers", metadata=metadata)
    metadata.create_all(engine)
    return made


def test_scalar_gives_the_next_value_of_a_sequence(engine, sequence):
    with Session(engine) as session:
        assert [session.scalar(sequence), session.scalar(sequence)] == [1, 2]
