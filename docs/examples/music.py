"""Keep a record collection in MusicBrainz's own schema: 375 tables, as its PyPI package has them.

    python docs/examples/music.py postgresql+psycopg://user@host/database
    python tests/servers.py python docs/examples/music.py     on a server for the occasion

The SQL comes from `mbdata` and runs as it is, with its constraints and triggers. Nine of the tables
are mapped: the classes say what an application wants, and the rest of each table is reflected.
The schema `musicbrainz` of the database is dropped and made anew. Needs the extras `examples` and
`postgresql`: pip install "holdfast[examples,postgresql]".
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from importlib.resources import files
from typing import Any

from journal import Journal
from rich.console import Console
from sqlalchemy import Engine, MetaData, create_engine, event, func, select
from sqlalchemy.exc import OperationalError

from holdfast import (
    DeclarativeBase,
    DeferredReflection,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)
from holdfast.diagnostics import explain

SCRIPTS = [
    *("Extensions", "CreateCollations", "CreateTypes", "CreateTables", "CreatePrimaryKeys"),
    *("CreateSearchConfiguration", "CreateFunctions", "CreateConstraints", "CreateFKConstraints"),
    *("CreateIndexes", "InsertDefaultRows", "CreateTriggers"),
]
# Columns that hold the number of a row elsewhere, and are called as the table.
LINKS = {"area", "artist", "artist_credit", "medium", "recording", "release", "release_group"}


class Base(DeclarativeBase):
    """Base of all classes; their tables are in a schema of their own."""

    metadata = MetaData(schema="musicbrainz")


class Reflected(DeferredReflection, Base):
    """Base of classes whose columns come from the database, also where they name none."""

    __abstract__ = True

    name: Mapped[str]


class Known(Reflected):
    """What MusicBrainz gives a number, and an identifier for all the world."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    gid: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)


class Artist(Known):
    """A person, or a group."""

    __tablename__ = "artist"

    sort_name: Mapped[str]


class ArtistCredit(Known):
    """Who a work is by, as it is printed: "Queen & David Bowie"."""

    __tablename__ = "artist_credit"

    artist_count: Mapped[int]
    names: Mapped[list[ArtistCreditName]] = relationship(
        order_by="ArtistCreditName.position", cascade="all, delete-orphan"
    )


class ArtistCreditName(Reflected):
    """One artist of a credit, and what is printed after the name."""

    __tablename__ = "artist_credit_name"

    position: Mapped[int] = mapped_column(primary_key=True)
    join_phrase: Mapped[str]
    artist: Mapped[Artist] = relationship()


class PrimaryType(Known):
    """Album, single ..."""

    __tablename__ = "release_group_primary_type"


class ReleaseGroup(Known):
    """An album, whatever its editions."""

    __tablename__ = "release_group"

    credit: Mapped[ArtistCredit] = relationship()
    primary_type: Mapped[PrimaryType | None] = relationship()
    releases: Mapped[list[Release]] = relationship(back_populates="group")


class Release(Known):
    """One edition of an album."""

    __tablename__ = "release"

    group: Mapped[ReleaseGroup] = relationship(back_populates="releases")
    credit: Mapped[ArtistCredit] = relationship()
    media: Mapped[list[Medium]] = relationship(
        order_by="Medium.position", cascade="all, delete-orphan"
    )


class Medium(Known):
    """A disc."""

    __tablename__ = "medium"

    position: Mapped[int]
    # The database counts, by a trigger.
    track_count: Mapped[int] = mapped_column(server_default="0")
    tracks: Mapped[list[Track]] = relationship(
        order_by="Track.position", cascade="all, delete-orphan"
    )


class Track(Known):
    """A recording's place on a disc."""

    __tablename__ = "track"

    position: Mapped[int]
    number: Mapped[str]
    length: Mapped[int | None]
    credit: Mapped[ArtistCredit] = relationship()
    recording: Mapped[Recording] = relationship(back_populates="tracks")


class Recording(Known):
    """What was played once; the same one may be on many discs."""

    __tablename__ = "recording"

    length: Mapped[int | None]
    credit: Mapped[ArtistCredit] = relationship()
    tracks: Mapped[list[Track]] = relationship(back_populates="recording")


@event.listens_for(Base.metadata, "column_reflect")
def name_numbers(_inspector: Any, _table: Any, column: Any) -> None:
    """Call a column that holds a key `recording_id`, so that `recording` may be the object."""
    if column["name"] in LINKS:
        column["key"] = f"{column['name']}_id"
    elif column["name"] == "type":
        column["key"] = "type_id"


