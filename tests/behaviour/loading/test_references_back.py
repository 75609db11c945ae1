"""A reference back to an object that is being loaded costs no SELECT, however it is mapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, MetaData, select

from holdfast import Mapped, Session, declarative_base, mapped_column, relationship


def mapped(down: str, up: str) -> Any:
    base = declarative_base()

    class Folder(base):
        __tablename__ = "folder"

        id: Mapped[int] = mapped_column(primary_key=True)
        files: Mapped[list[File]] = relationship("File", lazy=down, back_populates="folder")

    class File(base):
        __tablename__ = "file"

        id: Mapped[int] = mapped_column(primary_key=True)
        folder_id: Mapped[int] = mapped_column(ForeignKey("folder.id"))
        folder: Mapped[Folder] = relationship("Folder", lazy=up, back_populates="files")

    return base.metadata, Folder, File


@pytest.mark.rule("LD-73")
@pytest.mark.parametrize("down", ["joined", "selectin", "subquery"])
def test_immediate_reference_comes_from_memory(
    tables: Callable[[MetaData], Engine], sql: Any, down: str
) -> None:
    metadata, folder_class, file_class = mapped(down, "immediate")
    with Session(tables(metadata)) as session:
        session.add(folder_class(files=[file_class(), file_class()]))
        session.commit()
        session.expunge_all()
        sql.clear()

        folder = session.scalars(select(folder_class)).unique().one()

        assert [file.__dict__["folder"] for file in folder.files] == [folder, folder]
        assert len(sql) == (1 if down == "joined" else 2)


@pytest.mark.parametrize("up", ["joined", "selectin", "subquery", "immediate"])
def test_lazy_collection_does_not_load_its_owner(
    tables: Callable[[MetaData], Engine], sql: Any, up: str
) -> None:
    metadata, folder_class, file_class = mapped("select", up)
    with Session(tables(metadata)) as session:
        session.add(folder_class(files=[file_class()]))
        session.commit()
        session.expunge_all()
        folder = session.scalars(select(folder_class)).one()
        sql.clear()

        assert folder.files[0].folder is folder
        assert len(sql) == 1
        assert "JOIN" not in sql.emitted[0]
