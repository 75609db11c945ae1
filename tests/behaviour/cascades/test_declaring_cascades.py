"""What `relationship(cascade=...)` takes, and what it says when it cannot."""

import pytest
from sqlalchemy import exc, inspect

from holdfast import configure_mappers, relationship
from holdfast.util import CascadeOptions

RULES = {"save-update", "merge", "expunge", "delete", "delete-orphan", "refresh-expire"}


def cascade_of(cls, name):
    return inspect(cls).relationships[name].cascade


@pytest.mark.rule("CA-1")
@pytest.mark.parametrize("given", ["delete,save-update", " delete , save-update ,"])
def test_cascade_reads_a_string_of_names_and_ignores_blanks(family, given):
    assert cascade_of(family(cascade=given).parent, "children") == {"delete", "save-update"}


@pytest.mark.rule("CA-1")
def test_cascade_reads_a_list_of_names(family):
    assert cascade_of(family(cascade=["merge", "expunge"]).parent, "children") == {
        "merge",
        "expunge",
    }


@pytest.mark.rule("CA-1")
@pytest.mark.parametrize("name", sorted(RULES - {"delete-orphan"}))
def test_cascade_knows_each_name(name):
    assert CascadeOptions(name) == {name}


@pytest.mark.rule("CA-2")
def test_cascade_is_save_update_and_merge_by_default(family):
    assert cascade_of(family().parent, "children") == {"save-update", "merge"}


@pytest.mark.rule("CA-3")
def test_all_leaves_delete_orphan_out():
    assert CascadeOptions("all") == RULES - {"delete-orphan"}


@pytest.mark.rule("CA-4")
@pytest.mark.parametrize("given", ["none", "", None, "none, delete", ["delete", "none"]])
def test_none_and_nothing_mean_no_cascade(given):
    assert CascadeOptions(given) == frozenset()


@pytest.mark.rule("CA-5")
def test_cascade_refuses_an_unknown_name():
    with pytest.raises(exc.ArgumentError, match=r"Invalid cascade option\(s\): 'deleted', 'fake'"):
        relationship("Child", cascade="fake, all, deleted")


@pytest.mark.rule("CA-6")
def test_delete_orphan_warns_without_delete():
    with pytest.warns(exc.SAWarning, match="'delete-orphan' cascade option requires 'delete'"):
        cascade = CascadeOptions("delete-orphan")

    assert cascade.delete_orphan


@pytest.mark.rule("CA-7")
def test_delete_orphan_on_a_many_to_one_demands_single_parent(reference):
    with pytest.raises(
        exc.ArgumentError, match=r"For many-to-one relationship Child\.parent"
    ) as it:
        reference(cascade="all, delete-orphan")

    assert 'only a single "Child" object' in str(it.value)
    assert 'particular "Parent" object' in str(it.value)
    assert "single_parent=True" in str(it.value)


@pytest.mark.rule("CA-7")
def test_delete_orphan_on_a_many_to_many_demands_single_parent(tagging):
    with pytest.raises(exc.ArgumentError, match=r"For many-to-many relationship Post\.tags") as it:
        tagging(cascade="all, delete-orphan")

    assert "single_parent=True" in str(it.value)


@pytest.mark.rule("CA-7")
def test_delete_orphan_is_accepted_with_single_parent(reference):
    child = reference(cascade="all, delete-orphan", single_parent=True).child

    assert cascade_of(child, "parent").delete_orphan


@pytest.mark.rule("CA-8")
def test_cascades_that_write_are_dropped_for_viewonly(family):
    parent = family(viewonly=True, cascade="all, delete-orphan").parent

    assert cascade_of(parent, "children") == {"merge", "expunge", "refresh-expire"}


@pytest.mark.rule("CA-8")
def test_viewonly_merges_by_default(family):
    assert cascade_of(family(viewonly=True).parent, "children") == {"merge"}


@pytest.mark.rule("CA-8")
def test_viewonly_takes_no_member_into_the_session(family, session):
    Parent, Child = family(viewonly=True)
    child = Child()
    session.add(Parent(children=[child]))

    assert child not in session


@pytest.mark.rule("CA-9")
@pytest.mark.parametrize("cascade", ["all", "save-update, delete", "all, delete-orphan"])
def test_passive_deletes_all_excludes_delete_cascades(family, cascade):
    with pytest.raises(exc.ArgumentError, match="can't set passive_deletes='all' in conjunction"):
        family(cascade=cascade, passive_deletes="all")


@pytest.mark.rule("CA-10")
def test_cascade_options_is_an_immutable_set_with_names_as_attributes(family):
    cascade = cascade_of(family(cascade="save-update, delete, expunge").parent, "children")

    assert isinstance(cascade, CascadeOptions)
    assert isinstance(cascade, frozenset)
    assert [
        cascade.save_update,
        cascade.delete,
        cascade.refresh_expire,
        cascade.merge,
        cascade.expunge,
        cascade.delete_orphan,
    ] == [True, True, False, False, True, False]
    assert repr(cascade) == "CascadeOptions('delete,expunge,save-update')"
    with pytest.raises(AttributeError):
        cascade.delete = False


@pytest.mark.rule("CA-11")
def test_cascade_options_are_constructible():
    assert CascadeOptions("all, delete-orphan") == RULES
    assert CascadeOptions(["all"]) == RULES - {"delete-orphan"}


@pytest.mark.rule("CA-12")
def test_backref_takes_a_cascade_of_its_own(family):
    Parent, Child = family(cascade="all", back={"cascade": "expunge"})

    assert cascade_of(Child, "parent") == {"expunge"}
    assert cascade_of(Parent, "children").delete


@pytest.mark.rule("CA-13")
def test_cascade_can_be_assigned_again(family, session, saved, count):
    family = family()
    parents = saved(family), saved(family)
    session.delete(parents[0])
    session.flush()
    family.parent.children.property.cascade = "all"
    session.delete(parents[1])
    session.flush()

    assert cascade_of(family.parent, "children") == CascadeOptions("all")
    assert count(family.child) == 2


@pytest.mark.rule("CA-13")
def test_a_cascade_assigned_again_is_checked(reference):
    prop = reference().child.parent.property
    with pytest.raises(exc.ArgumentError, match="single_parent=True"):
        prop.cascade = "all, delete-orphan"
    configure_mappers()
