"""Evaluate criteria and values of a statement in Python, on objects in memory.

Called by `synchronize` to find which objects an UPDATE or DELETE has changed, without asking the
database.

Rules kept here (QY-204, QY-208):
1. SQL's three-valued logic: None is NULL, and what is compared with NULL is NULL.
2. An attribute that is not loaded is EXPIRED, and so is all that depends on it; nothing is loaded.
3. What Python would compute otherwise than the database is refused when the expression is read,
   never when an object is looked at.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import Any

from sqlalchemy import types
from sqlalchemy.sql import operators

from holdfast.errors.dml import UnevaluatableError

Evaluator = Callable[[Any], Any]


class _Expired:
    def __repr__(self) -> str:
        return "EXPIRED"


EXPIRED: Any = _Expired()
"""The value of an expression that rests on an attribute which is not loaded."""

NOTHING: Mapping[str, Any] = {}
NUMBERS = (types.Integer, types.Numeric)
STRINGS = (types.String,)


def _equal(left: Any, right: Any) -> Any:
    """Equality, part by part for tuples, some of whose parts may be NULL."""
    if left is None or right is None:
        return None
    if not isinstance(left, tuple):
        return left == right
    parts = [_equal(*pair) for pair in zip(left, right, strict=True)]
    return False if False in parts else None if None in parts else True


def _differs(left: Any, right: Any) -> Any:
    equal = _equal(left, right)
    return None if equal is None else not equal


def _is_in(value: Any, members: Any) -> Any:
    found = [_equal(value, each) for each in members]
    return True if True in found else None if None in found else False


def _cautious(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A division where all databases agree with Python: they round negative numbers otherwise."""
    return lambda left, right: compute(left, right) if left >= 0 and right > 0 else EXPIRED


# Operators that Python computes as the database does, whatever the types.
BINARY: Mapping[Any, Callable[[Any, Any], Any]] = {
    operators.eq: _equal,
    operators.ne: _differs,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
    operators.startswith_op: str.startswith,
    operators.endswith_op: str.endswith,
    operators.not_startswith_op: lambda value, start: not value.startswith(start),
    operators.not_endswith_op: lambda value, end: not value.endswith(end),
}

# Operators for which NULL is a value like others, and whether they negate.
SAMENESS: Mapping[Any, bool] = {
    operators.is_: False,
    operators.is_not_distinct_from: False,
    operators.is_not: True,
    operators.is_distinct_from: True,
}

NEGATIONS = frozenset((operators.inv, operators.is_false))

# Those whose right side is a pattern.
PATTERNS = frozenset(
    (
        operators.startswith_op,
        operators.endswith_op,
        operators.not_startswith_op,
        operators.not_endswith_op,
    )
)

# Operators that mean numbers, and are something else for other types.
MATHEMATICS: Mapping[Any, Callable[[Any, Any], Any]] = {
    operators.add: operator.add,
    operators.sub: operator.sub,
    operators.mul: operator.mul,
    operators.truediv: _cautious(operator.truediv),
    operators.floordiv: _cautious(operator.floordiv),
    operators.mod: _cautious(operator.mod),
}


def evaluator_of(
    *clauses: Any, mapper: Any = None, parameters: Mapping[str, Any] = NOTHING
) -> Evaluator:
    """A function that computes an expression for one object.

    Args:
        clauses: Expressions; several are joined by AND.
        mapper: Of the class that the statement is about; columns of others are refused.
        parameters: Values of the parameters that the application has named.

    Returns:
        A function of an object; it gives a value, None for NULL, or EXPIRED.

    Raises:
        UnevaluatableError: The expression has a part that only the database can compute.
    """
    reader = _Reader(mapper, parameters)
    parts = [reader.read(each) for each in clauses]
    return parts[0] if len(parts) == 1 else _decided(parts, by=False)


def value_evaluator(
    value: Any, *, mapper: Any, parameters: Mapping[str, Any] = NOTHING
) -> Evaluator | None:
    """The same for what an attribute is set to; None where only the database can compute it."""
    if not hasattr(value, "__clause_element__") and not hasattr(value, "__visit_name__"):
        return lambda _: value
    try:
        return evaluator_of(value, mapper=mapper, parameters=parameters)
    except UnevaluatableError:
        return None


def _decided(parts: list[Evaluator], *, by: bool) -> Evaluator:
    """AND or OR: one part that is `by` decides, whatever the others are."""

    def evaluate(instance: Any) -> Any:
        result: Any = not by
        for part in parts:
            value = part(instance)
            if value is EXPIRED or (value is None and result is not EXPIRED):
                result = value
            elif value is not None and bool(value) is by:
                return by
        return result

    return evaluate


def _all_values(parts: list[Evaluator]) -> Evaluator:
    """A tuple."""

    def evaluate(instance: Any) -> Any:
        values = tuple(part(instance) for part in parts)
        return EXPIRED if any(value is EXPIRED for value in values) else values

    return evaluate


def _not(part: Evaluator) -> Evaluator:
    def evaluate(instance: Any) -> Any:
        value = part(instance)
        return value if value is EXPIRED or value is None else not value

    return evaluate


def _same(left: Evaluator, right: Evaluator, *, negated: bool) -> Evaluator:
    """IS and IS NOT, for which NULL is a value like others."""

    def evaluate(instance: Any) -> Any:
        first, second = left(instance), right(instance)
        if first is EXPIRED or second is EXPIRED:
            return EXPIRED
        return (first == second) is not negated

    return evaluate


