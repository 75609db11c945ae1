"""Every option of dataclasses on mapped classes; classes that were dataclasses or attrs before."""

from __future__ import annotations

import dataclasses
import inspect as signatures
from dataclasses import InitVar
from typing import Any, ClassVar

import attrs
import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, exc, inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    column_property,
    composite,
    mapped_as_dataclass,
    mapped_column,
    query_expression,
    registry,
    relationship,
    synonym,
    unmapped_dataclass,
)

WAYS = ["mixin", "base", "registry method", "decorator"]


def make(way: str, members: dict[str, Any], annotations: dict[str, Any], **options: Any) -> Any:
    """A mapped dataclass `Book`, made in one of the documented ways."""
    body = {
        "__tablename__": "book",
        "__annotations__": {"id": Mapped[int], **annotations},
        "__module__": __name__,
        "id": mapped_column(primary_key=True, init=False),
        **members,
    }
    if way == "registry method":
        return registry().mapped_as_dataclass(**options)(type("Book", (), body))
    if way == "decorator":
        return mapped_as_dataclass(registry(), **options)(type("Book", (), body))
    if way == "base":

        class Base(MappedAsDataclass, DeclarativeBase):
            pass

        return type(Base)("Book", (Base,), body, **options)

    class Plain(DeclarativeBase):
        pass

    return type(Plain)("Book", (MappedAsDataclass, Plain), body, **options)


# -- options of the class ------------------------------------------------------------------------


@pytest.mark.rule("MP-70")
@pytest.mark.parametrize("way", WAYS)
def test_options_of_the_class_are_those_of_dataclasses(way: str) -> None:
    def book(**options: Any) -> Any:
        return make(way, {}, {"title": Mapped[str]}, **options)

    default = book()
    assert default("x") == default("x")
    assert repr(default("x")).endswith("Book(id=None, title='x')")
    assert default.__match_args__ == ("title",)
    assert default.__lt__ is object.__lt__
    with pytest.raises(TypeError, match="unhashable"):
        hash(default("x"))

    assert book(init=False)(title="x").title == "x"  # the constructor of the registry
    assert "title" not in repr(book(repr=False)("x"))
    assert "__eq__" not in vars(book(eq=False))
    ordered = book(order=True)
    assert dataclasses.fields(ordered)[0].name == "id"
    assert ordered.__lt__ is not object.__lt__
    assert isinstance(hash(book(unsafe_hash=True)("x")), int)
    assert "__match_args__" not in vars(book(match_args=False))
    with pytest.raises(TypeError, match="positional argument"):
        book(kw_only=True)("x")
    assert book(kw_only=True)(title="x").title == "x"


@pytest.mark.rule("MP-70")
@pytest.mark.parametrize("way", WAYS)
def test_callable_that_makes_dataclasses_may_be_another_one(way: str) -> None:
    seen = []

    def make_it(cls: type, **options: Any) -> type:
        seen.append((cls.__name__, options))
        return dataclasses.dataclass(cls, **options)

    book = make(way, {}, {"title": Mapped[str]}, dataclass_callable=make_it, kw_only=True)

    assert ("Book", {"kw_only": True}) in seen
    assert book(title="x").title == "x"


@pytest.mark.rule("MP-70")
def test_subclasses_take_over_the_options_of_their_base_and_may_change_them() -> None:
    class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, repr=False):
        pass

    class Book(Base, repr=True):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(TypeError, match="positional argument"):
        Book(1)
    assert "Book(id=1)" in repr(Book(id=1))


# -- options of a field --------------------------------------------------------------------------


@pytest.mark.rule("MP-51", "MP-70", "MP-75")
@pytest.mark.parametrize("way", WAYS)
def test_options_of_a_field_are_those_of_dataclasses(way: str) -> None:
    names = ("hidden", "aside", "last", "noted", "counted")
    book = make(
        way,
        {
            "title": mapped_column(),
            "hidden": mapped_column(repr=False, default="secret"),
            "aside": mapped_column(compare=False, default="a"),
            "noted": mapped_column(dataclass_metadata={"unit": "m"}, default="n"),
            "counted": mapped_column(init=False, default="7"),
            "last": mapped_column(kw_only=True),
        },
        {"title": Mapped[str], **dict.fromkeys(names, Mapped[str])},
    )

    parameters = signatures.signature(book).parameters
    assert list(parameters) == ["title", "hidden", "aside", "noted", "last"]
    assert parameters["last"].kind is signatures.Parameter.KEYWORD_ONLY
    one = book("x", last="z")
    assert "secret" not in repr(one)
    assert (one.hidden, one.counted) == ("secret", "7")
    assert one == book("x", aside="other", last="z")
    assert one != book("x", hidden="other", last="z")
    metadata = {field.name: dict(field.metadata) for field in dataclasses.fields(book)}
    assert metadata["noted"] == {"unit": "m"}


