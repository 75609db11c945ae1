"""This file builds and takes apart identity keys.

Inside the package a primary key is *bare*: the value itself when one column forms the key, a
tuple otherwise. Users see `(class, (values...), identity token)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

IdentityKey = tuple[type[Any], tuple[Any, ...], Any]


def full_key(mapper: Any, pk: Any, token: Any = None) -> IdentityKey:
    """The key that users see, for a bare primary key.

    Args:
        mapper: Mapper of the object's class; its base mapper's class names the hierarchy.
        pk: A value, or a tuple when several columns form the key.
        token: Identity token, mostly None.
    """
    base = mapper.base_mapper
    values = pk if len(base.primary_key) > 1 else (pk,)
    return (base.class_, tuple(values), token)


def bare_key(values: Sequence[Any]) -> Any:
    """The bare primary key for a sequence of values in primary key order."""
    return values[0] if len(values) == 1 else tuple(values)
