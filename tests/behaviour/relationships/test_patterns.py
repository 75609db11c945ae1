"""Which join and direction a relationship has, by the shape of the tables."""

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Table, exc, inspect, select

from holdfast import (
    MANYTOMANY,
    MANYTOONE,
    ONETOMANY,
    Mapped,
    Session,
    aliased,
    attribute_keyed_dict,
    mapped_column,
    relationship,
)
from models import company, library
from models.library import Author, Book


def relationship_of(cls, name):
    return inspect(cls).relationships[name]


@pytest.mark.rule("RL-1", "RL-2", "RL-3", "RL-5")
@pytest.mark.parametrize(
    ("cls", "name", "direction", "uselist", "condition"),
    [
        (Author, "books", ONETOMANY, True, "author.id = book.author_id"),
        (Book, "author", MANYTOONE, False, "author.id = book.author_id"),
        (Book, "tags", MANYTOMANY, True, "book.id = book_tag.book_id"),
        (library.Tag, "books", MANYTOMANY, True, "tag.id = book_tag.tag_id"),
    ],
)
def test_foreign_keys_give_join_and_direction(cls, name, direction, uselist, condition):
    found = relationship_of(cls, name)

    assert found.direction is direction
    assert found.uselist is uselist
    assert str(found.primaryjoin) == condition


@pytest.mark.rule("RL-2", "RL-3", "RL-5")
def test_collections_and_references_are_loaded_by_direction(engine, tables):
    with Session(tables(library.Base.metadata)) as session:
        author = Author(name="a", books=[Book(tags={library.Tag(name="t")})])
        session.add(author)
        session.commit()

        (book,) = author.books
        (tag,) = book.tags
        assert book.author is author
        assert tag.books == [book]


def one_to_one(base, **settings):
    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        seat: Mapped["Seat"] = relationship(**settings)

    class Seat(base):
        __tablename__ = "seat"
        id: Mapped[int] = mapped_column(primary_key=True)
        person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))

    return Person, Seat


@pytest.mark.rule("RL-4")
def test_scalar_annotation_makes_one_to_many_one_to_one(base):
    person, _ = one_to_one(base)

    found = relationship_of(person, "seat")

    assert found.direction is ONETOMANY
    assert found.uselist is False


@pytest.mark.rule("RL-4", "RL-20 uselist")
def test_uselist_false_makes_one_to_one_without_annotation(base, engine):
    class Seat(base):
        __tablename__ = "seat"
        id: Mapped[int] = mapped_column(primary_key=True)
        person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))

    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        seat = relationship("Seat", uselist=False)

    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Person(seat=Seat(id=5)))
        session.commit()

        assert session.scalars(select(Person)).one().seat.id == 5


@pytest.mark.rule("RL-4")
def test_one_to_one_warns_of_several_rows_and_takes_the_first(base, engine):
    person, seat = one_to_one(base, order_by="Seat.id")
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(person(id=1))
        session.flush()
        session.add_all([seat(id=8, person_id=1), seat(id=7, person_id=1)])
        session.commit()

        with pytest.warns(exc.SAWarning, match="Multiple rows returned with uselist=False"):
            found = session.get(person, 1).seat
        assert found.id == 7


@pytest.mark.rule("RL-4")
def test_members_of_a_lazy_collection_do_not_repeat_with_the_rows_of_a_joined_one_to_one(
    base, engine
):
    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)
        people: Mapped[list["Person"]] = relationship(order_by="Person.id")

    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
        seat: Mapped["Seat"] = relationship(lazy="joined", order_by="Seat.id")

    class Seat(base):
        __tablename__ = "seat"
        id: Mapped[int] = mapped_column(primary_key=True)
        person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))

    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Team(id=1, people=[Person(id=1), Person(id=2)]))
        session.flush()
        session.add_all([Seat(id=8, person_id=1), Seat(id=7, person_id=1)])
        session.commit()

        with pytest.warns(exc.SAWarning, match="Multiple rows returned with uselist=False"):
            found = session.get(Team, 1).people
        assert [each.id for each in found] == [1, 2]


@pytest.mark.rule("RL-4")
def test_one_to_one_by_a_shared_key_is_found_in_memory(base, engine, sql):
    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        passport: Mapped["Passport"] = relationship()

    class Passport(base):
        __tablename__ = "passport"
        id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)

    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Person(id=1, passport=Passport()))
        session.commit()
        person, passport = session.get(Person, 1), session.get(Passport, 1)
        sql.clear()

        assert person.passport is passport
        assert not sql.emitted

        session.delete(passport)
        session.commit()
        assert person.passport is None


