"""The symbols of the attribute interface."""

import pytest

from holdfast import attributes, interfaces
from holdfast.attributes import (
    HISTORY_BLANK,
    NEVER_SET,
    NO_VALUE,
    AttributeEventToken,
    History,
    LoaderCallableStatus,
)
from holdfast.interfaces import RelationshipDirection
from models.library import Author, Book, Tag


@pytest.mark.rule("AH-80")
def test_markers_are_those_of_one_enumeration():
    names = {
        "PASSIVE_NO_RESULT",
        "PASSIVE_CLASS_MISMATCH",
        "ATTR_WAS_SET",
        "ATTR_EMPTY",
        "NO_VALUE",
    }

    assert names <= {each.name for each in LoaderCallableStatus}
    for name in names:
        assert getattr(attributes, name) is LoaderCallableStatus[name]
    assert NEVER_SET is NO_VALUE


@pytest.mark.rule("AH-82")
def test_operations_are_those_of_tokens():
    slot = Author.books.impl
    token = AttributeEventToken(slot, attributes.OP_APPEND)

    assert (token.impl, token.op, token.key) == (slot, attributes.OP_APPEND, "books")
    assert token.parent_token is slot.parent_token
    assert token == AttributeEventToken(slot, attributes.OP_APPEND)
    assert token != AttributeEventToken(slot, attributes.OP_REMOVE)
    operations = ("OP_APPEND", "OP_REMOVE", "OP_REPLACE", "OP_BULK_REPLACE", "OP_MODIFIED")
    assert len({getattr(attributes, name) for name in operations}) == len(operations)


@pytest.mark.rule("AH-83")
def test_blank_history_has_three_empty_parts():
    assert isinstance(HISTORY_BLANK, History)
    assert HISTORY_BLANK == ((), (), ())


@pytest.mark.rule("AH-84")
def test_directions_are_constants_too():
    for name in ("ONETOMANY", "MANYTOONE", "MANYTOMANY"):
        assert getattr(interfaces, name) is RelationshipDirection[name]
    assert Author.books.property.direction is RelationshipDirection.ONETOMANY
    assert Book.author.property.direction is RelationshipDirection.MANYTOONE
    assert Tag.books.property.direction is RelationshipDirection.MANYTOMANY
