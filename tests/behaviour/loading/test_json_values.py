"""JSON text becomes values as Core would make them. SQLite: it keeps any text in a JSON column."""

import json

import pytest
from sqlalchemy import JSON, Column, Integer, create_engine, insert, select, text
from sqlalchemy.pool import StaticPool

from holdfast import Session, declarative_base

Base = declarative_base()


class Note(Base):
    __tablename__ = "note"
    id = Column(Integer, primary_key=True)
    content = Column(JSON)


def session_with(*texts, **options):
    engine = create_engine("sqlite://", poolclass=StaticPool, **options)
    Base.metadata.create_all(engine)
    session = Session(engine)
    rows = [{"id": number, "content": each} for number, each in enumerate(texts, 1)]
    if rows:
        session.execute(text("INSERT INTO note VALUES (:id, :content)"), rows)
    return session


def contents(session):
    return [note.content for note in session.scalars(select(Note).order_by(Note.id))]


@pytest.mark.parametrize(
    "texts",
    [
        ['{"a": [1, 2.5, null]}', '"text"', "null", None, "[]"],
        ["1", "1.5", " [1] ", "true"],
        ["1", "[1]\n"],
    ],
    ids=["plain", "numbers and leading space", "space at the end"],
)
def test_json_texts_load_as_core_loads_them(texts):
    session = session_with(*texts)

    found = contents(session)

    assert found == [row.content for row in session.execute(select(Note.__table__.c.content))]
    assert found == [
        None if each is None else json.loads(each) if isinstance(each, str) else each
        for each in texts
    ]


def test_json_values_load_in_portions():
    session = session_with()
    session.execute(insert(Note), [{"content": {"number": number}} for number in range(2000)])

    found = contents(session)

    assert found == [{"number": number} for number in range(2000)]


@pytest.mark.parametrize("wrong", ["{", "[1] [2]", "x", ""])
def test_text_that_is_no_json_is_an_error(wrong):
    session = session_with("[1]", wrong)

    with pytest.raises(json.JSONDecodeError):
        contents(session)


def test_deserializer_of_the_engine_is_used():
    session = session_with("[1]", "[2]", json_deserializer=lambda value: f"read {value}")

    assert contents(session) == ["read [1]", "read [2]"]
