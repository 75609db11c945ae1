"""Classes that are completed from the database."""

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, inspect, select

from holdfast import (
    DeclarativeBase,
    DeferredReflection,
    Mapped,
    Session,
    mapped_column,
    relationship,
)
from holdfast.exc import UnmappedClassError


@pytest.fixture
def prepared(engine):
    there = MetaData()
    Table("author", there, Column("id", Integer, primary_key=True), Column("name", String))
    key = Column("author_id", ForeignKey("author.id"))
    Table("book", there, Column("id", Integer, primary_key=True), key)
    there.create_all(engine)

    class Base(DeclarativeBase):
        pass

    class Reflected(DeferredReflection, Base):
        __abstract__ = True

    class Author(Reflected):
        __tablename__ = "author"
        called: Mapped[str] = mapped_column("name")
        books = relationship("Book", back_populates="author")

    class Book(Reflected):
        __tablename__ = "book"
        author = relationship("Author", back_populates="books")

    with pytest.raises(UnmappedClassError, match="has a deferred mapping on it"):
        select(Author)
    Reflected.prepare(engine)
    yield Author, Book
    Base.registry.dispose()


@pytest.mark.rule("MP-35")
def test_columns_of_the_database_are_mapped_beside_those_of_the_class(prepared):
    author, book = prepared

    assert set(inspect(author).column_attrs.keys()) == {"id", "called"}
    assert set(inspect(book).column_attrs.keys()) == {"id", "author_id"}


def test_prepared_classes_are_stored(prepared, engine):
    author, book = prepared

    with Session(engine) as session:
        session.add(author(called="x", books=[book()]))
        session.commit()

        assert session.get(book, 1).author.called == "x"


@pytest.mark.rule("MP-35")
def test_class_is_mapped_to_a_table_that_was_reflected(engine):
    there = MetaData()
    Table("author", there, Column("id", Integer, primary_key=True), Column("name", String(20)))
    there.create_all(engine)

    class Base(DeclarativeBase):
        pass

    class Author(Base):
        __table__ = Table("author", Base.metadata, autoload_with=engine)

    with Session(engine) as session:
        session.add(Author(name="x"))
        session.commit()
        assert session.scalars(select(Author.name)).all() == ["x"]


@pytest.mark.rule("MP-35")
def test_association_tables_and_inheritance_are_completed_too(engine):
    there = MetaData()
    key = Column("id", ForeignKey("author.id"), primary_key=True)
    Table("author", there, Column("id", Integer, primary_key=True), Column("kind", String(9)))
    Table("poet", there, key, Column("verse", String(9)))
    Table("tag", there, Column("id", Integer, primary_key=True))
    links = [Column("author_id", ForeignKey("author.id")), Column("tag_id", ForeignKey("tag.id"))]
    Table("author_tag", there, *links)
    there.create_all(engine)

    class Base(DeferredReflection, DeclarativeBase):
        pass

    class Author(Base):
        __tablename__ = "author"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "author"}
        tags = relationship("Tag", secondary="author_tag")

    class Poet(Author):
        __tablename__ = "poet"
        __mapper_args__ = {"polymorphic_identity": "poet"}

    class Tag(Base):
        __tablename__ = "tag"

    Base.prepare(engine)

    with Session(engine) as session:
        session.add(Poet(verse="x", tags=[Tag()]))
        session.commit()
        found = session.scalars(select(Author)).one()
        assert (type(found), found.verse, len(found.tags)) == (Poet, "x", 1)
    Base.registry.dispose()
