"""What hybrid attributes are on classes and on objects."""

from __future__ import annotations

from typing import assert_type

from authors import Base
from sqlalchemy import SQLColumnExpression
from sqlalchemy.sql.elements import SQLCoreOperations

from holdfast import Mapped, mapped_column
from holdfast.ext.hybrid import hybrid_method, hybrid_property


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
