"""The `delete-orphan` cascade: members that lose their parent go."""

import pytest
from sqlalchemy import Column, ForeignKey, Integer, exc, inspect

from holdfast import DeclarativeBase, relationship

ORPHANS = "all, delete-orphan"


@pytest.fixture
def owned(family, saved):
    """A class of parents that own their children, and one of them with two children."""
    family = family(cascade=ORPHANS, back={})
    return family, saved(family)


@pytest.mark.rule("CA-60", "CA-61", "CA-20 flush, member removed from parent")
def test_a_child_removed_from_its_parent_is_deleted_by_the_flush(owned, session, count):
    family, parent = owned
    child = parent.children[0]
    parent.children.remove(child)
    assert not session.deleted
    session.flush()

    assert inspect(child).deleted
    assert count(family.child) == 1


@pytest.mark.rule("CA-62")
def test_replacing_the_collection_deletes_the_former_members(owned, session):
    family, parent = owned
    former = list(parent.children)
    parent.children = [family.child(), former[1]]
    session.flush()

    assert inspect(former[0]).deleted
    assert inspect(former[1]).persistent


@pytest.mark.rule("CA-62")
def test_emptying_the_reference_deletes_the_child(owned, session):
    _, parent = owned
    child = parent.children[0]
    child.parent = None
    session.flush()

    assert inspect(child).deleted


@pytest.mark.rule("CA-62", "SM-121")
@pytest.mark.parametrize("names", [None, ["children"]], ids=["whole", "by name"])
@pytest.mark.parametrize("how", ["removed", "reference emptied"])
def test_a_child_that_says_itself_that_it_left_is_deleted_when_its_parent_is_refreshed(
    owned, session, names, how
):
    _, parent = owned
    child = parent.children[0]
    if how == "removed":
        parent.children.remove(child)
    else:
        child.parent = None
    session.refresh(parent, names)

    assert child not in parent.children
    assert inspect(child).deleted


@pytest.mark.rule("CA-60", "CA-62", "CA-104")
@pytest.mark.parametrize("successor", [True, False])
def test_a_scalar_reference_deletes_its_former_target(reference, session, count, successor):
    Parent, Child = reference(cascade=ORPHANS, single_parent=True)
    child = Child(parent=Parent())
    session.add(child)
    session.commit()
    former = child.parent
    child.parent = Parent() if successor else None
    session.flush()

    assert inspect(former).deleted
    assert count(Parent) == successor


@pytest.mark.rule("CA-62")
def test_a_one_to_one_reference_deletes_its_former_target(family, session, count):
    Parent, Child = family(cascade=ORPHANS, uselist=False)
    parent = Parent(children=Child())
    session.add(parent)
    session.commit()
    session.expire_all()
    parent.children = Child(name="successor")
    session.flush()

    assert count(Child) == 1


@pytest.mark.rule("CA-63")
@pytest.mark.parametrize("how", ["removed", "replaced", "reference emptied"])
def test_a_pending_child_leaves_the_session_at_once(owned, session, how):
    family, parent = owned
    child = family.child()
    parent.children.append(child)
    assert child in session
    if how == "removed":
        parent.children.remove(child)
    elif how == "replaced":
        parent.children = []
    else:
        child.parent = None

    assert inspect(child).transient
    assert child not in session


@pytest.mark.rule("CA-64")
@pytest.mark.parametrize("how", ["appended", "assigned"])
def test_a_child_moved_to_another_parent_is_not_deleted(owned, session, saved, sql, how):
    family, parent = owned
    other = saved(family, 0)
    child = parent.children[0]
    if how == "appended":
        other.children.append(child)
    else:
        child.parent = other
    sql.clear()
    session.flush()

    assert [each.split()[0] for each in sql.emitted] == ["UPDATE"]
    assert child.parent_id == other.id
    assert child not in parent.children


@pytest.mark.rule("CA-64")
def test_a_child_removed_and_given_to_another_parent_is_not_deleted(family, session, saved):
    family = family(cascade=ORPHANS)
    parent, other = saved(family), saved(family, 0)
    child = parent.children[0]
    parent.children.remove(child)
    other.children.append(child)
    session.flush()

    assert inspect(child).persistent
    assert child.parent_id == other.id


@pytest.mark.rule("CA-65")
def test_a_child_removed_and_appended_again_is_not_deleted(owned, session, sql):
    _, parent = owned
    child = parent.children[0]
    parent.children.remove(child)
    parent.children.append(child)
    sql.clear()
    session.flush()

    assert inspect(child).persistent
    assert len(sql) == 0


@pytest.mark.rule("CA-66")
def test_a_child_that_never_had_a_parent_is_inserted(owned, session, count):
    family, _ = owned
    session.add(family.child())
    session.flush()

    assert count(family.child) == 3


