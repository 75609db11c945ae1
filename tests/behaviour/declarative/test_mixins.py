"""Mixins and abstract classes: what they contribute, and how often it is made."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, exc, inspect

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    configure_mappers,
    declarative_mixin,
    declared_attr,
    deferred,
    has_inherited_table,
    mapped_column,
    relationship,
    synonym,
)
from holdfast.errors.declarative import DeclarationError


@pytest.fixture
def base() -> Any:
    class Base(DeclarativeBase):
        pass

    yield Base
    Base.registry.dispose()


@pytest.mark.rule("MP-29", "MP-30")
def test_column_with_a_foreign_key_is_copied_for_each_class(base: Any) -> None:
    @declarative_mixin
    class Owned:
        owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id"))

    class Owner(base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Book(Owned, base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Letter(Owned, base):
        __tablename__ = "letter"
        id: Mapped[int] = mapped_column(primary_key=True)

    columns = [cls.__table__.c.owner_id for cls in (Book, Letter)]
    assert columns[0] is not columns[1]
    for column in columns:
        assert [key.column for key in column.foreign_keys] == [Owner.__table__.c.id]


@pytest.mark.rule("MP-30")
def test_foreign_key_to_a_column_object_of_no_table_needs_a_function(base: Any) -> None:
    class Tagged:
        id = mapped_column(Integer, primary_key=True)
        other = mapped_column(ForeignKey(id.column))

    with pytest.raises(exc.InvalidRequestError, match="must be declared as @declared_attr"):

        class Book(Tagged, base):
            __tablename__ = "book"


@pytest.mark.rule("MP-29")
def test_functions_make_attributes_of_every_kind_for_each_class(base: Any) -> None:
    class Kept:
        name: Mapped[str]

        @declared_attr
        def code(cls) -> Mapped[int]:
            """The number of the class's table."""
            return mapped_column(name=f"{cls.__tablename__}_code")

        @declared_attr
        def parent_id(cls) -> Mapped[int | None]:
            return mapped_column(ForeignKey(f"{cls.__tablename__}.id"))

        @declared_attr
        def children(cls) -> Mapped[list[Any]]:
            return relationship(cls.__name__, back_populates="parent")

        @declared_attr
        def parent(cls) -> Mapped[Any]:
            return relationship(cls.__name__, remote_side=lambda: cls.id, back_populates="children")

        @declared_attr
        def twice(cls) -> Mapped[int]:
            return column_property(cls.code * 2)

        @declared_attr
        def long(cls) -> Mapped[str]:
            return deferred(mapped_column(String(9)))

        @declared_attr
        def title(cls) -> Mapped[str]:
            return synonym("name")

        @declared_attr
        def label(cls) -> str:
            return f"a {cls.__name__}"

    made = []
    for name in ("Book", "Letter"):
        members: dict[str, Any] = {
            "__tablename__": name.lower(),
            "id": mapped_column(Integer, primary_key=True),
        }
        made.append(type(name, (Kept, base), members))
    configure_mappers()

    for cls in made:
        mapper = inspect(cls)
        assert mapper.attrs.code.columns[0].name == f"{cls.__tablename__}_code"
        assert mapper.relationships.children.mapper is mapper
        assert mapper.attrs.long.deferred
        assert cls.code.__doc__ == "The number of the class's table."
        assert cls.label == f"a {cls.__name__}"
        thing = cls(name="x", children=[cls(name="y")])
        assert thing.title == "x"
        assert thing.children[0].parent is thing
    assert "letter.letter_code" in str(made[1].twice.expression)


