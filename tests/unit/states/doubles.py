"""The least that a state needs of a mapper, a class manager and a session."""

from __future__ import annotations

from typing import Any

from holdfast.states.identity_map import Members
from holdfast.states.instance import InstanceState, blank


class Mapper:
    def __init__(self, class_: type, keys: int = 1) -> None:
        self.class_ = class_
        self.base_mapper = self
        self.primary_key = tuple(range(keys))
        self.column_keys = ("id", "name")
        self.deferred_keys: frozenset[str] = frozenset()


class Manager:
    def __init__(self, class_: type, keys: int = 1) -> None:
        self.class_ = class_
        self.mapper = Mapper(class_, keys)
        self.state_class = type("State", (InstanceState,), {"__slots__": (), "manager": self})

    def keys(self) -> list[str]:
        return ["id", "name", "books"]


class Author:
    pass


Author._sa_class_manager = Manager(Author)  # type: ignore[attr-defined]


class Dispatch:
    """Collects the events that lifecycle moves fire."""

    def __init__(self) -> None:
        self.fired: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda session, state: self.fired.append((name, state))


class Session:
    hash_key = 1
    autoflush = True
    has_listeners = True

    def __init__(self) -> None:
        self.members = Members(self)  # type: ignore[arg-type]
        self.dispatch = Dispatch()
        self.begun = 0
        self.refuses: Exception | None = None

    def autobegin_for_change(self) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.begun += 1


def author(pk: Any = None) -> tuple[Author, InstanceState]:
    """An author with its state; the object must be held by the test."""
    instance = Author()
    state = blank(Author._sa_class_manager.state_class(instance))  # type: ignore[attr-defined]
    instance.__dict__["_sa_instance_state"] = state
    state.pk = pk
    return instance, state
