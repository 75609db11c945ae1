"""Threads that declare, configure and use classes at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import ForeignKey, event, inspect, select

from holdfast import Mapped, Mapper, configure_mappers, declared_attr, mapped_column, registry
from holdfast import relationship as make_relationship


def run_together(*actions: Callable[[], object]) -> None:
    """Run each in a thread of its own, all at once, and raise what one of them raised."""
    barrier = threading.Barrier(len(actions))
    failures: list[BaseException] = []

    def run(action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            action()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(each,)) for each in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def model(owner: registry) -> tuple[Any, Any]:
    @owner.mapped
    class Author:
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        books = make_relationship("Book", back_populates="author")

    @owner.mapped
    class Book:
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
        author = make_relationship("Author", back_populates="books")

    return Author, Book


@pytest.mark.rule("MP-5")
def test_threads_that_use_classes_for_the_first_time_configure_them_once() -> None:
    owner = registry()
    author, book = model(owner)
    configured = []

    @event.listens_for(Mapper, "mapper_configured")
    def note(mapper: Any, class_: type[Any]) -> None:
        time.sleep(0.01)
        if mapper.registry is owner:
            configured.append(class_)

    try:
        run_together(
            *[lambda: author(books=[book()])] * 3,
            lambda: str(select(author).join(author.books)),
            lambda: inspect(book).relationships.author.mapper,
            configure_mappers,
        )
    finally:
        event.remove(Mapper, "mapper_configured", note)
        owner.dispose()

    assert sorted(each.__name__ for each in configured) == ["Author", "Book"]


@pytest.mark.rule("MP-5")
def test_class_that_is_being_declared_is_not_configured_half_done() -> None:
    for _ in range(20):
        owner = registry()
        base = owner.generate_base()

        class Slow:
            @declared_attr
            def name(cls) -> Mapped[str]:
                time.sleep(0.001)
                return mapped_column()

        class Author(base):
            __tablename__ = "author"
            id: Mapped[int] = mapped_column(primary_key=True)

        kept: list[Any] = []

        def declare(base: Any = base, mixin: Any = Slow, kept: Any = kept) -> None:
            class Book(mixin, base):
                __tablename__ = "book"
                id: Mapped[int] = mapped_column(primary_key=True)
                author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
                author: Mapped[Any] = make_relationship("Author")

            kept.append(Book)

        run_together(declare, owner.configure, Author, owner.configure)

        (book,) = kept
        assert book(author=Author()).author is not None
        assert inspect(book).configured
        owner.dispose()
