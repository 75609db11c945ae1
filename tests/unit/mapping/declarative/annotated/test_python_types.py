# ruff: noqa: UP007, UP045 - annotations as users write them
"""Finding the SQL type for what stands in Mapped[]."""

import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal, NewType, Optional, Union

import pytest
import sqlalchemy as sa
from typing_extensions import TypeAliasType

from holdfast.errors.declarative import MappedAnnotationError
from holdfast.mapping.declarative.annotations import (
    annotated_of,
    candidates,
    includes_none,
    optional_free_map,
    sql_type_for,
    without_none,
)


class Colour(enum.Enum):
    RED = "red"


class Whole(int):
    """A subclass of a type that has an entry."""


Short = Annotated[str, 30]
Name = TypeAliasType("Name", str)
MaybeName = TypeAliasType("MaybeName", str | None)
Key = NewType("Key", int)


@pytest.mark.parametrize(
    ("python_type", "sql_type"),
    [
        (bool, sa.Boolean),
        (bytes, sa.LargeBinary),
        (int, sa.Integer),
        (float, sa.Float),
        (str, sa.String),
        (decimal.Decimal, sa.Numeric),
        (datetime.date, sa.Date),
        (datetime.datetime, sa.DateTime),
        (datetime.time, sa.Time),
        (datetime.timedelta, sa.Interval),
        (uuid.UUID, sa.Uuid),
        (Colour, sa.Enum),
        (Literal["a", "b"], sa.Enum),
        (Optional[int], sa.Integer),
        (Short, sa.String),
        (Name, sa.String),
        (MaybeName, sa.String),
    ],
)
def test_built_in_types_are_known(python_type, sql_type):
    assert isinstance(sql_type_for(python_type, {}, "x"), sql_type)


def test_literal_becomes_an_enumeration_of_its_values():
    found = sql_type_for(Literal["a", "b"], {}, "x")

    assert (found.enums, found.native_enum) == (["a", "b"], False)


@pytest.mark.parametrize("key", [Short, Name, Key, Union[int, str], dict[str, int], Any])
def test_entry_of_the_type_map_is_found_for_exactly_that_type(key):
    assert sql_type_for(key, {key: sa.String(77)}, "x").length == 77


def test_entry_that_is_a_class_is_made():
    assert isinstance(sql_type_for(int, {int: sa.BigInteger}, "x"), sa.BigInteger)


def test_entry_with_none_serves_the_type_without_none():
    type_map = optional_free_map({Union[int, str, None]: sa.String(5)})

    assert sql_type_for(Union[int, str], type_map, "x").length == 5


def test_order_of_a_union_does_not_matter():
    assert sql_type_for(str | int, {Union[int, str]: sa.String(5)}, "x").length == 5


@pytest.mark.parametrize("python_type", [Whole, Key, dict[str, int], Union[int, str], Any])
def test_unknown_type_is_refused_by_name(python_type):
    with pytest.raises(
        MappedAnnotationError, match="Could not locate SQLAlchemy Core type"
    ) as info:
        sql_type_for(python_type, {dict: sa.JSON}, "amount")

    assert info.value.attribute == "amount"


def test_sql_type_in_place_of_a_python_type_is_named():
    with pytest.raises(MappedAnnotationError, match="is the SQLAlchemy type"):
        sql_type_for(sa.BigInteger, {}, "x")


def test_object_in_place_of_a_type_is_named():
    with pytest.raises(MappedAnnotationError, match="is not a Python type, it's the object 5"):
        sql_type_for(5, {}, "x")


def test_without_none_leaves_other_unions_alone():
    assert without_none(Union[int, str]) == Union[int, str]
    assert without_none(Optional[int]) is int


@pytest.mark.parametrize(
    "python_type", [None, Optional[int], MaybeName, Annotated[str | None, 3], int | None]
)
def test_none_is_seen_through_wrappings(python_type):
    assert includes_none(python_type)


def test_forms_are_tried_from_outside_to_inside():
    nested = TypeAliasType("nested", Annotated[str, 1])

    assert candidates(nested) == [nested, Annotated[str, 1], str]


def test_annotated_is_found_behind_an_alias_and_in_an_optional():
    nested = TypeAliasType("nested", Annotated[str, 1])

    assert annotated_of(nested) == Annotated[str, 1]
    assert annotated_of(Optional[Short]) == Short
    assert annotated_of(int) is None
