from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, create_engine, exc, text
from sqlalchemy.pool import StaticPool

from holdfast import DeclarativeBase, Mapped, Session, mapped_column
from models.company import Boss, Company, Engineer, Intern, Machine, Manager, Person
from watching import listening


@pytest.mark.rule("MP-142")
def test_rows_go_base_first_with_the_key_of_the_base(empty: Session, sql: Any) -> None:
    boss = Boss(name="bob", level=1, car="red")
    empty.add(boss)
    empty.flush()

    assert [each.split("(")[0].strip() for each in sql.emitted] == [
        "INSERT INTO person",
        "INSERT INTO manager",
        "INSERT INTO boss",
    ]
    assert boss.id == boss.boss_id
    assert boss.kind == "boss"
    rows = empty.execute(text("SELECT kind, level, car FROM person JOIN manager USING (id), boss"))
    assert rows.all() == [("boss", 1, "red")]


def test_rows_of_several_classes_go_together_where_they_share_a_table(
    empty: Session, sql: Any
) -> None:
    people = [
        kind(id=number, name=f"name {number}", level=number)
        for number, kind in enumerate([Manager, Boss, Manager, Boss, Manager], 1)
    ]
    empty.add_all(people)
    empty.flush()

    assert [each.split("(")[0].strip() for each in sql.emitted] == [
        "INSERT INTO person",
        "INSERT INTO manager",
        "INSERT INTO boss",
    ]
    rows = empty.execute(text("SELECT id, kind, level FROM person JOIN manager USING (id)"))
    assert rows.all() == [
        (number, "boss" if number in (2, 4) else "manager", number) for number in range(1, 6)
    ]
    assert empty.execute(text("SELECT boss_id FROM boss")).scalars().all() == [2, 4]

    sql.clear()
    for each in people:
        each.name, each.level = "new", 0
    empty.flush()
    assert [each.split(" SET")[0] for each in sql.emitted] == ["UPDATE person", "UPDATE manager"]

    sql.clear()
    for each in people:
        empty.delete(each)
    empty.flush()
    assert [each.split(" WHERE")[0] for each in sql.emitted if each.startswith("DELETE")] == [
        "DELETE FROM boss",
        "DELETE FROM manager",
        "DELETE FROM person",
    ]
    assert empty.execute(text("SELECT count(*) FROM person")).scalar() == 0


def test_listeners_hear_of_their_own_classes_though_rows_go_together(tables: Any) -> None:
    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        stamp: Mapped[int] = mapped_column(default=lambda: 5)
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "thing"}

    class Box(Thing):
        __mapper_args__ = {"polymorphic_identity": "box"}

    class Bag(Thing):
        __mapper_args__ = {"polymorphic_identity": "bag"}

    heard = []

    def hear(target: Any, context: Any, names: Any) -> None:
        heard.append((type(target), sorted(names)))

    with Session(tables(Base.metadata)) as session, listening(Bag, "refresh_flush", hear):
        things = [Box(), Bag(), Box(), Bag()]
        session.add_all(things)
        session.flush()

        assert [thing.stamp for thing in things] == [5, 5, 5, 5]
    assert heard == [(Bag, ["stamp"]), (Bag, ["stamp"])]


def test_a_subclass_row_may_have_no_values_of_its_own(empty: Session) -> None:
    empty.add(Boss(name="bob"))
    empty.flush()
    assert empty.execute(text("SELECT boss_id, car FROM boss")).all() == [(1, None)]


def test_tables_of_a_hierarchy_that_refer_to_each_other_are_written_in_order(
    empty: Session, sql: Any
) -> None:
    engineer = Engineer(name="eve", manager=Manager(name="max"), machines=[Machine(name="pc")])
    empty.add_all([Intern(name="ian"), engineer, Boss(name="bob")])
    empty.commit()
    assert engineer.manager is not None
    assert engineer.manager_id == engineer.manager.id


@pytest.mark.rule("MP-142")
def test_only_tables_with_changes_are_updated(session: Session, sql: Any) -> None:
    boss = session.get(Boss, 4)
    assert boss is not None
    sql.clear()
    boss.car = "blue"
    session.flush()
    boss.name = "rob"
    session.flush()
    boss.level, boss.name = 3, "bert"
    session.flush()

    assert [each.split(" SET")[0] for each in sql.emitted] == [
        "UPDATE boss",
        "UPDATE person",
        "UPDATE person",
        "UPDATE manager",
    ]
    assert session.execute(text("SELECT car FROM boss")).scalar() == "blue"


def test_an_object_loaded_through_its_base_is_updated_by_its_own_key(session: Session) -> None:
    boss = session.query(Person).filter_by(id=4).one()
    boss.car = "blue"  # type: ignore[attr-defined]
    session.commit()
    assert boss.car == "blue"  # type: ignore[attr-defined]


@pytest.mark.rule("MP-142")
def test_rows_are_deleted_subclass_first(session: Session, sql: Any) -> None:
    boss = session.get(Person, 4)
    sql.clear()
    session.delete(boss)
    session.flush()
    deleted = [each.split(" WHERE")[0] for each in sql.emitted if each.startswith("DELETE")]
    assert deleted == ["DELETE FROM boss", "DELETE FROM manager", "DELETE FROM person"]


def test_all_classes_are_deleted_together(session: Session) -> None:
    company = session.get(Company, 1)
    assert company is not None
    for engineer in [each for each in company.staff if isinstance(each, Engineer)]:
        engineer.machines = []
    for person in list(company.staff):
        session.delete(person)
    session.delete(company)
    session.commit()
    for table in ("person", "engineer", "manager", "boss", "company"):
        assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0


@pytest.mark.rule("MP-144")
def test_a_foreign_discriminator_value_warns(empty: Session) -> None:
    manager = Manager(name="max")
    manager.kind = "engineer"
    empty.add(manager)
    with pytest.warns(exc.SAWarning, match="incompatible polymorphic identity 'engineer'"):
        empty.flush()


def test_rollback_of_new_subclass_objects(empty: Session) -> None:
    boss = Boss(name="bob", car="red")
    empty.add(boss)
    empty.flush()
    empty.rollback()
    assert boss not in empty
    empty.add(boss)
    empty.commit()
    assert boss.car == "red"


@pytest.mark.rule("MP-148")
def test_one_key_is_one_object_in_all_classes(session: Session) -> None:
    session.add(Intern(id=2, name="copy"))
    with pytest.raises(exc.IntegrityError):
        session.flush()


class Base(DeclarativeBase):
    pass


class Node(Base):
    __tablename__ = "node"

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {
        "polymorphic_on": "kind",
        "polymorphic_identity": "node",
        "passive_updates": False,
    }


class Leaf(Node):
    __tablename__ = "leaf"

    leaf_code: Mapped[str] = mapped_column(ForeignKey("node.code"), primary_key=True)
    color: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "leaf", "passive_updates": False}


def test_a_changed_key_reaches_the_subclass_table() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)  # foreign keys are not enforced
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        leaf = Leaf(code="a", color="red")
        session.add(leaf)
        session.commit()
        leaf.code = "b"
        session.commit()
        assert session.execute(text("SELECT code FROM node")).all() == [("b",)]
        assert session.execute(text("SELECT leaf_code, color FROM leaf")).all() == [("b", "red")]
        assert session.get(Node, "b") is leaf
