from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Column, Integer, Table, exc

from holdfast.mapping.properties import CompositeProperty


@dataclass
class Point:
    x: int | None
    y: int | None


class Mark:
    pass


@pytest.fixture
def mark(model):
    return Table(
        "mark",
        model.metadata,
        Column("id", Integer, primary_key=True),
        Column("x", Integer),
        Column("y", Integer),
    )


def map_mark(model, mark, **kw):
    prop = CompositeProperty(Point, mark.c.x, mark.c.y, **kw)
    mapper = model.map_imperatively(Mark, mark, properties={"point": prop})
    model.configure()
    return mapper


def test_assignment_sets_the_columns(model, mark):
    mapper = map_mark(model, mark)
    obj = Mark(point=Point(1, 2))

    assert (obj.x, obj.y) == (1, 2)
    assert mapper.composite_keys == ("point",)
    assert mapper.composites.point.column_keys == ("x", "y")
    assert mapper.composites.point.columns == [mark.c.x, mark.c.y]


def test_value_is_made_from_the_columns_once(model, mark):
    map_mark(model, mark)
    obj = Mark(x=3, y=4)

    assert obj.point == Point(3, 4)
    assert obj.point is obj.point


def test_return_none_on_decides_what_reads_as_none(model, mark):
    map_mark(model, mark, return_none_on=lambda x, y: y is None)

    assert Mark(x=1).point is None
    assert Mark(y=1).point == Point(None, 1)


def test_none_clears_the_columns(model, mark):
    map_mark(model, mark)
    obj = Mark(point=Point(1, 2))
    obj.point = None

    assert (obj.x, obj.y) == (None, None)


def test_deleting_clears_the_columns(model, mark):
    map_mark(model, mark)
    obj = Mark(point=Point(1, 2))
    del obj.point

    assert (obj.x, obj.y, obj.point) == (None, None, Point(None, None))


def test_settings_go_to_the_columns(model, mark):
    mapper = map_mark(model, mark, deferred=True, group="where")

    assert mapper.deferred_keys == {"x", "y"}
    assert mapper.attrs.x.group == "where"


def test_parts_may_be_named(model, mark):
    prop = CompositeProperty(Point, "x", "y")
    model.map_imperatively(Mark, mark, properties={"point": prop})

    assert Mark(point=Point(5, 6)).y == 6


def test_unmapped_part_is_refused(model, mark, author):
    prop = CompositeProperty(Point, mark.c.x, object())
    model.map_imperatively(Mark, mark, properties={"point": prop})

    with pytest.raises(exc.ArgumentError, match="Composite expects Column objects"):
        model.configure()
