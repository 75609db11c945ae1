"""The `delete` cascade, and what deleting a parent means to children without it."""

import pytest
from sqlalchemy import Column, ForeignKey, Integer, exc, inspect, select

from holdfast import DeclarativeBase, relationship


def statements(sql):
    return [each.split(" WHERE")[0].split(" (")[0] for each in sql.emitted]


@pytest.mark.rule("CA-50", "CA-20 delete")
def test_delete_marks_the_members_at_once(family, session, saved):
    parent = saved(family(cascade="all"))
    session.delete(parent)

    assert set(session.deleted) == {parent, *parent.children}


@pytest.mark.rule("CA-50")
def test_members_are_those_at_the_time_of_the_call(family, session, saved, count):
    family = family(cascade="all")
    parent = saved(family)
    session.delete(parent)
    late = family.child()
    session.add(late)
    session.flush()

    assert (count(family.parent), count(family.child)) == (0, 1)


@pytest.mark.rule("CA-51")
def test_delete_loads_what_is_not_loaded(family, session, saved, sql):
    parent = saved(family(cascade="all"), unload=True)
    sql.clear()
    session.delete(parent)

    assert len(sql) == 1
    assert sql.emitted[0].startswith("SELECT child.")
    assert len(session.deleted) == 3


@pytest.mark.rule("CA-51")
def test_delete_loads_nothing_with_passive_deletes(family, session, saved, sql):
    parent = saved(family(cascade="all", passive_deletes=True, ondelete="CASCADE"), unload=True)
    sql.clear()
    session.delete(parent)

    assert len(sql) == 0
    assert set(session.deleted) == {parent}


@pytest.mark.rule("CA-52")
def test_children_are_deleted_before_their_parent(family, session, saved, sql):
    parent = saved(family(cascade="all"))
    session.delete(parent)
    sql.clear()
    session.flush()

    assert statements(sql) == ["DELETE FROM child", "DELETE FROM parent"]


@pytest.mark.rule("CA-53")
def test_a_child_removed_without_delete_orphan_stays_without_parent(family, session, saved, count):
    family = family(cascade="all")
    parent = saved(family)
    child = parent.children[0]
    parent.children.remove(child)
    session.flush()

    assert child.parent_id is None
    assert count(family.child) == 2


@pytest.mark.rule("CA-54")
def test_deleting_a_parent_loads_the_children_and_frees_them_first(family, session, saved, sql):
    family = family()
    parent = saved(family, unload=True)
    children = session.scalars(select(family.child)).all()
    session.delete(parent)
    sql.clear()
    session.flush()

    assert [each.split()[0] for each in sql.emitted] == ["SELECT", "UPDATE", "DELETE"]
    assert {child.parent_id for child in children} == {None}


@pytest.fixture
def keyed(tables):
    """A child whose foreign key is part of its primary key."""

    class Base(DeclarativeBase):
        pass

    class Parent(Base):
        __tablename__ = "keyed_parent"
        id = Column(Integer, primary_key=True)
        children = relationship("Child")

    class Child(Base):
        __tablename__ = "keyed_child"
        parent_id = Column(ForeignKey("keyed_parent.id"), primary_key=True)
        number = Column(Integer, primary_key=True)

    tables(Base.metadata)
    yield Parent, Child
    Base.registry.dispose()


@pytest.mark.rule("CA-55", "CA-53", "CA-54")
@pytest.mark.parametrize("how", ["removed", "parent deleted"])
def test_a_key_that_would_become_null_is_an_error(keyed, session, how):
    Parent, Child = keyed
    parent = Parent(id=1, children=[Child(number=1)])
    session.add(parent)
    session.flush()
    if how == "removed":
        parent.children.pop()
    else:
        session.delete(parent)
    with pytest.raises(AssertionError, match=r"Dependency rule .* tried to blank-out primary key"):
        session.flush()


@pytest.mark.rule("CA-56")
@pytest.mark.parametrize("how", ["removed", "parent deleted"])
def test_a_foreign_key_that_must_not_be_null_is_left_to_the_database(family, session, saved, how):
    parent = saved(family(nullable=False))
    if how == "removed":
        parent.children.pop()
    else:
        session.delete(parent)
    with pytest.raises(exc.IntegrityError):
        session.flush()


@pytest.mark.rule("CA-57")
def test_deleting_a_child_deletes_what_it_refers_to(reference, session, count):
    Parent, Child = reference(cascade="all")
    child = Child(parent=Parent())
    session.add(child)
    session.commit()
    session.delete(child)
    assert child.parent in session.deleted
    session.flush()

    assert (count(Parent), count(Child)) == (0, 0)


@pytest.mark.rule("CA-57")
def test_other_children_of_a_deleted_reference_are_freed_through_the_back_reference(
    reference, session, count
):
    Parent, Child = reference(cascade="all", back={})
    parent = Parent()
    first, second = Child(parent=parent), Child(parent=parent)
    session.add_all([first, second])
    session.commit()
    session.delete(first)
    session.flush()

    assert second.parent_id is None
    assert (count(Parent), count(Child)) == (0, 1)


@pytest.mark.rule("CA-57")
def test_other_children_of_a_deleted_reference_are_unknown_without_back_reference(
    reference, session
):
    Parent, Child = reference(cascade="all")
    parent = Parent()
    first, second = Child(parent=parent), Child(parent=parent)
    session.add_all([first, second])
    session.commit()
    session.delete(first)
    with pytest.raises(exc.IntegrityError):
        session.flush()


@pytest.mark.rule("CA-58")
@pytest.mark.parametrize("unload", [False, True])
def test_deleting_a_holder_deletes_the_links_and_leaves_the_others(tagging, session, count, unload):
    Post, Tag, links = tagging()
    post = Post(tags=[Tag(), Tag()])
    session.add(post)
    session.commit()
    if unload:
        session.expire(post)
    session.delete(post)
    session.flush()

    assert (count(Post), count(Tag), count(links)) == (0, 2, 0)


@pytest.mark.rule("CA-58")
def test_deleting_a_holder_with_the_cascade_deletes_the_others_too(tagging, session, count):
    Post, Tag, links = tagging(cascade="all")
    post = Post(tags=[Tag(), Tag()])
    session.add(post)
    session.commit()
    session.delete(post)
    session.flush()

    assert (count(Post), count(Tag), count(links)) == (0, 0, 0)


@pytest.mark.rule("CA-59")
def test_cascades_on_both_sides_delete_all_that_can_be_reached(tagging, session, count):
    Post, Tag, links = tagging(cascade="all", back={"cascade": "all"})
    shared = Tag()
    first, second = Post(tags=[shared]), Post(tags=[shared, Tag()])
    session.add_all([first, second, Post(tags=[Tag()])])
    session.commit()
    session.delete(first)
    session.flush()

    assert (count(Post), count(Tag), count(links)) == (1, 1, 1)


@pytest.mark.rule("CA-20 transitively")
def test_delete_goes_on_from_what_it_reaches(session, tables):
    class Base(DeclarativeBase):
        pass

    class Node(Base):
        __tablename__ = "chain"
        id = Column(Integer, primary_key=True)
        before_id = Column(ForeignKey("chain.id"))
        after = relationship("Node", cascade="all", uselist=False)

    tables(Base.metadata)
    last = Node()
    first = Node(after=Node(after=last))
    session.add(first)
    session.commit()
    session.expire_all()
    session.delete(first)

    assert last in session.deleted
    session.flush()
    assert inspect(last).deleted
    Base.registry.dispose()
