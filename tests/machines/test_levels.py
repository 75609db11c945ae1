"""Levels of a transaction in random histories: SAVEPOINTs in SAVEPOINTs, ended at any depth.

The steps are those of `SessionMachine`, chosen here so that most of them begin or end a level, or
give it something to undo.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import select

from holdfast import Session
from machines.runs import random_examples
from machines.test_one_to_many import OneToManyMachine

WALKS = 200
STEPS = 40
# How often each step is taken, and what it is told.
CHANGES = {"add": 5, "rename": 5, "change_key": 3, "delete": 3, "put": 3, "take": 2}
LEVELS = {"open_savepoints": 6, "release_savepoint": 3, "roll_back_to_savepoint": 5}
OTHERS = {
    "flush_now": 5,
    "drop_references": 1,
    "fail_to_flush": 1,
    "commit": 1,
    "roll_back": 1,
    "close_transaction": 1,
}
WEIGHTS = {**CHANGES, **LEVELS, **OTHERS}
ARGUMENTS: dict[str, Any] = {
    "kind": (0, 1),
    "number": (1, 2, 3),
    "other": (1, 2, 3),
    "shelf_number": (1, 2, 3),
    "name": "abc",
    "through_collection": (True, False),
    "count": (1, 2, 3),
    "depth": (1, 2, 3),
    "how": ("rollback", "close"),
}


class JoinedMachine(OneToManyMachine):
    """A session on a connection whose transaction was begun outside, and is never committed."""

    def make_session(self, **options: Any) -> Session:
        self.connection = self.engine.connect()
        self.outside = self.connection.begin()
        return Session(self.connection, join_transaction_mode="create_savepoint", **options)


def can(machine: OneToManyMachine, step: str) -> bool:
    if step == "open_savepoints":
        return len(machine.rows.levels) < 4
    return step not in LEVELS or bool(machine.savepoints)


def take_a_step(machine: OneToManyMachine, dice: random.Random) -> str:
    """Do something at random; gives it as text."""
    possible = {step: weight for step, weight in WEIGHTS.items() if can(machine, step)}
    (step,) = dice.choices(list(possible), list(possible.values()))
    function = getattr(machine, step)
    names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
    arguments = {name: dice.choice(ARGUMENTS[name]) for name in names}
    function(**arguments)
    return f"{step}({arguments})"


def walk(machine: OneToManyMachine, seed: int) -> None:
    """Take steps, and look after each whether the session agrees with the model."""
    dice, done = random.Random(seed), []
    try:
        machine.open(dice.choice((True, False)))
        for _ in range(STEPS):
            done.append(take_a_step(machine, dice))
            machine.sets_of_the_session_agree()
            machine.objects_show_what_was_set()
            machine.loaded_collections_agree()
            machine.references_agree()
        machine.flush()
        machine.database_agrees()
        machine.identity_map_is_what_the_session_holds()
    except Exception as error:
        error.add_note("\n".join(done))
        raise


@pytest.mark.rule("TX-35", "TX-36", "TX-37", "SB-162", "SB-163", "SB-164")
@pytest.mark.parametrize("seed", range(random_examples or WALKS))
def test_ending_a_level_brings_back_what_it_found(seed):
    machine = OneToManyMachine()
    walk(machine, seed)
    machine.teardown()


@pytest.mark.rule("TX-142", "TX-144", "TX-145")
@pytest.mark.parametrize("seed", range(random_examples or WALKS // 2))
def test_levels_in_a_transaction_of_another_one_end_alike_and_leave_no_row(seed):
    machine = JoinedMachine()
    walk(machine, seed)
    machine.session.close()

    assert machine.outside.is_active
    machine.outside.rollback()
    for class_ in machine.classes:
        assert machine.connection.execute(select(class_.__table__)).all() == []
    machine.connection.close()
    machine.engine.dispose()
