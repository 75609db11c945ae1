"""Composites on objects and in statements: value objects over several columns."""

import dataclasses

import pytest
from sqlalchemy import create_engine, desc, event, inspect, select, update

from holdfast import NO_VALUE, DeclarativeBase, Mapped, Session, aliased, composite, mapped_column
from holdfast.attributes import get_history


@dataclasses.dataclass
class Point:
    x: int | None
    y: int | None


class Base(DeclarativeBase):
    pass


class Edge(Base):
    __tablename__ = "edge"
    id: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[Point] = composite(mapped_column("x1"), mapped_column("y1"))
    end: Mapped[Point | None] = composite(mapped_column("x2"), mapped_column("y2"))


@pytest.fixture
def session():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Edge(id=1, start=Point(1, 2), end=Point(3, 4)))
        session.add(Edge(id=2, start=Point(5, 6), end=None))
        session.commit()
        yield session
    engine.dispose()


def ids(session, *criteria):
    return session.scalars(select(Edge.id).where(*criteria).order_by(Edge.id)).all()


@pytest.mark.rule("MP-96")
def test_value_of_a_new_object_is_made_of_nones_or_is_none():
    edge = Edge()

    assert edge.start == Point(None, None)
    assert edge.end is None


def test_value_is_kept_until_the_columns_are_read_again(session):
    edge = session.get(Edge, 1)
    start = edge.start

    assert edge.start is start
    session.expire(edge)
    assert edge.start == start
    assert edge.start is not start


def test_value_is_read_again_after_a_flush(session):
    edge = session.get(Edge, 1)
    assert edge.start == Point(1, 2)
    edge.x1 = 10
    session.flush()

    assert edge.start == Point(10, 2)


def test_value_is_read_again_after_a_refresh(session):
    edge = session.get(Edge, 1)
    edge.start.x = 99
    session.refresh(edge)

    assert edge.start == Point(1, 2)


@pytest.mark.rule("SM-111", "SM-123")
@pytest.mark.parametrize("way", ["expire", "refresh"])
def test_value_is_made_anew_when_one_of_its_columns_is_read_again(session, way):
    edge = session.get(Edge, 1)
    before, end = edge.start, edge.end
    session.execute(update(Edge.__table__).values(x1=7))
    getattr(session, way)(edge, ["x1"])

    assert edge.start == Point(7, 2)
    assert before == Point(1, 2)
    assert edge.end is end


def test_expiring_the_value_expires_its_columns(session):
    edge = session.get(Edge, 1)
    assert edge.start == Point(1, 2)
    session.connection().exec_driver_sql("UPDATE edge SET x1 = 7")
    session.expire(edge, ["start"])

    assert edge.start == Point(7, 2)


def test_listeners_see_the_value_that_is_replaced():
    class Line(Base):
        __tablename__ = "line"
        id: Mapped[int] = mapped_column(primary_key=True)
        start: Mapped[Point] = composite(mapped_column("x1"), mapped_column("y1"))

    seen = []
    event.listen(Line.start, "set", lambda target, value, old, token: seen.append((value, old)))
    event.listen(Line.start, "remove", lambda target, value, token: seen.append(value))
    line = Line()
    line.start = Point(1, 2)
    line.start = Point(3, 4)
    del line.start

    assert seen == [(Point(1, 2), NO_VALUE), (Point(3, 4), Point(1, 2)), Point(3, 4)]


def test_history_is_that_of_the_columns(session):
    edge = session.get(Edge, 1)
    unchanged = get_history(edge, "start")
    edge.start = Point(1, 9)

    assert unchanged == ((), [Point(1, 2)], ())
    assert inspect(edge).attrs.start.history == ([Point(1, 9)], (), [Point(1, 2)])


@pytest.mark.rule("MP-98")
def test_comparisons_are_about_all_columns(session):
    assert ids(session, Edge.start == Point(1, 2)) == [1]
    assert ids(session, ~(Edge.start == Point(1, 2))) == [2]
    assert ids(session, Edge.start > Point(4, 4)) == [2]
    assert ids(session, Edge.end == None) == [2]  # noqa: E711 - IS NULL
    other = aliased(Edge)
    assert session.scalars(select(other.id).where(other.start == Point(5, 6))).all() == [2]


@pytest.mark.rule("MP-98")
def test_rows_are_ordered_by_all_columns(session):
    statement = select(Edge.id).order_by(Edge.start.desc(), desc(Edge.end))

    assert session.scalars(statement).all() == [2, 1]
    assert str(statement).endswith(
        "ORDER BY edge.x1 DESC, edge.y1 DESC, edge.x2 DESC, edge.y2 DESC"
    )


@pytest.mark.rule("MP-98")
def test_selected_value_is_an_element_of_the_row(session):
    row = session.execute(
        select(Edge.id, Edge.start, Edge.end.label("stop")).where(Edge.id == 2)
    ).one()

    assert row == (2, Point(5, 6), None)
    assert (row.start, row.stop) == (Point(5, 6), None)


@dataclasses.dataclass
class Line:
    start: Point
    end: Point

    @classmethod
    def of(cls, *numbers: int):
        return None if numbers[0] is None else cls(Point(*numbers[:2]), Point(*numbers[2:]))

    def __composite_values__(self):
        return (*dataclasses.astuple(self.start), *dataclasses.astuple(self.end))


@pytest.mark.rule("MP-95", "MP-97")
def test_value_may_be_nested_and_made_by_a_function():
    class Base(DeclarativeBase):
        pass

    class Stroke(Base):
        __tablename__ = "stroke"
        id: Mapped[int] = mapped_column(primary_key=True)
        a: Mapped[int | None]
        b: Mapped[int | None]
        c: Mapped[int | None]
        d: Mapped[int | None]
        line = composite(Line.of, "a", "b", "c", "d")

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    line = Line(Point(1, 2), Point(3, 4))
    with Session(engine) as session:
        session.add_all([Stroke(id=1, line=line), Stroke(id=2)])
        session.commit()
        stroke = session.scalars(select(Stroke).where(Stroke.line == line)).one()

        assert (stroke.id, stroke.line, stroke.d) == (1, line, 4)
        assert session.get_one(Stroke, 2).line is None
        stroke.line = Line(Point(1, 2), Point(3, 9))
        session.flush()
        assert session.execute(select(Stroke.line).where(Stroke.id == 1)).one() == (stroke.line,)
        assert stroke.d == 9
    engine.dispose()
