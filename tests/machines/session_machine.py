"""A `Session` against a plain model of rows: whatever is done in whatever order, they agree.

Here is what can be done to any object; each machine of this folder adds its relationships.
"""

from __future__ import annotations

import gc
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import MetaData, Table, exc, inspect, select

from databases import sqlite_engine
from holdfast import Session
from machines.rows import Key, Level, RowModel, Rows, copy_of

NUMBERS = st.integers(1, 3)
NAMES = st.sampled_from("abc")
KINDS = st.integers(0, 1)
LOOKS = (
    "flush_now",
    "expire_all",
    "database_agrees",
    "collections_agree",
    "identity_map_is_what_the_session_holds",
)
ENDS = ("commit", "roll_back", "close_transaction", "close")
# 1 is the innermost SAVEPOINT; one further out takes those inside along.
DEPTHS = st.integers(1, 3)


class SessionMachine(RuleBasedStateMachine):
    """The part of the machines that knows nothing of relationships.

    Attributes:
        metadata: The tables.
        classes: One or two mapped classes, with `id` and `name`.
        associations: Tables of rows without objects.
        rows: What should be there.
        held: Objects that the machine holds on to; others may be collected when the session allows.
    """

    metadata: ClassVar[MetaData]
    classes: ClassVar[tuple[type[Any], ...]]
    associations: ClassVar[tuple[Table, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.engine = sqlite_engine()
        self.metadata.create_all(self.engine)
        self.session = Session(self.engine)
        self.rows = RowModel()
        self.savepoints: list[Any] = []
        self.held: dict[Key, Any] = {}
        # Keys that rows were given by a change.
        self.changed_keys: set[Key] = set()

    def make_session(self, **options: Any) -> Session:
        return Session(self.engine, **options)

    # what the machines with relationships say

    def make(self, class_: type[Any], number: int, name: str) -> Any:
        """A new object, in the session."""
        made = class_(id=number, name=name)
        self.session.add(made)
        return made

    def blank_row(self, class_: type[Any]) -> dict[str, Any]:
        """The columns of a new row, but for its key and name."""
        return {}

    def goes_along(self, key: Key) -> set[Key]:
        """Which rows a deletion takes along by cascade."""
        return set()

    def let_go(self, key: Key) -> None:
        """Bring the other rows in step with the deletion of one."""

    def members_of(self, key: Key) -> dict[str, tuple[Any, set[Any]]]:
        """For each collection of a row: the class of its members, and their numbers."""
        return {}

    def is_linked(self, key: Key) -> bool:
        """Whether a row refers to another one, or another one to it."""
        return False

    # what the model knows

    def class_of(self, kind: int) -> type[Any]:
        return self.classes[kind % len(self.classes)]

    def find(self, class_: type[Any], number: int) -> Any:
        """The object of a row that is there to stay, or None."""
        key = (class_, number)
        if key not in self.rows.memory or key in self.rows.marked:
            return None
        if key not in self.held:
            self.held[key] = self.session.get(class_, number)
        return self.held[key]

    def note_flush(self) -> None:
        for key in list(self.rows.marked):
            self.let_go(key)
            self.held.pop(key, None)
        self.rows.flush()

    def flush(self) -> None:
        self.session.flush()
        self.note_flush()

    def go_back_to(self, level: Level) -> None:
        before, self.held = self.held, {}
        self.rows.restore(level.rows)
        # What has a key that was changed goes back to its former one, or was read with the new one.
        for key, each in before.items():
            if key not in level.rows and key not in self.changed_keys:
                assert inspect(each).transient
        for key, each in level.objects.items():
            assert inspect(each).persistent
            assert self.session.get(*key) is each
            self.held[key] = each

    # what is done

    @rule(what=st.sampled_from(LOOKS))
    def look(self, what: str) -> None:
        """One rule for all that flushes, so that most steps change something."""
        getattr(self, what)()

    @rule(what=st.sampled_from(ENDS))
    def end_transaction(self, what: str) -> None:
        getattr(self, what)()

    @initialize(expire_on_commit=st.booleans())
    def open(self, expire_on_commit: bool) -> None:
        """Begin with two rows of each class."""
        self.session = self.make_session(expire_on_commit=expire_on_commit, autoflush=False)
        for kind in range(len(self.classes)):
            for number in (1, 2):
                self.add(kind, number, "a")
        self.commit()

    @rule(kind=KINDS, number=NUMBERS, name=NAMES)
    def add(self, kind: int, number: int, name: str) -> None:
        class_ = self.class_of(kind)
        if (class_, number) in self.rows.marked:
            self.flush()
        if (class_, number) in self.rows.memory:
            return
        made = self.make(class_, number, name)
        if made is not None:
            self.held[class_, number] = made
            self.rows.memory[class_, number] = self.blank_row(class_) | {"name": name}

    @rule(kind=KINDS, number=NUMBERS, name=NAMES)
    def replace_a_deleted_row(self, kind: int, number: int, name: str) -> None:
        """Delete an object and write a new one over its row, in one flush."""
        self.flush()
        class_ = self.class_of(kind)
        if (found := self.find(class_, number)) is None or self.is_linked((class_, number)):
            return
        self.session.delete(found)
        self.held.pop((class_, number))
        del self.rows.memory[class_, number]
        self.add(kind, number, name)
        if (class_, number) not in self.rows.memory:
            self.session.flush()
        self.flush()

    @rule(kind=KINDS, number=NUMBERS, name=NAMES)
    def rename(self, kind: int, number: int, name: str) -> None:
        class_ = self.class_of(kind)
        if (found := self.find(class_, number)) is not None:
            found.name = name
            self.rows.memory[class_, number]["name"] = name

    @rule(kind=KINDS, number=NUMBERS, other=NUMBERS)
    def change_key(self, kind: int, number: int, other: int) -> None:
        self.flush()
        old, new = (self.class_of(kind), number), (self.class_of(kind), other)
        if (found := self.find(*old)) is None or new in self.rows.memory or self.is_linked(old):
            return
        found.id = other
        self.rows.memory[new] = self.rows.memory.pop(old)
        self.held[new] = self.held.pop(old)
        self.changed_keys.add(new)
        self.flush()

    @rule(kind=KINDS, number=NUMBERS)
    def delete(self, kind: int, number: int) -> None:
        key = (self.class_of(kind), number)
        if (found := self.find(*key)) is None:
            return
        if key not in self.rows.stored:
            with pytest.raises(exc.InvalidRequestError, match="is not persisted"):
                self.session.delete(found)
            return
        # A collection that has just taken the object in would keep it, at the next flush.
        self.flush()
        self.session.delete(found)
        self.rows.marked |= {key} | self.goes_along(key)

    @rule()
    def keep_what_is_marked(self) -> None:
        """Add what was to be deleted: it stays."""
        kept = list(self.session.deleted)
        for each in kept:
            # In memory it may still refer to what an earlier flush deleted, and bring it along.
            self.session.expire(each, inspect(type(each)).relationships.keys())
        self.session.add_all(kept)
        self.rows.marked.clear()

    @rule(kind=KINDS, number=NUMBERS)
    def withdraw(self, kind: int, number: int) -> None:
        """Expunge a new object: it is as if it had never been added."""
        key = (self.class_of(kind), number)
        if (found := self.find(*key)) is None or key in self.rows.stored or self.is_linked(key):
            return
        self.session.expunge(found)
        assert inspect(found).transient
        del self.rows.memory[key], self.held[key]

    @rule(kind=KINDS, number=NUMBERS, name=NAMES, is_loaded=st.booleans())
    def merge(self, kind: int, number: int, name: str, is_loaded: bool) -> None:
        self.flush()
        class_ = self.class_of(kind)
        if (class_, number) not in self.rows.memory:
            return
        present = self.find(class_, number) if is_loaded else self.held.get((class_, number))
        merged = self.session.merge(class_(id=number, name=name))
        assert present is None or merged is present
        self.held[class_, number] = merged
        self.rows.memory[class_, number]["name"] = name

    @rule(kind=KINDS, number=NUMBERS)
    def merge_from_another_session(self, kind: int, number: int) -> None:
        """Stamp what another session has loaded onto an object, without SQL."""
        self.flush()
        class_ = self.class_of(kind)
        if (class_, number) in self.rows.memory:
            with Session(self.session.connection()) as other:
                source = other.get_one(class_, number)
            self.held[class_, number] = self.session.merge(source, load=False)
            assert not self.session.dirty

    @rule(kind=KINDS, number=NUMBERS)
    def expire(self, kind: int, number: int) -> None:
        key = (self.class_of(kind), number)
        found = self.find(*key)
        if found is not None and key in self.rows.stored:
            self.session.expire(found, ["name"])
            self.rows.memory[key]["name"] = self.rows.stored[key]["name"]

    @rule(kind=KINDS, number=NUMBERS, name=NAMES, is_held=st.booleans())
    def forget_changes(self, kind: int, number: int, name: str, is_held: bool) -> None:
        """Expire an object as a whole, changes included; then nothing keeps it alive."""
        self.flush()
        key = (self.class_of(kind), number)
        if (found := self.find(*key)) is None:
            return
        found.name = name + name
        self.session.expire(found)
        assert found not in self.session.dirty
        if not is_held:
            del self.held[key], found

    @rule(kind=KINDS, number=NUMBERS)
    def refresh(self, kind: int, number: int) -> None:
        self.flush()
        if (found := self.find(self.class_of(kind), number)) is not None:
            self.session.refresh(found)

    def expire_all(self) -> None:
        self.flush()
        self.session.expire_all()

    @rule(kind=KINDS, number=NUMBERS)
    def leave_and_return(self, kind: int, number: int) -> None:
        self.flush()
        # A collection in memory may still hold what was deleted, and would bring it along.
        self.session.expire_all()
        if (found := self.find(self.class_of(kind), number)) is not None:
            self.session.expunge(found)
            assert inspect(found).detached
            self.session.add(found)

    @rule()
    def drop_references(self) -> None:
        """Let clean objects be collected."""
        self.flush()
        self.held.clear()
        for level in self.rows.levels:
            level.objects.clear()
        gc.collect(0)

    @rule()
    def lose_clean_objects_only(self) -> None:
        """Let go of all objects: those with changes are kept by the session (SM-61)."""
        self.held.clear()
        for level in self.rows.levels:
            level.objects.clear()
        gc.collect(0)
        self.held.update({(type(each), each.id): each for each in self.session.new})

    # transactions

    def flush_now(self) -> None:
        self.flush()

    @precondition(lambda self: len(self.rows.levels) < 4)
    @rule(count=DEPTHS)
    def open_savepoints(self, count: int) -> None:
        for _ in range(count):
            self.savepoints.append(self.session.begin_nested())
            self.note_flush()
            self.rows.open_level(self.held)

    @precondition(lambda self: self.savepoints)
    @rule(depth=DEPTHS)
    def release_savepoint(self, depth: int) -> None:
        depth = min(depth, len(self.savepoints))
        self.savepoints[-depth].commit()
        self.note_flush()
        del self.savepoints[-depth:], self.rows.levels[-depth:]

    @precondition(lambda self: self.savepoints)
    @rule(depth=DEPTHS, how=st.sampled_from(("rollback", "close")))
    def roll_back_to_savepoint(self, depth: int, how: str) -> None:
        depth = min(depth, len(self.savepoints))
        getattr(self.savepoints[-depth], how)()
        level = self.rows.levels[-depth]
        del self.savepoints[-depth:], self.rows.levels[-depth:]
        self.go_back_to(level)

    def commit(self) -> None:
        self.session.commit()
        self.note_flush()
        self.savepoints.clear()
        self.rows.levels = [Level(copy_of(self.rows.stored), dict(self.held))]

    def roll_back(self) -> None:
        self.session.rollback()
        self.savepoints.clear()
        del self.rows.levels[1:]
        self.go_back_to(self.rows.levels[0])

    def close_transaction(self) -> None:
        """As `roll_back`, by the handle and without the events."""
        if (transaction := self.session.get_transaction()) is not None:
            transaction.close()
            self.savepoints.clear()
            del self.rows.levels[1:]
            self.go_back_to(self.rows.levels[0])

    @rule(kind=KINDS, number=NUMBERS, depth=DEPTHS)
    def fail_to_flush(self, kind: int, number: int, depth: int) -> None:
        if (found := self.find(self.class_of(kind), number)) is None:
            return
        found.name = None
        with pytest.raises(exc.IntegrityError):
            self.session.flush()
        if self.savepoints:
            self.roll_back_to_savepoint(depth, "rollback")
        else:
            self.roll_back()

    def close(self) -> None:
        self.session.close()
        self.savepoints.clear()
        self.held.clear()
        del self.rows.levels[1:]
        self.rows.levels[0].objects.clear()
        self.rows.restore(self.rows.levels[0].rows)

    # what always holds

    @invariant()
    def sets_of_the_session_agree(self) -> None:
        rows = self.rows
        new = {key for key in rows.memory.keys() - rows.stored.keys() if key[0] in self.classes}
        assert {(type(each), each.id) for each in self.session.new} == new
        marked = {key for key in rows.marked if key[0] in self.classes}
        assert {(type(each), each.id) for each in self.session.deleted} == marked

    @invariant()
    def objects_show_what_was_set(self) -> None:
        for key, found in self.held.items():
            if key not in self.rows.marked:
                row = self.rows.memory[key]
                assert found.name == row["name"]
                assert inspect(found).persistent == (key in self.rows.stored)
                if row["name"] != self.rows.stored.get(key, row)["name"]:
                    assert self.session.is_modified(found)

    def is_kept(self, instance: Any) -> bool:
        """Whether an object is in the session and not about to be deleted."""
        return instance in self.session and instance not in self.session.deleted

    @invariant()
    def loaded_collections_agree(self) -> None:
        """But for members that were deleted: the collection keeps those until it expires."""
        for key, found in self.held.items():
            if key in self.rows.marked:
                continue
            for name, (class_, numbers) in self.members_of(key).items():
                if name in found.__dict__:
                    shown = [each.id for each in getattr(found, name) if self.is_kept(each)]
                    assert len(set(shown)) == len(shown)
                    assert set(shown) == numbers & self.rows.keys_of(class_)

    def collections_agree(self) -> None:
        self.flush()
        self.session.expire_all()
        for class_, number in self.rows.memory:
            if class_ in self.classes:
                found = self.session.get_one(class_, number)
                for name, (_, numbers) in self.members_of((class_, number)).items():
                    assert {each.id for each in getattr(found, name)} == numbers

    def database_agrees(self) -> None:
        self.flush()
        connection = self.session.connection()
        found: Rows = {}
        for class_ in self.classes:
            for row in connection.execute(select(class_.__table__)).mappings():
                found[class_, row["id"]] = {name: row[name] for name in row if name != "id"}
        for table in self.associations:
            for pair in connection.execute(select(table)):
                found[table, tuple(pair)] = {}
        assert found == self.rows.memory

    def identity_map_is_what_the_session_holds(self) -> None:
        self.flush()
        for (class_, number), found in self.held.items():
            assert self.session.get(class_, number) is found
            assert found in self.session

    def teardown(self) -> None:
        self.database_agrees()
        self.session.close()
        self.engine.dispose()
