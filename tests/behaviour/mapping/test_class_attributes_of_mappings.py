"""What stands on mapped classes: shared columns, other names, relationships asked for early."""

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, exc, inspect, join, select

from holdfast import DeclarativeBase, Mapped, configure_mappers, mapped_column, relationship


@pytest.fixture
def base():
    class Base(DeclarativeBase):
        pass

    yield Base
    Base.registry.dispose()


def test_single_table_subclass_of_a_joined_class_adds_a_column(base):
    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Manager(Person):
        __tablename__ = "manager"
        id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)

    class Boss(Manager):
        car: Mapped[str | None]

    assert "car" in Manager.__table__.c
    assert inspect(Boss).column_attrs.keys() == ["id", "car"]
    assert not inspect(Manager).has_property("car")


def test_key_columns_of_joined_classes_may_have_different_names(base):
    class Person(base):
        __tablename__ = "person"
        id = Column("pid", Integer, primary_key=True)

    class Engineer(Person):
        __tablename__ = "engineer"
        id = Column("eid", Integer, ForeignKey("person.pid"), primary_key=True)

    assert inspect(Engineer).attrs.id.columns == [Engineer.__table__.c.eid, Person.__table__.c.pid]


def test_another_name_leads_to_the_property_it_stands_for(base):
    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    class Worker(Person):
        called = Person.name

    assert Worker.called.property is Person.name.property
    assert str(select(Worker.called)) == "SELECT person.name \nFROM person"
    assert Worker(called="Ann").name == "Ann"


def test_inspecting_a_class_configures_nothing_and_its_relationships_do(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        books: Mapped[list["Book"]] = relationship()

    class Book(base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))

    assert not inspect(Author).configured
    assert Author.books.property.mapper is inspect(Book)
    assert inspect(Author).configured


def test_failure_of_a_mapping_is_told_again(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        books = relationship("Nothing")

    with pytest.raises(exc.InvalidRequestError, match=r"failed to locate a name \('Nothing'\)"):
        hasattr(Author.books, "property")
    with pytest.raises(exc.InvalidRequestError, match="One or more mappers failed to initialize"):
        configure_mappers()


def test_association_may_be_a_join_that_contains_the_target(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        city_id: Mapped[int] = mapped_column(ForeignKey("city.id"))
        country = relationship(
            "Country",
            secondary=lambda: join(City, Country, City.country_id == Country.id),
            primaryjoin="Author.city_id == City.id",
            secondaryjoin="City.country_id == Country.id",
            viewonly=True,
            uselist=False,
        )

    class City(base):
        __tablename__ = "city"
        id: Mapped[int] = mapped_column(primary_key=True)
        country_id: Mapped[int] = mapped_column(ForeignKey("country.id"))

    class Country(base):
        __tablename__ = "country"
        id: Mapped[int] = mapped_column(primary_key=True)
        name = Column(String)

    text = " ".join(str(select(Author.id).join(Author.country)).split())
    assert text.endswith(
        "JOIN (city AS city_1 JOIN country AS country_1 ON city_1.country_id = country_1.id) "
        "ON author.city_id = city_1.id JOIN country ON city_1.country_id = country.id"
    )


def test_class_constructed_before_gets_the_back_references_of_later_mappings(base):
    class Band(base):
        __tablename__ = "band"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    for _ in range(3):
        Band(name="before")

    class Song(base):
        __tablename__ = "song"
        id: Mapped[int] = mapped_column(primary_key=True)
        band_id: Mapped[int] = mapped_column(ForeignKey("band.id"))
        band: Mapped[Band] = relationship(backref="songs")

    assert Band(name="after").songs == []
