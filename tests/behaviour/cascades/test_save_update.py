"""The `save-update` cascade: who joins a session with whom."""

import pytest
from sqlalchemy import exc, inspect, select

from holdfast import Session, relationship
from holdfast.errors.flush import FlushError
from models import library

NOT_IN_SESSION = "Object of type <Child> not in session, add operation along 'Parent.children'"


@pytest.mark.rule("CA-30")
def test_appending_to_a_member_takes_the_new_object_in(family, session):
    Parent, Child = family()
    parent, child = Parent(), Child()
    session.add(parent)
    parent.children.append(child)

    assert child in session


@pytest.mark.rule("CA-30")
def test_assigning_to_a_reference_of_a_member_takes_the_new_object_in(reference, session):
    Parent, Child = reference()
    parent, child = Parent(), Child()
    session.add(child)
    child.parent = parent

    assert parent in session


@pytest.mark.rule("CA-30")
def test_a_persistent_member_takes_in_what_its_unloaded_collection_is_given(
    family, session, saved, sql
):
    family = family()
    parent = saved(family, unload=True)
    sql.clear()
    child = family.child()
    parent.children.append(child)

    assert child in session


@pytest.mark.rule("CA-31", "CA-110 save-update through the back reference")
@pytest.mark.filterwarnings("ignore:Object of type <Child> not in session")
def test_cascade_does_not_run_through_the_back_reference(family, session, count):
    Parent, Child = family(back={})
    parent, child = Parent(), Child()
    session.add(parent)
    child.parent = parent

    assert parent.children == [child]
    assert child not in session
    session.flush()
    assert count(Child) == 0


@pytest.mark.rule("CA-32")
def test_flush_warns_of_a_member_outside_the_session_and_writes_nothing_for_it(
    family, session, count
):
    Parent, Child = family(back={})
    parent, child = Parent(), Child()
    session.add(parent)
    child.parent = parent
    with pytest.warns(exc.SAWarning, match=f"{NOT_IN_SESSION} will not proceed"):
        session.flush()

    assert (count(Parent), count(Child)) == (1, 0)
    assert inspect(child).transient


@pytest.mark.rule("CA-32 the key reaches it in memory")
@pytest.mark.filterwarnings("ignore:Object of type <Child> not in session")
def test_flush_gives_a_member_outside_the_session_the_key_for_later(family, session):
    Parent, Child = family(cascade="")
    parent, child = Parent(), Child()
    parent.children = [child]
    session.add(parent)
    session.flush()
    assert child.parent_id == parent.id

    session.add(child)
    session.commit()
    assert (child.parent_id, parent.children) == (parent.id, [child])


@pytest.mark.rule("CA-32 the key reaches it in memory")
@pytest.mark.filterwarnings("ignore:Object of type <Child> not in session")
def test_flush_gives_a_detached_member_the_key_as_a_change(family, session):
    Parent, Child = family(cascade="")
    parent, child = Parent(children=[]), Child()
    session.add_all([parent, child])
    session.flush()
    session.expunge(child)
    parent.children.append(child)
    session.flush()
    assert inspect(child).attrs.parent_id.history.added == [parent.id]

    session.add(child)
    session.commit()
    assert (child.parent_id, parent.children) == (parent.id, [child])


@pytest.mark.rule("CA-32 the key leaves it in memory")
@pytest.mark.filterwarnings("ignore:Object of type <Child> not in session")
@pytest.mark.parametrize("way", ["removed", "parent deleted"])
def test_flush_takes_the_key_from_a_former_member_outside_the_session(family, session, way):
    Parent, Child = family(cascade="")
    parent, child = Parent(), Child()
    parent.children = [child]
    session.add(parent)
    session.flush()
    if way == "removed":
        parent.children.remove(child)
    else:
        session.delete(parent)
    session.flush()

    assert child.parent_id is None


@pytest.mark.rule("CA-33")
def test_appending_takes_in_where_a_back_reference_does_not(family, session):
    Parent, Child = family(back={})
    parent, child = Parent(), Child()
    session.add(parent)
    parent.children.append(child)

    assert child in session
    assert child.parent is parent


@pytest.mark.rule("CA-34", "CA-20 add")
def test_add_takes_in_all_that_is_linked(session):
    tag = library.Tag(name="t")
    author = library.Author(name="a", books=[library.Book(tags={tag}), library.Book()])
    session.add(author)

    assert list(session.new) == [author, *author.books, tag]


@pytest.mark.rule("CA-20 add_all")
def test_add_all_takes_in_all_that_is_linked(session):
    authors = [library.Author(books=[library.Book()]), library.Author(books=[library.Book()])]
    session.add_all(authors)

    assert set(session.new) == {*authors, authors[0].books[0], authors[1].books[0]}


@pytest.mark.rule("CA-20 each object once")
def test_a_cascade_visits_each_object_of_a_circle_once(family, session):
    Parent, Child = family(back={})
    parent = Parent(children=[Child(), Child()])
    session.add(parent.children[1])

    assert sorted(map(id, session.new)) == sorted(map(id, [parent, *parent.children]))


@pytest.mark.rule("CA-21")
def test_add_loads_nothing(family, session, saved, sql):
    parent = saved(family(), unload=True)
    session.expunge(parent)
    sql.clear()
    session.add(parent)

    assert len(sql) == 0
    assert "children" not in parent.__dict__


