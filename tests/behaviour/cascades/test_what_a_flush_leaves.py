"""A flush writes rows and keys; collections and references stay as they are."""

import pytest
from sqlalchemy import inspect

ORPHANS = "all, delete-orphan"


@pytest.mark.rule("CA-100")
def test_a_deleted_child_stays_in_the_collection(family, session, saved):
    parent = saved(family())
    child = parent.children[0]
    session.delete(child)
    session.flush()

    assert child in parent.children


@pytest.mark.rule("CA-100")
def test_a_deleted_parent_stays_in_the_reference_while_the_key_is_emptied(family, session, saved):
    family = family(back={})
    parent = saved(family)
    child = parent.children[0]
    session.delete(parent)
    session.flush()

    assert child.parent is parent
    assert child.parent_id is None


@pytest.mark.rule("CA-101")
@pytest.mark.parametrize("how", ["commit", "expire"])
def test_the_collection_is_read_again_without_the_deleted_member(family, session, saved, how):
    parent = saved(family())
    gone, stays = parent.children
    session.delete(gone)
    session.flush()
    if how == "commit":
        session.expire_on_commit = True
        session.commit()
    else:
        session.expire(parent, ["children"])

    assert parent.children == [stays]


@pytest.mark.rule("CA-102")
def test_the_key_of_a_removed_child_reads_none_after_the_flush(family, session, saved):
    family = family()
    parent = saved(family)
    child = parent.children[0]
    parent.children.remove(child)
    assert child.parent_id == parent.id
    session.flush()

    assert "parent_id" in child.__dict__
    assert child.parent_id is None


@pytest.mark.rule("CA-103")
def test_removing_a_member_with_delete_orphan_leaves_no_stale_member(family, session, saved, count):
    family = family(cascade=ORPHANS)
    parent = saved(family)
    gone, stays = parent.children
    parent.children.remove(gone)
    session.flush()

    assert parent.children == [stays]
    assert inspect(gone).deleted
    assert count(family.child) == 1


@pytest.mark.rule("CA-105")
@pytest.mark.parametrize("lazy", ["raise", "raise_on_sql"])
@pytest.mark.parametrize("cascade", ["all", "save-update"])
def test_lazy_raise_does_not_hinder_the_loads_of_a_deletion(
    family, session, saved, count, lazy, cascade
):
    family = family(cascade=cascade, lazy=lazy)
    parent = saved(family, unload=True)
    session.delete(parent)
    session.flush()

    assert count(family.parent) == 0
    assert count(family.child) == (0 if cascade == "all" else 2)


@pytest.mark.rule("CA-105")
def test_lazy_raise_does_not_hinder_the_loads_of_an_assignment(family, session, count):
    Parent, Child = family(cascade=ORPHANS, uselist=False, lazy="raise")
    parent = Parent(children=Child())
    session.add(parent)
    session.commit()
    session.expire_all()
    parent.children = None
    session.flush()

    assert count(Child) == 0
