"""`Mapped[...]` in all its forms: which column or relationship follows from it."""

from __future__ import annotations

import datetime
import decimal
import enum
import typing  # noqa: F401 - named in texts
import uuid
from typing import Annotated, Any, Dict, Generic, List, Literal, NewType, Optional, TypeVar  # noqa: UP035

import pytest
import sqlalchemy as sa
from sqlalchemy import ForeignKey, inspect
from typing_extensions import TypeAliasType

from holdfast import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    MappedCollection,
    WriteOnlyMapped,
    attribute_keyed_dict,
    mapped_column,
    relationship,
)
from holdfast.errors.declarative import MappedAnnotationError

Key = Annotated[int, mapped_column(primary_key=True)]
Stamp = Annotated[
    datetime.datetime,
    mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now(), index=True, sort_order=5
    ),
]
Code = NewType("Code", str)
Title = TypeAliasType("Title", str)
MaybeTitle = TypeAliasType("MaybeTitle", str | None)
Short = TypeAliasType("Short", Annotated[str, mapped_column(sa.String(9))])
Number = TypeAliasType("Number", int | decimal.Decimal)
T = TypeVar("T")


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@pytest.fixture
def base() -> Any:
    class Base(DeclarativeBase):
        pass

    yield Base
    Base.registry.dispose()


def column(base: Any, annotation: Any, value: Any = None, **members: Any) -> Any:
    """The column of a class with one attribute of that annotation."""
    if value is not None:
        members["it"] = value
    annotations = {"id": Mapped[Key], "it": annotation}
    made = type(
        "Thing",
        (base,),
        {
            "__tablename__": "thing",
            "__annotations__": annotations,
            "__module__": __name__,
            **members,
        },
    )
    return made.__table__.c[inspect(made).attrs.it.columns[0].key]


# -- types ---------------------------------------------------------------------------------------


@pytest.mark.rule("MP-50", "MP-53")
@pytest.mark.parametrize(
    ("python_type", "sql_type"),
    [
        (bool, sa.Boolean),
        (bytes, sa.LargeBinary),
        (int, sa.Integer),
        (float, sa.Float),
        (str, sa.String),
        (decimal.Decimal, sa.Numeric),
        (datetime.date, sa.Date),
        (datetime.datetime, sa.DateTime),
        (datetime.time, sa.Time),
        (datetime.timedelta, sa.Interval),
        (uuid.UUID, sa.Uuid),
        (Colour, sa.Enum),
        (Literal["a", "bb"], sa.Enum),
    ],
    ids=str,
)
@pytest.mark.parametrize("optional", [False, True])
def test_type_of_a_column_follows_from_its_python_type(
    base: Any,
    python_type: Any,
    sql_type: Any,
    optional: bool,
) -> None:
    found = column(base, Mapped[Optional[python_type]] if optional else Mapped[python_type])  # noqa: UP045

    assert isinstance(found.type, sql_type)
    assert found.nullable is optional


@pytest.mark.rule("MP-53")
def test_enumerations_and_literals_have_their_names_as_values(base: Any) -> None:
    class Thing(base):
        __tablename__ = "thing"
        id: Mapped[Key]
        colour: Mapped[Colour]
        size: Mapped[Literal["small", "big"] | None]

    columns = Thing.__table__.c
    assert columns.colour.type.enums == ["RED", "BLUE"]
    assert columns.colour.type.python_type is Colour
    assert (columns.size.type.enums, columns.size.type.native_enum) == (["small", "big"], False)
    assert columns.size.nullable is True


@pytest.mark.rule("MP-50", "MP-61")
@pytest.mark.parametrize(
    ("annotation", "nullable"),
    [
        ("Mapped[str]", False),
        ("Mapped[str | None]", True),
        ("Mapped[Optional[str]]", True),
        ("Mapped[typing.Union[str, None]]", True),
        ("Mapped[typing.Union['str', None]]", True),
        ("Mapped['str | None']", True),
        ("Mapped[Optional['str']]", True),
        ("Mapped[Title]", False),
        ("Mapped[Title | None]", True),
        ("Mapped[MaybeTitle]", True),
        ("Mapped[Annotated[str, 'note']]", False),
        ("Mapped[Annotated[Optional[str], 'note']]", True),
    ],
)
def test_annotation_as_text_says_the_same_as_evaluated(
    base: Any,
    annotation: str,
    nullable: bool,
) -> None:
    for form in (annotation, eval(annotation)):
        found = column(base, form)
        base.metadata.clear()
        base.registry.dispose()

        assert isinstance(found.type, sa.String)
        assert found.nullable is nullable


# -- what the call says, and what the annotation ---------------------------------------------------


@pytest.mark.rule("MP-52")
@pytest.mark.parametrize(
    ("annotation", "given", "type_", "nullable"),
    [
        (Mapped[int], {"type_": sa.BigInteger}, sa.BigInteger, False),
        (Mapped[int], {"nullable": True}, sa.Integer, True),
        (Mapped[int | None], {"nullable": False}, sa.Integer, False),
        (Mapped[int | None], {"primary_key": True}, sa.Integer, False),
    ],
    ids=["type", "nullable", "not null", "primary key"],
)
def test_explicit_arguments_win_over_the_annotation(
    base: Any,
    annotation: Any,
    given: Any,
    type_: Any,
    nullable: bool,
) -> None:
    found = column(base, annotation, mapped_column(**given))

    assert type(found.type) is type_
    assert found.nullable is nullable