@pytest.mark.rule("CA-66")
def test_a_child_that_never_had_a_parent_is_left_to_the_database(family, session):
    family = family(cascade=ORPHANS, nullable=False)
    session.add(family.child())
    with pytest.raises(exc.IntegrityError):
        session.flush()


@pytest.fixture
def two_parents(tables):
    """Make a child with two classes of parents that own it, and both parents."""
    bases = []

    def make(**mapper_args):
        class Base(DeclarativeBase):
            pass

        bases.append(Base)

        class House(Base):
            __tablename__ = "house"
            id = Column(Integer, primary_key=True)
            cats = relationship("Cat", cascade=ORPHANS)

        class Owner(Base):
            __tablename__ = "owner"
            id = Column(Integer, primary_key=True)
            cats = relationship("Cat", cascade=ORPHANS)

        class Cat(Base):
            __tablename__ = "cat"
            __mapper_args__ = mapper_args
            id = Column(Integer, primary_key=True)
            house_id = Column(ForeignKey("house.id"))
            owner_id = Column(ForeignKey("owner.id"))

        tables(Base.metadata)
        return House(), Owner(), Cat()

    yield make
    for each in bases:
        each.registry.dispose()


@pytest.mark.rule("CA-67")
@pytest.mark.parametrize("legacy", [False, True])
def test_a_persistent_child_of_two_parents_goes_with_the_first_that_lets_it_go(
    two_parents, session, legacy
):
    house, owner, cat = two_parents(legacy_is_orphan=legacy)
    house.cats.append(cat)
    owner.cats.append(cat)
    session.add_all([house, owner])
    session.commit()
    house.cats.remove(cat)
    session.flush()

    assert inspect(cat).deleted


@pytest.mark.rule("CA-67")
@pytest.mark.parametrize("legacy", [False, True])
def test_a_pending_child_of_two_parents_goes_with_the_first_unless_legacy(
    two_parents, session, legacy
):
    house, owner, cat = two_parents(legacy_is_orphan=legacy)
    house.cats.append(cat)
    owner.cats.append(cat)
    session.add_all([house, owner])
    house.cats.remove(cat)
    assert (cat in session) is legacy
    owner.cats.remove(cat)

    assert cat not in session


@pytest.mark.rule("CA-68")
def test_single_parent_refuses_a_second_holder(reference):
    Parent, Child = reference(single_parent=True)
    parent = Parent()
    first, second = Child(parent=parent), Child()
    with pytest.raises(
        exc.InvalidRequestError,
        match=r"is already associated with an instance of .* only allowed a single parent",
    ):
        second.parent = parent

    assert first.parent is parent
    first.parent = None
    second.parent = parent


@pytest.mark.rule("CA-68")
def test_single_parent_refuses_a_second_collection(tagging):
    Post, Tag, _ = tagging(single_parent=True)
    tag = Tag()
    held = Post(tags=[tag])
    with pytest.raises(exc.InvalidRequestError, match="is already associated with an instance of"):
        Post(tags=[tag])

    assert held.tags == [tag]


@pytest.mark.rule("CA-69")
def test_single_parent_does_not_see_the_other_direction(reference):
    Parent, Child = reference(single_parent=True, back={})
    parent = Parent()
    children = [Child(), Child()]
    parent.children.extend(children)

    assert [child.parent for child in children] == [parent, parent]


@pytest.mark.rule("CA-70")
def test_handing_over_a_collection_moves_its_members(owned, session, saved, sql, count):
    family, parent = owned
    other = saved(family, 0)
    children = list(parent.children)
    other.children = parent.children
    sql.clear()
    session.flush()

    assert [each.split()[0] for each in sql.emitted] == ["UPDATE"]
    assert {child.parent_id for child in children} == {other.id}
    assert count(family.child) == 2
    session.expire_all()
    assert (parent.children, other.children) == ([], children)


@pytest.mark.rule("CA-60")
def test_a_link_removed_from_a_single_parent_many_to_many_deletes_the_member(
    tagging, session, count
):
    Post, Tag, links = tagging(cascade=ORPHANS, single_parent=True)
    post = Post(tags=[Tag(), Tag()])
    session.add(post)
    session.commit()
    post.tags.pop()
    session.flush()

    assert (count(Tag), count(links)) == (1, 1)


@pytest.mark.rule("CA-20 transitively")
def test_what_an_orphan_owns_goes_with_it(session, tables):
    class Base(DeclarativeBase):
        pass

    class Node(Base):
        __tablename__ = "branch"
        id = Column(Integer, primary_key=True)
        above_id = Column(ForeignKey("branch.id"))
        below = relationship("Node", cascade=ORPHANS)

    tables(Base.metadata)
    twig = Node()
    branch = Node(below=[twig])
    trunk = Node(below=[branch])
    session.add(trunk)
    session.commit()
    trunk.below = []
    session.flush()

    assert inspect(twig).deleted
    assert inspect(branch).deleted
    Base.registry.dispose()
