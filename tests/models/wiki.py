"""Pages with version counters: counted by Holdfast, by hand, by a function and by the database."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import FetchedValue, ForeignKey, text

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Page(Base):
    """Counted: 1, 2, 3. Refers to the next page by an UPDATE of its own."""

    __tablename__ = "page"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str | None] = mapped_column()
    version: Mapped[int] = mapped_column()
    text: Mapped[str | None]
    next_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))
    next: Mapped[Page | None] = relationship(remote_side=[id], post_update=True)
    notes: Mapped[list[Note]] = relationship(back_populates="page")

    __mapper_args__ = {
        "version_id_col": version,
        "polymorphic_on": kind,
        "polymorphic_identity": "page",
    }


class Article(Page):
    """Has a table of its own, and the counter in that of its base."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(ForeignKey("page.id"), primary_key=True)
    title: Mapped[str | None]

    __mapper_args__ = {"polymorphic_identity": "article"}


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    page_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))
    page: Mapped[Page | None] = relationship(back_populates="notes")

    __mapper_args__ = {"version_id_col": version}


def next_stamp(stamp: str | None) -> str:
    """A version that tells whether there was one before."""
    return f"{'first' if stamp is None else 'later'} {uuid4().hex}"


class Stamped(Base):
    """Its versions are made by a function of the application."""

    __tablename__ = "stamped"

    id: Mapped[int] = mapped_column(primary_key=True)
    stamp: Mapped[str] = mapped_column()
    text: Mapped[str | None]

    __mapper_args__ = {"version_id_col": stamp, "version_id_generator": next_stamp}


class ByHand(Base):
    """The application sets the version."""

    __tablename__ = "by_hand"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int | None] = mapped_column()
    text: Mapped[str | None]

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class ByServer(Base):
    """The database makes the version, by an expression in each statement."""

    __tablename__ = "by_server"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=text("1"), onupdate=text("version + 1"))
    text: Mapped[str | None]

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class ByTrigger(Base):
    """A trigger of the database makes the version, so that no RETURNING shows it."""

    __tablename__ = "by_trigger"
    __table_args__ = {"implicit_returning": False}

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default="1", server_onupdate=FetchedValue())
    text: Mapped[str | None]

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class Draft(Base):
    """Without any counter."""

    __tablename__ = "draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    length: Mapped[int | None]