@pytest.mark.rule("MP-29", "MP-28")
def test_arguments_of_table_and_mapper_come_from_mixins(base: Any) -> None:
    class Checked:
        __table_args__: ClassVar[Any] = {"info": {"checked": True}}
        __mapper_args__: ClassVar[Any] = {"confirm_deleted_rows": False}

    class Versioned:
        version: Mapped[int]

        @declared_attr.directive
        def __tablename__(cls) -> str:
            return cls.__name__.lower()

        @declared_attr.directive
        def __table_args__(cls) -> Any:
            return (Index(f"{cls.__name__}_index", "version"), {"comment": cls.__name__})

        @declared_attr.directive
        def __mapper_args__(cls) -> Any:
            return {"version_id_col": cls.version}

    class Book(Checked, base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Letter(Versioned, base):
        id: Mapped[int] = mapped_column(primary_key=True)

    assert Book.__table__.info == {"checked": True}
    assert inspect(Book).confirm_deleted_rows is False
    assert (Letter.__table__.name, Letter.__table__.comment) == ("letter", "Letter")
    assert [index.name for index in Letter.__table__.indexes] == ["Letter_index"]
    assert inspect(Letter).version_id_col is Letter.__table__.c.version


@pytest.mark.rule("MP-28")
def test_mapper_arguments_of_the_class_name_its_columns(base: Any) -> None:
    class Person(base):
        __tablename__ = "person"
        number: Mapped[int]
        kind: Mapped[str]
        __mapper_args__: ClassVar[Any] = {
            "primary_key": ["number"],
            "polymorphic_on": "kind",
            "polymorphic_identity": "person",
            "exclude_properties": [],
        }

    class Boss(Person):
        @declared_attr.directive
        def __mapper_args__(cls) -> Any:
            return {"polymorphic_identity": cls.__name__.lower()}

    assert inspect(Person).primary_key == (Person.__table__.c.number,)
    assert inspect(Boss).polymorphic_identity == "boss"
    assert Boss(number=1).kind == "boss"


@pytest.mark.rule("MP-29")
def test_cascading_function_runs_for_subclasses_of_mapped_classes_too(base: Any) -> None:
    class HasKey:
        @declared_attr.cascading
        def id(cls) -> Mapped[int]:
            if has_inherited_table(cls):
                return mapped_column(ForeignKey("person.id"), primary_key=True)
            return mapped_column(primary_key=True)

        @declared_attr
        def once(cls) -> Mapped[int]:
            return mapped_column()

    class Person(HasKey, base):
        __tablename__ = "person"

    class Boss(Person):
        __tablename__ = "boss"

    assert Person.__table__.c.keys() == ["id", "once"]
    assert Boss.__table__.c.keys() == ["id"]
    assert inspect(Boss).inherits is inspect(Person)


@pytest.mark.rule("MP-29")
@pytest.mark.parametrize(
    ("name", "place", "text"),
    [
        ("code", "class", "only applies to Declarative 'mixin'"),
        ("code", "override", "cannot be processed due to @declared_attr.cascading"),
        ("__tablename__", "mixin", "not supported on the __tablename__ attribute"),
    ],
)
def test_cascading_warns_where_it_means_nothing(
    base: Any, name: str, place: str, text: str
) -> None:
    made = declared_attr.cascading(
        lambda cls: "person" if name == "__tablename__" else mapped_column(Integer)
    )
    made.fget.__name__ = name
    mixin = type("Mixin", (), {} if place == "class" else {name: made})
    members: dict[str, Any] = {"id": mapped_column(Integer, primary_key=True)}
    if name != "__tablename__":
        members["__tablename__"] = "person"
    if place == "class":
        members[name] = made
    elif place == "override":
        members[name] = mapped_column(Integer)

    with pytest.warns(exc.SAWarning, match=text):
        type("Person", (mixin, base), members)


@pytest.mark.rule("MP-22")
def test_abstract_base_configures_what_derives_from_it(base: Any) -> None:
    class Numbered(base):
        __abstract__ = True
        __table_args__: ClassVar[Any] = (UniqueConstraint("number"),)
        number: Mapped[int]

        @declared_attr.directive
        def __tablename__(cls) -> str:
            return cls.__name__.lower()

        def __init_subclass__(cls, prefix: str = "", **kw: Any) -> None:
            cls.prefix = prefix
            super().__init_subclass__(**kw)

    class Book(Numbered, prefix="B"):
        id: Mapped[int] = mapped_column(primary_key=True)

    assert not inspect(Numbered, raiseerr=False)
    assert Book.__table__.c.keys() == ["id", "number"]
    assert [type(each) for each in Book.__table__.constraints if each.columns.keys() == ["number"]]
    assert Book.prefix == "B"


@pytest.mark.rule("MP-22")
def test_init_subclass_may_add_attributes_before_the_class_is_mapped(base: Any) -> None:
    class Tracked(base):
        __abstract__ = True

        def __init_subclass__(cls, **kw: Any) -> None:
            cls.changed = mapped_column(Integer, name=f"{cls.__name__.lower()}_changed")
            super().__init_subclass__(**kw)

    class Book(Tracked):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert Book.__table__.c.keys() == ["id", "book_changed"]
    assert Book(changed=5).changed == 5


@pytest.mark.rule("MP-29")
def test_plain_members_of_mixins_stay_as_they_are(base: Any, tables: Any) -> None:
    class Loud:
        volume = 11

        def shout(self) -> str:
            return self.name.upper()  # type: ignore[attr-defined,no-any-return]

        @property
        def initial(self) -> str:
            return self.name[0]  # type: ignore[attr-defined,no-any-return]

    class Person(Loud, base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(20))

    with Session(tables(base.metadata)) as session:
        session.add(Person(id=1, name="ada"))
        session.commit()
        session.expunge_all()

        person = session.get_one(Person, 1)
        assert (person.shout(), person.initial, person.volume) == ("ADA", "a", 11)


@pytest.mark.rule("MP-30")
def test_relationship_directly_on_a_mixin_is_refused(base: Any) -> None:
    class Mixin:
        others = relationship("Other")

    with pytest.raises(DeclarationError, match="must be declared as @declared_attr"):

        class Author(Mixin, base):
            __tablename__ = "author"
            id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.rule("MP-29")
def test_nearer_definition_wins(base: Any) -> None:
    class Far:
        name: Mapped[str]

    class Near(Far):
        name: Mapped[str] = mapped_column(String(5))

    class Author(Near, base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert Author.__table__.c.name.type.length == 5


def test_declared_attr_outside_of_mapping_warns() -> None:
    class Mixin:
        @declared_attr
        def number(cls) -> Mapped[int]:
            return mapped_column(Integer)

    with pytest.warns(exc.SAWarning, match="Unmanaged access of declarative attribute number"):
        Mixin.number
