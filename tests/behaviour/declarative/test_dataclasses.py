"""Mapped classes as dataclasses: the constructor, defaults, mixins."""

import dataclasses
import inspect as signatures

import pytest
from sqlalchemy import ForeignKey, String, exc

from holdfast import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    Unmapped,
    mapped_column,
    registry,
    relationship,
    unmapped_column,
    unmapped_dataclass,
)
from holdfast.errors.declarative import DeclarationArgumentError, DeclarationError


@pytest.fixture(params=["mixin first", "base first"])
def base(request):
    bases = (MappedAsDataclass, DeclarativeBase)
    if request.param == "base first":
        bases = bases[::-1]

    class Base(*bases):
        pass

    yield Base
    Base.registry.dispose()


@pytest.fixture
def book(base):
    class Book(base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        title: Mapped[str]
        pages: Mapped[int] = mapped_column(default=10)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("book.id"), default=None)
        parent: Mapped["Book | None"] = relationship(default=None, remote_side="Book.id")
        shelf: Unmapped[str | None]
        mark: Unmapped[str | None] = unmapped_column(String(9), default="m")

    return Book


def test_constructor_has_the_fields_in_order(book):
    assert list(signatures.signature(book).parameters) == ["title", "pages", "parent_id", "parent"]


@pytest.mark.rule("MP-71")
def test_unset_default_is_read_and_not_stored(book):
    found = book("x")

    assert found.pages == 10
    assert not found.__dict__.keys() & {"pages", "parent", "parent_id"}


@pytest.mark.rule("MP-71")
def test_default_is_written(book, tables):
    with Session(tables(book.metadata)) as session:
        session.add(book("x"))
        session.commit()

        assert session.get(book, 1).pages == 10


@pytest.mark.rule("MP-72")
def test_foreign_key_of_the_constructor_is_kept_when_the_reference_is_not_given(book, tables):
    with Session(tables(book.metadata)) as session:
        session.add(book("parent"))
        session.flush()
        session.add(book("child", parent_id=1))
        session.commit()

        assert session.get(book, 2).parent.title == "parent"


@pytest.mark.rule("MP-70")
def test_equality_and_repr_are_those_of_dataclasses(book):
    assert book("x") == book("x")
    assert repr(book("x")).endswith("(id=None, title='x', pages=10, parent_id=None, parent=None)")


@pytest.mark.rule("MP-76")
def test_mixins_have_to_be_dataclasses(base):
    class Plain:
        name: Mapped[str]

    with pytest.raises(DeclarationError, match=r"attribute\(s\) 'name' originates from superclass"):

        class Author(Plain, base):
            __tablename__ = "author"
            id: Mapped[int] = mapped_column(primary_key=True)


def test_decorators_map_and_mark_mixins():
    owner = registry()

    @unmapped_dataclass
    class Named:
        name: Mapped[str] = mapped_column(default="nobody")

    @owner.mapped_as_dataclass(kw_only=True)
    class Author(Named):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert [field.name for field in dataclasses.fields(Author)] == ["name", "id"]
    assert Author(id=1).name == "nobody"


def test_arguments_of_dataclasses_need_a_dataclass():
    class Base(DeclarativeBase):
        pass

    with pytest.raises(
        DeclarationArgumentError, match=r"includes dataclasses argument\(s\): 'init'"
    ):

        class Author(Base):
            __tablename__ = "author"
            id: Mapped[int] = mapped_column(primary_key=True, init=False)


@pytest.mark.rule("MP-73")
@pytest.mark.parametrize(
    "arguments", [{"default": "something"}, {"default": 5}], ids=["text", "number"]
)
def test_relationship_has_no_default_but_none(arguments):
    with pytest.raises(exc.ArgumentError, match="Only 'None' is accepted"):
        relationship("Author", **arguments)


@pytest.mark.rule("MP-73")
def test_default_factory_of_a_relationship_is_its_collection(base):
    with pytest.raises(DeclarationArgumentError, match="default_factory must be exactly"):

        class Author(base):
            __tablename__ = "author"
            id: Mapped[int] = mapped_column(primary_key=True)
            books: Mapped[list["Book"]] = relationship(default_factory=set)  # noqa: F821