@pytest.mark.rule("MP-51", "MP-70")
def test_hash_of_a_field_says_what_the_hash_of_the_object_is_made_of() -> None:
    members = {"title": mapped_column(hash=True), "pages": mapped_column(hash=False)}
    annotations = {"title": Mapped[str], "pages": Mapped[int]}
    book = make("base", members, annotations, unsafe_hash=True)

    assert hash(book("x", 1)) == hash(book("x", 2))
    assert hash(book("x", 1)) != hash(book("y", 1))


@pytest.mark.rule("MP-74")
def test_default_of_the_column_may_be_another_one_than_that_of_the_constructor(tables: Any) -> None:
    book = make(
        "base",
        {
            "title": mapped_column(String(9), insert_default="column"),
            "pages": mapped_column(default=5),
        },
        {"title": Mapped[str | None], "pages": Mapped[int]},
        kw_only=True,
    )

    with pytest.raises(TypeError, match="'title'"):
        book()
    with Session(tables(book.metadata)) as session:
        session.add_all([book(title="given"), book(title=None, pages=6)])
        session.commit()
        rows = session.execute(select(book.title, book.pages).order_by(book.id)).all()
    assert book.__table__.c.title.default.arg == "column"
    assert rows == [("given", 5), ("column", 6)]


@pytest.mark.rule("MP-74")
def test_default_and_insert_default_together_are_refused() -> None:
    with pytest.raises(exc.ArgumentError, match=r"'default' and 'insert_default' .* mutually"):
        mapped_column(default=1, insert_default=2)


@pytest.mark.rule("MP-79")
def test_default_factory_of_a_column_is_called_by_the_constructor(tables: Any) -> None:
    numbers = iter(range(5, 9))
    book = make(
        "base",
        {"pages": mapped_column(default_factory=lambda: next(numbers))},
        {"pages": Mapped[int]},
    )

    made = [book(), book(), book(pages=1)]

    assert [each.__dict__["pages"] for each in made] == [5, 6, 1]
    with Session(tables(book.metadata)) as session:
        session.add_all(made)
        session.commit()
        assert session.scalars(select(book.pages).order_by(book.id)).all() == [5, 6, 1]


@pytest.mark.rule("MP-75")
def test_attribute_that_the_constructor_leaves_out_reads_its_default(tables: Any) -> None:
    members = {
        "pages": mapped_column(init=False, default=5),
        "note": mapped_column(String(9), init=False),
    }
    book = make("base", members, {"pages": Mapped[int], "note": Mapped[str | None]})

    found = book()
    assert (found.pages, found.note) == (5, None)
    with pytest.raises(TypeError, match="pages"):
        book(pages=6)
    with Session(tables(book.metadata)) as session:
        session.add(found)
        session.commit()
        assert session.execute(select(book.pages, book.note)).one() == (5, None)


@dataclasses.dataclass
class Point:
    x: int
    y: int


@pytest.mark.rule("MP-70", "MP-72")
def test_attributes_of_every_kind_are_fields() -> None:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Shelf(Base):
        __tablename__ = "shelf"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"), default=None)
        parent: Mapped[Shelf | None] = relationship(
            default=None, remote_side="Shelf.id", back_populates="shelves", repr=False
        )
        shelves: Mapped[list[Shelf]] = relationship(
            default_factory=list, back_populates="parent", repr=False, compare=False
        )
        place: Mapped[Point | None] = composite(default=None)
        number: Mapped[int] = synonym("id", init=False)
        twice: Mapped[int] = column_property(id.column * 2, repr=False)
        asked: Mapped[int] = query_expression(repr=False)
        plain: list[int] = dataclasses.field(default_factory=list, repr=False)
        seen: InitVar[int] = 0
        kind: ClassVar[str] = "shelf"

        def __post_init__(self, seen: int) -> None:
            self.plain.append(seen)

    assert list(signatures.signature(Shelf).parameters) == [
        "id", "parent_id", "parent", "shelves", "place", "plain", "seen",
    ]  # fmt: skip
    child = Shelf(2)
    shelf = Shelf(1, shelves=[child], place=Point(3, 4), seen=9)
    assert child.parent is shelf
    assert (shelf.number, shelf.place, shelf.plain) == (1, Point(3, 4), [9])
    assert Shelf(3, parent_id=7).__dict__.keys() & {"parent", "shelves"} == set()
    assert repr(shelf).endswith("Shelf(id=1, parent_id=None, place=Point(x=3, y=4), number=1)")


class Books(list[Any]):
    """A collection class of the application."""


@pytest.mark.rule("MP-73")
@pytest.mark.parametrize("factory", [list, Books])
def test_default_factory_may_be_the_plain_type_of_the_collection(factory: Any) -> None:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Author(Base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        books: Mapped[list[Book]] = relationship(collection_class=Books, default_factory=factory)

    class Book(Base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), init=False)

    assert type(Author().books) is Books
    assert type(Author(books=[Book()]).books) is Books


def _body(cls: type) -> dict[str, Any]:
    return {
        key: value for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__")
    }


