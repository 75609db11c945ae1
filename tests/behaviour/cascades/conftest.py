"""Small models with a relationship as each test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, String, Table, func, select

from holdfast import DeclarativeBase, Session, backref, relationship
from holdfast.attributes import set_committed_value


class Family(NamedTuple):
    """A parent class with `children`, and the child class with `parent` where asked for."""

    parent: type[Any]
    child: type[Any]


class Tagging(NamedTuple):
    """A class with `tags`, the class of the tags with `posts` where asked for, the association."""

    post: type[Any]
    tag: type[Any]
    links: Table


def new_base() -> Any:
    class Base(DeclarativeBase):
        pass

    return Base


@pytest.fixture
def family(tables: Callable[[MetaData], Engine]) -> Iterator[Callable[..., Family]]:
    """Make a one-to-many relationship."""
    bases = []

    def make(
        *,
        back: dict[str, Any] | None = None,
        nullable: bool = True,
        ondelete: str | None = None,
        **options: Any,
    ) -> Family:
        base = new_base()
        bases.append(base)

        class Parent(base):
            __tablename__ = "parent"

            id = Column(Integer, primary_key=True)
            name = Column(String(20))
            children = relationship(
                "Child",
                backref=None if back is None else backref("parent", **back),
                order_by="Child.id",
                **options,
            )

        class Child(base):
            __tablename__ = "child"

            id = Column(Integer, primary_key=True)
            name = Column(String(20))
            parent_id = Column(ForeignKey("parent.id", ondelete=ondelete), nullable=nullable)

        tables(base.metadata)
        base.registry.configure()
        return Family(Parent, Child)

    yield make
    for each in bases:
        each.registry.dispose()


@pytest.fixture
def reference(tables: Callable[[MetaData], Engine]) -> Iterator[Callable[..., Family]]:
    """Make a many-to-one relationship `Child.parent`."""
    bases = []

    def make(*, back: dict[str, Any] | None = None, **options: Any) -> Family:
        base = new_base()
        bases.append(base)

        class Parent(base):
            __tablename__ = "parent"

            id = Column(Integer, primary_key=True)
            name = Column(String(20))

        class Child(base):
            __tablename__ = "child"

            id = Column(Integer, primary_key=True)
            name = Column(String(20))
            parent_id = Column(ForeignKey("parent.id"))
            parent = relationship(
                Parent, backref=None if back is None else backref("children", **back), **options
            )

        tables(base.metadata)
        base.registry.configure()
        return Family(Parent, Child)

    yield make
    for each in bases:
        each.registry.dispose()


@pytest.fixture
def tagging(tables: Callable[[MetaData], Engine]) -> Iterator[Callable[..., Tagging]]:
    """Make a many-to-many relationship `Post.tags`."""
    bases = []

    def make(
        *, back: dict[str, Any] | None = None, ondelete: str | None = None, **options: Any
    ) -> Tagging:
        base = new_base()
        bases.append(base)
        links = Table(
            "post_tag",
            base.metadata,
            Column("post_id", ForeignKey("post.id", ondelete=ondelete), primary_key=True),
            Column("tag_id", ForeignKey("tag.id", ondelete=ondelete), primary_key=True),
        )

        class Post(base):
            __tablename__ = "post"

            id = Column(Integer, primary_key=True)
            name = Column(String(20))
            tags = relationship(
                "Tag",
                secondary=links,
                backref=None if back is None else backref("posts", **back),
                **options,
            )

        class Tag(base):
            __tablename__ = "tag"

            id = Column(Integer, primary_key=True)
            name = Column(String(20))

        tables(base.metadata)
        base.registry.configure()
        return Tagging(Post, Tag, links)

    yield make
    for each in bases:
        each.registry.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session that keeps values at commit, so that a test says itself when to load."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def count(session: Session) -> Callable[[Any], int]:
    """Count the rows of a class or table, without a flush."""

    def count(entity: Any) -> int:
        table = getattr(entity, "__table__", entity)
        with session.no_autoflush:
            number = session.scalar(select(func.count()).select_from(table))
        assert number is not None
        return number

    return count


@pytest.fixture
def saved(session: Session) -> Callable[..., Any]:
    """Save a parent with some children, whose back references are as loaded."""

    def save(family: Family, children: int = 2, *, unload: bool = False) -> Any:
        parent = family.parent(name="p")
        parent.children = [family.child(name=f"c{number}") for number in range(children)]
        session.add_all([parent, *parent.children])
        session.commit()
        if hasattr(family.child, "parent"):
            for child in parent.children:
                set_committed_value(child, "parent", parent)
        if unload:
            session.expire(parent, ["children"])
        return parent

    return save
