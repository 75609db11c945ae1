"""Compare text in Python as far as it is known how the database compares it.

Called by `evaluate`. Where a collation decides, text that is equal to the letter is equal and text
that differs by more than case, accents and blanks at the end differs; what lies between is left
open, and so is the order of text. What is left open is read again rather than computed.
"""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Container, Iterable
from itertools import chain
from typing import Any

from sqlalchemy import String
from sqlalchemy.sql import operators

Comparison = Callable[[Any, Any], Any]


class _Expired:
    def __repr__(self) -> str:
        return "EXPIRED"


EXPIRED: Any = _Expired()
"""The value of an expression that only the database knows."""

# Databases for which blanks at the end make no difference, nor case and accents unless a column
# says otherwise.
BLIND = frozenset(("mariadb", "mssql", "mysql"))
# Databases that sort text as a language does unless a column says otherwise.
BY_LANGUAGE = BLIND | {"oracle", "postgresql"}

ORDER = frozenset((operators.lt, operators.le, operators.gt, operators.ge))

# Operators with a pattern: the method of strings, and whether they negate.
PATTERNS = {
    operators.startswith_op: (str.startswith, False),
    operators.endswith_op: (str.endswith, False),
    operators.not_startswith_op: (str.startswith, True),
    operators.not_endswith_op: (str.endswith, True),
}


def folded(text: str) -> str:
    """Text without what collations pass over."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))


def alike(left: Any, right: Any) -> Any:
    """Equality of values that may be text under some collation."""
    if left == right:
        return True
    if not (isinstance(left, str) and isinstance(right, str)):
        return False
    return EXPIRED if folded(left).rstrip() == folded(right).rstrip() else False


def equality(types: Iterable[Any], dialect: str) -> Comparison:
    """How values of some types are compared for equality."""
    return operator.eq if _is_exact(types, dialect, BLIND, never=BLIND) else alike


def order(kind: Any, types: Iterable[Any], dialect: str) -> Comparison:
    """How values of some types are compared by `<` and its like."""
    if _is_exact(types, dialect, BY_LANGUAGE, never=BLIND):
        return kind  # type: ignore[no-any-return]

    def compare(left: Any, right: Any) -> Any:
        is_known = left == right or not isinstance(left, str)
        return kind(left, right) if is_known else EXPIRED

    return compare


def pattern(kind: Any, types: Iterable[Any], dialect: str) -> Comparison:
    """How text is compared with a beginning or an end."""
    method, negated = PATTERNS[kind]
    # LIKE of SQLite does not look at what a column says.
    is_exact = _is_exact(types, dialect, BLIND, never=("sqlite",))

    def compare(value: str, part: str) -> Any:
        if method(value, part):
            return not negated
        if not is_exact and method(folded(value), folded(part)):
            return EXPIRED
        return negated

    return compare


def _is_exact(
    types: Iterable[Any], dialect: str, unless_named: Container[str], *, never: Container[str]
) -> bool:
    parts = chain.from_iterable(getattr(each, "types", (each,)) for each in types)
    texts = [each for each in parts if isinstance(each, String)]
    named = [each.collation for each in texts if each.collation]
    if not texts:
        return True
    if dialect in never:
        return False
    return all(map(_is_binary, named)) if named else dialect not in unless_named


def _is_binary(collation: str) -> bool:
    name = collation.lower()
    return name in ("binary", "c", "posix", "ucs_basic") or name.endswith(("_bin", "_bin2"))
