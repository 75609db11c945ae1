"""The bulk forms of loading equal the per-row function that specifies them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from holdfast.queries.load_plan import ColumnStep, EntityLoad, LoadPath
from holdfast.reading import row_loader
from holdfast.reading.context import LoadContext
from holdfast.reading.row_loader import EntityLoader
from holdfast.states.identity_map import Members
from models.library import Author


class SmallSession:
    """As much of a session as loading rows needs."""

    has_listeners = False
    intercepts_execution = False

    def __init__(self) -> None:
        self.members = Members(self)


def author_load(**changes: Any) -> EntityLoad:
    mapper = inspect(Author)
    mapper.ensure_configured()
    steps = tuple(ColumnStep(key, index) for index, key in enumerate(("id", "name", "email")))
    return EntityLoad(mapper, mapper, LoadPath((mapper,)), (0,), steps, **changes)


def loader(*, repeats: bool = False) -> EntityLoader:
    return EntityLoader(author_load(), 3, repeats=repeats)


def row(number: int | None) -> tuple[Any, ...]:
    return (number, None if number is None else f"n{number}", None)


def shown(instance: Any) -> Any:
    if instance is None:
        return None
    values = {k: v for k, v in instance.__dict__.items() if k != "_sa_instance_state"}
    state = inspect(instance)
    return values, state.pk, state.changes


def load_by_both(keys: list[int | None], present: list[int], *, repeats: bool) -> list[list[Any]]:
    """What the bulk form and the per-row form make of the same rows in equal sessions."""
    answers = []
    for is_bulk in (True, False):
        session = SmallSession()
        context = LoadContext(session)
        made = loader(repeats=repeats)
        space = context.space_of(inspect(Author))
        kept = [made.functions.load_one(row(key), space, session.members) for key in present]
        for instance in kept[::2]:
            instance.__dict__.pop("name")
        rows = [row(key) for key in keys]
        if is_bulk:
            pks = made.functions.keys_of(rows)
            objects = (
                made.load_objects(rows, context)
                if len(rows) >= row_loader.SMALL
                else made._load(rows, pks, space, context)
            )
        else:
            objects = [made.functions.load_one(each, space, session.members) for each in rows]
        order = {id(each): number for number, each in reversed(list(enumerate(objects)))}
        same = [None if each is None else order[id(each)] for each in objects]
        answers.append([[shown(each) for each in objects], same, sorted(space)])
    return answers


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    keys=st.lists(st.one_of(st.none(), st.integers(1, 15)), min_size=1, max_size=40),
    present=st.lists(st.integers(1, 20), unique=True, max_size=15),
    repeats=st.booleans(),
)
def test_bulk_form_equals_the_row_form(
    keys: list[int | None], present: list[int], repeats: bool
) -> None:
    bulk, single = load_by_both(keys, present, repeats=repeats)

    assert bulk == single


def test_dead_entries_count_as_absent() -> None:
    session = SmallSession()
    context = LoadContext(session)
    rows = [row(number) for number in range(1, 31)]
    loader().load_objects(rows, context)

    objects = loader().load_objects(rows, context)

    assert [each.id for each in objects] == list(range(1, 31))
    assert len(context.space_of(inspect(Author))) == 30


def test_deleted_attribute_is_not_given_back() -> None:
    session = SmallSession()
    context = LoadContext(session)
    [author] = loader().load_objects([row(1)], context)
    state = inspect(author)
    del author.__dict__["name"]
    state.changes = {"name": "n1"}

    loader().load_objects([row(1)], context)

    assert "name" not in author.__dict__


def test_populate_existing_replaces_once_in_an_execution() -> None:
    session = SmallSession()
    [author] = loader().load_objects([row(1)], LoadContext(session))
    author.__dict__["name"] = "local"
    context = LoadContext(session, {"populate_existing": True})

    loader().load_objects([row(1)], context)
    author.__dict__["name"] = "set between batches"
    loader().load_objects([row(1)], context)

    assert author.__dict__["name"] == "set between batches"


def test_equality_of_the_mapped_class_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise AssertionError("called the application's code")

    monkeypatch.setattr(Author, "__eq__", refuse)
    session = SmallSession()
    context = LoadContext(session)
    rows = [row(number) for number in range(1, 31)]
    first = loader().load_objects(rows, context)

    again = loader().load_objects(rows, context)

    assert all(one is two for one, two in zip(first, again, strict=True))


def test_identity_token_makes_another_object() -> None:
    session = SmallSession()
    [plain] = loader().load_objects([row(1)], LoadContext(session))

    [other] = loader().load_objects([row(1)], LoadContext(session, {"identity_token": "eu"}))

    assert other is not plain
    assert inspect(other).identity_token == "eu"
