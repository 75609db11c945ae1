"""How subclasses are mapped: in tables of their own, in their base's, in both, and without rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, Table, exc, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    configure_mappers,
    mapped_column,
    registry,
    relationship,
)

Tables = Callable[[MetaData], Engine]


@pytest.fixture
def base() -> Any:
    class Base(DeclarativeBase):
        pass

    return Base


@pytest.fixture
def ship(base: Any) -> Any:
    class Ship(base):
        __tablename__ = "ship"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        name: Mapped[str | None]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "ship"}

    return Ship


@pytest.mark.rule("MP-140")
def test_subclass_is_joined_single_or_concrete_as_its_tables_say(base: Any, ship: Any) -> None:
    class Ferry(ship):
        __tablename__ = "ferry"
        id: Mapped[int] = mapped_column(ForeignKey("ship.id"), primary_key=True)
        seats: Mapped[int]
        __mapper_args__ = {"polymorphic_identity": "ferry"}

    class Tug(ship):
        power: Mapped[int | None]
        __mapper_args__ = {"polymorphic_identity": "tug"}

    class Raft(ship):
        __tablename__ = "raft"
        id: Mapped[int] = mapped_column(primary_key=True)
        logs: Mapped[int]
        __mapper_args__ = {"concrete": True}

    assert str(select(Ferry.id, Ferry.name)).endswith("FROM ship JOIN ferry ON ship.id = ferry.id")
    assert "power" in ship.__table__.c
    assert Tug.__table__ is ship.__table__
    assert str(select(Raft)).endswith("FROM raft")
    mappers = [each.__mapper__ for each in (Ferry, Tug, Raft)]
    assert [each.single for each in mappers] == [False, True, False]
    assert [each.concrete for each in mappers] == [False, False, True]


@pytest.mark.rule("MP-141")
def test_joined_table_needs_a_way_to_its_base(base: Any, ship: Any) -> None:
    with pytest.raises(exc.NoForeignKeysError, match="Can't determine the inherit condition"):

        class Lost(ship):
            __tablename__ = "lost"
            id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.rule("MP-141")
def test_inherit_condition_says_which_of_two_ways_is_meant(base: Any, tables: Tables) -> None:
    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    with pytest.raises(exc.AmbiguousForeignKeysError, match="inherit_condition"):

        class Child(Person):
            __tablename__ = "child"
            id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
            parent_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
            __mapper_args__ = {"polymorphic_identity": "child"}

    class Pupil(Person):
        __tablename__ = "pupil"
        id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
        tutor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
        __mapper_args__ = {
            "polymorphic_identity": "pupil",
            "inherit_condition": id == Person.id,
        }

    base.metadata.remove(base.metadata.tables["child"])
    with Session(tables(base.metadata)) as session:
        tutor = Person()
        session.add(tutor)
        session.flush()
        session.add(Pupil(tutor_id=tutor.id))
        session.commit()
        found = session.scalars(select(Pupil)).one()
        assert (found.tutor_id, found.id != tutor.id) == (tutor.id, True)


@pytest.mark.rule("MP-147")
def test_columns_of_single_table_subclasses_stand_in_the_base_table(
    base: Any, ship: Any, tables: Tables
) -> None:
    class Tug(ship):
        power: Mapped[int | None]
        __mapper_args__ = {"polymorphic_identity": "tug"}

    class Yacht(ship):
        crew: Mapped[int] = mapped_column(server_default="2")
        __mapper_args__ = {"polymorphic_identity": "yacht"}

    with pytest.raises(exc.ArgumentError, match="power"):

        class Loco(ship):
            power: Mapped[int | None]
            __mapper_args__ = {"polymorphic_identity": "loco"}

    class Rig(ship):
        power: Mapped[int | None] = mapped_column(use_existing_column=True)
        __mapper_args__ = {"polymorphic_identity": "rig"}

    assert Rig.__table__.c.power is Tug.__table__.c.power
    with Session(tables(base.metadata)) as session:
        session.add_all([ship(name="a"), Tug(name="b", power=3), Yacht(name="c"), Rig(power=9)])
        session.commit()
        query = select(ship.__table__.c.power, ship.__table__.c.crew).order_by(ship.__table__.c.id)
        assert session.execute(query).all() == [(None, 2), (3, 2), (None, 2), (9, 2)]
        assert session.scalars(select(Rig.power)).all() == [9]


@pytest.mark.rule("MP-148")
def test_identity_key_has_the_class_of_the_base(base: Any, ship: Any) -> None:
    class Tug(ship):
        __mapper_args__ = {"polymorphic_identity": "tug"}

    class Ferry(ship):
        __tablename__ = "ferry"
        id: Mapped[int] = mapped_column(ForeignKey("ship.id"), primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "ferry"}

    keys = {each.__mapper__.identity_key_from_primary_key((1,)) for each in (ship, Tug, Ferry)}
    assert keys == {(ship, (1,), None)}


@pytest.mark.rule("MP-152")
def test_class_without_identity_in_a_hierarchy_with_discriminator_warns(
    base: Any, ship: Any
) -> None:
    with pytest.warns(exc.SAWarning, match="does not indicate a 'polymorphic_identity'"):

        class Nameless(ship):
            pass


@pytest.mark.rule("MP-152")
def test_abstract_class_of_a_hierarchy_has_no_objects_of_its_own(
    base: Any, ship: Any, tables: Tables
) -> None:
    class Sailing(ship):
        masts: Mapped[int | None]
        __mapper_args__ = {"polymorphic_abstract": True}

    class Brig(Sailing):
        __mapper_args__ = {"polymorphic_identity": "brig"}

    class Schooner(Sailing):
        __tablename__ = "schooner"
        id: Mapped[int] = mapped_column(ForeignKey("ship.id"), primary_key=True)
        rig: Mapped[str]
        __mapper_args__ = {"polymorphic_identity": "schooner"}

    with pytest.raises(exc.InvalidRequestError, match="Can't instantiate class"):
        Sailing()
    with Session(tables(base.metadata)) as session:
        session.add_all([ship(), Brig(masts=2), Schooner(masts=3, rig="gaff")])
        session.commit()
        session.expunge_all()
        found = session.scalars(select(Sailing).order_by(Sailing.masts)).all()
        assert [type(each) for each in found] == [Brig, Schooner]
        assert found[1].rig == "gaff"


@pytest.mark.rule("MP-152")
def test_abstract_class_needs_a_discriminator(base: Any) -> None:
    with pytest.raises(exc.InvalidRequestError, match="polymorphic_abstract"):

        class Thing(base):
            __tablename__ = "thing"
            id: Mapped[int] = mapped_column(primary_key=True)
            __mapper_args__ = {"polymorphic_abstract": True}


@pytest.mark.rule("MP-153")
def test_second_class_with_the_same_identity_warns(base: Any, ship: Any) -> None:
    class Tug(ship):
        __mapper_args__ = {"polymorphic_identity": "tug"}

    with pytest.warns(exc.SAWarning, match="Reassigning polymorphic association"):

        class Tow(ship):
            __mapper_args__ = {"polymorphic_identity": "tug"}

    assert ship.__mapper__.polymorphic_map["tug"] is Tow.__mapper__


@pytest.mark.rule("MP-156")
def test_relationships_of_the_base_are_those_of_joined_and_single_subclasses(
    base: Any, tables: Tables
) -> None:
    class Port(base):
        __tablename__ = "port"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Boat(base):
        __tablename__ = "boat"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        port_id: Mapped[int | None] = mapped_column(ForeignKey("port.id"))
        port: Mapped[Any] = relationship(Port, backref="boats")
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "boat"}

    class Canoe(Boat):
        __mapper_args__ = {"polymorphic_identity": "canoe"}

    class Gig(Boat):
        __tablename__ = "gig"
        id: Mapped[int] = mapped_column(ForeignKey("boat.id"), primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "gig"}

    with Session(tables(base.metadata)) as session:
        port = Port(boats=[Boat(), Canoe(), Gig()])
        session.add(port)
        session.commit()
        session.expunge_all()
        ids = [port_id for (port_id,) in session.execute(select(Port.id))]
        for each in (Canoe, Gig):
            assert session.scalars(select(each.port_id)).all() == ids
            assert session.scalars(select(each)).one().port.id == ids[0]
            assert session.scalars(select(Port.id).join(Port.boats.of_type(each))).all() == ids


@pytest.mark.rule("MP-154")
@pytest.mark.parametrize("form", ["name", "column", "attribute", "property"])
def test_discriminator_may_be_named_in_several_ways(form: str, tables: Tables) -> None:
    metadata = MetaData()
    table = Table(
        "part", metadata, Column("id", Integer, primary_key=True), Column("code", Integer)
    )

    class Part:
        pass

    class Wheel(Part):
        pass

    code = column_property(table.c.code)
    forms: dict[str, Any] = {
        "name": "sort",
        "column": table.c.code,
        "attribute": "sort",
        "property": code,
    }
    mappers = registry()
    mappers.map_imperatively(
        Part,
        table,
        properties={"sort": code},
        polymorphic_on=forms[form],
        polymorphic_identity=1,
    )
    mappers.map_imperatively(Wheel, inherits=Part, polymorphic_identity=2)

    with Session(tables(metadata)) as session:
        session.add_all([Part(), Wheel()])
        session.commit()
        found = session.scalars(select(Part).order_by(table.c.id)).all()
        assert [(type(each), each.sort) for each in found] == [(Part, 1), (Wheel, 2)]
        session.expunge_all()
        assert [type(each) for each in session.scalars(select(Wheel))] == [Wheel]


@pytest.mark.rule("MP-154")
def test_discriminator_that_is_no_attribute_is_refused(base: Any) -> None:
    with pytest.raises(exc.ArgumentError, match="sort"):

        class Part(base):
            __tablename__ = "part"
            id: Mapped[int] = mapped_column(primary_key=True)
            __mapper_args__ = {"polymorphic_on": "sort"}

    other = Table("other", base.metadata, Column("kind", Integer))
    with pytest.raises(exc.InvalidRequestError, match="kind"):

        class Piece(base):
            __tablename__ = "piece"
            id: Mapped[int] = mapped_column(primary_key=True)
            __mapper_args__ = {"polymorphic_on": other.c.kind}

    configure_mappers()