def credited(join_phrase: str, *artists: Artist) -> ArtistCredit:
    """A credit for these artists."""
    phrases = [*[join_phrase] * (len(artists) - 1), ""]
    parts = zip(artists, phrases, strict=True)
    return ArtistCredit(
        name=join_phrase.join(artist.name for artist in artists),
        artist_count=len(artists),
        names=[
            ArtistCreditName(position=place, artist=artist, name=artist.name, join_phrase=phrase)
            for place, (artist, phrase) in enumerate(parts)
        ],
    )


NIGHT_AT_THE_OPERA = {
    "Death on Two Legs": 223,
    "Lazing on a Sunday Afternoon": 67,
    "I'm in Love With My Car": 185,
    "You're My Best Friend": 172,
    "'39": 211,
    "Sweet Lady": 243,
    "Seaside Rendezvous": 135,
    "The Prophet's Song": 501,
    "Love of My Life": 219,
    "Good Company": 203,
    "Bohemian Rhapsody": 355,
    "God Save the Queen": 78,
}
HOT_SPACE = {
    "Staying Power": 252,
    "Dancer": 230,
    "Back Chat": 276,
    "Body Language": 272,
    "Action This Day": 212,
    "Put Out the Fire": 198,
    "Life Is Real": 212,
    "Calling All Girls": 231,
    "Las Palabras de Amor": 271,
    "Cool Cat": 209,
    "Under Pressure": 245,
}


def disc(credit: ArtistCredit, recordings: list[Recording]) -> Medium:
    """A disc of recordings, in this order."""
    tracks = [
        Track(
            position=place,
            number=str(place),
            name=recording.name,
            length=recording.length,
            credit=recording.credit or credit,
            recording=recording,
        )
        for place, recording in enumerate(recordings, 1)
    ]
    return Medium(position=1, name="", tracks=tracks)


def album(name: str, credit: ArtistCredit, recordings: list[Recording]) -> ReleaseGroup:
    """An album with one edition."""
    release = Release(name=name, credit=credit, media=[disc(credit, recordings)])
    return ReleaseGroup(name=name, credit=credit, releases=[release])


def record_collection() -> list[ReleaseGroup]:
    """Three albums; a song that two artists recorded is on two of them."""
    queen = Artist(name="Queen", sort_name="Queen")
    bowie = Artist(name="David Bowie", sort_name="Bowie, David")
    alone, together = credited("", queen), credited(" & ", queen, bowie)
    shared = {"Under Pressure"}
    recordings = {
        name: Recording(
            name=name, length=1000 * seconds, credit=together if name in shared else alone
        )
        for name, seconds in {**NIGHT_AT_THE_OPERA, **HOT_SPACE}.items()
    }
    both = [recordings["Bohemian Rhapsody"], recordings["Under Pressure"]]
    return [
        album("A Night at the Opera", alone, [recordings[name] for name in NIGHT_AT_THE_OPERA]),
        album("Hot Space", alone, [recordings[name] for name in HOT_SPACE]),
        album("The two everybody knows", alone, both),
    ]


def make_schema(engine: Engine, journal: Journal) -> None:
    """Run the SQL of the package, without what only its `psql` understands."""
    with journal.step("schema") as step, engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS musicbrainz CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA musicbrainz")
        whole = connection.execution_options(no_parameters=True)
        for name in SCRIPTS:
            script = files("mbdata").joinpath("sql", f"{name}.sql").read_text(encoding="utf8")
            lines = [line for line in script.splitlines() if not line.startswith("\\")]
            kept = "\n".join(line for line in lines if line not in ("BEGIN;", "COMMIT;"))
            whole.exec_driver_sql(f"SET search_path = musicbrainz, public;\n{kept}")
        count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'musicbrainz'"
        step.outcome = f"{connection.exec_driver_sql(count).scalar_one()} tables"
    with journal.step("reflect") as step:
        Reflected.prepare(engine)
        step.outcome = f"{len(Base.registry.mappers)} classes, {len(Base.metadata.tables)} tables"


def store(session: Session, journal: Journal, console: Console) -> None:
    """Read the plan of the whole collection, then write it."""
    with journal.step("store") as step:
        album_type = session.scalars(select(PrimaryType).where(PrimaryType.name == "Album")).one()
        collection = record_collection()
        for group in collection:
            group.primary_type = album_type
        session.add_all(collection)
        console.print(explain(session), highlight=False)
        count = len(session.new)
        session.commit()
        step.outcome = f"{count} objects written and committed"


