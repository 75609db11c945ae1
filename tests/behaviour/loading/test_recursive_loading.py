"""Loading a tree level by level with `recursion_depth` (LD-36)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, MetaData, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    immediateload,
    mapped_column,
    relationship,
    selectinload,
)
from holdfast.errors.loading import LoadingError
from models.library import Author


class Base(DeclarativeBase):
    pass


class Branch(Base):
    __tablename__ = "branch"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("branch.id"))
    branches: Mapped[list[Branch]] = relationship()


@pytest.mark.rule("LD-36")
@pytest.mark.parametrize("load", [selectinload, immediateload])
@pytest.mark.parametrize(("depth", "levels"), [(None, 1), (1, 2), (2, 3), (-1, 5)])
def test_levels(
    tables: Callable[[MetaData], Engine], load: Any, depth: int | None, levels: int
) -> None:
    engine = tables(Base.metadata)
    with Session(engine) as session:
        session.add_all([Branch(id=n, parent_id=n - 1 or None) for n in range(1, 6)])
        session.commit()
    with Session(engine) as session:
        option = load(Branch.branches, recursion_depth=depth)
        branch = session.scalars(select(Branch).where(Branch.id == 1).options(option)).one()
        found = 0
        while "branches" in branch.__dict__:
            found += 1
            if not branch.branches:
                break
            branch = branch.branches[0]

    assert found == levels


@pytest.mark.rule("LD-36")
@pytest.mark.parametrize("load", [selectinload, immediateload])
def test_rows_in_a_circle_are_loaded_once(
    tables: Callable[[MetaData], Engine], load: Any, sql: Any
) -> None:
    engine = tables(Base.metadata)
    with Session(engine) as session:
        first, second, third = (Branch(id=n) for n in (1, 2, 3))
        session.add_all([first, second, third])
        session.flush()
        first.parent_id, second.parent_id, third.parent_id = 3, 1, 2
        session.commit()
    with Session(engine) as session:
        sql.clear()
        option = load(Branch.branches, recursion_depth=-1)
        branch = session.scalars(select(Branch).where(Branch.id == 1).options(option)).one()
        assert len(sql) == 4
        below = branch.branches[0].branches[0]

        assert below.branches == [branch]
        assert len(sql) == 4


@pytest.mark.rule("LD-36")
@pytest.mark.parametrize("load", [selectinload, immediateload])
def test_only_for_relationships_to_the_same_class(session: Session, load: Any) -> None:
    with pytest.raises(LoadingError, match="not valid for non-self-referential"):
        session.scalars(select(Author).options(load(Author.books, recursion_depth=2)))
