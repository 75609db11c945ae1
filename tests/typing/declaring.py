"""Ways to declare a class, and what goes into its body."""

from __future__ import annotations

from typing import Any, assert_type

from authors import Author, Base, Letter
from sqlalchemy import ForeignKey, MetaData, String, func

from holdfast import (
    Bundle,
    DeclarativeBaseNoMeta,
    InstrumentedAttribute,
    Mapped,
    MappedAsDataclass,
    MappedColumn,
    Session,
    attribute_keyed_dict,
    column_property,
    declared_attr,
    mapped_as_dataclass,
    mapped_column,
    query_expression,
    reconstructor,
    registry,
    relationship,
    unmapped_dataclass,
    validates,
)

types = registry(metadata=MetaData(), type_annotation_map={str: String(40)})


@types.mapped
class Plain:
    __tablename__ = "plain"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@types.mapped_as_dataclass
class Measured:
    __tablename__ = "measured"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    height: Mapped[float]


@types.mapped_as_dataclass(kw_only=True)
class Weighed:
    __tablename__ = "weighed"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    weight: Mapped[float]
    unit: Mapped[str] = mapped_column(default="kg")


@mapped_as_dataclass(types)
class Counted:
    __tablename__ = "counted"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    count: Mapped[int] = mapped_column(default=0)


@unmapped_dataclass(kw_only=True)
class Named:
    name: Mapped[str]


class Numbered(MappedAsDataclass):
    number: Mapped[int | None] = mapped_column(default=None)


class House(Numbered, Base):
    __tablename__ = "house"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    floors: Mapped[list[Floor]] = relationship(default_factory=list)


class Floor(Base):
    __tablename__ = "floor"

    id: Mapped[int] = mapped_column(primary_key=True)
    house_id: Mapped[int] = mapped_column(ForeignKey("house.id"))


class Other(DeclarativeBaseNoMeta):
    pass


class Shelf(Other):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    width: Mapped[int]
    height: Mapped[int] = mapped_column()
    twice: Mapped[int] = column_property(height * 2)
    wanted: Mapped[int] = query_expression()
    boxes: Mapped[dict[str, Box]] = relationship(collection_class=attribute_keyed_dict("label"))

    @declared_attr
    def depth(cls) -> Mapped[int]:
        return mapped_column()

    @validates("width")
    def check_width(self, key: str, value: int) -> int:
        return value

    @reconstructor
    def awake(self) -> None: ...


class Box(Other):
    __tablename__ = "box"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))


def columns() -> None:
    assert_type(mapped_column(String(50)), MappedColumn[Any])


def decorated() -> None:
    assert_type(Plain.name, InstrumentedAttribute[str])
    # mypy finds no constructors behind methods of an object; the function is for that.
    assert_type(Measured.height, InstrumentedAttribute[float])
    assert_type(Weighed.unit, InstrumentedAttribute[str])
    assert_type(Counted(5), Counted)
    assert_type(Counted(count=5).count, int)
    Counted("many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Counted(5, 6)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def dataclasses() -> None:
    house = House(5, floors=[Floor()])
    assert_type(house.number, int | None)
    assert_type(house.floors, list[Floor])
    assert_type(Named(name="x").name, str)


def bodies(shelf: Shelf) -> None:
    assert_type(shelf.twice, int)
    assert_type(shelf.wanted, int)
    assert_type(shelf.boxes, dict[str, Box])
    assert_type(shelf.boxes["x"].label, str)
    assert_type(Shelf.depth, InstrumentedAttribute[int])
    assert_type(shelf.depth, int)


def bundles(session: Session) -> None:
    name: Bundle[Any] = Bundle("name", Author.name, func.upper(Author.name))
    assert_type(name.name, str)
    assert_type(Author.letters, InstrumentedAttribute[Letter])