@pytest.mark.rule("MP-76")
@pytest.mark.parametrize("mixin", ["mapped", "decorated", "decorated with options"])
def test_mixins_that_are_dataclasses_give_their_fields_first(mixin: str) -> None:
    class Base(DeclarativeBase):
        pass

    class Named:
        name: Mapped[str] = mapped_column(default="nobody")
        note: Mapped[str | None] = mapped_column(init=False)

    decorate: Any = {
        "mapped": lambda cls: type(MappedAsDataclass)("Mixed", (MappedAsDataclass,), _body(cls)),
        "decorated": unmapped_dataclass,
        "decorated with options": unmapped_dataclass(repr=False),
    }[mixin]

    class Author(decorate(Named), MappedAsDataclass, Base, kw_only=True):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert [field.name for field in dataclasses.fields(Author)] == ["name", "note", "id"]
    assert Author(id=1).name == "nobody"
    assert Author.__table__.c.keys() == ["id", "name", "note"]


# -- classes that exist --------------------------------------------------------------------------


def _table(owner: registry) -> Table:
    return Table(
        "book",
        owner.metadata,
        Column("id", Integer, primary_key=True),
        Column("title", String(20)),
        Column("pages", Integer),
    )


@dataclasses.dataclass
class PlainBook:
    title: str
    pages: int = 5
    id: int | None = None


@attrs.define(slots=False, eq=False)
class AttrsBook:
    title: str
    pages: int = 5
    id: int | None = None


@pytest.mark.rule("MP-77", "MP-78")
@pytest.mark.parametrize("cls", [PlainBook, AttrsBook])
def test_existing_class_is_mapped_imperatively_and_keeps_its_constructor(
    cls: Any, tables: Any
) -> None:
    owner = registry()
    owner.map_imperatively(cls, _table(owner))
    try:
        with Session(tables(owner.metadata)) as session:
            session.add_all([cls("x"), cls("y", pages=6)])
            session.commit()
            session.expunge_all()

            found = session.scalars(select(cls).where(cls.pages > 5)).one()
            assert (found.title, found.pages, found.id) == ("y", 6, 2)
            found.pages += 1
            assert found in session.dirty
        with pytest.raises(TypeError):
            cls()
    finally:
        owner.dispose()


@pytest.mark.rule("MP-78")
@pytest.mark.parametrize(
    "decorate", [attrs.define(slots=False, eq=False), attrs.mutable(slots=False)]
)
def test_attrs_class_is_mapped_by_its_body(decorate: Any, tables: Any) -> None:
    owner = registry()

    @owner.mapped
    @decorate
    class Book:
        __table__ = _table(owner)
        title: str
        pages: int = attrs.field(default=5)
        id: int | None = attrs.field(default=None, repr=False)

    with Session(tables(owner.metadata)) as session:
        session.add(Book("x"))
        session.commit()
        found = session.scalars(select(Book)).one()
        assert (found.title, found.pages, found.id) == ("x", 5, 1)
        assert repr(found).endswith("Book(title='x', pages=5)")


@pytest.mark.rule("MP-77")
def test_existing_dataclass_is_mapped_to_its_table(tables: Any) -> None:
    owner = registry()

    @owner.mapped
    @dataclasses.dataclass
    class Book:
        __table__ = _table(owner)
        title: str
        pages: int = 5
        id: int = dataclasses.field(init=False)
        notes: list[str] = dataclasses.field(default_factory=list)

    with Session(tables(owner.metadata)) as session:
        session.add(Book("x"))
        session.commit()

        found = session.scalars(select(Book)).one()
        assert (found.title, found.pages, found.id) == ("x", 5, 1)
        assert inspect(Book).attrs.keys() == ["id", "title", "pages"]


@pytest.mark.rule("MP-77")
def test_fields_of_an_existing_dataclass_hold_what_is_mapped(tables: Any) -> None:
    owner = registry()

    @owner.mapped
    @dataclasses.dataclass
    class Author:
        __tablename__ = "author"
        __sa_dataclass_metadata_key__ = "sa"
        id: int = dataclasses.field(init=False, metadata={"sa": Column(Integer, primary_key=True)})
        name: str | None = dataclasses.field(default=None, metadata={"sa": Column(String(20))})
        books: list[Book] = dataclasses.field(
            default_factory=list, metadata={"sa": relationship("Book")}
        )
        aside: int = 0

    @owner.mapped
    @dataclasses.dataclass
    class Book:
        __tablename__ = "book"
        __sa_dataclass_metadata_key__ = "sa"
        id: int = dataclasses.field(init=False, metadata={"sa": Column(Integer, primary_key=True)})
        author_id: int = dataclasses.field(
            init=False, metadata={"sa": Column(ForeignKey("author.id"))}
        )

    with Session(tables(owner.metadata)) as session:
        session.add(Author("x", [Book()]))
        session.commit()

        found = session.scalars(select(Author)).one()
        assert (found.id, found.name, len(found.books)) == (1, "x", 1)
        assert set(inspect(Author).attrs.keys()) == {"id", "name", "books"}
