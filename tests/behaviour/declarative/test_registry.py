"""Registries: what they hold, how classes get into them and out again, and when they configure."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    exc,
    inspect,
    select,
)

from holdfast import (
    Mapped,
    Mapper,
    Session,
    as_declarative,
    configure_mappers,
    declarative_base,
    mapped_column,
    registry,
    relationship,
)
from holdfast.exc import UnmappedInstanceError


def family(owner: registry, *, child: str = "Child") -> tuple[type[Any], type[Any]]:
    """Two classes that wait for configuration; `child` is what the parent calls the other."""

    @owner.mapped
    class Parent:
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)
        children = relationship(child)

    @owner.mapped
    class Child:
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id = mapped_column(ForeignKey("parent.id"))

    return Parent, Child


# -- what it holds -------------------------------------------------------------------------------


@pytest.mark.rule("MP-1", "MP-8")
def test_registry_holds_mappers_metadata_names_and_types() -> None:
    metadata = MetaData()
    names: dict[str, Any] = {}
    owner = registry(metadata=metadata, class_registry=names, type_annotation_map={int: BigInteger})
    parent, child = family(owner)

    assert owner.metadata is metadata
    assert owner.mappers == {inspect(parent), inspect(child)}
    assert names["Parent"] is parent
    assert isinstance(metadata.tables["parent"].c.id.type, BigInteger)


@pytest.mark.rule("MP-1")
def test_constructor_of_the_registry_is_that_of_classes_without_one() -> None:
    def construct(self: Any, name: str) -> None:
        self.name = name.upper()

    @registry(constructor=construct).mapped
    class Author:
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    assert Author("x").name == "X"


@pytest.mark.rule("MP-9")
def test_types_are_added_to_a_registry_later() -> None:
    owner = registry(type_annotation_map={int: BigInteger})
    owner.update_type_annotation_map({str: String(7)})

    @owner.mapped
    class Author:
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]

    columns = Author.__table__.c
    assert isinstance(columns.id.type, BigInteger)
    assert columns.name.type.length == 7


# -- ways in -------------------------------------------------------------------------------------


@pytest.mark.rule("MP-2")
def test_class_is_mapped_imperatively_once() -> None:
    class Author:
        pass

    owner = registry()
    table = Table("author", owner.metadata, Column("id", Integer, primary_key=True))
    mapper = owner.map_imperatively(Author, table, eager_defaults=True)

    assert isinstance(mapper, Mapper)
    assert mapper is inspect(Author)
    assert mapper.eager_defaults is True
    with pytest.raises(exc.ArgumentError, match="already has a primary mapper defined"):
        owner.map_imperatively(Author, table)


@pytest.mark.rule("MP-3")
@pytest.mark.parametrize(
    "way", ["generate_base", "declarative_base", "decorated", "as_declarative"]
)
def test_bases_map_what_derives_from_them(way: str) -> None:
    class Named:
        def shout(self) -> str:
            return type(self).__name__.upper()

    if way == "generate_base":
        base = registry().generate_base(cls=Named, name="Root")
    elif way == "declarative_base":
        base = declarative_base(cls=Named, name="Root")
    elif way == "decorated":
        base = registry().as_declarative_base(name="Root")(Named)
    else:
        base = as_declarative(name="Root")(Named)

    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert base.__name__ == "Root"
    assert base.registry.mappers == {inspect(Author)}
    assert Author(id=1).shout() == "AUTHOR"


@pytest.mark.rule("MP-3")
def test_decorated_class_is_mapped_and_given_back() -> None:
    owner = registry()

    class Author:
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert owner.mapped(Author) is Author
    assert owner.mappers == {inspect(Author)}


@pytest.mark.rule("MP-3")
def test_mapper_of_a_base_is_made_as_it_says() -> None:
    made = []

    def make(*arguments: Any, **options: Any) -> Any:
        made.append(Mapper(*arguments, **options))
        return made[-1]

    class Author(declarative_base(mapper=make)):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert made == [inspect(Author)]


# -- configuration -------------------------------------------------------------------------------


@pytest.mark.rule("MP-4")
def test_registry_configures_itself_and_on_demand_those_it_leads_to() -> None:
    one, other = registry(), registry()
    parent, child = family(one)

    @other.mapped
    class Toy:
        __tablename__ = "toy"
        id: Mapped[int] = mapped_column(primary_key=True)
        child_id = mapped_column(ForeignKey(child.id))
        owner = relationship(child)

    one.configure()
    assert inspect(parent).configured
    assert not inspect(Toy).configured

    # A class that is new makes the first registry wait again; the second leads to it.
    other.configure(cascade=True)

    @one.mapped
    class Late:
        __tablename__ = "late"
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(exc.InvalidRequestError, match="pass cascade=True"):
        other.configure()
    other.configure(cascade=True)
    assert inspect(Late).configured


@pytest.mark.rule("MP-4")
def test_all_registries_are_configured_together() -> None:
    classes = [*family(registry()), *family(registry())]

    configure_mappers()

    assert [inspect(each).configured for each in classes] == [True] * 4


@pytest.mark.rule("MP-5")
@pytest.mark.parametrize(
    "use",
    [
        lambda parent: parent(),
        lambda parent: str(select(parent)),
        lambda parent: Session().query(parent),
        lambda parent: parent.children.property.mapper,
        lambda parent: parent.children.any(),
    ],
    ids=["instantiation", "select", "query", "property", "comparator"],
)
def test_first_use_of_a_class_configures_it(use: Any) -> None:
    parent, child = family(registry())
    assert not inspect(parent).configured

    use(parent)

    assert inspect(parent).configured
    assert inspect(parent).relationships.children.mapper is inspect(child)


@pytest.mark.rule("MP-7")
def test_failure_of_one_mapper_stops_its_registry_and_is_told_again() -> None:
    owner = registry()
    _, child = family(owner, child="Nobody")
    with pytest.raises(exc.InvalidRequestError, match=r"failed to locate a name \('Nobody'\)"):
        configure_mappers()

    text = (
        r"One or more mappers failed to initialize.*Triggering mapper: 'Mapper\[Parent\(parent\)\]'"
        r".*Original exception was: .*failed to locate a name \('Nobody'\)"
    )
    for use in (owner.configure, child, configure_mappers):
        with pytest.raises(exc.InvalidRequestError, match=text):
            use()
    owner.dispose()


# -- ways out ------------------------------------------------------------------------------------


@pytest.mark.rule("MP-6")
def test_disposed_classes_are_plain_classes_again() -> None:
    class Author:
        pass

    owner = registry()
    table = Table("author", owner.metadata, Column("id", Integer, primary_key=True))
    owner.map_imperatively(Author, table)
    author = Author(id=1)

    owner.dispose()

    assert owner.mappers == frozenset()
    assert not hasattr(Author, "id")
    assert Author.__init__ is object.__init__
    with pytest.raises(UnmappedInstanceError), Session() as session:
        session.add(author)
    with pytest.raises(UnmappedInstanceError), Session() as session:
        session.add(Author())
    assert owner.map_imperatively(Author, table) is inspect(Author)


ALL_CLEARED = """
from sqlalchemy import inspect
from holdfast import Mapped, clear_mappers, mapped_column, registry

