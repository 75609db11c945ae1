"""Relationships of every kind, declared in every way, stored and read back."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    attribute_keyed_dict,
    backref,
    foreign,
    mapped_column,
    registry,
    relationship,
    remote,
    synonym,
)


class Base(DeclarativeBase):
    pass


follows = Table(
    "follows",
    Base.metadata,
    Column("follower_id", ForeignKey("person.id"), primary_key=True),
    Column("followed_id", ForeignKey("person.id"), primary_key=True),
)


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    boss: Mapped[Person | None] = relationship(back_populates="team", remote_side=[id])
    team: Mapped[list[Person]] = relationship(back_populates="boss", order_by="Person.name.desc()")
    follows: Mapped[list[Person]] = relationship(
        secondary=lambda: follows,
        primaryjoin="Person.id == follows.c.follower_id",
        secondaryjoin=lambda: Person.id == follows.c.followed_id,
        backref="followers",
        order_by=lambda: Person.name,
    )


class Letter(Base):
    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reader_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    sender: Mapped[Person | None] = relationship(foreign_keys=[sender_id], backref="letters")
    reader: Mapped[Person | None] = relationship(
        foreign_keys="Letter.reader_id", backref=backref("mail", order_by="Letter.text")
    )
    urgent_reader: Mapped[Person | None] = relationship(
        primaryjoin=lambda: (
            (foreign(Letter.reader_id) == remote(Person.id)) & (Letter.text == "urgent")
        ),
        viewonly=True,
    )


@pytest.fixture
def session(tables):
    with Session(tables(Base.metadata)) as session:
        yield session


@pytest.mark.rule("RL-10", "RL-20 order_by", "RL-80")
def test_self_reference_leads_up_and_down_in_the_order_asked_for(session):
    session.add(Person(name="Ann", team=[Person(name="Bo"), Person(name="Cy")]))
    session.commit()

    ann = session.scalars(select(Person).where(Person.boss == None)).one()  # noqa: E711

    assert [each.name for each in ann.team] == ["Cy", "Bo"]
    assert all(each.boss is ann for each in ann.team)


@pytest.mark.rule("RL-5", "RL-20 secondaryjoin", "RL-46")
def test_many_to_many_of_one_class_with_joins_as_string_and_callable(session):
    ann, bo, cy = Person(id=1, name="Ann"), Person(id=2, name="Bo"), Person(id=3, name="Cy")
    ann.follows = [cy, bo]
    cy.follows = [ann]
    session.add(ann)
    session.commit()

    assert [each.name for each in ann.follows] == ["Bo", "Cy"]
    assert ann.followers == [cy]
    assert set(session.execute(select(follows)).all()) == {(1, 2), (1, 3), (3, 1)}


@pytest.mark.rule("RL-45", "RL-94")
def test_member_taken_out_of_many_to_many_loses_its_row_only(session):
    ann, bo = Person(name="Ann"), Person(name="Bo")
    ann.follows = [bo]
    session.add(ann)
    session.commit()

    bo.followers.remove(ann)
    session.commit()

    assert ann.follows == []
    assert session.execute(select(follows)).all() == []
    assert len(session.scalars(select(Person)).all()) == 2


@pytest.mark.rule("RL-62", "RL-23")
def test_two_foreign_keys_to_one_class_are_told_apart(session):
    ann, bo = Person(name="Ann"), Person(name="Bo")
    session.add_all([Letter(text="b", sender=ann, reader=bo), Letter(text="a", reader=bo)])
    session.add(ann)
    session.commit()

    assert [letter.text for letter in bo.mail] == ["a", "b"]
    assert [letter.text for letter in ann.letters] == ["b"]
    assert bo.letters == ann.mail == []


@pytest.mark.rule("RL-66", "RL-143")
def test_viewonly_relationship_with_a_condition_of_its_own_is_read_and_not_written(session):
    bo = Person(name="Bo")
    session.add_all([Letter(text="urgent", reader=bo), Letter(text="slow", reader=bo)])
    session.commit()

    urgent, slow = session.scalars(select(Letter).order_by(Letter.text.desc())).all()

    assert urgent.urgent_reader is bo
    assert slow.urgent_reader is None


def test_plain_classes_are_mapped_imperatively(engine):
    mappers = registry()
    tree = Table(
        "tree",
        mappers.metadata,
        Column("id", Integer, primary_key=True),
        Column("kind", String(20)),
    )
    leaf = Table(
        "leaf",
        mappers.metadata,
        Column("tree_id", ForeignKey("tree.id"), primary_key=True),
        Column("place", String(20), primary_key=True),
    )

    class Tree:
        pass

    class Leaf:
        def __init__(self, place):
            self.place = place

    mappers.map_imperatively(
        Tree,
        tree,
        properties={
            "leaves": relationship(
                Leaf, backref="tree", collection_class=attribute_keyed_dict("place")
            ),
            "species": synonym("kind"),
        },
    )
    mappers.map_imperatively(Leaf, leaf)
    mappers.metadata.create_all(engine)
    oak = Tree(kind="oak")
    oak.leaves["top"] = Leaf("top")
    oak.leaves["low"] = Leaf("low")
    with Session(engine) as session:
        session.add(oak)
        session.commit()

        assert session.get(Leaf, (1, "top")).tree is oak
        assert sorted(oak.leaves) == ["low", "top"]
        assert session.scalars(select(Tree).where(Tree.species == "oak")).one() is oak
    mappers.dispose()


def test_constructor_refuses_other_names_than_those_of_attributes():
    assert Person(name="Ann", boss_id=3).boss_id == 3

    with pytest.raises(TypeError, match=r"'nickname' is an invalid keyword argument for Person"):
        Person(nickname="A")


def test_composite_primary_key_identifies_in_order_of_the_table(session):
    class Own(DeclarativeBase):
        pass

    class Seat(Own):
        __tablename__ = "seat"

        row: Mapped[str] = mapped_column(primary_key=True)
        number: Mapped[int] = mapped_column(primary_key=True)
        guest: Mapped[str | None]

    Own.metadata.create_all(session.connection())
    session.add_all([Seat(row="a", number=1, guest="Ann"), Seat(row="a", number=2)])
    session.commit()

    seat = session.get(Seat, {"number": 1, "row": "a"})
    seat.guest = "Bo"
    session.delete(session.get(Seat, ("a", 2)))
    session.commit()

    assert inspect(seat).identity == ("a", 1)
    assert session.scalars(select(Seat)).one().guest == "Bo"
