"""The classes that the cases of this folder speak of."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ForeignKey, String, func

from holdfast import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    MappedAsDataclass,
    WriteOnlyMapped,
    column_property,
    composite,
    declared_attr,
    deferred,
    mapped_column,
    relationship,
    synonym,
)


class Base(DeclarativeBase):
    pass


class HasOwner:
    @declared_attr
    def owner_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("author.id"))

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return "owned"


@dataclass
class Address:
    street: str
    city: str


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(String(50), unique=True)
    biography: Mapped[str] = deferred(mapped_column())
    shout: Mapped[str] = column_property(func.upper(email))
    title: Mapped[str] = synonym("name")
    home: Mapped[Address] = composite(Address, mapped_column("street"), mapped_column("city"))
    work: Mapped[Address | None] = composite(mapped_column("w_street"), mapped_column("w_city"))
    books: Mapped[list[Book]] = relationship(back_populates="author")
    tags: Mapped[set[Tag]] = relationship()
    letters: WriteOnlyMapped[Letter] = relationship(order_by="Letter.id")
    visits: DynamicMapped[Visit] = relationship()


class Book(HasOwner, Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(
        back_populates="books", primaryjoin=author_id == Author.id
    )


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))


class Letter(Base):
    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))


class Visit(Base):
    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))


class Note(MappedAsDataclass, Base, kw_only=True):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    text: Mapped[str]
    length: Mapped[int | None] = mapped_column(default=None)


class Employee(Base):
    __tablename__ = "employee"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]


class Manager(Employee):
    __mapper_args__ = {"polymorphic_identity": "manager"}

    budget: Mapped[int | None]
