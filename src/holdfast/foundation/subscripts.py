"""Let classes be subscripted in annotations, as in `Mapper[Author]`, at less cost than `Generic`.

`class Mapper(Subscripted[T])` is generic to type checkers. At run time its brackets make an alias
in C, and classes are made without the bookkeeping of `typing`, which every import would pay for.
"""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING

from holdfast.foundation.sqlalchemy_core import roles

__all__ = ["SelectedAs", "Subscripted"]

if TYPE_CHECKING:
    from typing import Generic as Subscripted

    # The same for what stands in a select list and gives a value of the type in brackets.
    SelectedAs = roles.TypedColumnsClauseRole
else:

    class Subscripted:
        """Base of the classes that may be subscripted."""

        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)

    SelectedAs = Subscripted
