"""Where a transaction can fail, and what is left of it: one test for each cell of the table.

The table is `tests/failures.toml`, from which `docs/failed-flush.md` is made.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from sqlalchemy import event, exc, func, inspect, select, text

from holdfast import Session
from models import library

CASES = {
    case["place"]: case
    for case in tomllib.loads(
        Path(__file__).parents[2].joinpath("failures.toml").read_text(encoding="utf8")
    )["case"]
}


class Refusal(Exception):
    """What a listener raises here."""


def refuse(*_):
    raise Refusal("not now")


class Scene:
    """A session in the middle of its work, and the objects that the table speaks of."""

    def __init__(self, engine):
        with Session(engine) as session, session.begin():
            session.add_all([library.Author(id=i, name=f"old {i}") for i in (1, 2, 3)])
        self.session = session = Session(engine)
        self.nested = None
        self.refusing = []
        self.untouched = session.get(library.Author, 1)
        self.earlier = library.Tag(id=1, name="earlier")
        session.add(self.earlier)
        session.flush()

    def work(self, *, name=None):
        """New, changed and deleted objects; a new author without name is refused."""
        session = self.session
        self.new = library.Author(id=9, name=name)
        self.changed = session.get(library.Author, 2)
        self.deleted = session.get(library.Author, 3)
        self.changed.name = "changed"
        session.add(self.new)
        session.delete(self.deleted)

    def refuse(self, name, target=None):
        """Let a listener raise."""
        heard = (target or self.session, name, refuse)
        event.listen(*heard)
        self.refusing.append(heard)

    def stop_refusing(self):
        for heard in self.refusing:
            event.remove(*heard)

    def look(self):
        """The column of each object as it is now."""
        return {
            "new": self.state_text(self.new),
            "changed": self.value_text(self.changed, "changed"),
            "deleted": self.state_text(self.deleted),
            "earlier": self.state_text(self.earlier),
            "untouched": self.value_text(self.untouched, "old 1"),
        }

    def state_text(self, obj):
        if obj in self.session.deleted:
            return "marked for deletion"
        names = ("transient", "pending", "persistent", "deleted", "detached")
        return next(name for name in names if getattr(inspect(obj), name))

    def value_text(self, obj, value):
        state = inspect(obj)
        if state.expired:
            return "expired"
        assert obj.name == value
        return "changed" if obj in self.session.dirty else "loaded"


def in_root(scene):
    scene.work()
    scene.session.flush()


def in_savepoint(scene):
    scene.nested = scene.session.begin_nested()
    scene.work()
    scene.session.flush()


def in_savepoint_block(scene):
    with scene.session.begin_nested():
        scene.work()
        scene.session.flush()


def in_inner_savepoint(scene):
    scene.session.begin_nested()
    scene.nested = scene.session.begin_nested()
    scene.work()
    scene.session.flush()


def before_a_query(scene):
    scene.work()
    scene.session.scalars(select(library.Book)).all()


def before_savepoint(scene):
    scene.work()
    scene.session.begin_nested()


def at_release(scene):
    scene.nested = scene.session.begin_nested()
    scene.work()
    scene.nested.commit()


def in_commit(scene):
    scene.work()
    scene.session.commit()


def in_block(scene):
    with scene.session.get_transaction():
        scene.work()


def in_bulk(scene):
    scene.work(name="new")
    scene.session.flush()
    scene.session.bulk_insert_mappings(library.Author, [{"id": 9, "name": "again"}])


def listener(name):
    def fail(scene):
        scene.work(name="new")
        scene.refuse(name)
        scene.session.flush()

    return fail


def commit_listener(name):
    def fail(scene):
        scene.work(name="new")
        scene.refuse(name)
        scene.session.commit()

    return fail


def mapper_listener(name):
    def fail(scene):
        scene.work(name="new")
        scene.refuse(name, library.Author)
        scene.session.flush()

    return fail


def at_commit(scene):
    scene.work(name="new")
    scene.refuse("commit", scene.session.get_bind())
    scene.session.commit()


def in_rollback_listener(scene):
    scene.work(name="new")
    scene.session.flush()
    scene.refuse("after_rollback")
    scene.session.rollback()


PLACES = {
    "session.flush()": in_root,
    "session.flush() after nested = session.begin_nested()": in_savepoint,
    "with session.begin_nested():": in_savepoint_block,
    "session.flush() in a SAVEPOINT in a SAVEPOINT": in_inner_savepoint,
    "autoflush before a query": before_a_query,
    "session.begin_nested(), which flushes": before_savepoint,
    "nested.commit(), which flushes": at_release,
    "session.commit(), which flushes": in_commit,
    "end of with session.begin():": in_block,
    "session.bulk_insert_mappings() after a flush": in_bulk,
    "listener of before_flush": listener("before_flush"),
    "listener of before_insert": mapper_listener("before_insert"),
    "listener of after_insert": mapper_listener("after_insert"),
    "listener of after_flush": listener("after_flush"),
    "listener of after_flush_postexec": listener("after_flush_postexec"),
    "listener of before_commit": commit_listener("before_commit"),
    "COMMIT in the database": at_commit,
    "listener of after_commit": commit_listener("after_commit"),
    "listener of after_rollback": in_rollback_listener,
}

ERRORS = {
    "the listener's": Refusal,
    "the database's": Refusal,
    "IntegrityError": exc.IntegrityError,
}
OBJECTS = ("new", "changed", "deleted", "earlier", "untouched")
COLUMNS = ("raises", "undone", *OBJECTS, "next", "out", "kept")


def test_table_has_a_row_for_each_place_and_no_other():
    assert list(CASES) == list(PLACES)
    assert {tuple(case) for case in CASES.values()} == {("place", *COLUMNS)}


@pytest.fixture
def play(bound):
    """Play a case up to its failure; gives the scene and the exception."""

    def run(place):
        scene = Scene(bound)
        with pytest.raises(ERRORS[CASES[place]["raises"]]) as caught:
            PLACES[place](scene)
        scene.stop_refusing()
        return scene, caught.value

    return run


def leave(scene, out):
    """The way out, as the table words it."""
    if out != "none needed":
        owner, method = out.removesuffix("()").split(".")
        getattr({"session": scene.session, "nested": scene.nested}[owner], method)()


@pytest.mark.parametrize("column", OBJECTS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.rule("TX-35", "TX-39", "TX-60", "SB-109")
def test_object_is_after_a_failure_what_the_table_says(play, place, column):
    scene, _ = play(place)

    assert scene.look()[column] == CASES[place][column]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.rule("TX-40", "TX-60", "TX-61", "TX-68")
def test_next_use_after_a_failure_says_what_the_table_says(play, place):
    scene, error = play(place)
    expected = CASES[place]["next"]
    if expected == "works":
        assert scene.session.is_active
        scene.session.connection()
        return

    with pytest.raises(getattr(exc, expected)) as caught:
        scene.session.connection()

    assert not scene.session.is_active
    assert scene.session.in_transaction()
    if expected == "PendingRollbackError":
        assert str(error) in str(caught.value)
        assert "Session.rollback()" in str(caught.value)
        assert caught.value.original is error
        assert caught.value.__cause__ is error
    else:
        assert not isinstance(caught.value, exc.PendingRollbackError)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.rule("TX-63")
def test_database_undoes_at_a_failure_what_the_table_says(play, place, bound):
    """Told by the transaction control that reaches the driver."""
    undone = []
    event.listen(bound, "rollback", lambda _: undone.append("the transaction"))
    event.listen(bound, "rollback_savepoint", lambda *_: undone.append("to the SAVEPOINT"))
    scene, _ = play(place)
    expected = CASES[place]["undone"]
    assert undone[:1] == ([] if expected.startswith("nothing") else [expected])

    leave(scene, CASES[place]["out"])

    # A second ROLLBACK is not sent (after a failing COMMIT it is the pool that resets).
    assert len(undone) == (not expected.startswith("nothing"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.rule("SB-166", "TX-34", "TX-38", "TX-39", "TX-40")
def test_way_out_of_a_failure_makes_the_session_usable(play, place):
    scene, _ = play(place)

    leave(scene, CASES[place]["out"])

    session = scene.session
    assert session.is_active
    assert session.scalar(select(library.Author.name).where(library.Author.id == 1)) == "old 1"
    assert session.get_nested_transaction() is None or session.get_nested_transaction().is_active


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.rule("SB-162", "SB-163", "SB-164", "TX-35")
def test_after_the_way_out_the_database_keeps_what_the_table_says(play, place, bound):
    scene, _ = play(place)
    leave(scene, CASES[place]["out"])
    scene.session.commit()

    with bound.connect() as connection:
        authors = dict(map(tuple, connection.execute(text("SELECT id, name FROM author"))))
        tags = connection.scalar(select(func.count()).select_from(library.Tag))

    before = {1: "old 1", 2: "old 2", 3: "old 3"}
    written = {1: "old 1", 2: "changed", 9: "new"}
    assert (authors, tags) == {
        "nothing": (before, 0),
        "earlier": (before, 1),
        "everything": (written, 1),
    }[CASES[place]["kept"]]


@pytest.mark.parametrize("place", [p for p, case in CASES.items() if case["kept"] != "everything"])
@pytest.mark.rule("SB-162", "SB-163", "SM-31")
def test_after_the_way_out_nothing_is_lost_and_the_work_can_be_done_again(play, place, bound):
    scene, _ = play(place)
    leave(scene, CASES[place]["out"])
    session = scene.session
    assert inspect(scene.new).transient
    assert scene.new.id == 9
    assert (scene.changed.name, scene.deleted.name) == ("old 2", "old 3")

    scene.work(name="new")
    scene.session.commit()

    with bound.connect() as connection:
        names = connection.scalars(text("SELECT name FROM author ORDER BY id")).all()
    assert names == ["old 1", "changed", "new"]
    assert session.is_active


@pytest.mark.parametrize(
    "place",
    [p for p, case in CASES.items() if case["raises"] == "IntegrityError" and "bulk" not in p],
)
def test_error_of_a_flush_tells_which_object_was_written(play, place):
    scene, error = play(place)

    assert error.objects == [scene.new]
    assert error.__notes__ == ["Raised in the step of the flush: INSERT Author: <Author #1>"]
    if not scene.session.is_active:
        with pytest.raises(exc.PendingRollbackError) as caught:
            scene.session.connection()
        assert caught.value.objects == [scene.new]