def _combined(compute: Callable[[Any, Any], Any], left: Evaluator, right: Evaluator) -> Evaluator:
    """An operator whose result is NULL when one of its sides is."""

    def evaluate(instance: Any) -> Any:
        first, second = left(instance), right(instance)
        if first is EXPIRED or second is EXPIRED:
            return EXPIRED
        if first is None or second is None:
            return None
        try:
            return compute(first, second)
        except TypeError:
            # Values that a database compares and Python does not, such as times without zone.
            return EXPIRED

    return evaluate


def _member(left: Evaluator, right: Evaluator, *, negated: bool) -> Evaluator:
    """IN and NOT IN: even NULL is not one of no values at all."""

    def evaluate(instance: Any) -> Any:
        value, members = left(instance), right(instance)
        if value is EXPIRED or members is EXPIRED:
            return EXPIRED
        found = _is_in(value, members)
        return None if found is None else found is not negated

    return evaluate


def _constant(value: Any) -> Evaluator:
    return lambda _: value


def _attribute(key: str) -> Evaluator:
    """A loaded value; what was never set on a new object is NULL."""

    def evaluate(instance: Any) -> Any:
        values = instance.__dict__
        if key in values:
            return values[key]
        return None if values["_sa_instance_state"].is_null(key) else EXPIRED

    return evaluate


class _Reader:
    """Turns expressions into functions; one method for each kind of element."""

    def __init__(self, mapper: Any, parameters: Mapping[str, Any]) -> None:
        self.mapper = mapper
        self.parameters = parameters

    def read(self, clause: Any) -> Evaluator:
        element = getattr(clause, "__clause_element__", None)
        if element is not None:
            clause = element()
        read = getattr(self, f"read_{clause.__visit_name__}", None)
        if read is None:
            raise UnevaluatableError.kind(type(clause))
        made: Evaluator = read(clause)
        return made

    def read_grouping(self, clause: Any) -> Evaluator:
        return self.read(clause.element)

    def read_null(self, _: Any) -> Evaluator:
        return _constant(None)

    def read_true(self, _: Any) -> Evaluator:
        return _constant(True)

    def read_false(self, _: Any) -> Evaluator:
        return _constant(False)

    def read_bindparam(self, clause: Any) -> Evaluator:
        return _constant(self._value_of(clause))

    def _value_of(self, parameter: Any) -> Any:
        if parameter.key in self.parameters:
            return self.parameters[parameter.key]
        return parameter.callable() if parameter.callable else parameter.value

    def read_column(self, clause: Any) -> Evaluator:
        entity = clause._annotations.get("parententity")
        if entity is None:
            # A column of the table itself.
            key = None if self.mapper is None else self.mapper.key_of_column.get(clause)
            if key is None:
                raise UnevaluatableError.column(clause)
            return _attribute(key)
        if entity.is_aliased_class:
            raise UnevaluatableError.alias(entity)
        if self.mapper is not None and not issubclass(self.mapper.class_, entity.class_):
            raise UnevaluatableError.other_class(entity.class_)
        return _attribute(clause._annotations["proxy_key"])

    def read_tuple(self, clause: Any) -> Evaluator:
        return _all_values([self.read(each) for each in clause.clauses])

    def read_clauselist(self, clause: Any) -> Evaluator:
        parts = [self.read(each) for each in clause.clauses]
        if clause.operator is operators.and_:
            return _decided(parts, by=False)
        if clause.operator is operators.or_:
            return _decided(parts, by=True)
        if clause.operator is operators.comma_op:
            return _all_values(parts)
        compute = self._computation(clause.operator, [each.type for each in clause.clauses])
        return reduce(partial(_combined, compute), parts)

    read_expression_clauselist = read_clauselist

    def read_unary(self, clause: Any) -> Evaluator:
        if clause.operator is operators.is_true:
            return self.read(clause.element)
        if clause.operator not in NEGATIONS:
            raise UnevaluatableError.operator("unary", clause.operator)
        return _not(self.read(clause.element))

    def read_binary(self, clause: Any) -> Evaluator:
        left, right = self.read(clause.left), self.read(clause.right)
        kind = clause.operator
        if kind in SAMENESS:
            return _same(left, right, negated=SAMENESS[kind])
        if kind is operators.in_op or kind is operators.not_in_op:
            return _member(left, right, negated=kind is operators.not_in_op)
        if kind in PATTERNS and self._has_wildcards(clause.right):
            raise UnevaluatableError.operator("binary", kind)
        sides = (clause.left.type, clause.right.type)
        compute = BINARY.get(kind) or self._computation(kind, sides)
        return _combined(compute, left, right)

    def _has_wildcards(self, pattern: Any) -> bool:
        """Whether a pattern may have characters that mean others, or say that they do not."""
        if pattern.__visit_name__ != "bindparam":
            return True
        text = str(self._value_of(pattern))
        return "%" in text or "_" in text

    def _computation(self, kind: Any, of: Sequence[Any]) -> Callable[[Any, Any], Any]:
        if isinstance(kind, operators.custom_op):
            if kind.python_impl is None:
                raise UnevaluatableError.custom(kind.opstring)
            made: Callable[[Any, Any], Any] = kind.python_impl
            return made
        if kind is operators.concat_op:
            if not all(isinstance(each, STRINGS) for each in of):
                raise UnevaluatableError.types("concatenate", kind, of)
            return operator.add
        if kind in MATHEMATICS:
            if not all(isinstance(each, NUMBERS) for each in of):
                raise UnevaluatableError.types("math", kind, of)
            return MATHEMATICS[kind]
        raise UnevaluatableError.operator("binary", kind)
