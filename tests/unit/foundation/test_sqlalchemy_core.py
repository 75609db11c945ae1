"""Check that Core still has every undocumented name that Holdfast uses."""

from __future__ import annotations

import pytest

from holdfast.foundation import sqlalchemy_core


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (owner, name)
        for owner, names in sqlalchemy_core.UNDERSCORED_ATTRIBUTES.items()
        for name in names
    ],
)
def test_underscored_attribute_exists(owner, name):
    assert hasattr(owner, name)


def test_names_are_in_order():
    lines = open(sqlalchemy_core.__file__).read().splitlines()
    imported = [line.split(" import ") for line in lines if line.startswith("from sqlalchemy.")]

    modules = [module for module, _ in imported]
    assert modules == sorted(modules)
