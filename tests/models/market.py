"""A market with every shape of relationship, and rows of it: several per parent, and gaps.

Every table has a `rank`, by which criteria tell rows apart.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Table, insert, update

from holdfast import (
    DeclarativeBase,
    Mapped,
    attribute_keyed_dict,
    foreign,
    mapped_column,
    relationship,
    remote,
)


class Base(DeclarativeBase):
    pass


shop_tag = Table(
    "shop_tag",
    Base.metadata,
    Column("shop_id", ForeignKey("shop.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)
item_tag = Table(
    "item_tag",
    Base.metadata,
    Column("item_id", ForeignKey("item.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)
neighbour = Table(
    "neighbour",
    Base.metadata,
    Column("shop_id", ForeignKey("shop.id"), primary_key=True),
    Column("other_id", ForeignKey("shop.id"), primary_key=True),
)


class Shop(Base):
    __tablename__ = "shop"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    rank: Mapped[int]
    remark: Mapped[str | None] = mapped_column(deferred=True)
    area: Mapped[int | None] = mapped_column(deferred=True, deferred_group="size")
    height: Mapped[int | None] = mapped_column(deferred=True, deferred_group="size")
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    boss: Mapped[Person | None] = relationship(foreign_keys="Shop.boss_id")
    sign: Mapped[Sign | None] = relationship(back_populates="shop")
    shelves: Mapped[list[Shelf]] = relationship(
        back_populates="shop", order_by="Shelf.number.desc()"
    )
    high: Mapped[list[Shelf]] = relationship(
        primaryjoin="and_(Shop.id == Shelf.shop_id, Shelf.rank > 3)",
        order_by="Shelf.rank, Shelf.number",
        viewonly=True,
    )
    staff: Mapped[list[Person]] = relationship(
        back_populates="shop", foreign_keys="Person.shop_id", order_by="Person.id"
    )
    managers: Mapped[list[Manager]] = relationship(
        foreign_keys="Person.shop_id", order_by="Manager.bonus, Manager.id", viewonly=True
    )
    tags: Mapped[set[Tag]] = relationship(secondary=shop_tag, back_populates="shops")
    neighbours: Mapped[list[Shop]] = relationship(
        secondary=neighbour,
        primaryjoin=id == neighbour.c.shop_id,
        secondaryjoin=id == neighbour.c.other_id,
        order_by="Shop.rank, Shop.id",
    )
    themes: Mapped[list[Tag]] = relationship(
        secondary=lambda: Item.__table__.join(item_tag),
        primaryjoin=lambda: Shop.id == foreign(Item.__table__.c.shop_id),
        secondaryjoin=lambda: Tag.id == foreign(item_tag.c.tag_id),
        order_by="Tag.label",
        viewonly=True,
    )


class Sign(Base):
    __tablename__ = "sign"

    id: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    shop: Mapped[Shop] = relationship(back_populates="sign")


class Shelf(Base):
    __tablename__ = "shelf"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int]
    remark: Mapped[str | None] = mapped_column(deferred=True)
    shop: Mapped[Shop] = relationship(back_populates="shelves")
    items: Mapped[list[Item]] = relationship(back_populates="shelf", order_by="Item.id")


class Item(Base):
    __tablename__ = "item"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "shelf_number"], ["shelf.shop_id", "shelf.number"]),
    )
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    rank: Mapped[int]
    shop_id: Mapped[int | None]
    shelf_number: Mapped[int | None]
    whole_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="items")
    whole: Mapped[Item | None] = relationship(back_populates="parts", remote_side=id)
    parts: Mapped[dict[str, Item]] = relationship(
        back_populates="whole", collection_class=attribute_keyed_dict("name")
    )
    tags: Mapped[list[Tag]] = relationship(
        secondary=item_tag, back_populates="items", order_by="Tag.rank.desc(), Tag.id"
    )
    alike: Mapped[list[Item]] = relationship(
        primaryjoin=lambda: remote(foreign(Item.rank)) == Item.rank,
        order_by="Item.id.desc()",
        viewonly=True,
    )


class Food(Item):
    __mapper_args__ = {"polymorphic_identity": "food"}

    days: Mapped[int | None]
    cook_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cook: Mapped[Person | None] = relationship(foreign_keys=cook_id)


class Tool(Item):
    __mapper_args__ = {"polymorphic_identity": "tool"}

    manual: Mapped[str | None] = mapped_column(deferred=True)
    keepers: Mapped[list[Engineer]] = relationship(
        back_populates="tool", foreign_keys="Engineer.tool_id", order_by="Engineer.id"
    )


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    rank: Mapped[int]
    shops: Mapped[list[Shop]] = relationship(secondary=shop_tag, back_populates="tags")
    items: Mapped[list[Item]] = relationship(
        secondary=item_tag, back_populates="tags", order_by="Item.rank, Item.id"
    )


class Person(Base):
    __tablename__ = "person"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    rank: Mapped[int]
    remark: Mapped[str | None] = mapped_column(deferred=True)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    shop: Mapped[Shop | None] = relationship(back_populates="staff", foreign_keys=shop_id)


class Manager(Person):
    __tablename__ = "manager"
    __mapper_args__ = {"polymorphic_identity": "manager"}

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    bonus: Mapped[int]
    memo: Mapped[str | None] = mapped_column(deferred=True)
    reports: Mapped[list[Engineer]] = relationship(
        back_populates="chief", foreign_keys="Engineer.chief_id", order_by="Engineer.id.desc()"
    )


class Engineer(Person):
    __tablename__ = "engineer"
    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    skill: Mapped[str]
    chief_id: Mapped[int | None] = mapped_column(ForeignKey("manager.id"))
    tool_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    chief: Mapped[Manager | None] = relationship(back_populates="reports", foreign_keys=chief_id)
    tool: Mapped[Tool | None] = relationship(back_populates="keepers", foreign_keys=tool_id)
    __mapper_args__ = {
        "polymorphic_identity": "engineer",
        "inherit_condition": id == Person.id,
    }


def _rows(names: str, *rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


ROWS: dict[str, list[dict[str, Any]]] = {
    "person": _rows(
        "id kind name rank remark shop_id",
        (1, "manager", "ann", 5, "r1", 1),
        (2, "engineer", "bob", 1, None, 1),
        (3, "person", "cy", 2, "r3", 1),
        (4, "manager", "dot", 4, None, 2),
        (5, "engineer", "eve", 3, "r5", 2),
        (6, "engineer", "flo", 6, None, 1),
        (7, "person", "gus", 5, "r7", None),
        (8, "engineer", "hal", 7, None, 3),
        (9, "manager", "ida", 2, None, 2),
    ),
    "manager": _rows("id bonus memo", (1, 20, "m1"), (4, 10, None), (9, 10, "m9")),
    "shop": _rows(
        "id name rank remark area height boss_id",
        (1, "a", 3, "x", 10, 3, 1),
        (2, "b", 5, None, 20, None, 4),
        (3, "c", 1, "y", None, 4, 1),
        (4, "d", 4, "z", 40, 5, None),
        (5, "e", 6, None, 50, 6, 3),
    ),
    "sign": _rows("id rank shop_id", (1, 2, 1), (2, 5, 2), (3, 4, 4)),
    "shelf": _rows(
        "shop_id number rank remark",
        (1, 1, 2, "s11"),
        (1, 2, 5, None),
        (1, 3, 4, "s13"),
        (2, 1, 6, None),
        (2, 2, 1, "s22"),
        (3, 1, 4, "s31"),
        (5, 1, 3, None),
    ),
    "item": _rows(
        "id kind name rank shop_id shelf_number whole_id days cook_id manual",
        (1, "item", "i1", 1, 1, 1, None, None, None, None),
        (2, "food", "i2", 2, 1, 1, 1, 3, 3, None),
        (3, "tool", "i3", 3, 1, 2, 1, None, None, "m3"),
        (4, "food", "i4", 4, 2, 1, 2, 7, 2, None),
        (5, "tool", "i5", 5, 2, 1, 3, None, None, None),
        (6, "item", "i6", 6, 2, 2, 5, None, None, None),
        (7, "food", "i7", 1, 3, 1, None, None, None, None),
        (8, "tool", "i8", 2, None, None, 6, None, None, "m8"),
        (9, "food", "i9", 3, 1, 3, 1, 1, 7, None),
        (10, "tool", "ia", 4, 5, 1, 9, None, None, "ma"),
    ),
    "engineer": _rows(
        "id skill chief_id tool_id",
        (2, "java", 1, 3),
        (5, "go", 1, 3),
        (6, "c", 4, 8),
        (8, "lisp", None, None),
    ),
    "tag": _rows("id label rank", (1, "t1", 3), (2, "t2", 1), (3, "t3", 5), (4, "t4", 5)),
    "shop_tag": _rows("shop_id tag_id", (1, 1), (1, 2), (2, 1), (3, 3), (4, 2), (4, 4), (1, 4)),
    "item_tag": _rows(
        "item_id tag_id", (1, 1), (1, 2), (1, 3), (2, 2), (3, 1), (4, 3), (5, 3), (5, 4), (9, 1)
    ),
    "neighbour": _rows("shop_id other_id", (1, 2), (2, 1), (1, 3), (3, 4), (4, 1), (2, 5), (5, 5)),
}


def fill(connection: Any) -> None:
    """Insert the rows; shops and people refer to each other."""
    tables = Base.metadata.tables
    shops = ROWS["shop"]
    connection.execute(insert(tables["shop"]), [{**row, "boss_id": None} for row in shops])
    for name, rows in ROWS.items():
        if name != "shop":
            connection.execute(insert(tables[name]), rows)
    for row in shops:
        statement = update(tables["shop"]).where(tables["shop"].c.id == row["id"])
        connection.execute(statement.values(boss_id=row["boss_id"]))
