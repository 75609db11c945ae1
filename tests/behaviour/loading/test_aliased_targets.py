"""Relationships that lead to an alias, by mapping (RL-13, QY-67) or by `of_type()` (LD-89)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    and_,
    func,
    inspect,
    join,
    select,
)
from sqlalchemy.dialects import postgresql

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    contains_eager,
    foreign,
    immediateload,
    joinedload,
    lazyload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)
from holdfast.errors.queries import LoaderConflictError

LOADERS = [joinedload, selectinload, subqueryload, immediateload, lazyload]


class Base(DeclarativeBase):
    pass


shelf_label = Table(
    "shelf_label",
    Base.metadata,
    Column("shelf_id", ForeignKey("shelf.id"), primary_key=True),
    Column("label_id", ForeignKey("label.id"), primary_key=True),
    Column("position", Integer),
)


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    volumes: Mapped[list[Volume]] = relationship(order_by="Volume.id")
    labels: Mapped[list[Label]] = relationship(
        secondary=shelf_label, order_by=shelf_label.c.position.desc()
    )


class Volume(Base):
    __tablename__ = "volume"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))
    pages: Mapped[list[Page]] = relationship(back_populates="volume")


class Page(Base):
    __tablename__ = "page"

    id: Mapped[int] = mapped_column(primary_key=True)
    volume_id: Mapped[int] = mapped_column(ForeignKey("volume.id"))
    volume: Mapped[Volume] = relationship(back_populates="pages")


class Label(Base):
    __tablename__ = "label"

    id: Mapped[int] = mapped_column(primary_key=True)


numbered = select(
    Volume, func.row_number().over(order_by=Volume.id, partition_by=Volume.shelf_id).label("n")
).subquery()
FirstVolume = aliased(Volume, numbered)
Shelf.first_volumes = relationship(
    FirstVolume, primaryjoin=and_(FirstVolume.shelf_id == Shelf.id, numbered.c.n <= 2)
)
with_pages = join(Volume, Page, Page.volume_id == Volume.id)
WrittenVolume = aliased(Volume, with_pages, flat=True)
Page.written = relationship(
    WrittenVolume, primaryjoin=Page.volume_id == with_pages.c.volume_id, viewonly=True
)


@pytest.fixture
def session(tables: Callable[[MetaData], Engine]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        for shelf in (1, 2):
            session.add(Shelf(id=shelf, volumes=[Volume(pages=[Page()]) for _ in range(3)]))
        session.add_all([Label(id=1), Label(id=2)])
        session.flush()
        rows = [{"shelf_id": 1, "label_id": n, "position": n} for n in (1, 2)]
        session.execute(shelf_label.insert(), rows)
        session.commit()
        yield session


def volumes_by_shelf(session: Session, attribute: Any, option: Any) -> list[list[int]]:
    shelves = session.scalars(select(Shelf).options(option).order_by(Shelf.id)).unique()
    return [[each.id for each in getattr(shelf, attribute.key)] for shelf in shelves]


@pytest.mark.parametrize("load", LOADERS)
def test_alias_with_criteria_of_its_own(session: Session, load: Any) -> None:
    option = load(Shelf.first_volumes)

    found = volumes_by_shelf(session, Shelf.first_volumes, option)
    assert list(map(sorted, found)) == [[1, 2], [4, 5]]


def test_join_to_it(session: Session) -> None:
    statement = select(Shelf.id, FirstVolume.id).join(Shelf.first_volumes).order_by(FirstVolume.id)

    assert session.execute(statement).all() == [(1, 1), (1, 2), (2, 4), (2, 5)]


@pytest.mark.parametrize("load", LOADERS)
def test_options_go_on_from_the_alias(session: Session, sql: Any, load: Any) -> None:
    option = load(Shelf.first_volumes).joinedload(FirstVolume.pages)

    shelves = session.scalars(select(Shelf).options(option)).unique().all()
    assert [len(shelf.first_volumes) for shelf in shelves] == [2, 2]
    sql.clear()

    assert [len(each.pages) for shelf in shelves for each in shelf.first_volumes] == [1, 1, 1, 1]
    assert len(sql) == 0


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.filterwarnings("ignore:Multiple rows")
def test_alias_of_a_join(session: Session, load: Any) -> None:
    pages = session.scalars(select(Page).options(load(Page.written)).order_by(Page.id)).unique()

    assert [page.written.id for page in pages] == [1, 2, 3, 4, 5, 6]


@pytest.mark.rule("LD-89")
@pytest.mark.parametrize("load", LOADERS)
def test_of_type_gives_the_alias_to_load_from(session: Session, load: Any) -> None:
    other = aliased(Volume)
    target = Shelf.volumes.of_type(other)

    assert volumes_by_shelf(session, Shelf.volumes, load(target)) == [[1, 2, 3], [4, 5, 6]]
    session.expunge_all()
    limited = load(target.and_(other.id.in_([1, 6])))
    assert volumes_by_shelf(session, Shelf.volumes, limited) == [[1], [6]]


@pytest.mark.parametrize("load", LOADERS)
def test_order_by_a_column_of_the_association_table(session: Session, load: Any) -> None:
    for attribute in (Shelf.labels, Shelf.labels.of_type(aliased(Label))):
        statement = select(Shelf).options(load(attribute)).where(Shelf.id == 1)
        shelf = session.scalars(statement).unique().one()
        assert [label.id for label in shelf.labels] == [2, 1]
        session.expunge_all()


def test_contained_alias(session: Session, sql: Any) -> None:
    other = aliased(Volume)
    target = Shelf.volumes.of_type(other)
    statement = select(Shelf).join(target).where(other.id == 2).options(contains_eager(target))

    shelf = session.scalars(statement).unique().one()
    sql.clear()

    assert [each.id for each in shelf.volumes] == [2]
    assert len(sql) == 0


def test_entity_of_a_relationship_attribute_is_its_target() -> None:
    assert Shelf.volumes.entity is inspect(Volume)
    assert Shelf.first_volumes.entity is inspect(FirstVolume)


@pytest.mark.rule("LD-53")
@pytest.mark.parametrize("change", [lambda s: s.distinct(), lambda s: s.group_by(Page.id)])
def test_distinct_and_groups_stay_inside_of_joined_loading(change: Any) -> None:
    statement = change(select(Page)).options(joinedload(Page.volume))

    assert "FROM (SELECT" in str(statement)


latest = aliased(
    Page,
    select(Page)
    .where(Page.volume_id == Volume.id)
    .order_by(Page.id.desc())
    .limit(1)
    .correlate(Volume)
    .subquery()
    .lateral(),
)
Volume.latest_pages = relationship(
    latest, primaryjoin=foreign(latest.volume_id) == Volume.id, viewonly=True
)


def test_lateral_target_follows_its_parent() -> None:
    other = aliased(Volume, name="other")
    statements = [
        (select(other).join(other.latest_pages), "other.id"),
        (select(other).options(joinedload(other.latest_pages)), "other.id"),
        (select(Volume).limit(1).options(joinedload(Volume.latest_pages)), "anon_1.id"),
    ]

    for statement, parent in statements:
        text = " ".join(str(statement.compile(dialect=postgresql.dialect())).split())
        assert f"FROM page WHERE page.volume_id = {parent} ORDER BY page.id" in text


@pytest.mark.rule("LD-86")
@pytest.mark.parametrize("load", [joinedload, selectinload, contains_eager])
def test_two_targets_for_one_relationship_are_refused(load: Any) -> None:
    options = [load(Shelf.volumes.of_type(aliased(Volume))) for _ in range(2)]

    with pytest.raises(LoaderConflictError, match=r"Can't combine of_type\(\) targets aliased"):
        str(select(Shelf).options(*options))