@pytest.mark.rule("MP-51")
def test_mapped_column_takes_what_a_column_takes(base: Any) -> None:
    found = column(
        base,
        Mapped[int],
        mapped_column(
            "number",
            sa.BigInteger,
            sa.CheckConstraint("number > 0"),
            key="num",
            index=True,
            unique=True,
            nullable=True,
            quote=True,
            system=False,
            doc="how many",
            comment="counted",
            info={"a": 1},
            insert_default=3,
            onupdate=4,
            server_default="5",
            server_onupdate=sa.FetchedValue(),
            autoincrement=False,
        ),
    )

    assert (found.name, found.key, type(found.type)) == ("number", "num", sa.BigInteger)
    assert (found.index, found.unique, found.nullable, found.autoincrement) == (
        True,
        True,
        True,
        False,
    )
    assert (found.doc, found.comment, found.info) == ("how many", "counted", {"a": 1})
    assert (found.default.arg, found.onupdate.arg, found.server_default.arg) == (3, 4, "5")
    assert found.server_onupdate is not None
    assert len(found.constraints) == 1


@pytest.mark.rule("MP-51")
def test_mapped_column_takes_options_of_the_attribute(base: Any) -> None:
    class Thing(base):
        __tablename__ = "thing"
        id: Mapped[Key]
        late: Mapped[str] = mapped_column(deferred=True)
        grouped: Mapped[str] = mapped_column(deferred_group="group")
        refused: Mapped[str] = mapped_column(deferred_raiseload=True)
        tracked: Mapped[str] = mapped_column(active_history=True)
        first: Mapped[str] = mapped_column(sort_order=-1)

    found = inspect(Thing).attrs
    assert [found[name].deferred for name in ("id", "late", "grouped", "refused")] == [
        False,
        True,
        True,
        True,
    ]
    assert (found.grouped.group, found.refused.raiseload) == ("group", True)
    assert (found.tracked.active_history, found.id.active_history) == (True, False)
    assert Thing.__table__.c.keys()[0] == "first"


@pytest.mark.rule("MP-51")
def test_column_of_a_sibling_is_shared_where_it_is_asked_for(base: Any) -> None:
    class Person(base):
        __tablename__ = "person"
        id: Mapped[Key]
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind"}

    class Boss(Person):
        __mapper_args__ = {"polymorphic_identity": "boss"}
        salary: Mapped[int | None] = mapped_column(use_existing_column=True)

    class Worker(Person):
        __mapper_args__ = {"polymorphic_identity": "worker"}
        salary: Mapped[int | None] = mapped_column(use_existing_column=True)

    assert inspect(Boss).attrs.salary.columns == inspect(Worker).attrs.salary.columns
    assert Person.__table__.c.keys() == ["id", "kind", "salary"]


# -- Annotated, aliases, the type map ------------------------------------------------------------


@pytest.mark.rule("MP-54")
def test_options_in_annotated_are_extended_by_the_call(base: Any) -> None:
    class Thing(base):
        __tablename__ = "thing"
        made: Mapped[Stamp]
        seen: Mapped[Stamp | None] = mapped_column(server_default=None, comment="last")
        owner: Mapped[Annotated[int, mapped_column(ForeignKey("thing.id"))]]
        id: Mapped[Key]

    columns = Thing.__table__.c
    assert columns.keys() == ["owner", "id", "made", "seen"]
    assert [columns[name].type.timezone for name in ("made", "seen")] == [True, True]
    assert [columns[name].nullable for name in ("made", "seen")] == [False, True]
    assert columns.made.index
    assert columns.seen.comment == "last"
    assert next(iter(columns.owner.foreign_keys)).column is columns.id


@pytest.mark.rule("MP-54")
def test_relationship_takes_its_target_from_annotated_too(base: Any) -> None:
    class Thing(base):
        __tablename__ = "thing"
        id: Mapped[Key]
        other_id: Mapped[int | None] = mapped_column(ForeignKey("thing.id"))
        other: Mapped[Annotated[Thing, "any note"] | None] = relationship(remote_side="Thing.id")

    assert inspect(Thing).relationships.other.mapper is inspect(Thing)
    assert inspect(Thing).relationships.other.uselist is False


@pytest.mark.rule("MP-54")
def test_relationship_within_annotated_is_refused(base: Any) -> None:
    with pytest.raises(
        NotImplementedError, match="'Relationship' construct inside of an Annotated"
    ):
        column(base, Mapped[Annotated[int, relationship("Thing")]])


