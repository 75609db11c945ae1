"""What tells the class of a row: set by the flush, computed by the database, or changed."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, MetaData, case, exc, literal_column, select, text

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    mapped_column,
    with_polymorphic,
)
from models.company import Boss, Engineer, Intern, Manager, Person

Tables = Callable[[MetaData], Engine]


class Kind(Enum):
    CAR = 1
    BUS = 2


@pytest.fixture
def base() -> Any:
    class Base(DeclarativeBase):
        pass

    return Base


@pytest.mark.rule("MP-143")
def test_discriminator_is_set_without_the_application(empty: Session) -> None:
    people = [Person(name="pam"), Engineer(name="eve"), Boss(name="bob"), Intern(name="ian")]
    empty.add_all(people)
    empty.flush()

    kinds = empty.execute(text("SELECT kind FROM person ORDER BY id")).scalars().all()

    assert kinds == ["person", "engineer", "boss", "intern"] == [each.kind for each in people]


@pytest.mark.rule("MP-143", "MP-154")
def test_discriminator_may_be_an_enumeration(base: Any, tables: Tables) -> None:
    class Vehicle(base):
        __tablename__ = "vehicle"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[Kind]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_abstract": True}

    class Car(Vehicle):
        __mapper_args__ = {"polymorphic_identity": Kind.CAR}

    class Bus(Vehicle):
        __mapper_args__ = {"polymorphic_identity": Kind.BUS}

    with Session(tables(base.metadata)) as session:
        session.add_all([Car(), Bus()])
        session.commit()
        session.expunge_all()
        found = session.scalars(select(Vehicle).order_by(Vehicle.id)).all()
        assert [(type(each), each.kind) for each in found] == [(Car, Kind.CAR), (Bus, Kind.BUS)]
        assert [type(each) for each in session.scalars(select(Bus))] == [Bus]


@pytest.mark.rule("MP-144")
@pytest.mark.parametrize("is_new", [True, False])
def test_value_of_another_class_warns_and_is_written(session: Session, is_new: bool) -> None:
    if is_new:
        max_ = Manager(id=9, name="moe")
        session.add(max_)
    else:
        max_ = session.get_one(Manager, 3)
    max_.kind = "person"

    with pytest.warns(exc.SAWarning, match="incompatible polymorphic identity 'person'"):
        session.commit()

    session.expunge_all()
    assert type(session.get(Person, 9 if is_new else 3)) is Person


@pytest.mark.rule("MP-144")
def test_value_of_a_subclass_with_other_tables_warns_too(session: Session) -> None:
    max_ = session.get_one(Manager, 3)
    max_.kind = "boss"
    with pytest.warns(exc.SAWarning, match="incompatible polymorphic identity 'boss'"):
        session.flush()


@pytest.mark.rule("MP-144")
def test_value_of_a_class_below_in_the_same_table_belongs_to_the_class(
    base: Any, tables: Tables
) -> None:
    class Post(base):
        __tablename__ = "post"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "post"}

    class Pinned(Post):
        __mapper_args__ = {"polymorphic_identity": "pinned"}

    with Session(tables(base.metadata)) as session:
        post = Post()
        session.add(post)
        session.commit()
        post.kind = "pinned"
        session.commit()

        assert type(post) is Post
        session.expunge_all()
        assert type(session.scalars(select(Post)).one()) is Pinned


@pytest.mark.rule("MP-145")
def test_row_without_a_value_is_an_error(session: Session) -> None:
    with Session(session.get_bind()) as other:
        other.execute(text("UPDATE person SET kind = '' WHERE id = 1"))
        with pytest.raises(AssertionError, match="No such polymorphic_identity '' is defined"):
            other.scalars(select(Person)).all()
        other.rollback()


@pytest.mark.rule("MP-154")
@pytest.mark.parametrize("mapped", [False, True])
def test_discriminator_may_be_an_expression(base: Any, tables: Tables, mapped: bool) -> None:
    class Account(base):
        __tablename__ = "account"
        id: Mapped[int] = mapped_column(primary_key=True)
        balance: Mapped[int] = mapped_column()
        expression = case((balance < 0, "debtor"), else_="account")
        if mapped:
            state: Mapped[str] = column_property(expression)
        __mapper_args__ = {
            "polymorphic_on": "state" if mapped else expression,
            "polymorphic_identity": "account",
        }
        del expression

    class Debtor(Account):
        __mapper_args__ = {"polymorphic_identity": "debtor"}

    with Session(tables(base.metadata)) as session:
        session.add_all([Account(balance=5), Account(balance=-5), Debtor(balance=7)])
        session.commit()
        session.expunge_all()
        found = session.scalars(select(Account).order_by(Account.id)).all()

        assert [type(each) for each in found] == [Account, Debtor, Account]
        assert [each.balance for each in session.scalars(select(Debtor))] == [-5]
        if mapped:
            assert found[1].state == "debtor"
        assert Debtor().__dict__.keys() <= {"_sa_instance_state"}


@pytest.mark.rule("MP-154", "LD-180")
def test_an_alias_may_tell_classes_by_an_expression_of_its_own(base: Any, tables: Tables) -> None:
    class Named(base):
        __tablename__ = "named"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    class Dog(Named):
        __tablename__ = "dog"
        id: Mapped[int] = mapped_column(ForeignKey("named.id"), primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "dog"}

    with Session(tables(base.metadata)) as session:
        session.add_all([Named(name="x"), Dog(name="rex")])
        session.commit()
        session.expunge_all()
        kind = case((Dog.__table__.c.id.is_not(None), "dog"), else_=literal_column("NULL"))
        poly = with_polymorphic(Named, [Dog], polymorphic_on=kind)

        found = session.scalars(select(poly).where(poly.name == "rex")).all()

        assert [type(each) for each in found] == [Dog]
