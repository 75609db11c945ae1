# ruff: noqa: UP006, UP035, UP045 - annotations as users write them
"""Declaring classes: what maps, in which order, and what is refused."""

from typing import Annotated, ClassVar, List, Optional, Set

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    exc,
    func,
    inspect,
    select,
)

from holdfast import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapped,
    Session,
    Unmapped,
    add_mapped_attribute,
    as_declarative,
    column_property,
    configure_mappers,
    declarative_base,
    deferred,
    mapped_column,
    registry,
    relationship,
    synonym,
    unmapped_column,
)
from holdfast.errors.declarative import (
    DeclarationArgumentError,
    DeclarationError,
    MappedAnnotationError,
    UnmappingError,
)

Key = Annotated[int, mapped_column(primary_key=True)]
Short = Annotated[str, 30]
Code = Annotated[str, mapped_column(String(8), unique=True)]


@pytest.fixture
def base():
    class Base(DeclarativeBase):
        type_annotation_map: ClassVar = {Short: String(30)}

    yield Base
    Base.registry.dispose()


# -- styles --------------------------------------------------------------------------------------


@pytest.mark.rule("MP-20", "MP-24")
@pytest.mark.parametrize("kind", [DeclarativeBase, DeclarativeBaseNoMeta])
def test_subclass_of_a_base_is_mapped_when_it_is_made(kind):
    class Base(kind):
        pass

    class Author(Base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    ready = Table("book", Base.metadata, Column("id", Integer, primary_key=True))

    class Book(Base):
        __table__ = ready

    assert inspect(Author).local_table is Author.__table__
    assert Author.__table__.metadata is Base.metadata is Base.registry.metadata
    assert inspect(Book).local_table is Book.__table__ is ready
    assert Author.__mapper__ is inspect(Author)


@pytest.mark.rule("MP-36")
def test_base_without_metaclass_leaves_room_for_another_one(tables):
    class Counting(type):
        made = 0

        def __call__(cls, *args, **kw):
            Counting.made += 1
            return super().__call__(*args, **kw)

    class Base(DeclarativeBaseNoMeta):
        pass

    class Author(Base, metaclass=Counting):
        __tablename__ = "author"
        id: Mapped[Key]
        books: Mapped[List["Book"]] = relationship(back_populates="author")

    class Book(Base):
        __tablename__ = "book"
        id: Mapped[Key]
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
        author: Mapped[Author] = relationship(back_populates="books")

    assert (type(Base), type(Book), type(Author)) == (type, type, Counting)
    Book.title = mapped_column(String(9))
    assert "title" not in inspect(Book).attrs
    add_mapped_attribute(Book, "name", mapped_column(String(9)))
    with Session(tables(Base.metadata)) as session:
        session.add(Author(id=1, books=[Book(id=2, name="x")]))
        session.commit()
        assert session.get(Book, 2).author.books[0].name == "x"
    assert Counting.made == 1


def test_other_styles_map_alike():
    owner = registry()

    @owner.mapped
    class Author:
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    @as_declarative()
    class Base:
        pass

    class Book(Base):
        __tablename__ = "book"
        id = Column(Integer, primary_key=True)

    class Tag(declarative_base()):
        __tablename__ = "tag"
        id = Column(Integer, primary_key=True)

    assert Author in {mapper.class_ for mapper in owner.mappers}
    assert [Author(id=1).id, Book(id=2).id, Tag(id=3).id] == [1, 2, 3]


@pytest.mark.rule("MP-24")
def test_base_may_bring_its_metadata_and_registry():
    shared = MetaData()
    owner = registry()

    class One(DeclarativeBase):
        metadata = MetaData(schema="s")

    class Two(DeclarativeBase):
        registry = owner

    class Settings:
        metadata = shared
        type_annotation_map: ClassVar = {str: String(7)}

    class Three(Settings, DeclarativeBase):
        pass

    class Author(Three):
        __tablename__ = "author"
        name: Mapped[str] = mapped_column(primary_key=True)

    assert One.metadata is One.registry.metadata is not shared
    assert Two.registry is owner
    assert Author.__table__.metadata is Three.metadata is shared
    assert Author.__table__.c.name.type.length == 7


def test_base_with_registry_and_type_map_is_refused():
    with pytest.raises(DeclarationError, match="Per-base type_annotation_maps"):

        class Base(DeclarativeBase):
            registry = registry()
            type_annotation_map: ClassVar = {int: BigInteger}


def test_declarative_base_itself_is_no_base_of_mapped_classes():
    with pytest.raises(DeclarationError, match="Cannot use 'DeclarativeBase' directly"):

        class Author(DeclarativeBase):
            __tablename__ = "author"
            id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.rule("MP-21")
def test_class_without_table_is_refused(base):
    with pytest.raises(DeclarationError, match="does not have a __table__ or __tablename__"):

        class Author(base):
            id: Mapped[int] = mapped_column(primary_key=True)

    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Boss(Person):
        pass

    assert inspect(Boss).local_table is Person.__table__


@pytest.mark.rule("MP-23")
def test_table_without_primary_key_is_refused(base):
    with pytest.raises(exc.ArgumentError, match="could not assemble any primary key columns"):

        class Author(base):
            __tablename__ = "author"
            name: Mapped[str]

    assert base.registry.mappers == frozenset()


@pytest.mark.rule("MP-22")
def test_abstract_class_is_not_mapped_and_hands_on_its_attributes(base):
    class Named(base):
        __abstract__ = True
        name: Mapped[str]

    class Author(Named):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert "__mapper__" not in Named.__dict__
    assert Author.__table__.c.keys() == ["id", "name"]


# -- columns -------------------------------------------------------------------------------------


@pytest.mark.rule("MP-50")
def test_annotations_say_type_and_nullability(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        name: Mapped[str]
        email: Mapped[Optional[str]]
        nick: Mapped[str | None] = mapped_column(String(10))
        short: Mapped[Short]
        forced: Mapped[Optional[int]] = mapped_column(nullable=False)
        big: Mapped[int] = mapped_column(BigInteger)

    columns = Author.__table__.c
    assert [(c.name, c.nullable) for c in columns] == [
        ("id", False),
        ("name", False),
        ("email", True),
        ("nick", True),
        ("short", False),
        ("forced", False),
        ("big", False),
    ]
    assert (columns.short.type.length, columns.nick.type.length) == (30, 10)
    assert isinstance(columns.big.type, BigInteger)


@pytest.mark.rule("MP-54")
def test_annotated_column_options_serve_many_classes(base):
    class One(base):
        __tablename__ = "one"
        id: Mapped[Key]
        code: Mapped[Code]

    class Two(base):
        __tablename__ = "two"
        id: Mapped[Key]
        code: Mapped[Optional[Code]] = mapped_column(String(9))

    assert One.__table__.c.code is not Two.__table__.c.code
    assert (One.__table__.c.code.type.length, Two.__table__.c.code.type.length) == (8, 9)
    assert (One.__table__.c.code.unique, Two.__table__.c.code.nullable) == (True, True)


@pytest.mark.rule("MP-57")
def test_columns_of_the_class_come_before_those_of_mixins(base):
    class Mixin:
        a: Mapped[int]
        b: Mapped[int] = mapped_column()
        first: Mapped[int] = mapped_column(sort_order=-1)

    class Author(Mixin, base):
        __tablename__ = "author"
        id: Mapped[Key]
        name: Mapped[str]

    assert Author.__table__.c.keys() == ["first", "id", "name", "a", "b"]


@pytest.mark.rule("MP-56")
def test_column_may_have_another_name_than_its_attribute(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        name: Mapped[str] = mapped_column("the_name")

    assert Author.__table__.c.keys() == ["id", "the_name"]
    assert inspect(Author).attrs.name.columns == [Author.__table__.c.the_name]
    assert select(Author).subquery().c.keys() == ["id", "the_name"]
    assert select(Author.id, Author.name).subquery().c.keys() == ["id", "name"]


@pytest.mark.rule("MP-58")
def test_unmapped_column_is_in_the_table_only(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        note: Unmapped[Optional[str]]
        mark: Unmapped[int] = unmapped_column(server_default="5")

    assert Author.__table__.c.keys() == ["id", "note", "mark"]
    assert inspect(Author).attrs.keys() == ["id"]
    assert not hasattr(Author, "note")


@pytest.mark.rule("MP-27")
def test_table_arguments_are_a_tuple_a_dictionary_or_both(base):
    class Author(base):
        __tablename__ = "author"
        __table_args__ = (UniqueConstraint("name"), {"info": {"a": 1}})
        id: Mapped[Key]
        name: Mapped[str]

    class Letter(base):
        __tablename__ = "letter"
        __table_args__ = (UniqueConstraint("name"),)
        id: Mapped[Key]
        name: Mapped[str]

    class Tag(base):
        __tablename__ = "tag"
        __table_args__: ClassVar = {"schema": "shop"}
        id: Mapped[Key]

    assert Author.__table__.info == {"a": 1}
    assert Tag.__table__.fullname == "shop.tag"
    for cls in (Author, Letter):
        assert any(type(each) is UniqueConstraint for each in cls.__table__.constraints)

    with pytest.raises(DeclarationArgumentError, match="must be a tuple, dict, or None"):

        class Book(base):
            __tablename__ = "book"
            __table_args__ = UniqueConstraint("id")
            id: Mapped[Key]


def test_ready_table_takes_no_further_columns(base):
    table = Table("author", base.metadata, Column("id", Integer, primary_key=True))

    with pytest.raises(DeclarationArgumentError, match="Can't add additional column 'name'"):

        class Author(base):
            __table__ = table
            name = Column(String)


@pytest.mark.rule("MP-26")
def test_two_classes_with_one_table_name_are_refused(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]

    with pytest.raises(exc.InvalidRequestError, match="already defined for this MetaData"):

        class Writer(base):
            __tablename__ = "author"
            id: Mapped[Key]


@pytest.mark.rule("MP-59")
def test_column_named_by_two_attributes_warns(base):
    with (
        pytest.warns(exc.SAWarning, match="named directly multiple times"),
        pytest.raises(exc.DuplicateColumnError),
    ):

        class Author(base):
            __tablename__ = "author"
            id: Mapped[Key]
            a = Column("name", String)
            b = Column("name", String)


@pytest.mark.rule("MP-25")
@pytest.mark.parametrize("name", ["metadata", "registry"])
def test_reserved_names_warn(base, name):
    members = {
        "__tablename__": "author",
        "id": Column(Integer, primary_key=True),
        name: Column(name, Integer),
    }

    with pytest.warns(exc.SAWarning, match="should be left reserved"):
        type("Author", (base,), members)


# -- annotations that are refused ----------------------------------------------------------------


@pytest.mark.rule("MP-55")
def test_annotation_without_mapped_is_refused_by_name(base):
    with pytest.raises(MappedAnnotationError, match=r'Type annotation for "Author\.name"') as info:

        class Author(base):
            __tablename__ = "author"
            id: Mapped[Key]
            name: str

    assert info.value.attribute == "Author.name"


@pytest.mark.rule("MP-55")
def test_class_variables_plain_values_and_unmapped_classes_are_left_alone(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        kind: ClassVar[str]
        size: int = 5

    class Book(base):
        __tablename__ = "book"
        __allow_unmapped__ = True
        id: Mapped[Key]
        name: str

    assert inspect(Author).attrs.keys() == inspect(Book).attrs.keys() == ["id"]


@pytest.mark.rule("MP-55")
def test_unknown_type_is_refused(base):
    with pytest.raises(MappedAnnotationError, match="Could not locate SQLAlchemy Core type"):

        class Author(base):
            __tablename__ = "author"
            id: Mapped[Key]
            thing: Mapped[dict[str, int]]


def test_unknown_name_is_refused(base):
    with pytest.raises(MappedAnnotationError, match="Could not resolve all types"):

        class Author(base):
            __tablename__ = "author"
            id: Mapped[Key]
            name: Mapped["Unheard"]  # noqa: F821


def test_mapped_column_without_type_needs_an_annotation(base):
    with pytest.raises(DeclarationArgumentError, match=r'required for attribute "Author\.name"'):

        class Author(base):
            __tablename__ = "author"
            id: Mapped[Key]
            name = mapped_column()


# -- relationships -------------------------------------------------------------------------------


@pytest.mark.rule("MP-60")
def test_annotation_gives_target_and_kind_of_a_relationship(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        books: Mapped[List["Book"]] = relationship(back_populates="author")
        book_set: Mapped[Set["Book"]] = relationship(viewonly=True)
        one_book: Mapped[Optional["Book"]] = relationship(viewonly=True)

    class Book(base):
        __tablename__ = "book"
        id: Mapped[Key]
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
        author: Mapped[Author] = relationship(back_populates="books")

    configure_mappers()
    found = inspect(Author).relationships
    assert (found.books.uselist, found.books.collection_class) == (True, list)
    assert (found.book_set.uselist, found.book_set.collection_class) == (True, set)
    assert found.one_book.uselist is False
    assert inspect(Book).relationships.author.mapper is inspect(Author)


def test_relationship_without_target_is_refused(base):
    with pytest.raises(DeclarationArgumentError, match='"Relationship" construct'):

        class Author(base):
            __tablename__ = "author"
            id: Mapped[Key]
            books = relationship()


# -- later ---------------------------------------------------------------------------------------


@pytest.mark.rule("MP-31")
def test_attributes_assigned_later_are_mapped(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]

    Author.name = mapped_column(String(7))
    Author.long = deferred(Column(String))
    Author.title = synonym("name")
    Author.hidden = unmapped_column(Integer)

    Author.other_id = mapped_column(ForeignKey("author.id"))
    Author.other = relationship("Author", remote_side=Author.id)
    Author.shout = column_property(func.upper(Author.name))

    assert Author.__table__.c.keys() == ["id", "name", "long", "hidden", "other_id"]
    assert set(inspect(Author).attrs.keys()) == {
        "id", "name", "long", "title", "other_id", "other", "shout",
    }  # fmt: skip
    assert Author(other=Author(name="y")).other.name == "y"
    assert Author(name="x").title == "x"


@pytest.mark.rule("MP-32")
def test_mapped_attribute_cannot_be_deleted(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        plain = 5

    del Author.plain

    with pytest.raises(UnmappingError, match="Can't un-map"):
        del Author.id


@pytest.mark.rule("MP-33")
def test_hooks_of_classes_run_before_and_after_configuration(base):
    calls = []

    class Hooked:
        @classmethod
        def __declare_first__(cls):
            calls.append(("first", cls.__name__, inspect(cls).configured))

        @classmethod
        def __declare_last__(cls):
            calls.append(("last", cls.__name__, inspect(cls).configured))

    class Author(Hooked, base):
        __tablename__ = "author"
        id: Mapped[Key]

    class Book(Hooked, base):
        __tablename__ = "book"
        id: Mapped[Key]

    base.registry.configure()
    assert calls == [
        ("first", "Author", False),
        ("first", "Book", False),
        ("last", "Author", True),
        ("last", "Book", True),
    ]
    base.registry.configure()
    assert len(calls) == 4


@pytest.mark.rule("MP-34")
def test_default_constructor_takes_names_of_attributes(base):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        name: Mapped[str] = mapped_column("the_name")
        plain = None

        @property
        def shout(self):
            return self.name.upper()

        @shout.setter
        def shout(self, value):
            self.name = value.lower()

    assert (Author(name="x", plain=5).name, Author(plain=5).plain) == ("x", 5)
    assert Author(shout="X").name == "x"
    for other in ("the_name", "anything"):
        with pytest.raises(TypeError, match=f"'{other}' is an invalid keyword argument for Author"):
            Author(**{other: 1})


def test_relationship_in_place_of_an_inherited_column_is_refused(base):
    class Person(base):
        __tablename__ = "person"
        id: Mapped[Key]
        other: Mapped[Optional[int]] = mapped_column("other_id", ForeignKey("person.id"))

    with pytest.raises(exc.ArgumentError, match="column 'other_id' conflicts with property"):

        class Boss(Person):
            other = relationship("Person")
