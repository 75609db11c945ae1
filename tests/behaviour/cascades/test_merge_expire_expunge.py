"""The cascades `merge`, `refresh-expire` and `expunge`, and operations that follow none."""

import pytest
from sqlalchemy import delete, inspect, update


def is_expired(*objects):
    return [inspect(each).expired_attributes >= {"id", "name"} for each in objects]


@pytest.mark.rule("CA-80", "CA-20 merge")
def test_merge_copies_the_members_that_the_source_has(family, session, saved):
    family = family(cascade="merge, save-update")
    parent = saved(family, 1)
    child = parent.children[0]
    source = family.parent(id=parent.id, children=[family.child(id=child.id, name="x")])
    merged = session.merge(source)

    assert merged is parent
    assert merged.children == [child]
    assert child.name == "x"
    assert source.children[0] not in session


@pytest.mark.rule("CA-80")
def test_merge_leaves_the_relationship_alone_without_the_cascade(family, session, saved):
    family = family(cascade="save-update")
    parent = saved(family)
    before = list(parent.children)
    session.merge(family.parent(id=parent.id, name="new", children=[family.child()]))

    assert parent.name == "new"
    assert parent.children == before
    assert not session.new


@pytest.mark.rule("CA-20 merge, unloaded")
def test_merge_leaves_the_relationship_alone_that_the_source_never_set(family, session, saved):
    family = family()
    parent = saved(family)
    session.merge(family.parent(id=parent.id, name="new"))

    assert len(parent.children) == 2


@pytest.mark.rule("CA-81", "CA-20 expire")
def test_expire_expires_the_loaded_children_completely(family, session, saved, sql):
    parent = saved(family(cascade="all"))
    children = list(parent.children)
    sql.clear()
    session.expire(parent)

    assert is_expired(parent, *children) == [True, True, True]
    assert len(sql) == 0


@pytest.mark.rule("CA-81")
def test_expire_leaves_the_children_alone_without_the_cascade(family, session, saved):
    parent = saved(family())
    children = list(parent.children)
    session.expire(parent)

    assert is_expired(parent, *children) == [True, False, False]
    assert "children" not in parent.__dict__


@pytest.mark.rule("CA-82", "CA-20 refresh")
def test_refresh_expires_the_loaded_children_and_reads_only_the_parent(family, session, saved, sql):
    parent = saved(family(cascade="all"))
    children = list(parent.children)
    sql.clear()
    session.refresh(parent)

    assert [each.split(" FROM ")[1].split()[0] for each in sql.emitted] == ["parent"]
    assert is_expired(parent, *children) == [False, True, True]


@pytest.mark.rule("CA-83")
@pytest.mark.parametrize("operation", ["expire", "refresh"])
def test_named_attributes_do_not_cascade(family, session, saved, operation):
    parent = saved(family(cascade="all"))
    children = list(parent.children)
    getattr(session, operation)(parent, ["name", "children"])

    assert is_expired(*children) == [False, False]


@pytest.mark.rule("CA-84", "CA-20 expunge", "CA-21")
def test_expunge_takes_the_loaded_children_along(family, session, saved, sql):
    parent = saved(family(cascade="expunge, save-update"))
    sql.clear()
    session.expunge(parent)

    assert not list(session)
    assert len(sql) == 0


@pytest.mark.rule("CA-84", "CA-21")
def test_expunge_leaves_children_that_the_parent_has_not_loaded(family, session, saved, sql):
    parent = saved(family(cascade="all"))
    children = list(parent.children)
    session.expire(parent, ["children"])
    sql.clear()
    session.expunge(parent)

    assert set(session) == set(children)
    assert len(sql) == 0


@pytest.mark.rule("CA-84")
def test_expunge_leaves_the_children_without_the_cascade(family, session, saved):
    parent = saved(family())
    children = list(parent.children)
    session.expunge(parent)

    assert set(session) == set(children)


@pytest.mark.rule("CA-20 close, expunge_all, commit, rollback")
@pytest.mark.parametrize("operation", ["close", "expunge_all"])
def test_all_objects_leave_whatever_the_cascades(family, session, saved, operation):
    parent = saved(family(cascade=""))
    children = list(parent.children)
    getattr(session, operation)()

    assert [inspect(each).detached for each in (parent, *children)] == [True, True, True]


@pytest.mark.rule("CA-20 close, expunge_all, commit, rollback")
@pytest.mark.parametrize("operation", ["commit", "rollback"])
def test_all_objects_expire_whatever_the_cascades(family, session, saved, operation):
    parent = saved(family(cascade=""))
    children = list(parent.children)
    session.expire_on_commit = True
    session.begin()
    getattr(session, operation)()

    assert is_expired(parent, *children) == [True, True, True]


@pytest.mark.rule("CA-20 ORM delete() / update() statements, Query.delete()", "CA-94")
def test_delete_statements_do_not_cascade(family, session, saved, count):
    family = family(cascade="all", passive_deletes=True, ondelete="SET NULL")
    parent = saved(family)
    children = list(parent.children)
    session.execute(delete(family.parent))

    assert (count(family.parent), count(family.child)) == (0, 2)
    assert [child in session for child in children] == [True, True]


@pytest.mark.rule("CA-20 ORM delete() / update() statements, Query.delete()")
def test_update_statements_do_not_cascade(family, session, saved):
    family = family(cascade="all")
    parent = saved(family)
    session.execute(update(family.parent).values(name="new"))

    assert {child.name for child in parent.children} == {"c0", "c1"}
