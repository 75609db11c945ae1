"""Turn join conditions into a WHERE clause in which one side is given by values.

A lazy load gives the parent's values and asks for targets; a comparison such as
`Child.parent == parent` gives the target's values and asks for parents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, bindparam
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BindParameter, ColumnClause

from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import adapt_criterion_to_null
from holdfast.mapping.joins.elements import conjuncts, iter_parts, replace_parts


@record(eq=False)
class LazyClause:
    """A criterion with one bind parameter per column whose value is given.

    `relationship.lazy_clause` takes the parent's values, `relationship.reverse_lazy_clause` the
    target's.
    """

    # The condition, its columns still marked. With an association table, both conditions joined by
    # AND: the statement must select from that table too.
    criterion: Any
    # Names of the bind parameters, and for each the column whose value goes there.
    names: tuple[str, ...]
    columns: tuple[Any, ...]

    @property
    def needs_values(self) -> bool:
        """Whether nothing can be found where all values are None: each is compared with `=`."""
        compared = {
            getattr(side, "key", None)
            for part in conjuncts(self.criterion)
            if part.__visit_name__ == "binary" and part.operator is operators.eq
            for side in (part.left, part.right)
        }
        return compared.issuperset(self.names)

    def bound(self, value_of: Callable[[Any], Callable[[], Any]]) -> Any:
        """The criterion with values that are read when the statement is executed.

        Args:
            value_of: Gives, for a column, the function that reads the value.
        """
        found = dict(zip(self.names, self.columns, strict=True))

        def replace(part: Any) -> Any:
            if isinstance(part, BindParameter) and part.key in found:
                return bindparam(
                    None, callable_=value_of(found[part.key]), type_=part.type, unique=True
                )
            return None

        return replace_parts(self.criterion, replace)

    def is_null(self) -> Any:
        """The criterion for values that are all None: `IS NULL` in place of comparisons."""
        return adapt_criterion_to_null(self.criterion, self.names)


def build_lazy_clause(primaryjoin: Any, secondaryjoin: Any, *, reverse: bool) -> LazyClause:
    """The criterion of a relationship with one side replaced by parameters.

    Args:
        primaryjoin: With marks.
        secondaryjoin: With marks, or None.
        reverse: Give the target's values rather than the parent's.
    """
    names: dict[Any, str] = {}
    # COMPAT: statements of lazy loads name their parameters `param_1` and so on. Core gives such
    # names to nameless parameters of the condition too; then ours are called otherwise.
    is_taken = any(
        isinstance(part, BindParameter) and "param" in part.key
        for join in (primaryjoin, secondaryjoin)
        if join is not None
        for part in iter_parts(join)
    )
    prefix = "own_key" if is_taken else "param"
    # The target's columns: remote ones in a direct join; in the condition between target and
    # association table, those that are not the association table's.
    given = _is_local
    if reverse:
        given = _is_remote if secondaryjoin is None else _is_not_remote

    def replace(part: Any) -> Any:
        if not isinstance(part, ColumnClause) or not given(part._annotations):
            return None
        plain = part._deannotate()
        name = names.setdefault(plain, f"{prefix}_{len(names) + 1}")
        return bindparam(name, None, type_=part.type, unique=False)

    if secondaryjoin is None:
        criterion = replace_parts(primaryjoin, replace)
    elif reverse:
        criterion = and_(primaryjoin, replace_parts(secondaryjoin, replace))
    else:
        criterion = and_(replace_parts(primaryjoin, replace), secondaryjoin)
    return LazyClause(criterion, tuple(names.values()), tuple(names))


def _is_local(marks: Any) -> bool:
    return "local" in marks


def _is_remote(marks: Any) -> bool:
    return "remote" in marks


def _is_not_remote(marks: Any) -> bool:
    return "remote" not in marks
