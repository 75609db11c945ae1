"""Find the ON clause of a relationship from foreign keys.

Called by `condition` for the joins that the application did not write itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import exc

from holdfast.errors.relationships import AmbiguousJoinError, NoJoinError
from holdfast.foundation.sqlalchemy_core import join_condition
from holdfast.mapping.joins.remote import Ends


def deduce_join(ends: Ends, left: Any, right: Any, *, near: Any) -> Any:
    """The condition that the foreign keys between two selectables give.

    Args:
        ends: Both ends of the relationship.
        left: The parent's, or the target's, selectable.
        right: The target's selectable, or the association table.
        near: The part of `left` whose foreign keys are looked at first.

    Raises:
        NoJoinError: No foreign key leads from one to the other.
        AmbiguousJoinError: Several do.
    """
    name, secondary = ends.name, ends.secondary
    try:
        return join_condition(
            left, right, a_subset=near, consider_as_foreign_keys=ends.foreign_keys or None
        )
    except exc.NoForeignKeysError as cause:
        raise NoJoinError.between_tables(name, secondary=secondary) from cause
    except exc.AmbiguousForeignKeysError as cause:
        raise AmbiguousJoinError.between(
            name, _candidates(left, right), secondary=secondary
        ) from cause


def _candidates(left: Any, right: Any) -> list[str]:
    """The columns that refer from one side to the other, as texts for a message."""
    found: list[str] = []
    for here, there in ((left, right), (right, left)):
        for fk in here.foreign_keys:
            try:
                is_candidate = fk.get_referent(there) is not None
            except exc.NoReferenceError:
                continue
            text = str(fk.parent)
            if is_candidate and text not in found:
                found.append(text)
    return sorted(found)
