# ruff: noqa: UP006, UP035, UP045 - annotations as users write them
"""Evaluating annotations that are strings, or name what does not exist yet."""

from __future__ import annotations

import datetime
import uuid
from typing import List, Literal, Optional

import pytest

from holdfast.errors.declarative import MappedAnnotationError
from holdfast.mapping.declarative.annotations import (
    Evaluator,
    UnresolvedName,
    unresolved_names,
)


class Owner:
    class Role:
        """A type written in the class body."""

    uuid = "an attribute called like a module"
    label = "an attribute"


@pytest.fixture
def evaluator():
    return Evaluator(Owner)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", int),
        ("Optional[int]", Optional[int]),
        ("int | None", int | None),
        ("datetime.datetime", datetime.datetime),
        ("Role", Owner.Role),
        ("Owner.Role", Owner.Role),
        ("Literal['a', 'b']", Literal["a", "b"]),
        ("dict[str, 'int']", dict[str, int]),
    ],
)
def test_known_names_are_evaluated(evaluator, text, expected):
    assert evaluator.evaluate(text) == expected


def test_type_of_the_module_wins_over_an_attribute_of_its_name(evaluator):
    assert evaluator.evaluate("uuid.UUID") is uuid.UUID


def test_unknown_name_is_kept(evaluator):
    assert evaluator.evaluate("Book") == UnresolvedName("Book")


def test_unknown_dotted_name_is_kept_whole(evaluator):
    assert evaluator.evaluate("shop.Book").name == "shop.Book"


@pytest.mark.parametrize("text", ["List[Book]", "List['Book']", "Optional[Book]", "Book | None"])
def test_unknown_name_is_kept_within_a_type(evaluator, text):
    assert list(unresolved_names(evaluator.evaluate(text))) == ["Book"]


def test_strings_of_a_literal_are_no_names(evaluator):
    assert list(unresolved_names(evaluator.evaluate("Literal['Book']"))) == []


@pytest.mark.parametrize("text", ["Box[int]", "Column('x')", "two words"])
def test_what_cannot_be_a_type_is_refused(evaluator, text):
    with pytest.raises(MappedAnnotationError, match="Could not interpret annotation"):
        evaluator.evaluate(text)


def test_inside_of_the_brackets_is_not_looked_at(evaluator):
    outer, inside = evaluator.outer_of("List[Box[int]]")

    assert outer is List
    assert inside is not None


def test_nothing_known_means_an_unresolved_outer_name(evaluator):
    outer, inside = evaluator.outer_of("Unknown")

    assert outer == UnresolvedName("Unknown")
    assert inside is None
