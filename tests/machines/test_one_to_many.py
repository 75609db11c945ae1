"""Boxes stand on shelves, or on none: one-to-many, and the nullable reference back."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import invariant, rule
from sqlalchemy import ForeignKey

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship
from machines.rows import Key
from machines.runs import as_test
from machines.session_machine import NUMBERS, SessionMachine


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    boxes: Mapped[list[Box]] = relationship(back_populates="shelf")


class Box(Base):
    __tablename__ = "box"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="boxes")


class OneToManyMachine(SessionMachine):
    metadata = Base.metadata
    classes = (Shelf, Box)

    def blank_row(self, class_: type[Any]) -> dict[str, Any]:
        return {"shelf_id": None} if class_ is Box else {}

    def let_go(self, key: Key) -> None:
        if key[0] is Shelf:
            for each in self.rows.referring(Box, "shelf_id", key[1]):
                self.rows.memory[each]["shelf_id"] = None

    def members_of(self, key: Key) -> dict[str, tuple[Any, set[Any]]]:
        if key[0] is Box:
            return {}
        return {"boxes": (Box, {each[1] for each in self.rows.referring(Box, "shelf_id", key[1])})}

    def is_linked(self, key: Key) -> bool:
        class_, number = key
        if class_ is Box:
            return self.rows.memory[key]["shelf_id"] is not None
        return bool(self.rows.referring(Box, "shelf_id", number))

    def boxes_of(self, shelf: Shelf) -> list[Box]:
        """Flushed before it loads: what was moved by a reference alone is in the rows only then."""
        if "boxes" not in shelf.__dict__:
            self.flush()
        return shelf.boxes

    @rule(number=NUMBERS, shelf_number=NUMBERS, through_collection=st.booleans())
    def put(self, number: int, shelf_number: int, through_collection: bool) -> None:
        box, shelf = self.find(Box, number), self.find(Shelf, shelf_number)
        if box is None or shelf is None:
            return
        if not through_collection:
            box.shelf = shelf
        elif box not in self.boxes_of(shelf):
            shelf.boxes.append(box)
        else:
            return
        self.rows.memory[Box, number]["shelf_id"] = shelf_number

    @rule(number=NUMBERS, through_collection=st.booleans())
    def take(self, number: int, through_collection: bool) -> None:
        box = self.find(Box, number)
        if box is None:
            return
        shelf = box.shelf if through_collection else None
        if shelf is None or box not in self.boxes_of(shelf):
            box.shelf = None
        else:
            shelf.boxes.remove(box)
        self.rows.memory[Box, number]["shelf_id"] = None

    @rule(shelf_number=NUMBERS, numbers=st.sets(NUMBERS))
    def put_only(self, shelf_number: int, numbers: set[int]) -> None:
        """Replace the collection."""
        shelf = self.find(Shelf, shelf_number)
        boxes = [(number, self.find(Box, number)) for number in sorted(numbers)]
        if shelf is None:
            return
        self.flush()
        shelf.boxes = [box for _, box in boxes if box is not None]
        for key in self.rows.referring(Box, "shelf_id", shelf_number):
            self.rows.memory[key]["shelf_id"] = None
        for number, box in boxes:
            if box is not None:
                self.rows.memory[Box, number]["shelf_id"] = shelf_number

    @invariant()
    def references_agree(self) -> None:
        for (class_, number), found in self.held.items():
            if class_ is Box and "shelf" in found.__dict__ and self.is_kept(found):
                shelf_id = self.rows.memory[Box, number]["shelf_id"]
                if found.shelf is None or self.is_kept(found.shelf):
                    assert (None if found.shelf is None else found.shelf.id) == shelf_id


TestOneToMany = as_test(OneToManyMachine)