def read(session: Session, journal: Journal, console: Console) -> None:
    """Load all of it at once, and print it as on the sleeves."""
    with journal.step("read") as step:
        statement = (
            select(ReleaseGroup)
            .options(
                joinedload(ReleaseGroup.credit),
                joinedload(ReleaseGroup.primary_type),
                selectinload(ReleaseGroup.releases)
                .selectinload(Release.media)
                .selectinload(Medium.tracks)
                .joinedload(Track.credit)
                .selectinload(ArtistCredit.names)
                .joinedload(ArtistCreditName.artist),
            )
            .order_by(ReleaseGroup.name)
        )
        groups = session.scalars(statement).all()
        for group in groups:
            console.print(f"{group.name}, by {group.credit.name}", style="bold")
            for track in group.releases[0].media[0].tracks:
                by = "".join(each.artist.name + each.join_phrase for each in track.credit.names)
                minutes, seconds = divmod((track.length or 0) // 1000, 60)
                console.print(f"  {track.number:>2}  {minutes}:{seconds:02}  {track.name} ({by})")
        step.outcome = f"{len(groups)} albums with tracks and artists"


def ask(session: Session, journal: Journal) -> None:
    """Two questions that the database answers."""
    with journal.step("longest album") as step:
        length = func.sum(Track.length)
        statement = (
            select(Release.name, length)
            .join(Release.media)
            .join(Medium.tracks)
            .group_by(Release.id, Release.name)
            .order_by(length.desc())
        )
        name, milliseconds = session.execute(statement.limit(1)).one()
        step.outcome = f"{name}: {milliseconds // 60_000} minutes"
    with journal.step("on several discs") as step:
        shared = select(Recording).where(
            Recording.credit.has(ArtistCredit.names.any(ArtistCreditName.name == "David Bowie")),
            Recording.tracks.any(Track.position == 2),
        )
        recording = session.scalars(shared.options(selectinload(Recording.tracks))).one()
        step.outcome = f"{recording.name}: {len(recording.tracks)} times"


def change(session: Session, journal: Journal, console: Console) -> None:
    """Add a track; the database's trigger counts it, and a refresh shows the count."""
    with journal.step("bonus track") as step:
        release = session.scalars(select(Release).where(Release.name == "Hot Space")).one()
        medium = release.media[0]
        before = medium.track_count
        bonus = Recording(name="Soul Brother", length=216_000, credit=release.credit)
        medium.tracks.append(
            Track(
                position=len(medium.tracks) + 1,
                number="bonus",
                name=bonus.name,
                length=bonus.length,
                credit=release.credit,
                recording=bonus,
            )
        )
        console.print(explain(session), highlight=False)
        session.commit()
        step.outcome = f"{release.name}: {before} tracks, now {medium.track_count}"


def remove(session: Session, journal: Journal) -> None:
    """Delete an album: its discs and their tracks go with it, the recordings stay."""
    with journal.step("delete, cascading") as step:
        name = "The two everybody knows"
        group = session.scalars(select(ReleaseGroup).where(ReleaseGroup.name == name)).one()
        for release in group.releases:
            session.delete(release)
        session.delete(group)
        session.commit()
        tracks = session.scalar(select(func.count(Track.id)))
        recordings = session.scalar(select(func.count(Recording.id)))
        step.outcome = f"{tracks} tracks and {recordings} recordings remain"


def run(engine: Engine, console: Console) -> Journal:
    """All steps in order."""
    journal = Journal(engine, "A record collection in MusicBrainz's schema")
    make_schema(engine, journal)
    with Session(engine) as session:
        store(session, journal, console)
        read(session, journal, console)
        ask(session, journal)
        change(session, journal, console)
        remove(session, journal)
    return journal


def default_url() -> str | None:
    """The PostgreSQL that `tests/servers.py` started, if it did."""
    urls = os.environ.get("HOLDFAST_TEST_URLS", "").split()
    return next((url for url in urls if url.startswith("postgresql")), None)


def main(arguments: list[str] | None = None) -> int:
    """Run the example; 0 when it worked, 2 when there is no such database."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", nargs="?", default=default_url(), help="URL of a PostgreSQL")
    url = parser.parse_args(arguments).url
    if url is None or not url.startswith("postgresql"):
        print("The schema is written for PostgreSQL: give the URL of a database.", file=sys.stderr)
        return 2
    console = Console()
    engine = create_engine(url)
    try:
        console.print(run(engine, console).table())
    except OperationalError as error:
        reason = str(error.orig).splitlines()[0]
        print(f"Cannot use {engine.url}: {reason}", file=sys.stderr)
        return 2
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
