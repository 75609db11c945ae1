"""Lists whose members keep their place in an attribute."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import ForeignKey, MetaData, select, update

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from holdfast.ext.orderinglist import OrderingList, ordering_list


class Base(DeclarativeBase):
    pass


class Slide(Base):
    __tablename__ = "slide"
    id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[list[Point]] = relationship(
        order_by="Point.place",
        collection_class=ordering_list("place"),
        back_populates="slide",
        cascade="all, delete-orphan",
    )


class Point(Base):
    __tablename__ = "point"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    place: Mapped[int | None]
    slide_id: Mapped[int] = mapped_column(ForeignKey("slide.id"))
    slide: Mapped[Slide] = relationship(back_populates="points")


class Item:
    def __init__(self, name: str, place: Any = None) -> None:
        self.name, self.place = name, place

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Item) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(Slide(id=1, points=[Point(name=name) for name in "abcd"]))
        session.commit()
        yield session


def places(members: Any) -> list[Any]:
    return [(each.name, each.place) for each in members]


CHANGES: list[tuple[Any, str]] = [
    (lambda points: points.append(Point(name="x")), "abcdx"),
    (lambda points: points.extend([Point(name="x"), Point(name="y")]), "abcdxy"),
    (lambda points: points.insert(1, Point(name="x")), "axbcd"),
    (lambda points: points.insert(99, Point(name="x")), "abcdx"),
    (lambda points: points.remove(points[1]), "acd"),
    (lambda points: points.pop(), "abc"),
    (lambda points: points.pop(0), "bcd"),
    (lambda points: points.__setitem__(1, Point(name="x")), "axcd"),
    (lambda points: points.__setitem__(slice(1, 3), [Point(name="x")]), "axd"),
    (lambda points: points.__delitem__(0), "bcd"),
    (lambda points: points.__delitem__(slice(0, 2)), "cd"),
    (lambda points: points.clear(), ""),
]


@pytest.mark.rule("XT-60", "XT-62")
@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_place_of_each_member_is_its_index_after_a_change(
    session: Session, change: Any, expected: str
) -> None:
    slide = session.get_one(Slide, 1)
    change(slide.points)

    wanted = [(name, place) for place, name in enumerate(expected)]
    assert places(slide.points) == wanted
    session.commit()
    session.expunge_all()
    assert places(session.get_one(Slide, 1).points) == wanted


@pytest.mark.rule("XT-60")
def test_replaced_list_numbers_its_members() -> None:
    slide = Slide(points=[Point(name="a"), Point(name="b")])
    first, second = slide.points
    slide.points = [Point(name="x")]
    assert places(slide.points) == [("x", 0)]
    slide.points.insert(0, Point(name="y"))
    slide.points.append(first)

    # A member that has a place keeps it when it is appended.
    assert places(slide.points) == [("y", 0), ("x", 1), ("a", 0)]
    assert second.place == 1


@pytest.mark.rule("XT-60")
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"count_from": 0}, [0, 1, 2]),
        ({"count_from": 1}, [1, 2, 3]),
        ({"count_from": 10}, [10, 11, 12]),
        (
            {"ordering_func": lambda index, members: f"{index}/{len(members)}"},
            ["0/1", "1/2", "2/3"],
        ),
    ],
)
def test_counting_may_begin_elsewhere_or_be_a_function(
    settings: dict[str, Any], expected: list[Any]
) -> None:
    made: OrderingList[Item] = ordering_list("place", **settings)()
    for name in "abc":
        made.append(Item(name))

    assert [each.place for each in made] == expected


@pytest.mark.rule("XT-60")
def test_appended_member_may_always_get_the_next_place() -> None:
    keeps: OrderingList[Item] = ordering_list("place")()
    renumbers: OrderingList[Item] = ordering_list("place", reorder_on_append=True)()
    for members in (keeps, renumbers):
        members.append(Item("a"))
        members.append(Item("b", 50))
        members.append(Item("c"))

    assert [each.place for each in keeps] == [0, 50, 2]
    assert [each.place for each in renumbers] == [0, 1, 2]


@pytest.mark.rule("XT-61", "XT-62")
def test_loading_leaves_places_alone_and_reorder_numbers_all(session: Session) -> None:
    session.execute(update(Point).values(place=Point.place * 10))
    session.commit()
    slide = session.get_one(Slide, 1)

    assert [each.place for each in slide.points] == [0, 10, 20, 30]
    assert not session.dirty
    slide.points.reorder()  # type: ignore[attr-defined]
    assert [each.place for each in slide.points] == [0, 1, 2, 3]
    session.commit()
    assert session.scalars(select(Point.place).order_by(Point.place)).all() == [0, 1, 2, 3]


@pytest.mark.rule("XT-60")
def test_list_travels_with_its_members_and_its_settings(session: Session) -> None:
    slide = session.get_one(Slide, 1)
    assert len(slide.points) == 4
    session.expunge_all()
    again = pickle.loads(pickle.dumps(slide))
    again.points.insert(0, Point(name="x"))
    assert places(again.points)[:2] == [("x", 0), ("a", 1)]

    made: OrderingList[Item] = OrderingList("place", reorder_on_append=True)
    made.append(Item("a", 5))
    assert pickle.loads(pickle.dumps(made)) == made
    assert vars(pickle.loads(pickle.dumps(made))) == vars(made)
