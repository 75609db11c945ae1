"""A company's staff: joined, single-table and multi-level inheritance in one hierarchy."""

from __future__ import annotations

from sqlalchemy import ForeignKey

from holdfast import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Company(Base):
    __tablename__ = "company"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    staff: Mapped[list[Person]] = relationship(back_populates="company", order_by="Person.id")
    managers: Mapped[list[Manager]] = relationship(viewonly=True, order_by="Manager.id")
    interns: Mapped[list[Intern]] = relationship(viewonly=True)


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    company: Mapped[Company | None] = relationship(back_populates="staff")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Engineer(Person):
    __tablename__ = "engineer"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    language: Mapped[str | None]
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("manager.id"))
    manager: Mapped[Manager | None] = relationship(
        back_populates="engineers", foreign_keys="Engineer.manager_id"
    )
    machines: Mapped[list[Machine]] = relationship(order_by="Machine.id")
    __mapper_args__ = {
        "polymorphic_identity": "engineer",
        "inherit_condition": id == Person.id,
    }


class Manager(Person):
    __tablename__ = "manager"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    level: Mapped[int | None]
    engineers: Mapped[list[Engineer]] = relationship(
        back_populates="manager", foreign_keys="Engineer.manager_id", order_by="Engineer.id"
    )
    __mapper_args__ = {"polymorphic_identity": "manager"}


class Boss(Manager):
    __tablename__ = "boss"

    boss_id: Mapped[int] = mapped_column(ForeignKey("manager.id"), primary_key=True)
    car: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "boss"}


class Intern(Person):
    school: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "intern"}


class Machine(Base):
    __tablename__ = "machine"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    engineer_id: Mapped[int | None] = mapped_column(ForeignKey("engineer.id"))
