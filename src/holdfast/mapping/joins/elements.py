"""Look through SQL expressions for columns by their marks, and put others in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BooleanClauseList, ColumnClause


def iter_parts(element: Any) -> Iterator[Any]:
    """All parts of an expression, the expression first."""
    return iter(visitors.iterate(element))


def iter_comparisons(element: Any) -> Iterator[Any]:
    """The parts of an expression that have a left and a right side."""
    return (part for part in iter_parts(element) if part.__visit_name__ == "binary")


def marked_columns(element: Any, *marks: str) -> list[Any]:
    """Columns of an expression that carry all of the marks, each once, in order."""
    wanted = set(marks)
    return list(
        dict.fromkeys(
            part
            for part in iter_parts(element)
            if isinstance(part, ColumnClause) and wanted.issubset(part._annotations)
        )
    )


def has_mark(element: Any, mark: str) -> bool:
    """Whether any part of an expression carries the mark."""
    return any(mark in part._annotations for part in iter_parts(element))


def replace_parts(element: Any, replace: Callable[[Any], Any]) -> Any:
    """A copy of an expression in which `replace(part)` stands for each part that it answers."""

    def visit(part: Any, **_: Any) -> Any:
        return replace(part)

    traverse: Any = visitors.replacement_traverse
    return traverse(element, {}, visit)


def with_comparisons(element: Any, visit: Callable[[Any], None]) -> Any:
    """A copy of an expression whose comparisons `visit` has seen, and perhaps changed."""
    return visitors.cloned_traverse(element, {}, {"binary": visit})


def conjuncts(element: Any) -> list[Any]:
    """The parts of an expression that AND joins; one part where it does not."""
    is_and = isinstance(element, BooleanClauseList) and element.operator is operators.and_
    return [part for each in element.clauses for part in conjuncts(each)] if is_and else [element]


def is_plain_equality(join: Any, count: int) -> bool:
    """Whether a condition is `count` equalities of columns joined by AND, and nothing else."""
    parts = conjuncts(join)
    return len(parts) == count and all(
        part.__visit_name__ == "binary"
        and part.operator is operators.eq
        and part.left.__visit_name__ == "column"
        and part.right.__visit_name__ == "column"
        for part in parts
    )
