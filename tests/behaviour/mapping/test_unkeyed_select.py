"""A class mapped to a SELECT that leaves out a part of the table's key."""

import pytest
from sqlalchemy import ForeignKey, select

from holdfast import DeclarativeBase, Mapped, Session, foreign, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "purchase"

    id: Mapped[int] = mapped_column(primary_key=True)


class Line(Base):
    __tablename__ = "purchase_line"

    order_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


orders_with_lines = select(Line.__table__.c.order_id).distinct().alias("with_lines")


class WithLines(Base):
    __table__ = orders_with_lines

    lines: Mapped[list[Line]] = relationship(
        primaryjoin=orders_with_lines.c.order_id == foreign(Line.__table__.c.order_id),
        order_by=Line.number,
    )


@pytest.mark.rule("MP-122")
def test_object_brings_its_members_and_no_row_of_its_own(engine, tables, sql):
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Order(id=1))
        session.flush()
        sql.clear()
        session.add(WithLines(order_id=1, lines=[Line(number=1), Line(number=2)]))
        session.commit()
        assert len(sql.emitted) == 1

    with Session(engine) as session:
        found = session.scalars(select(WithLines)).one()
        assert [line.number for line in found.lines] == [1, 2]
