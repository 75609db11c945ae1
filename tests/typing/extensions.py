"""What the attributes of extensions are on classes and on objects."""

from __future__ import annotations

from typing import assert_type

from authors import Base
from sqlalchemy import JSON, ForeignKey, SQLColumnExpression
from sqlalchemy.sql.elements import SQLCoreOperations

from holdfast import Mapped, mapped_column, relationship
from holdfast.ext.associationproxy import AssociationProxy, association_proxy
from holdfast.ext.automap import AutomapBase, automap_base
from holdfast.ext.hybrid import hybrid_method, hybrid_property
from holdfast.ext.indexable import index_property
from holdfast.ext.mutable import MutableDict, MutableList
from holdfast.ext.orderinglist import ordering_list


class Interval(Base):
    __tablename__ = "interval"

    id: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[int]
    end: Mapped[int]

    @hybrid_property
    def length(self) -> int:
        return self.end - self.start

    @length.inplace.setter
    def _set_length(self, value: int) -> None:
        self.end = self.start + value

    @length.inplace.expression
    @classmethod
    def _length_in_sql(cls) -> SQLColumnExpression[int]:
        return cls.end - cls.start

    @hybrid_method
    def begins_by(self, point: int) -> bool:
        return self.start <= point


def hybrids(interval: Interval) -> None:
    assert_type(Interval.length, SQLColumnExpression[int])
    assert_type(interval.length, int)
    assert_type(interval.begins_by(4), bool)
    assert_type(Interval.begins_by(4), SQLCoreOperations[bool])
    interval.length = 5


class Stop(Base):
    __tablename__ = "stop"

    id: Mapped[int] = mapped_column(primary_key=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("route.id"))
    position: Mapped[int]
    name: Mapped[str]


class Route(Base):
    __tablename__ = "route"

    id: Mapped[int] = mapped_column(primary_key=True)
    stops: Mapped[list[Stop]] = relationship(collection_class=ordering_list("position"))
    names: AssociationProxy[list[str]] = association_proxy("stops", "name")
    fares: Mapped[MutableDict[str, int]] = mapped_column(MutableDict[str, int].as_mutable(JSON))
    marks: Mapped[MutableList[int]] = mapped_column(MutableList[int].as_mutable(JSON))
    child: index_property[int] = index_property("fares", "child", default=0)


def collections_and_values(route: Route) -> None:
    assert_type(route.stops, list[Stop])
    assert_type(route.names, list[str])
    assert_type(route.fares, MutableDict[str, int])
    assert_type(route.fares["child"], int)
    assert_type(route.marks[0], int)
    route.names = ["x"]
    route.marks.append(5)
    assert_type(route.child, int)
    assert_type(Route.child, SQLColumnExpression[int])
    route.child = 4
    route.marks.append("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def classes_of_tables() -> None:
    base: type[AutomapBase] = automap_base()
    base.prepare(schema="old", name_for_scalar_relationship=lambda base, local, referred, key: "x")