@pytest.mark.rule("CA-35", "CA-20 members removed and not flushed")
def test_adding_a_detached_parent_takes_in_the_members_it_has_lost(family, session, saved):
    parent = saved(family())
    gone, stays = parent.children
    session.expunge_all()
    parent.children.remove(gone)
    session.add(parent)
    assert gone in session
    assert stays in session
    session.flush()

    assert gone.parent_id is None
    assert stays.parent_id == parent.id


@pytest.mark.rule("CA-35")
def test_adding_a_detached_holder_takes_in_the_object_it_referred_to(reference, session):
    Parent, Child = reference()
    child = Child(parent=Parent())
    before = child.parent
    session.add(child)
    session.commit()
    session.expunge_all()
    child.parent = Parent()
    session.add(child)

    assert before in session
    assert child.parent in session


@pytest.mark.rule("CA-36")
def test_replacing_a_collection_takes_in_the_new_and_lets_go_of_the_old(family, session, saved):
    family = family()
    parent = saved(family)
    old = parent.children
    new = [family.child(), old[1]]
    former = old[0]
    parent.children = new
    assert new[0] in session
    session.flush()

    assert former.parent_id is None
    assert {child.parent_id for child in new} == {parent.id}


@pytest.mark.rule("CA-37")
@pytest.mark.parametrize("is_saved", [True, False])
def test_removing_a_member_leaves_it_in_the_session(family, session, is_saved):
    Parent, Child = family()
    parent, child = Parent(), Child()
    parent.children.append(child)
    session.add(parent)
    if is_saved:
        session.flush()
    parent.children.remove(child)

    assert child in session


@pytest.mark.rule("CA-38")
def test_a_member_stays_outside_without_the_cascade(family, session, count):
    Parent, Child = family(cascade="merge")
    child = Child()
    parent = Parent(children=[child])
    session.add(parent)
    assert child not in session
    with pytest.warns(exc.SAWarning, match=NOT_IN_SESSION):
        session.flush()

    assert (count(Parent), count(Child)) == (1, 0)


@pytest.mark.rule("CA-38")
def test_a_reference_stays_outside_without_the_cascade(reference, session, count):
    Parent, Child = reference(cascade="")
    child = Child(parent=Parent())
    session.add(child)
    with pytest.warns(exc.SAWarning, match="Object of type <Parent> not in session"):
        session.flush()

    assert (count(Parent), count(Child)) == (0, 1)
    assert child.parent_id is None


@pytest.mark.rule("CA-39")
def test_cascade_backrefs_accepts_only_false():
    relationship("Child", cascade_backrefs=False)
    with pytest.raises(exc.ArgumentError, match=r"'cascade_backrefs' parameter .* be set to F"):
        relationship("Child", cascade_backrefs=True)


@pytest.mark.rule("CA-40")
def test_add_refuses_a_member_of_the_wrong_class(family, session):
    Parent, _ = family()
    parent = Parent()
    parent.children.append(library.Tag(name="t"))
    with pytest.raises(AssertionError, match="doesn't handle objects of type"):
        session.add(parent)


@pytest.mark.rule("CA-40")
def test_flush_refuses_a_member_of_the_wrong_class(family, session, tables):
    tables(library.Base.metadata)
    Parent, _ = family()
    parent, tag = Parent(), library.Tag(name="t")
    session.add_all([parent, tag])
    parent.children.append(tag)
    with pytest.raises(FlushError, match="Attempting to flush an item of type"):
        session.flush()


@pytest.mark.rule("CA-110 conflicting identity at flush")
def test_a_conflicting_identity_warns_and_is_left_to_the_database(family, session):
    Parent, _ = family()
    session.add(Parent(id=1))
    kept = session.identity_map
    session.flush()
    held = session.get(Parent, 1)
    session.add(Parent(id=1))
    with (
        pytest.warns(exc.SAWarning, match="conflicts with persistent instance"),
        pytest.raises(exc.IntegrityError),
    ):
        session.flush()

    assert held is not None
    assert kept is session.identity_map


@pytest.mark.rule("CA-110 reading an unset reference")
def test_reading_an_unset_reference_stores_nothing(reference):
    child = reference().child()

    assert child.parent is None
    assert "parent" not in child.__dict__


@pytest.mark.rule("CA-30")
def test_an_object_of_another_session_is_refused(engine, family, session):
    Parent, Child = family()
    parent, child = Parent(), Child()
    session.add(parent)
    with Session(engine) as other:
        other.add(child)
        with pytest.raises(exc.InvalidRequestError, match="is already attached to session"):
            parent.children.append(child)


@pytest.mark.rule("CA-32")
@pytest.mark.parametrize("loaded", [False, True], ids=["unloaded", "loaded"])
def test_a_child_given_to_a_parent_outside_the_session_keeps_the_parent_of_its_row(
    family, session, saved, loaded
):
    family = family(back={})
    parent = saved(family, 1)
    session.expire_all()
    child = session.scalars(select(family.child)).one()
    assert child.parent is parent
    if loaded:
        assert parent.children == [child]
    outsider = family.parent(children=[child])
    with pytest.warns(exc.SAWarning, match="'Child.parent' will not proceed"):
        session.flush()

    assert session.scalar(select(family.child.__table__.c.parent_id)) == parent.id
    session.add(outsider)
    session.flush()
    assert session.scalar(select(family.child.__table__.c.parent_id)) == outsider.id