def association_object(base, **settings):
    class Membership(base):
        __tablename__ = "membership"
        person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
        club_id: Mapped[int] = mapped_column(ForeignKey("club.id"), primary_key=True)
        role: Mapped[str | None]
        club: Mapped["Club"] = relationship(back_populates="memberships")
        person: Mapped["Person"] = relationship(back_populates="memberships")

    class Person(base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        memberships: Mapped[list[Membership]] = relationship(back_populates="person")
        clubs: Mapped[list["Club"]] = relationship(secondary="membership", **settings)

    class Club(base):
        __tablename__ = "club"
        id: Mapped[int] = mapped_column(primary_key=True)
        memberships: Mapped[list[Membership]] = relationship(back_populates="club")

    return Person, Club, Membership


@pytest.mark.rule("RL-6")
def test_association_object_is_reached_by_two_relationships(base, engine):
    person, club, membership = association_object(base, viewonly=True)
    base.metadata.create_all(engine)
    with Session(engine) as session:
        ann, chess = person(id=1), club(id=1)
        ann.memberships.append(membership(club=chess, role="chair"))
        session.add(ann)
        session.commit()

        assert [each.role for each in chess.memberships] == ["chair"]
        assert ann.clubs == [chess]


@pytest.mark.rule("RL-6", "RL-60")
def test_association_table_that_is_mapped_as_well_warns_of_overlap(base):
    association_object(base)

    with pytest.warns(exc.SAWarning, match="will copy column") as caught:
        base.registry.configure()

    assert all("Person.clubs" in str(each.message) for each in caught)


@pytest.mark.rule("RL-7")
@pytest.mark.parametrize(
    ("annotation", "empty"),
    [
        ("Mapped[list[Leaf]]", []),
        ("Mapped[set[Leaf]]", set()),
        ("Mapped[dict[str, Leaf]]", {}),
        ("Mapped[Leaf]", None),
    ],
)
def test_annotation_gives_target_and_collection_type(base, annotation, empty):
    keyed = {"collection_class": attribute_keyed_dict("name")} if empty == {} else {}

    class Leaf(base):
        __tablename__ = "leaf"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        tree_id: Mapped[int] = mapped_column(ForeignKey("tree.id"))

    class Tree(base):
        __tablename__ = "tree"
        __annotations__ = {"leaves": annotation}
        id = mapped_column(ForeignKey("tree.id"), primary_key=True)
        leaves = relationship(**keyed)

    assert relationship_of(Tree, "leaves").mapper.class_ is Leaf
    assert Tree().leaves == empty
    assert relationship_of(Tree, "leaves").uselist is (empty is not None)


@pytest.mark.rule("RL-7")
def test_annotation_may_name_a_collection_class(base):
    class Pile(list):
        pass

    class Leaf(base):
        __tablename__ = "leaf"
        id: Mapped[int] = mapped_column(primary_key=True)
        tree_id: Mapped[int] = mapped_column(ForeignKey("tree.id"))

    class Tree(base):
        __tablename__ = "tree"
        id: Mapped[int] = mapped_column(primary_key=True)
        leaves: Mapped[Pile[Leaf]] = relationship()

    assert isinstance(Tree().leaves, Pile)


@pytest.mark.rule("RL-8")
def test_relationship_without_target_is_refused_when_the_class_is_made(base):
    with pytest.raises(exc.ArgumentError):

        class Tree(base):
            __tablename__ = "tree"
            id: Mapped[int] = mapped_column(primary_key=True)
            leaves = relationship()


@pytest.mark.rule("RL-9")
def test_unknown_target_name_is_refused_at_configuration(base):
    class Tree(base):
        __tablename__ = "tree"
        id: Mapped[int] = mapped_column(primary_key=True)
        leaves = relationship("Leaf")

    with pytest.raises(exc.InvalidRequestError, match="failed to locate a name"):
        base.registry.configure()


def tree(base, **settings):
    class Node(base):
        __tablename__ = "node"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        children = relationship("Node", **settings.get("children", {}))
        parent = relationship("Node", **settings.get("parent", {}))

    return Node


@pytest.mark.rule("RL-10", "RL-20 remote_side")
def test_self_reference_is_one_to_many_unless_remote_side_names_the_key(base):
    node = tree(
        base,
        children={"back_populates": "parent"},
        parent={"back_populates": "children", "remote_side": "Node.id"},
    )

    assert relationship_of(node, "children").direction is ONETOMANY
    assert relationship_of(node, "parent").direction is MANYTOONE
    child = node(parent=node())
    assert child.parent.children == [child]


@pytest.mark.rule("RL-11")
def test_two_ends_of_one_direction_are_refused(base):
    tree(base, children={"back_populates": "parent"}, parent={"back_populates": "children"})

    with pytest.raises(
        exc.ArgumentError,
        match=r"both of the same direction.*Did you mean to set remote_side on the many-to-one",
    ):
        base.registry.configure()


@pytest.mark.rule("RL-12")
def test_composite_foreign_key_is_joined_by_all_its_columns(base, engine):
    class Seat(base):
        __tablename__ = "seat"
        row: Mapped[str] = mapped_column(primary_key=True)
        number: Mapped[int] = mapped_column(primary_key=True)
        tickets: Mapped[list["Ticket"]] = relationship(back_populates="seat")

    class Ticket(base):
        __tablename__ = "ticket"
        id: Mapped[int] = mapped_column(primary_key=True)
        row: Mapped[str]
        number: Mapped[int]
        seat: Mapped[Seat] = relationship(back_populates="tickets")
        __table_args__ = (ForeignKeyConstraint(["row", "number"], ["seat.row", "seat.number"]),)

    found = relationship_of(Ticket, "seat")
    assert {(local.name, remote.name) for local, remote in found.local_remote_pairs} == {
        ("row", "row"),
        ("number", "number"),
    }
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Seat(row="a", number=1), Seat(row="a", number=2, tickets=[Ticket()])])
        session.commit()

        ticket = session.scalars(select(Ticket)).one()
        assert (ticket.row, ticket.number) == ("a", 2)
        assert session.get(Seat, ("a", 1)).tickets == []


