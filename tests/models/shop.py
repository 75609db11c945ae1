"""Orders that own their lines: delete-orphan, composite keys, a dictionary collection."""

from __future__ import annotations

from sqlalchemy import ForeignKey

from holdfast import (
    DeclarativeBase,
    Mapped,
    attribute_keyed_dict,
    mapped_column,
    relationship,
)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "shop_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    lines: Mapped[list[Line]] = relationship(
        back_populates="order", cascade="all, delete-orphan", order_by="Line.number"
    )
    notes: Mapped[dict[str, Note]] = relationship(
        collection_class=attribute_keyed_dict("kind"), cascade="all, delete-orphan"
    )


class Line(Base):
    __tablename__ = "shop_line"

    order_id: Mapped[int] = mapped_column(ForeignKey("shop_order.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product: Mapped[str]
    order: Mapped[Order] = relationship(back_populates="lines")


class Note(Base):
    __tablename__ = "shop_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("shop_order.id"))
    kind: Mapped[str]
    text: Mapped[str | None]
