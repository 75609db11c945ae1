"""Names in strings: which class, table or column they stand for, and what is said of others."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, exc, inspect

from holdfast import Mapped, configure_mappers, mapped_column, registry, relationship


def declare(owner: registry, name: str, module: str = "library.books", **members: Any) -> Any:
    """A mapped class of that name, as if it had been written in that module."""
    table = f"{module}.{name}".replace(".", "_").lower()
    return owner.mapped(
        type(
            name,
            (),
            {
                "__tablename__": table,
                "__module__": module,
                "id": mapped_column(Integer, primary_key=True),
                **members,
            },
        )
    )


@pytest.fixture
def owner() -> Any:
    owner = registry()
    yield owner
    owner.dispose()


@pytest.mark.rule("MP-10")
def test_class_of_the_same_name_and_module_warns_and_takes_its_place(owner: registry) -> None:
    declare(owner, "Book")

    with pytest.warns(exc.SAWarning, match="same class name and module name as library.books.Book"):
        later = declare(owner, "Book", __tablename__="second")
    page = declare(
        owner, "Page", book_id=mapped_column(ForeignKey("second.id")), book=relationship("Book")
    )

    assert inspect(page).relationships.book.mapper is inspect(later)


@pytest.mark.rule("MP-10")
@pytest.mark.parametrize("path", ["music.books.Book", "library.books.Book"])
def test_path_of_modules_tells_classes_of_one_name_apart(owner: registry, path: str) -> None:
    books = {
        "library.books.Book": declare(owner, "Book"),
        "music.books.Book": declare(owner, "Book", module="music.books"),
    }
    page = declare(
        owner,
        "Page",
        book_id=mapped_column(ForeignKey(books[path].id)),
        by_name=relationship(path),
        by_expression=relationship(path, primaryjoin=f"Page.book_id == {path}.id", viewonly=True),
    )

    found = inspect(page).relationships
    assert found.by_name.mapper is found.by_expression.mapper is inspect(books[path])


@pytest.mark.rule("MP-10")
@pytest.mark.parametrize(
    ("path", "module"), [("Book", "music.songs"), ("books.Book", "music.books")]
)
def test_ambiguous_name_is_refused_at_configuration_and_not_before(
    owner: registry, path: str, module: str
) -> None:
    declare(owner, "Book")
    declare(owner, "Book", module=module)
    declare(owner, "Page", book=relationship(path))

    with pytest.raises(
        exc.InvalidRequestError, match=f'Multiple classes found for path "{path}"'
    ) as info:
        configure_mappers()

    assert "They are library.books.Book and music." in str(info.value)


@pytest.mark.parametrize("name", ["Boook", "library.Book", "library.books.Nobody", "nowhere.Book"])
def test_unknown_name_is_refused_and_the_names_that_exist_are_told(
    owner: registry, name: str
) -> None:
    declare(owner, "Book")
    declare(owner, "Author")
    declare(owner, "Page", book=relationship(name))

    with pytest.raises(exc.InvalidRequestError, match="failed to locate a name") as info:
        configure_mappers()

    assert f"expression '{name}'" in str(info.value)
    for known in ("Book", "Author", "Page", "library_books_book"):
        assert known in str(info.value)


def test_names_that_begin_alike_are_told_first_when_there_are_many(owner: registry) -> None:
    for number in range(30):
        declare(owner, f"A{number}")
    declare(owner, "Book")
    declare(owner, "Page", book=relationship("Bok"))

    with pytest.raises(exc.InvalidRequestError, match=r"There are Book, A0, A1.* and more\."):
        configure_mappers()


def test_unknown_class_of_a_module_is_refused_with_those_that_it_has(owner: registry) -> None:
    declare(owner, "Book")
    declare(owner, "Page", book=relationship("Book", primaryjoin="library.books.Bok.id == 1"))

    with pytest.raises(exc.InvalidRequestError, match=r"locate a name \('Bok'\)") as info:
        configure_mappers()

    assert "only Book and Page" in str(info.value.__cause__)


def test_unknown_column_is_refused_with_those_that_exist(owner: registry) -> None:
    declare(owner, "Book", title=mapped_column(Integer))
    declare(owner, "Page", book=relationship("Book", primaryjoin="Page.id == Book.titel"))

    with pytest.raises(AttributeError, match=r"column named 'titel'\. There are title and id"):
        configure_mappers()


def test_collection_in_a_string_is_refused(owner: registry) -> None:
    declare(owner, "Book", pages=relationship("list['Page']"))
    declare(owner, "Page", book_id=mapped_column(ForeignKey("library_books_book.id")))

    with pytest.raises(exc.InvalidRequestError, match=r"pages: Mapped\[list\['Page'\]\]"):
        configure_mappers()


def test_strings_name_tables_and_columns_of_schemas_too() -> None:
    owner = registry(metadata=MetaData(schema="shop"))
    link = Table("link", owner.metadata, Column("book_id", Integer), Column("tag_id", Integer))

    @owner.mapped
    class Tag:
        __tablename__ = "tag"
        id: Mapped[int] = mapped_column(primary_key=True)

    @owner.mapped
    class Book:
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        tags = relationship(
            "Tag",
            secondary="shop.link",
            primaryjoin="Book.id == foreign(shop.link.c.book_id)",
            secondaryjoin="foreign(shop.link.c.tag_id) == Tag.id",
        )

    found = inspect(Book).relationships.tags
    assert found.secondary is link
    assert found.mapper is inspect(Tag)
    owner.dispose()


def test_callable_is_asked_when_classes_are_configured(owner: registry) -> None:
    page = declare(
        owner,
        "Page",
        book_id=mapped_column(Integer),
        book=relationship(
            lambda: book, primaryjoin=lambda: book.id == page.book_id, foreign_keys="Page.book_id"
        ),
    )
    book = declare(owner, "Book")

    assert inspect(page).relationships.book.mapper is inspect(book)