@pytest.mark.rule("RL-13")
def test_relationship_to_a_subclass_finds_objects_of_it_only(engine, tables):
    with Session(tables(company.Base.metadata)) as session:
        staff = [company.Manager(name="m"), company.Engineer(name="e")]
        firm = company.Company(name="c", staff=staff)
        session.add(firm)
        session.commit()

        assert [each.name for each in firm.managers] == ["m"]


@pytest.mark.rule("RL-13", "RL-69")
@pytest.mark.parametrize("of", ["alias", "subquery"])
def test_relationship_leads_to_an_alias_or_subquery(base, engine, of):
    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Book(base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        pages: Mapped[int]
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))

    target = aliased(Book)
    if of == "subquery":
        target = aliased(Book, select(Book).where(Book.pages > 100).subquery())
    Author.books = relationship(
        target, primaryjoin=Author.id == target.author_id, viewonly=True, order_by=target.id
    )
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Author(id=1))
        session.flush()
        session.add_all([Book(id=1, pages=50, author_id=1), Book(id=2, pages=500, author_id=1)])
        session.commit()

        found = session.get(Author, 1).books
        assert [book.id for book in found] == ([1, 2] if of == "alias" else [2])
        assert all(isinstance(book, Book) for book in found)


@pytest.mark.rule("RL-1", "RL-20 secondary")
@pytest.mark.parametrize("form", ["table", "name", "callable"])
def test_association_table_is_given_as_table_name_or_callable(base, form):
    table = Table(
        "b_c",
        base.metadata,
        Column("b_id", ForeignKey("b.id"), primary_key=True),
        Column("c_id", ForeignKey("c.id"), primary_key=True),
    )
    given = {"table": table, "name": "b_c", "callable": lambda: table}[form]

    class C(base):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        cs: Mapped[list[C]] = relationship(secondary=given)

    assert relationship_of(B, "cs").secondary is table
    assert relationship_of(B, "cs").direction is MANYTOMANY


@pytest.mark.rule("RL-20 secondary")
def test_association_name_is_not_evaluated(base):
    class C(base):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        cs: Mapped[list[C]] = relationship(secondary="b_c.c.b_id.table")

    Table(
        "b_c",
        base.metadata,
        Column("b_id", ForeignKey("b.id"), primary_key=True),
        Column("c_id", ForeignKey("c.id"), primary_key=True),
    )

    with pytest.raises(exc.InvalidRequestError, match="failed to locate a name"):
        base.registry.configure()
