"""A relationship that cannot find its join says which, why, and what to write."""

import pytest
from sqlalchemy import ForeignKey, exc, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    configure_mappers,
    mapped_column,
    relationship,
)


def declare_pair(keys):
    """Parent and child with a relationship, and `keys` foreign keys between them."""

    class Base(DeclarativeBase):
        pass

    class Parent(Base):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)
        children = relationship("Child")

    class Child(Base):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)
        if keys:
            one_id = mapped_column(ForeignKey("parent.id"))
        if keys > 1:
            two_id = mapped_column(ForeignKey("parent.id"))

    return Base, Parent


@pytest.fixture
def declare():
    """Makes such a pair; its registry is dropped afterwards, so that it fails no other test."""
    bases = []

    def make(keys):
        pair = declare_pair(keys)
        bases.append(pair[0])
        return pair

    yield make
    for base in bases:
        base.registry.dispose()


def test_without_foreign_key_the_tables_cannot_be_joined(declare):
    declare(0)

    with pytest.raises(exc.NoForeignKeysError, match=r"on relationship Parent\.children") as caught:
        configure_mappers()

    assert "no foreign keys linking these tables" in str(caught.value)
    assert "specify a 'primaryjoin' expression" in str(caught.value)


def test_with_two_foreign_keys_the_join_is_ambiguous(declare):
    declare(2)

    with pytest.raises(exc.AmbiguousForeignKeysError, match=r"Parent\.children") as caught:
        configure_mappers()

    assert "one_id" in str(caught.value)
    assert "two_id" in str(caught.value)
    assert "foreign_keys" in str(caught.value)


@pytest.mark.parametrize(
    "use",
    [
        lambda session, cls: cls(),
        lambda session, cls: session.scalars(select(cls)).all(),
        lambda session, cls: session.get(cls, 1),
    ],
)
def test_later_use_of_the_class_names_the_first_failure(engine, declare, use):
    _, cls = declare(0)
    with pytest.raises(exc.NoForeignKeysError):
        configure_mappers()

    with (
        Session(engine) as session,
        pytest.raises(
            exc.InvalidRequestError, match="One or more mappers failed to initialize"
        ) as caught,
    ):
        use(session, cls)

    assert "on relationship Parent.children" in str(caught.value)


def test_another_registry_is_not_harmed(engine, declare):
    declare(0)
    with pytest.raises(exc.NoForeignKeysError):
        configure_mappers()
    base, cls = declare(1)
    base.metadata.create_all(engine)

    with Session(engine) as session:
        session.add(cls(id=1))
        session.commit()
        assert session.get(cls, 1).children == []
