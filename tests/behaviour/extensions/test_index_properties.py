"""Attributes that are one element of a JSON or array column."""

import pytest
from sqlalchemy import ARRAY, JSON, Integer, inspect, select
from sqlalchemy.dialects import postgresql

from holdfast import DeclarativeBase, Mapped, Session, aliased, errors, mapped_column
from holdfast.ext.indexable import index_property


class Base(DeclarativeBase):
    pass


class text_property(index_property):
    def expr(self, model):
        return super().expr(model).as_string()


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict | None] = mapped_column(JSON)
    name = text_property("data", "name")
    nick = index_property("data", "nick", default="none")
    fixed = index_property("data", "fixed", mutable=False)
    home = index_property("data", "home")
    street = text_property("home", "street")


class Row(Base):
    __tablename__ = "row"
    id: Mapped[int] = mapped_column(primary_key=True)
    cells = mapped_column(ARRAY(Integer))
    second = index_property("cells", 1)
    from_zero = index_property("cells", 1, onebased=False)
    filled = index_property("cells", 1, datatype=lambda: [7, 7, 7])


@pytest.fixture
def session(engine):
    Person.__table__.create(engine)
    with Session(engine) as session:
        yield session


@pytest.mark.rule("XT-121")
def test_element_is_read_set_and_deleted():
    person = Person(name="Ann")

    assert person.data == {"name": "Ann"}
    person.name = "Bob"
    assert person.name == person.data["name"] == "Bob"
    del person.name
    assert person.data == {}


@pytest.mark.rule("XT-121")
@pytest.mark.parametrize("data", [None, {}])
def test_absent_element_raises_unless_there_is_a_default(data):
    person = Person(data=data)

    assert person.nick == "none"
    with pytest.raises(errors.AttributeAccessError, match="data has no element 'name'"):
        _ = person.name
    with pytest.raises(errors.AttributeAccessError, match=r"Person\.name has no value"):
        del person.name
    assert not hasattr(person, "fixed")


@pytest.mark.rule("XT-121")
def test_element_that_is_none_is_a_value():
    assert Person(nick=None).nick is None


@pytest.mark.rule("XT-121")
def test_change_is_written(session):
    person = Person(data={"name": "Ann"})
    session.add(person)
    session.commit()

    person.name = "Bob"
    assert inspect(person).modified
    session.commit()
    assert person.name == "Bob"

    del person.name
    session.commit()
    assert person.data == {}


@pytest.mark.rule("XT-121")
def test_element_is_a_criterion(session):
    session.add_all([Person(name="Ann", home={"street": "Elm"}), Person(name="Bob")])
    session.flush()
    other = aliased(Person)

    assert session.scalars(select(Person).where(Person.name == "Bob")).one().name == "Bob"
    assert session.scalars(select(other.name).order_by(other.name)).all() == ["Ann", "Bob"]
    assert session.scalars(select(Person).where(Person.street == "Elm")).one().name == "Ann"


@pytest.mark.rule("XT-121")
def test_element_of_an_element(session):
    person = Person(street="Elm")
    session.add(person)
    session.commit()

    assert person.data == {"home": {"street": "Elm"}}
    person.street = "Oak"
    session.commit()
    assert person.home == {"street": "Oak"}


@pytest.mark.rule("XT-121")
def test_immutable_element_is_only_read():
    person = Person(data={"fixed": 1})

    with pytest.raises(AttributeError):
        person.fixed = 2
    with pytest.raises(AttributeError):
        del person.fixed
    assert person.fixed == 1


@pytest.mark.rule("XT-121")
def test_places_of_a_list():
    row = Row(second=5)

    assert row.cells == [None, 5]
    assert Row(filled=5).cells == [7, 5, 7]
    del row.second
    assert row.cells == [None]
    with pytest.raises(IndexError):
        row.second = 6


@pytest.mark.rule("XT-121")
def test_array_is_counted_from_1_in_sql_unless_told_otherwise():
    dialect = postgresql.dialect()
    literal = {"literal_binds": True}

    assert str(Row.second.expression.compile(dialect=dialect, compile_kwargs=literal)) == (
        "row.cells[2]"
    )
    assert str(Row.from_zero.expression.compile(dialect=dialect, compile_kwargs=literal)) == (
        "row.cells[1]"
    )
