"""`passive_deletes` and ON DELETE: what the session leaves to the database."""

import pytest
from sqlalchemy import delete, inspect, select

from holdfast.errors import ObjectDeletedError

UNLOADED, LOADED = True, False


def kinds(sql):
    return [each.split()[0] for each in sql.emitted]


@pytest.mark.rule("CA-90", "CA-54")
@pytest.mark.parametrize(
    ("passive", "unload", "cascade", "expected"),
    [
        (False, UNLOADED, "all", ["SELECT", "DELETE"]),
        (False, LOADED, "all", ["DELETE"]),
        (False, UNLOADED, "save-update", ["SELECT", "UPDATE"]),
        (False, LOADED, "save-update", ["UPDATE"]),
        (True, UNLOADED, "all", []),
        (True, LOADED, "all", ["DELETE"]),
        (True, UNLOADED, "save-update", []),
        (True, LOADED, "save-update", ["UPDATE"]),
        ("all", UNLOADED, "save-update", []),
        ("all", LOADED, "save-update", []),
    ],
)
def test_deleting_a_parent_writes_what_the_table_says(
    family, session, saved, sql, count, passive, unload, cascade, expected
):
    on_delete = "CASCADE" if cascade == "all" or passive == "all" else "SET NULL"
    family = family(cascade=cascade, passive_deletes=passive, ondelete=on_delete)
    parent = saved(family, unload=unload)
    sql.clear()
    session.delete(parent)
    session.flush()

    assert kinds(sql) == [*expected, "DELETE"]
    assert sql.emitted[-1].startswith("DELETE FROM parent")
    assert all("child" in each for each in sql.emitted[:-1])
    assert count(family.child) == (0 if on_delete == "CASCADE" else 2)


@pytest.mark.rule("CA-91")
def test_a_child_in_the_session_is_not_deleted_when_the_collection_is_unloaded(
    family, session, saved, count
):
    family = family(cascade="all", passive_deletes=True, ondelete="CASCADE")
    parent = saved(family, unload=True)
    children = session.scalars(select(family.child)).all()
    session.delete(parent)
    session.flush()

    assert count(family.child) == 0
    assert [inspect(child).persistent for child in children] == [True, True]
    session.expire_all()
    with pytest.raises(ObjectDeletedError):
        _ = children[0].name


@pytest.mark.rule("CA-92")
def test_passive_deletes_all_still_frees_a_removed_child(family, session, saved):
    family = family(passive_deletes="all", ondelete="CASCADE")
    parent = saved(family)
    child = parent.children[0]
    parent.children.remove(child)
    session.flush()

    assert child.parent_id is None


@pytest.mark.rule("CA-93")
@pytest.mark.parametrize("passive", [False, True])
def test_the_other_side_of_a_many_to_many_is_loaded_unless_passive(
    tagging, session, sql, count, passive
):
    Post, Tag, links = tagging(
        cascade="save-update", back={"passive_deletes": passive}, ondelete="CASCADE"
    )
    tag = Tag()
    session.add_all([Post(tags=[tag]), Post(tags=[tag])])
    session.commit()
    session.expire(tag, ["posts"])
    sql.clear()
    session.delete(tag)
    session.flush()

    assert kinds(sql) == (["DELETE"] if passive else ["SELECT", "DELETE", "DELETE"])
    assert (count(Post), count(links)) == (2, 0)


@pytest.mark.rule("CA-93")
def test_links_of_a_loaded_collection_are_deleted_by_the_session(tagging, session, sql, count):
    Post, Tag, links = tagging(passive_deletes=True, ondelete="CASCADE")
    post = Post(tags=[Tag(), Tag()])
    session.add(post)
    session.commit()
    sql.clear()
    session.delete(post)
    session.flush()

    assert sql.emitted[0].startswith("DELETE FROM post_tag")
    assert count(links) == 0


@pytest.mark.rule("CA-94")
def test_children_that_the_database_deleted_stay_until_they_expire(family, session, saved):
    family = family(cascade="all", passive_deletes=True, ondelete="CASCADE")
    parent = saved(family)
    child = parent.children[0]
    session.execute(delete(family.parent))
    assert child in session
    assert child.name == "c0"
    session.expire(child)
    with pytest.raises(ObjectDeletedError):
        _ = child.name


@pytest.mark.rule("CA-95")
def test_loaded_children_leave_the_session_with_their_parent(family, session, saved):
    family = family(cascade="all", passive_deletes=True, ondelete="CASCADE")
    parent = saved(family)
    children = list(parent.children)
    session.delete(parent)
    session.flush()
    assert [inspect(each).deleted for each in (parent, *children)] == [True, True, True]
    session.commit()

    assert not list(session)