def make():
    @registry().mapped
    class Author:
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
    return Author

classes = [make(), make()]
clear_mappers()
for each in classes:
    assert inspect(each, raiseerr=False) is None
    assert each.__init__ is object.__init__
"""


@pytest.mark.rule("MP-6")
def test_classes_of_all_registries_are_cleared_together() -> None:
    # In a process of its own, as the classes of all tests would lose their mappers.
    subprocess.run([sys.executable, "-c", ALL_CLEARED], check=True)


@pytest.mark.rule("MP-6")
def test_registry_that_another_one_leads_to_is_disposed_of_together_with_it() -> None:
    one, other = registry(), registry()
    _, child = family(one)

    @other.mapped
    class Toy:
        __tablename__ = "toy"
        id: Mapped[int] = mapped_column(primary_key=True)
        child_id = mapped_column(ForeignKey(child.id))
        owner = relationship(child)

    configure_mappers()

    with pytest.raises(exc.InvalidRequestError, match="pass cascade=True"):
        one.dispose()
    one.dispose(cascade=True)

    assert one.mappers == other.mappers == frozenset()


@pytest.mark.rule("MP-8")
def test_registry_keeps_classes_that_only_names_lead_to() -> None:
    owner = registry()
    parent, _ = family(owner)
    del _
    gc.collect()

    assert {mapper.class_.__name__ for mapper in owner.mappers} == {"Parent", "Child"}
    assert inspect(parent).relationships.children.mapper.class_.__name__ == "Child"


@pytest.mark.rule("MP-1")
def test_each_registry_and_each_branch_of_classes_may_have_a_metadata_of_its_own() -> None:
    one, other = registry().generate_base(), registry().generate_base()

    class Archived(one):
        __abstract__ = True
        metadata = MetaData(schema="archive")

    made = [
        type(base)(
            f"Author{number}",
            (base,),
            {"__tablename__": "author", "id": mapped_column(Integer, primary_key=True)},
        )
        for number, base in enumerate((one, other, Archived))
    ]

    assert [list(each.metadata.tables) for each in (one, other, Archived)] == [
        ["author"],
        ["author"],
        ["archive.author"],
    ]
    assert [each.__table__.metadata for each in made] == [
        one.metadata,
        other.metadata,
        Archived.metadata,
    ]
