"""Rows that need each other's keys cannot be ordered: the session says which, and loses nothing."""

import pytest
from sqlalchemy import ForeignKey, exc, inspect

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from holdfast.diagnostics import explain


class Base(DeclarativeBase):
    pass


class Country(Base):
    __tablename__ = "country"
    id: Mapped[int] = mapped_column(primary_key=True)
    capital_id: Mapped[int | None] = mapped_column(ForeignKey("city.id"))
    capital: Mapped["City | None"] = relationship(foreign_keys=[capital_id])


class City(Base):
    __tablename__ = "city"
    id: Mapped[int] = mapped_column(primary_key=True)
    country_id: Mapped[int] = mapped_column(ForeignKey("country.id"))
    country: Mapped[Country] = relationship(foreign_keys=[country_id])


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        yield session


@pytest.fixture
def pair():
    city = City(country=Country())
    city.country.capital = city
    return city, city.country


def test_a_circle_of_new_objects_is_refused_before_any_sql(session, pair, sql):
    session.add_all(pair)

    with pytest.raises(exc.CircularDependencyError, match="Circular dependency detected") as caught:
        session.flush()

    assert sql.emitted in ([], ["ROLLBACK"])
    assert "<City at" in str(caught.value)
    assert "<Country at" in str(caught.value)
    assert "post_update=True" in str(caught.value)


def test_after_rollback_the_objects_are_transient_and_still_linked(session, pair):
    city, country = pair
    session.add_all(pair)
    with pytest.raises(exc.CircularDependencyError):
        session.flush()
    session.rollback()

    assert session.is_active
    assert inspect(city).transient
    assert inspect(country).transient
    assert city.country is country
    assert country.capital is city


def test_the_session_is_usable_once_the_circle_is_gone(session, pair):
    session.add_all(pair)
    with pytest.raises(exc.CircularDependencyError):
        session.flush()
    session.rollback()
    city, country = pair
    country.capital = None
    session.add_all(pair)
    session.commit()

    assert city.country is country


def test_the_plan_of_a_circle_is_refused_the_same_way_and_changes_nothing(session, pair):
    session.add_all(pair)

    with pytest.raises(exc.CircularDependencyError):
        explain(session)

    assert session.is_active
    assert set(session.new) == set(pair)
