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


def test_every_public_name_is_there():
    names = [name for name in vars(sqlalchemy_core) if not name.startswith("_")]

    assert all(getattr(sqlalchemy_core, name) is not None for name in names)
    assert len(names) > 60
