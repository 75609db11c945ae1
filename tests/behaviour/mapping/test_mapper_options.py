"""What each option of a mapper means, and what holds without it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    event,
    exc,
    func,
    insert,
    inspect,
    select,
    update,
)

from holdfast import Session, registry, relationship

Tables = Callable[[MetaData], Engine]

DEFAULTS = {
    "polymorphic_on": None,
    "polymorphic_identity": None,
    "polymorphic_abstract": False,
    "polymorphic_load": None,
    "with_polymorphic": None,
    "concrete": False,
    "version_id_col": None,
    "eager_defaults": "auto",
    "confirm_deleted_rows": True,
    "batch": True,
    "always_refresh": False,
    "allow_partial_pks": True,
    "legacy_is_orphan": False,
    "passive_updates": True,
    "passive_deletes": False,
}


class Thing:
    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class Part(Thing):
    pass


class Cog(Part):
    pass


@pytest.fixture
def mappers() -> Any:
    made = registry()
    yield made
    made.dispose()


def thing_table(mappers: Any, *columns: Any) -> Table:
    given = columns or (
        Column("id", Integer, primary_key=True),
        Column("name", String(20)),
        Column("size", Integer),
    )
    return Table("thing", mappers.metadata, *given)


@pytest.mark.rule("MP-120")
def test_options_have_the_defaults_of_the_table(mappers: Any) -> None:
    mapper = mappers.map_imperatively(Thing, thing_table(mappers))
    # `with_polymorphic` is no attribute of a mapper: what it names is.
    assert mapper.with_polymorphic_mappers == []
    known = {name: getattr(mapper, name) for name in DEFAULTS if name != "with_polymorphic"}
    assert known == {name: value for name, value in DEFAULTS.items() if name in known}


@pytest.mark.rule("MP-120 primary_key")
@pytest.mark.parametrize("named", [False, True])
def test_primary_key_forms_the_identity_in_its_order(
    mappers: Any, tables: Tables, named: bool
) -> None:
    table = thing_table(
        mappers,
        Column("id", Integer, primary_key=True),
        Column("room", Integer),
        Column("nr", Integer),
    )
    key: list[Any] = ["nr", "room"] if named else [table.c.nr, table.c.room]
    mappers.map_imperatively(Thing, table, primary_key=key)
    with Session(tables(mappers.metadata)) as session:
        thing = Thing(room=1, nr=2)
        session.add(thing)
        session.commit()
        session.expunge_all()
        found = session.get_one(Thing, (2, 1))
        assert (found.room, found.nr) == (1, 2)  # type: ignore[attr-defined]
        assert inspect(found).identity == (2, 1)
        assert session.get(Thing, (1, 2)) is None


@pytest.mark.rule("MP-120 inherit_foreign_keys")
def test_inherit_foreign_keys_say_which_side_refers(mappers: Any, tables: Tables) -> None:
    thing = thing_table(mappers)
    part = Table("part", mappers.metadata, Column("id", Integer, primary_key=True))
    mappers.map_imperatively(Thing, thing)
    mappers.map_imperatively(
        Part,
        part,
        inherits=Thing,
        inherit_condition=thing.c.id == part.c.id,
        inherit_foreign_keys=[part.c.id],
    )
    with Session(tables(mappers.metadata)) as session:
        session.add_all([Thing(), Part(name="cog")])
        session.commit()
        assert session.execute(select(part.c.id)).scalars().all() == [2]
        assert session.scalars(select(Part)).one().name == "cog"  # type: ignore[attr-defined]


@pytest.mark.rule("MP-120 always_refresh")
@pytest.mark.parametrize("always", [False, True])
def test_always_refresh_lets_every_load_overwrite(
    mappers: Any, tables: Tables, always: bool
) -> None:
    table = thing_table(mappers)
    mappers.map_imperatively(Thing, table, always_refresh=always)
    with Session(tables(mappers.metadata)) as session:
        thing: Any = Thing(name="a")
        session.add(thing)
        session.flush()
        session.execute(update(table).values(name="b"))
        session.scalars(select(Thing)).all()
        assert thing.name == ("b" if always else "a")


@pytest.mark.rule("MP-120 confirm_deleted_rows")
@pytest.mark.parametrize("confirm", [False, True])
def test_deleted_rows_are_counted_unless_told_not_to(
    mappers: Any, tables: Tables, confirm: bool
) -> None:
    table = thing_table(mappers)
    mappers.map_imperatively(Thing, table, confirm_deleted_rows=confirm)
    with Session(tables(mappers.metadata)) as session:
        thing = Thing()
        session.add(thing)
        session.flush()
        session.execute(table.delete())
        session.delete(thing)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            session.flush()
    assert [each.category for each in caught] == ([exc.SAWarning] if confirm else [])


@pytest.mark.rule("MP-120 batch")
@pytest.mark.parametrize("batch", [False, True])
def test_objects_are_written_one_by_one_without_batch(
    mappers: Any, tables: Tables, sql: Any, batch: bool
) -> None:
    mappers.map_imperatively(Thing, thing_table(mappers), batch=batch)
    heard: list[str] = []
    event.listen(Thing, "before_insert", lambda *_: heard.append("before"))
    event.listen(Thing, "after_insert", lambda *_: heard.append("after"))
    with Session(tables(mappers.metadata)) as session:
        session.add_all([Thing(id=1), Thing(id=2)])
        sql.clear()
        session.flush()
        assert len([each for each in sql.emitted if "INSERT" in each]) == (1 if batch else 2)
    together = ["before", "before", "after", "after"]
    assert heard == (together if batch else ["before", "after"] * 2)


@pytest.mark.rule("MP-120 legacy_is_orphan")
@pytest.mark.parametrize("legacy", [False, True])
def test_pending_object_without_one_of_two_parents_is_an_orphan(
    mappers: Any, tables: Tables, legacy: bool
) -> None:
    class Box:
        pass

    class Shelf:
        pass

    parents = {
        name: Table(name, mappers.metadata, Column("id", Integer, primary_key=True))
        for name in ("box", "shelf")
    }
    columns = (Column(f"{name}_id", ForeignKey(f"{name}.id")) for name in parents)
    table = thing_table(mappers, Column("id", Integer, primary_key=True), *columns)
    mappers.map_imperatively(Thing, table, legacy_is_orphan=legacy)
    for class_, name in ((Box, "box"), (Shelf, "shelf")):
        things = relationship(Thing, cascade="all, delete-orphan")
        mappers.map_imperatively(class_, parents[name], properties={"things": things})
    with Session(tables(mappers.metadata)) as session:
        box: Any = Box()
        shelf: Any = Shelf()
        thing = Thing()
        box.things, shelf.things = [thing], [thing]
        session.add_all([box, shelf])
        shelf.things.remove(thing)
        if legacy:
            session.flush()
        else:
            with pytest.warns(exc.SAWarning, match="not in session"):
                session.flush()
        count = session.scalar(select(func.count()).select_from(table))
        assert count == (1 if legacy else 0)


@pytest.mark.rule("MP-120 passive_updates")
@pytest.mark.parametrize("passive", [False, True])
def test_changed_key_reaches_the_subclass_table_by_the_database_or_by_update(
    mappers: Any, tables: Tables, sql: Any, passive: bool
) -> None:
    thing = thing_table(
        mappers, Column("code", String(9), primary_key=True), Column("kind", String(9))
    )
    # Without the database's help the two tables cannot be tied by a constraint.
    links = [ForeignKey("thing.code", onupdate="CASCADE")] if passive else []
    part = Table(
        "part",
        mappers.metadata,
        Column("code", String(9), *links, primary_key=True),
        Column("weight", Integer),
    )
    mappers.map_imperatively(
        Thing,
        thing,
        polymorphic_on=thing.c.kind,
        polymorphic_identity="t",
        passive_updates=passive,
    )
    mappers.map_imperatively(
        Part,
        part,
        inherits=Thing,
        polymorphic_identity="p",
        passive_updates=passive,
        inherit_condition=thing.c.code == part.c.code,
        inherit_foreign_keys=[part.c.code],
    )
    with Session(tables(mappers.metadata)) as session:
        cog: Any = Part(code="a", weight=1)
        session.add(cog)
        session.commit()
        cog.code = "b"
        sql.clear()
        session.flush()
        changed = [each.split(" SET")[0] for each in sql.emitted if each.startswith("UPDATE")]
        assert changed == (["UPDATE thing"] if passive else ["UPDATE thing", "UPDATE part"])
        assert session.execute(select(part.c.code)).scalars().all() == ["b"]


@pytest.mark.rule("MP-120 passive_deletes")
@pytest.mark.parametrize(
    ("passive", "expected"),
    [
        (None, ["cog", "part", "thing"]),
        (Cog, ["part", "thing"]),
        (Part, ["thing"]),
        (Thing, ["thing"]),
    ],
)
def test_rows_below_a_class_with_passive_deletes_are_deleted_by_the_database(
    mappers: Any, tables: Tables, sql: Any, passive: Any, expected: list[str]
) -> None:
    found = {"thing": thing_table(mappers)}
    for name, above in (("part", "thing"), ("cog", "part")):
        link = ForeignKey(f"{above}.id", ondelete="CASCADE")
        column = Column("id", Integer, link, primary_key=True)
        found[name] = Table(name, mappers.metadata, column)
    for class_, name in ((Thing, "thing"), (Part, "part"), (Cog, "cog")):
        options = {} if class_ is Thing else {"inherits": class_.__base__}
        table = found[name]
        mappers.map_imperatively(class_, table, passive_deletes=class_ is passive, **options)
    with Session(tables(mappers.metadata)) as session:
        cog = Cog()
        session.add_all([cog, Cog()])
        session.commit()
        session.delete(cog)
        sql.clear()
        session.flush()
        deleted = [each.split()[2] for each in sql.emitted if each.startswith("DELETE")]
        assert deleted == expected
        for table in found.values():
            assert session.scalar(select(func.count()).select_from(table)) == 1


@pytest.mark.rule("MP-121", "MP-120 allow_partial_pks")
@pytest.mark.parametrize("allow", [True, False])
def test_rows_with_parts_of_a_key_are_objects_unless_told_not_to(
    mappers: Any, tables: Tables, allow: bool
) -> None:
    table = thing_table(
        mappers,
        Column("nr", Integer, primary_key=True),
        Column("x", Integer),
        Column("y", Integer),
    )
    options = {} if allow else {"allow_partial_pks": False}
    mappers.map_imperatively(Thing, table, primary_key=[table.c.x, table.c.y], **options)
    with Session(tables(mappers.metadata)) as session:
        rows = [{"x": 1, "y": 2}, {"x": 1, "y": None}, {"x": None, "y": None}]
        session.execute(insert(table), rows)
        found: list[Any] = list(session.scalars(select(Thing).order_by(table.c.nr)))

        keys = [None if each is None else (each.x, each.y) for each in found]

        assert keys == [(1, 2), (1, None) if allow else None, None]
        partial = session.get(Thing, (1, None))
        assert partial is (found[1] if allow else None)


@pytest.mark.rule("MP-122")
def test_class_mapped_to_a_join_reads_and_writes_both_tables(
    mappers: Any, tables: Tables, sql: Any
) -> None:
    thing = thing_table(mappers)
    label = Table(
        "label",
        mappers.metadata,
        Column("id", Integer, primary_key=True),
        Column("thing_id", ForeignKey("thing.id")),
        Column("text", String(20)),
    )
    both = thing.join(label, thing.c.id == label.c.thing_id)
    mappers.map_imperatively(
        Thing, both, properties={"id": [thing.c.id, label.c.thing_id], "label_id": label.c.id}
    )
    with Session(tables(mappers.metadata)) as session:
        made: Any = Thing(name="box", text="fragile")
        session.add(made)
        session.commit()
        assert session.execute(select(label.c.text, thing.c.name).join(thing)).all() == [
            ("fragile", "box")
        ]
        sql.clear()
        made.text = "heavy"
        session.flush()
        changed = [each.split(" SET")[0] for each in sql.emitted if each.startswith("UPDATE")]
        assert changed == ["UPDATE label"]
        session.expunge_all()
        found: Any = session.scalars(select(Thing)).one()
        assert (found.name, found.text) == ("box", "heavy")
        assert inspect(found).identity == (found.id, found.label_id)
        session.delete(found)
        session.flush()
        assert session.scalar(select(func.count()).select_from(label)) == 0
        assert session.scalar(select(func.count()).select_from(thing)) == 0


@pytest.mark.rule("MP-123")
def test_class_may_be_mapped_to_an_arbitrary_query(mappers: Any, tables: Tables) -> None:
    thing = thing_table(mappers)
    sizes = (
        select(thing.c.name, func.sum(thing.c.size).label("total"))
        .where(thing.c.size > 1)
        .group_by(thing.c.name)
        .subquery()
    )
    mappers.map_imperatively(Thing, sizes, primary_key=[sizes.c.name])
    with Session(tables(mappers.metadata)) as session:
        rows = [("a", 1), ("a", 2), ("a", 5), ("b", 4), ("c", 0)]
        session.execute(insert(thing), [{"name": name, "size": size} for name, size in rows])
        found: list[Any] = list(session.scalars(select(Thing).order_by(sizes.c.name)))
        assert [(each.name, each.total) for each in found] == [("a", 7), ("b", 4)]
        big = select(Thing).where(Thing.total > 5)  # type: ignore[attr-defined]
        assert session.scalars(big).all() == found[:1]
        assert session.get(Thing, "b") is found[1]
