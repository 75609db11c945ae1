"""Orders own their lines: a line that no order holds is deleted."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import rule
from sqlalchemy import ForeignKey, inspect

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship
from machines.rows import Key
from machines.runs import as_test
from machines.session_machine import NAMES, NUMBERS, SessionMachine


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    lines: Mapped[list[Line]] = relationship(back_populates="order", cascade="all, delete-orphan")


class Line(Base):
    __tablename__ = "line"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="lines")


class DeleteOrphanMachine(SessionMachine):
    metadata = Base.metadata
    classes = (Order, Line)

    def make(self, class_: type[Any], number: int, name: str) -> Any:
        """Lines come with the order that holds them; see `write_line`."""
        return super().make(class_, number, name) if class_ is Order else None

    def goes_along(self, key: Key) -> set[Key]:
        if key[0] is Line:
            return set()
        return set(self.rows.referring(Line, "order_id", key[1]))

    def members_of(self, key: Key) -> dict[str, tuple[Any, set[Any]]]:
        if key[0] is Line:
            return {}
        return {"lines": (Line, {e[1] for e in self.rows.referring(Line, "order_id", key[1])})}

    def is_linked(self, key: Key) -> bool:
        return key[0] is Line or bool(self.rows.referring(Line, "order_id", key[1]))

    @rule(number=NUMBERS, order_number=NUMBERS, name=NAMES, through_collection=st.booleans())
    def write_line(
        self, number: int, order_number: int, name: str, through_collection: bool
    ) -> None:
        if (Line, number) in self.rows.marked:
            self.flush()
        order = self.find(Order, order_number)
        if order is None or (Line, number) in self.rows.memory:
            return
        line = Line(id=number, name=name)
        if through_collection:
            order.lines.append(line)
        else:
            line.order = order
            self.session.add(line)
        self.held[Line, number] = line
        self.rows.memory[Line, number] = {"name": name, "order_id": order_number}

    @rule(number=NUMBERS, order_number=NUMBERS, through_collection=st.booleans())
    def move(self, number: int, order_number: int, through_collection: bool) -> None:
        line, order = self.find(Line, number), self.find(Order, order_number)
        if line is None or order is None or line.order is order:
            return
        if through_collection:
            order.lines.append(line)
        else:
            line.order = order
        if (Line, number) not in self.rows.stored:
            # Its former order let it go first, so that it left the session (CA-63).
            assert line not in self.session
            self.session.add(line)
        self.rows.memory[Line, number]["order_id"] = order_number

    @rule(number=NUMBERS, through_collection=st.booleans())
    def strike(self, number: int, through_collection: bool) -> None:
        """Take a line from its order: a new one leaves the session, another is deleted."""
        line = self.find(Line, number)
        if line is None:
            return
        is_new = (Line, number) not in self.rows.stored
        # Only an order that is loaded hears that it gives the line up.
        order = line.order
        if through_collection:
            order.lines.remove(line)
        else:
            line.order = None
        if is_new:
            assert inspect(line).transient
        else:
            self.session.flush()
            assert inspect(line).deleted
            self.rows.marked.add((Line, number))
            self.note_flush()
            return
        del self.rows.memory[Line, number], self.held[Line, number]

    @rule(number=NUMBERS, from_number=NUMBERS, to_number=NUMBERS)
    def move_by_two_steps(self, number: int, from_number: int, to_number: int) -> None:
        """A line that is struck here and written there, before a flush, is kept."""
        first, second = self.find(Order, from_number), self.find(Order, to_number)
        line = self.find(Line, number)
        if line is None or second is None or line.order is not first:
            return
        self.flush()
        first.lines.remove(line)
        second.lines.append(line)
        self.rows.memory[Line, number]["order_id"] = to_number
        self.flush()
        assert inspect(line).persistent


TestDeleteOrphan = as_test(DeleteOrphanMachine)
