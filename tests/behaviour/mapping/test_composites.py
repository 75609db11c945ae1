"""Declaring composites: where class and columns come from."""

import dataclasses

import pytest
from sqlalchemy import Column, Integer, exc

from holdfast import DeclarativeBase, Mapped, mapped_column
from holdfast.errors.declarative import DeclarationArgumentError
from holdfast.mapping.declarative.constructs import composite


@dataclasses.dataclass
class Point:
    x: int
    y: int | None


class Pair:
    def __init__(self, one, two):
        self.one, self.two = one, two

    def __composite_values__(self):
        return self.one, self.two


@pytest.fixture
def base():
    class Base(DeclarativeBase):
        pass

    yield Base
    Base.registry.dispose()


@pytest.mark.rule("MP-95")
def test_columns_come_from_the_fields_of_a_dataclass(base):
    class Edge(base):
        __tablename__ = "edge"
        id: Mapped[int] = mapped_column(primary_key=True)
        start: Mapped[Point] = composite()
        end: Mapped[Point] = composite(mapped_column("x_end"), column_template="end_%s")

    columns = Edge.__table__.c
    assert columns.keys() == ["id", "x", "y", "x_end", "end_y"]
    assert (columns.x.nullable, columns.end_y.nullable) == (False, True)
    assert Edge(start=Point(1, 2)).x == 1


@pytest.mark.rule("MP-96")
def test_optional_composite_reads_none_when_all_its_columns_are_none(base):
    class Edge(base):
        __tablename__ = "edge"
        id: Mapped[int] = mapped_column(primary_key=True)
        start: Mapped["Point | None"] = composite(Point, "a", "b")
        a: Mapped[int | None]
        b: Mapped[int | None]

    assert Edge(a=1).start == Point(1, None)
    assert Edge().start is None


def test_other_classes_name_their_columns(base):
    class Edge(base):
        __tablename__ = "edge"
        id: Mapped[int] = mapped_column(primary_key=True)
        pair: Mapped[Pair] = composite(Column("one", Integer), mapped_column("two", Integer))

    assert Edge(pair=Pair(1, 2)).two == 2

    with pytest.raises(DeclarationArgumentError, match="must be named unless a dataclass is used"):

        class Other(base):
            __tablename__ = "other"
            id: Mapped[int] = mapped_column(primary_key=True)
            pair: Mapped[Pair] = composite(mapped_column(), mapped_column())


@pytest.mark.parametrize("template", ["home", "a_%s_%s", "%(name)s"])
def test_template_has_one_place_for_the_field(template):
    with pytest.raises(exc.ArgumentError, match="is not a valid template"):
        composite(column_template=template)