@pytest.mark.rule("MP-54")
@pytest.mark.parametrize(
    ("annotation", "length"),
    [
        (Mapped[str], 50),
        (Mapped[str | None], 50),
        (Mapped[Title], 60),
        (Mapped[Title | None], 60),
        (Mapped[Code], 70),
        (Mapped[Annotated[str, "long"]], 80),
        (Mapped[Annotated[str, "other"]], 50),
        (Mapped[int | str], 90),
        (Mapped[int | str | None], 90),
        (Mapped[Number], 100),
        (Mapped[Short], 9),
        (Mapped[Literal["a"]], 110),
    ],
    ids=str,
)
def test_type_map_is_asked_for_the_type_as_it_is_written_first(
    annotation: Any, length: int
) -> None:
    class Base(DeclarativeBase):
        type_annotation_map = {
            str: sa.String(50),
            Title: sa.String(60),
            Code: sa.String(70),
            Annotated[str, "long"]: sa.String(80),
            int | str | None: sa.String(90),
            Number: sa.String(100),
            Literal["a"]: sa.String(110),
        }

    assert column(Base, annotation).type.length == length


@pytest.mark.rule("MP-54", "MP-55")
def test_alias_of_a_union_needs_an_entry_of_its_own(base: Any) -> None:
    with pytest.raises(MappedAnnotationError, match=r"none of 'Number', .* are resolvable"):
        column(base, Mapped[Number])


@pytest.mark.rule("MP-54")
def test_type_map_entry_for_all_enumerations_serves_each(base: Any) -> None:
    class Base(DeclarativeBase):
        type_annotation_map = {enum.Enum: sa.Enum(enum.Enum, length=33, native_enum=False)}

    found = column(Base, Mapped[Colour])

    assert (found.type.enums, found.type.length) == (["RED", "BLUE"], 33)


# -- generics ------------------------------------------------------------------------------------


@pytest.mark.rule("MP-50")
def test_generic_mixin_leaves_the_type_to_the_call(base: Any) -> None:
    class Setting(base, Generic[T]):
        __tablename__ = "setting"
        id: Mapped[Key]
        value: Mapped[T] = mapped_column(sa.JSON)

    assert isinstance(Setting.__table__.c.value.type, sa.JSON)
    assert inspect(Setting[int]) is inspect(Setting)
    assert Setting[int](value=5).value == 5


# -- relationships -------------------------------------------------------------------------------


class Shelf(Dict[str, T]):  # noqa: UP006
    """A collection class of the application."""


@pytest.mark.rule("MP-60", "MP-61")
def test_annotation_says_how_the_target_is_held(base: Any) -> None:
    class Author(base):
        __tablename__ = "author"
        id: Mapped[Key]
        books: Mapped[List[Book]] = relationship(viewonly=True)  # noqa: UP006
        few: Mapped[set[Book]] = relationship(viewonly=True)
        titled: Mapped[dict[str, Book]] = relationship(
            collection_class=attribute_keyed_dict("title"), viewonly=True
        )
        many: WriteOnlyMapped[Book] = relationship(overlaps="first")
        asked: DynamicMapped[Book] = relationship(overlaps="many,first")
        one: Mapped[Optional[Book]] = relationship(viewonly=True)  # noqa: UP045
        maybe: Mapped[Book | None] = relationship(viewonly=True)
        quoted: Mapped["List['Book']"] = relationship(viewonly=True)  # noqa: UP006, UP037
        noted: Mapped[list[Annotated[Book, "note"]]] = relationship(viewonly=True)
        all_noted: Mapped[Annotated[list[Book], "note"]] = relationship(viewonly=True)

    class Book(base):
        __tablename__ = "book"
        id: Mapped[Key]
        title: Mapped[str]
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
        author: Mapped[Author] = relationship(viewonly=True)

    base.registry.configure()
    found = inspect(Author).relationships
    assert {prop.mapper for prop in found} == {inspect(Book)}
    assert {key: prop.uselist for key, prop in found.items()} == {
        "books": True,
        "few": True,
        "titled": True,
        "many": True,
        "asked": True,
        "one": False,
        "maybe": False,
        "quoted": True,
        "noted": True,
        "all_noted": True,
    }
    assert (found.few.collection_class, found.books.collection_class) == (set, list)
    assert (found.many.lazy, found.asked.lazy) == ("write_only", "dynamic")
    assert inspect(Book).relationships.author.direction.name == "MANYTOONE"
    titled = Author(id=1).titled
    assert isinstance(titled, MappedCollection)


BookAlias = TypeAliasType("BookAlias", "AliasedBook")  # noqa: F821
Books = TypeAliasType("Books", "list[AliasedBook]")  # noqa: F821


@pytest.mark.rule("MP-60")
def test_alias_of_a_class_or_collection_is_opened(base: Any) -> None:
    class AliasedBook(base):
        __tablename__ = "book"
        id: Mapped[Key]
        next_id: Mapped[int | None] = mapped_column(ForeignKey("book.id"))
        next: Mapped[BookAlias | None] = relationship(remote_side="AliasedBook.id", viewonly=True)
        before: Mapped[Books] = relationship(viewonly=True)

    found = inspect(AliasedBook).relationships
    assert (found.next.uselist, found.before.uselist) == (False, True)
    assert found.next.mapper is found.before.mapper is inspect(AliasedBook)
