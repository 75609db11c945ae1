"""Nodes of a tree refer to their own kind."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import rule
from sqlalchemy import ForeignKey

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship
from machines.rows import Key
from machines.runs import as_test
from machines.session_machine import NUMBERS, SessionMachine


class Base(DeclarativeBase):
    pass


class Node(Base):
    __tablename__ = "node"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
    children: Mapped[list[Node]] = relationship(back_populates="parent")
    parent: Mapped[Node | None] = relationship(back_populates="children", remote_side=[id])


class SelfReferenceMachine(SessionMachine):
    metadata = Base.metadata
    classes = (Node,)

    def blank_row(self, class_: type[Any]) -> dict[str, Any]:
        return {"parent_id": None}

    def let_go(self, key: Key) -> None:
        for each in self.rows.referring(Node, "parent_id", key[1]):
            self.rows.memory[each]["parent_id"] = None

    def members_of(self, key: Key) -> dict[str, tuple[Any, set[Any]]]:
        found = {each[1] for each in self.rows.referring(Node, "parent_id", key[1])}
        return {"children": (Node, found)}

    def is_linked(self, key: Key) -> bool:
        return self.rows.memory[key]["parent_id"] is not None or bool(
            self.rows.referring(Node, "parent_id", key[1])
        )

    def is_above(self, number: int, other: int | None) -> bool:
        """Whether a node is `other` or stands above it."""
        while other is not None and other != number:
            other = self.rows.memory[Node, other]["parent_id"]
        return other == number

    @rule(number=NUMBERS, parent_number=NUMBERS, through_collection=st.booleans())
    def hang(self, number: int, parent_number: int, through_collection: bool) -> None:
        node, parent = self.find(Node, number), self.find(Node, parent_number)
        if node is None or parent is None or self.is_above(number, parent_number):
            return
        if not through_collection:
            node.parent = parent
        elif node not in parent.children:
            parent.children.append(node)
        else:
            return
        self.rows.memory[Node, number]["parent_id"] = parent_number

    @rule(number=NUMBERS)
    def unhang(self, number: int) -> None:
        if (node := self.find(Node, number)) is not None:
            node.parent = None
            self.rows.memory[Node, number]["parent_id"] = None


TestSelfReference = as_test(SelfReferenceMachine)
