"""What comes back from INSERT and UPDATE, with and without RETURNING, in the words of SQLite."""

import pytest
from sqlalchemy import FetchedValue, func, text

import databases
from holdfast import DeclarativeBase, Mapped, Session, mapped_column


@pytest.fixture
def engine():
    engine = databases.sqlite_engine()
    yield engine
    engine.dispose()


class Base(DeclarativeBase):
    pass


class Lazy(Base):
    """Values that the database makes are read when touched."""

    __tablename__ = "lazy"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    made: Mapped[int] = mapped_column(server_default="7")
    __mapper_args__ = {"eager_defaults": False}


class Auto(Base):
    """They come with the INSERT where the database can return them."""

    __tablename__ = "auto"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    python: Mapped[int] = mapped_column(default=lambda: 3)
    made: Mapped[int] = mapped_column(server_default="7")


class Eager(Base):
    """They are fetched in any case."""

    __tablename__ = "eager"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    made: Mapped[int] = mapped_column(server_default="7", server_onupdate=FetchedValue())
    __mapper_args__ = {"eager_defaults": True}


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        yield session


@pytest.fixture
def without_returning(engine, monkeypatch):
    for name in ("insert_returning", "update_returning", "insert_executemany_returning"):
        monkeypatch.setattr(engine.dialect, name, False)
    monkeypatch.setattr(
        engine.dialect, "insert_executemany_returning_sort_by_parameter_order", False
    )


def save(session, *things):
    session.add_all(things)
    session.flush()
    return [dict(vars(thing)) for thing in things]


def test_lazy_values_are_absent_until_touched(session, sql):
    (values,) = save(session, Lazy())

    assert "made" not in values
    assert "name" not in values
    assert values["id"] == 1
    assert sql.emitted == ["INSERT INTO lazy (name) VALUES (?)"]


def test_auto_values_come_with_the_insert(session, sql):
    values = save(session, Auto(), Auto(name="x"))

    assert [(each["id"], each["python"], each["made"]) for each in values] == [(1, 3, 7), (2, 3, 7)]
    assert all("RETURNING" in statement for statement in sql.emitted)


def test_auto_values_are_absent_without_returning(session, sql, without_returning):
    values = save(session, Auto(), Auto())

    assert [(each["id"], each["python"]) for each in values] == [(1, 3), (2, 3)]
    assert not any("made" in each for each in values)
    assert not any("RETURNING" in statement for statement in sql.emitted)


def test_eager_values_are_selected_without_returning(session, sql, without_returning):
    (values,) = save(session, Eager())

    assert values["made"] == 7
    assert sql.emitted[1:] == ["SELECT eager.made FROM eager WHERE eager.id = ?"]


@pytest.mark.parametrize("returning", [True, False])
def test_eager_values_of_an_update_are_fetched(session, request, returning):
    if not returning:
        request.getfixturevalue("without_returning")
    thing = Eager()
    save(session, thing)
    session.execute(
        text(
            "CREATE TRIGGER up BEFORE UPDATE OF name ON eager BEGIN "
            "UPDATE eager SET made = 8 WHERE id = old.id; END"
        )
    )
    thing.name = "x"
    session.flush()

    assert vars(thing)["made"] == 8


def test_a_key_given_as_expression_is_taken_back(session):
    thing = Auto(id=text("2 + 3"), name=func.upper("x"))
    (values,) = save(session, thing)

    assert values["id"] == 5
    assert "name" not in values
    assert thing.name == "X"
    assert session.get(Auto, 5) is thing


def test_an_expression_for_a_column_with_server_default_is_fetched(session):
    (values,) = save(session, Auto(made=text("40 + 2")))

    assert values["made"] == 42
