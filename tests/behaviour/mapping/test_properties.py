"""What stands under the name of an attribute: columns, expressions, other names, descriptors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    case,
    func,
    inspect,
    literal,
    select,
)
from sqlalchemy.exc import SADeprecationWarning

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    column_property,
    composite,
    deferred,
    lazyload,
    mapped_column,
    query_expression,
    registry,
    relationship,
    synonym,
    undefer,
    undefer_group,
    with_expression,
)
from holdfast.attributes import get_history
from holdfast.errors.mapping import MappingError
from holdfast.interfaces import PropComparator


class Base(DeclarativeBase):
    pass


class CaseBlind(PropComparator[str]):
    """Compares without looking at upper and lower case."""

    def __clause_element__(self) -> Any:
        return func.lower(self.property.columns[0])

    def __eq__(self, other: object) -> Any:
        return self.__clause_element__() == func.lower(other)

    def near(self, start: str) -> Any:
        return self.__clause_element__().startswith(start.lower())


class Song(Base):
    __tablename__ = "song"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(info={"shown": True})
    minutes: Mapped[int] = mapped_column()
    seconds: Mapped[int] = mapped_column()
    lyrics: Mapped[str | None] = deferred(mapped_column(), group="texts")
    notes: Mapped[str | None] = deferred(mapped_column(), group="texts")
    long: Mapped[int] = column_property(minutes * 60 + seconds)
    band_id: Mapped[int | None] = mapped_column(ForeignKey("band.id"))
    band: Mapped[Band | None] = relationship(back_populates="songs", info={"of": "Song"})
    writer: Mapped[str | None] = column_property(mapped_column(), comparator_factory=CaseBlind)
    name: Mapped[str] = synonym("title", info={"short": True})
    stars: Mapped[int | None] = query_expression()
    mean: Mapped[int] = query_expression(literal(3))

    @property
    def shouted(self) -> str:
        return self.title.upper()


class Band(Base):
    __tablename__ = "band"
    id: Mapped[int] = mapped_column(primary_key=True)
    songs: Mapped[list[Song]] = relationship(back_populates="band")
    tracks: Mapped[list[Song]] = synonym("songs")
    count: Mapped[int] = column_property(
        select(func.count(Song.id)).where(Song.band_id == id).scalar_subquery()
    )


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(Band(id=1, songs=[Song(id=1, title="Abc", minutes=2, seconds=5, writer="Ann")]))
        session.add(
            Song(id=2, title="Xyz", minutes=1, seconds=0, lyrics="la", notes="do", writer="Bo")
        )
        session.commit()
        yield session


def ids(session: Session, *criteria: Any) -> Any:
    return session.scalars(select(Song.id).where(*criteria).order_by(Song.id)).all()


# -- columns in statements -----------------------------------------------------------------------


@pytest.mark.rule("MP-90")
def test_column_attribute_compares_orders_and_labels_as_an_expression(session: Session) -> None:
    assert ids(session, Song.title == "Abc") == [1]
    assert ids(session, Song.title.like("X%"), Song.minutes.between(1, 1)) == [2]
    assert ids(session, Song.minutes * 60 + Song.seconds > 100) == [1]
    assert ids(session, case((Song.minutes == 2, Song.seconds), else_=0) == 5) == [1]
    row = session.execute(
        select(func.max(Song.minutes).label("most"), Song.title.label("called"))
        .group_by(Song.title)
        .order_by(Song.title.desc())
    ).first()
    assert row is not None
    assert row._mapping == {"most": 1, "called": "Xyz"}


# -- expressions ---------------------------------------------------------------------------------


@pytest.mark.rule("MP-91")
def test_expression_is_loaded_with_the_row_and_may_stand_in_criteria(
    session: Session, sql: Any
) -> None:
    song = session.get_one(Song, 1)
    sql.clear()

    assert song.long == 125
    assert len(sql) == 0
    assert ids(session, Song.long < 100) == [2]
    other = aliased(Song)
    assert session.scalars(select(other.long).order_by(other.long)).all() == [60, 125]
    assert session.get_one(Band, 1).count == 1


@pytest.mark.rule("MP-91")
def test_value_assigned_to_an_expression_is_not_written(session: Session, sql: Any) -> None:
    song = session.get_one(Song, 1)
    song.long = 9
    sql.clear()
    session.commit()

    assert not any(each.startswith("UPDATE") for each in sql.emitted)
    assert song.long == 125


@pytest.mark.rule("MP-91")
def test_column_property_takes_the_options_of_columns(
    tables: Callable[[MetaData], Any], sql: Any
) -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        number: Mapped[int] = column_property(mapped_column(), active_history=True)
        body: Mapped[str] = column_property(mapped_column(), deferred=True, group="big")
        twice: Mapped[int] = column_property(id * 2, deferred=True, raiseload=True)

    with Session(tables(Local.metadata)) as session:
        session.add(Page(id=1, number=2, body="x"))
        session.commit()
        page = session.get_one(Page, 1)

        assert {"body", "twice"} <= inspect(page).unloaded
        with pytest.raises(Exception, match=r"Page\.twice"):
            page.twice
        assert page.body == "x"
        session.expire(page, ["number"])
        sql.clear()
        page.number = 3
        assert len(sql) == 1
        assert get_history(page, "number") == ([3], (), [2])


@pytest.mark.rule("MP-92")
def test_expression_of_a_pending_object_is_none_and_loads_after_each_write(
    session: Session, sql: Any
) -> None:
    song = Song(id=3, title="New", minutes=1, seconds=1)
    session.add(song)
    sql.clear()

    assert song.long is None
    assert len(sql) == 0
    session.flush()
    assert song.long == 61
    song.minutes = 2
    assert song.long == 61
    session.flush()
    sql.clear()
    assert song.long == 121
    assert len(sql) == 1


@pytest.mark.rule("MP-92")
def test_expression_may_be_kept_through_an_update(tables: Callable[[MetaData], Any]) -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        number: Mapped[int] = mapped_column()
        twice: Mapped[int] = column_property(number * 2, expire_on_flush=False)

    with Session(tables(Local.metadata)) as session:
        page = Page(id=1, number=2)
        session.add(page)
        session.flush()
        assert page.twice == 4
        page.number = 5
        session.flush()

        assert page.twice == 4


@pytest.mark.rule("MP-93")
def test_equal_columns_of_two_tables_are_one_attribute_and_both_are_written(
    tables: Callable[[MetaData], Any],
) -> None:
    metadata = MetaData()
    first = Table("first", metadata, Column("id", Integer, primary_key=True))
    second = Table(
        "second",
        metadata,
        Column("first_id", ForeignKey("first.id"), primary_key=True),
    )

    class Both:
        pass

    mapper = registry().map_imperatively(
        Both,
        first.join(second),
        properties={"key": column_property(first.c.id, second.c.first_id)},
    )
    with Session(tables(metadata)) as session:
        session.add(Both(key=7))  # type: ignore[call-arg]
        session.commit()

        assert mapper.column_attrs.keys() == ["key"]
        assert session.execute(select(first.join(second))).all() == [(7, 7)]
        assert session.scalars(select(Both)).one().key == 7  # type: ignore[attr-defined]


# -- other names -----------------------------------------------------------------------------------


@pytest.mark.rule("MP-94")
def test_synonym_reads_writes_and_selects_its_target(session: Session) -> None:
    song = session.get_one(Song, 1)
    song.name = "Def"

    assert song.title == song.name == "Def"
    assert get_history(song, "name") == (["Def"], (), ["Abc"])
    session.flush()
    assert ids(session, Song.name == "Def") == [1]
    assert session.scalars(select(Song).filter_by(name="Def").order_by(Song.name)).all() == [song]
    assert session.execute(select(Song.name).where(Song.id == 1)).one()._mapping == {"name": "Def"}
    alias = aliased(Song)
    assert session.execute(select(alias.name).where(alias.name == "Def")).one().name == "Def"


@pytest.mark.rule("MP-94")
def test_synonym_stands_for_a_relationship_too(session: Session) -> None:
    band = session.get_one(Band, 1)

    assert band.tracks is band.songs
    found = session.scalars(select(Band).where(Band.tracks.any(title="Abc"))).all()
    assert found == [band]
    assert session.scalars(select(Song.id).select_from(Band).join(Band.tracks)).all() == [1]


@pytest.mark.rule("MP-94")
def test_synonym_may_read_and_write_through_a_descriptor_and_compare_in_its_own_way(
    tables: Callable[[MetaData], Any],
) -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        _title: Mapped[str] = mapped_column("title")

        def _get(self) -> str:
            return f"<{self._title}>"

        def _set(self, value: str) -> None:
            self._title = value.strip("<>")

        title = synonym("_title", descriptor=property(_get, _set), comparator_factory=CaseBlind)

    with Session(tables(Local.metadata)) as session:
        session.add(Page(id=1, title="<Abc>"))
        session.commit()
        page = session.scalars(select(Page).where(Page.title == "ABC")).one()

        assert (page._title, page.title) == ("Abc", "<Abc>")
        assert Page.title.near("AB") is not None


@pytest.mark.rule("MP-94")
def test_synonym_of_nothing_fails_when_it_is_used() -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        plain = 5
        lost = synonym("nowhere")
        wrong = synonym("plain")

    with pytest.raises(AttributeError, match="nowhere"):
        Page().lost
    with pytest.raises(MappingError, match="only supports ORM mapped attributes"):
        Page.wrong == 1  # noqa: B015


@pytest.mark.rule("MP-104")
def test_descriptor_wraps_a_mapped_attribute_under_another_name(
    tables: Callable[[MetaData], Any],
) -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        _title: Mapped[str] = mapped_column("title")

        @property
        def title(self) -> str:
            return self._title.upper()

        @title.setter
        def title(self, value: str) -> None:
            self._title = value.lower()

    with Session(tables(Local.metadata)) as session:
        page = Page(id=1, title="ABC")
        session.add(page)
        session.commit()

        assert Page.__table__.c.keys() == ["id", "title"]
        assert session.scalars(select(Page._title)).one() == "abc"
        assert page.title == "ABC"
        page.title = "XYZ"
        assert page in session.dirty
    assert "title" not in inspect(Page).attrs


# -- what a statement or an access brings ----------------------------------------------------------


@pytest.mark.rule("MP-99")
def test_query_expression_holds_what_the_statement_says(session: Session) -> None:
    song = session.scalars(
        select(Song)
        .where(Song.id == 1)
        .options(with_expression(Song.stars, Song.minutes + 1), with_expression(Song.mean, 8))
    ).one()

    assert (song.stars, song.mean) == (3, 8)
    session.expire_all()
    plain = session.get_one(Song, 2)
    assert (plain.stars, plain.mean) == (None, 3)
    assert Song(title="x").stars is None


@pytest.mark.rule("MP-100")
def test_deferred_columns_of_a_group_load_together_on_access(session: Session, sql: Any) -> None:
    song = session.get_one(Song, 2)
    assert {"lyrics", "notes"} <= inspect(song).unloaded
    sql.clear()

    assert (song.lyrics, song.notes) == ("la", "do")
    assert len(sql) == 1
    session.expunge_all()
    song = session.scalars(select(Song).where(Song.id == 2).options(undefer_group("texts"))).one()
    sql.clear()
    assert (song.lyrics, song.notes) == ("la", "do")
    assert len(sql) == 0


# -- what is said about attributes -----------------------------------------------------------------


@pytest.mark.rule("MP-102")
def test_info_of_every_kind_of_attribute_is_kept() -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        x: Mapped[int] = mapped_column(info={"of": "x"})
        y: Mapped[int] = column_property(mapped_column(), info={"of": "y"})
        pair = composite(complex, "x", "y", info={"of": "pair"})
        given: Mapped[int] = query_expression(info={"of": "given"})

    attrs = inspect(Page).attrs
    assert {key: attrs[key].info for key in ("x", "y", "pair", "given")} == {
        "x": {"of": "x"},
        "y": {"of": "y"},
        "pair": {"of": "pair"},
        "given": {"of": "given"},
    }
    assert Song.title.info == {"shown": True}
    assert Song.band.info is Song.band.property.info == {"of": "Song"}
    assert inspect(Song).attrs.name.info == {"short": True}
    assert Page.id.info == {}


@pytest.mark.rule("MP-103")
def test_comparator_of_the_applications_own_makes_the_expressions_of_its_class(
    session: Session,
) -> None:
    assert ids(session, Song.writer == "ANN") == [1]
    assert ids(session, Song.writer.near("bO")) == [2]
    assert session.scalars(select(Song.writer).order_by(Song.writer)).all() == ["Ann", "Bo"]
    assert isinstance(Song.writer.comparator, CaseBlind)


@pytest.mark.rule("MP-103")
def test_comparators_of_relationships_and_composites_may_be_the_applications_own() -> None:
    from_band = type(
        "FromBand",
        (type(Song.band.comparator),),
        {"__eq__": lambda self, other: Song.band_id == other, "__hash__": None},
    )

    class Larger(type(Dot.at.comparator)):  # type: ignore[misc]
        def larger(self, other: Any) -> Any:
            return self.clauses.clauses[0] > other

    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int] = mapped_column(ForeignKey("page.id"))
        parent: Mapped[Page] = relationship(
            remote_side=lambda: Page.id, comparator_factory=from_band
        )
        x: Mapped[int]
        y: Mapped[int]
        pair = composite(complex, "x", "y", comparator_factory=Larger)

    assert str(Page.parent == 3) == "song.band_id = :band_id_1"
    assert str(Page.pair.larger(2)) == "page.x > :x_1"


@dataclass
class Point:
    x: float
    y: float


class Dot(Base):
    __tablename__ = "dot"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Point] = composite()


@pytest.mark.rule("MP-97")
def test_part_of_a_value_object_that_changes_in_place_is_not_noticed(session: Session) -> None:
    dot = Dot(id=1, at=Point(1, 2))
    assert (dot.x, dot.y) == (1, 2)  # type: ignore[attr-defined]
    session.add(dot)
    session.commit()
    dot.at.x = 5

    assert not session.is_modified(dot)
    session.commit()
    assert dot.at == Point(1, 2)
    dot.at = Point(5, 6)
    assert session.is_modified(dot)
    session.commit()
    assert session.execute(select(Dot.__table__)).all() == [(1, 5, 6)]


def test_parameters_of_expressions_may_have_the_names_of_those_that_find_rows(
    tables: Callable[[MetaData], Any],
) -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        pk: Mapped[int] = mapped_column()
        kind: Mapped[str] = mapped_column()
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))
        pages: Mapped[list[Page]] = relationship(order_by=id)
        is_a = column_property(case((kind == "a", pk), (pk == 7, 2), else_=3))

    with Session(tables(Local.metadata)) as session:
        session.add(Page(id=1, pk=1, kind="a", pages=[Page(id=2, pk=7, kind="b")]))
        session.commit()
        session.expunge_all()

        assert session.get_one(Page, 1).is_a == 1
        session.expunge_all()
        page = session.scalars(select(Page).where(Page.kind == "a")).one()
        assert [each.is_a for each in page.pages] == [2]
        session.expire_all()
        session.refresh(page)
        assert page.is_a == 1
        statement = select(Page).options(lazyload(Page.pages).undefer(Page.pk))
        session.expunge_all()
        page = session.scalars(statement.where(Page.id == 1)).one()
        assert [each.is_a for each in page.pages] == [2]
        assert session.get(Page, 2, options=[undefer(Page.pk)], populate_existing=True) is not None


@pytest.mark.parametrize(
    "field", [{"init": True}, {"kw_only": True}, {"default": 1}, {"default_factory": int}]
)
def test_field_arguments_of_an_expression_are_deprecated_one_by_one(field: Any) -> None:
    name = next(iter(field))

    with pytest.warns(SADeprecationWarning, match=f"The column_property.{name} parameter is depr"):
        column_property(literal(1), **field)
    deferred(literal(1), **field)


def test_property_that_takes_the_place_of_another_is_deprecated() -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        twice: Mapped[int] = column_property(id * 2)

    with pytest.warns(SADeprecationWarning, match=r"Property Page\.twice on .* being replaced"):
        inspect(Page).add_property("twice", column_property(Page.id * 3))
    assert str(Page.twice.expression) == "page.id * :id_1"
