"""Carry changes by statements over to the objects in memory."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial, reduce
from itertools import chain
from typing import Any

from sqlalchemy import String, types
from sqlalchemy.sql import operators

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.instrument.manager import instance_state
from holdfast.states.changes import expire_keys, expire_states, note_gaps
from holdfast.states.identity_map import Members
from holdfast.states.lifecycle import Move, move
from holdfast.unitofwork.flush import expire_computed
from holdfast.unitofwork.work_set import FlushOutcome

# ------------------------------------------------------------------------------
# Compare text in Python as far as it is known how the database compares it.
#
# Called by `evaluate`. Where a collation decides, text that is equal to the letter is equal and
# text that differs by more than case, accents and blanks at the end differs; what lies between is
# left open, and so is the order of text. What is left open is read again rather than computed.

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


# ------------------------------------------------------------------------------
# Evaluate criteria and values of a statement in Python, on objects in memory.
#
# Called by `synchronize` to find which objects an UPDATE or DELETE has changed, without asking the
# database.
#
# Rules kept here (QY-204, QY-208):
# 1. SQL's three-valued logic: None is NULL, and what is compared with NULL is NULL.
# 2. An attribute that is not loaded is EXPIRED, and so is all that depends on it; nothing is
#    loaded.
# 3. What Python would compute otherwise than the database is refused when the expression is read,
#    never when an object is looked at; of text, what a collation decides is EXPIRED.

Evaluator = Callable[[Any], Any]


NOTHING: Mapping[str, Any] = {}
NUMBERS = (types.Integer, types.Numeric)
STRINGS = (types.String,)


def _equal(same: Comparison, left: Any, right: Any) -> Any:
    """Equality, part by part for tuples, some of whose parts may be NULL."""
    if left is None or right is None:
        return None
    if not isinstance(left, tuple):
        return same(left, right)
    parts = [_equal(same, *pair) for pair in zip(left, right, strict=True)]
    return next((each for each in (False, EXPIRED, None) if each in parts), True)


def _is_in(same: Comparison, value: Any, members: Any) -> Any:
    found = [_equal(same, value, each) for each in members]
    return next((each for each in (True, EXPIRED, None) if each in found), False)


def _negated(value: Any) -> Any:
    return value if value is EXPIRED or value is None else not value


def _cautious(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A division where all databases agree with Python: they round negative numbers otherwise."""
    return lambda left, right: compute(left, right) if left >= 0 and right > 0 else EXPIRED


# Operators for which NULL is a value like others, and whether they negate.
SAMENESS: Mapping[Any, bool] = {
    operators.is_: False,
    operators.is_not_distinct_from: False,
    operators.is_not: True,
    operators.is_distinct_from: True,
}

NEGATIONS = frozenset((operators.inv, operators.is_false))

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
    *clauses: Any,
    mapper: Any = None,
    parameters: Mapping[str, Any] = NOTHING,
    dialect: str = "",
) -> Evaluator:
    """A function that computes an expression for one object.

    Args:
        clauses: Expressions; several are joined by AND.
        mapper: Of the class that the statement is about; columns of others are refused.
        parameters: Values of the parameters that the application has named.
        dialect: The name of the database's dialect, which tells how text is compared.

    Returns:
        A function of an object; it gives a value, None for NULL, or EXPIRED.

    Raises:
        UnevaluatableError: The expression has a part that only the database can compute.
    """
    reader = _Reader(mapper, parameters, dialect)
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
    except errors.UnevaluatableError:
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
    return lambda instance: _negated(part(instance))


def _same(same: Comparison, left: Evaluator, right: Evaluator) -> Evaluator:
    """IS, for which NULL is a value like others."""

    def evaluate(instance: Any) -> Any:
        first, second = left(instance), right(instance)
        return EXPIRED if first is EXPIRED or second is EXPIRED else same(first, second)

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


def _member(same: Comparison, left: Evaluator, right: Evaluator) -> Evaluator:
    """IN: even NULL is not one of no values at all."""

    def evaluate(instance: Any) -> Any:
        value, members = left(instance), right(instance)
        if value is EXPIRED or members is EXPIRED:
            return EXPIRED
        return _is_in(same, value, members)

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

    def __init__(self, mapper: Any, parameters: Mapping[str, Any], dialect: str) -> None:
        self.mapper = mapper
        self.parameters = parameters
        self.dialect = dialect

    def read(self, clause: Any) -> Evaluator:
        element = getattr(clause, "__clause_element__", None)
        if element is not None:
            clause = element()
        read = getattr(self, f"read_{clause.__visit_name__}", None)
        if read is None:
            raise errors.UnevaluatableError.kind(type(clause))
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
                raise errors.UnevaluatableError.column(clause)
            return _attribute(key)
        if entity.is_aliased_class:
            raise errors.UnevaluatableError.alias(entity)
        if self.mapper is not None and not issubclass(self.mapper.class_, entity.class_):
            raise errors.UnevaluatableError.other_class(entity.class_)
        key = clause._annotations.get("proxy_key")
        # What is called by the name of a synonym or hybrid is still its column.
        return _attribute(key if key in entity.column_of_key else entity.key_of(clause))

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
        compute = self._computation(clause.operator, [each.type for each in clause.clauses], None)
        return reduce(partial(_combined, compute), parts)

    read_expression_clauselist = read_clauselist

    def read_unary(self, clause: Any) -> Evaluator:
        if clause.operator is operators.is_true:
            return self.read(clause.element)
        if clause.operator not in NEGATIONS:
            raise errors.UnevaluatableError.operator(
                "unary", getattr(clause.operator, "__name__", clause.operator)
            )
        return _not(self.read(clause.element))

    def read_binary(self, clause: Any) -> Evaluator:
        left, right = self.read(clause.left), self.read(clause.right)
        kind, sides = clause.operator, (clause.left.type, clause.right.type)
        same = equality(sides, self.dialect)
        if kind in SAMENESS:
            made = _same(same, left, right)
            return _not(made) if SAMENESS[kind] else made
        if kind is operators.in_op or kind is operators.not_in_op:
            made = _member(same, left, right)
            return _not(made) if kind is operators.not_in_op else made
        if kind is operators.eq or kind is operators.ne:
            made = _combined(partial(_equal, same), left, right)
            return _not(made) if kind is operators.ne else made
        return _combined(self._computation(kind, sides, clause.right), left, right)

    def _has_wildcards(self, pattern: Any) -> bool:
        """Whether a pattern may have characters that mean others, or say that they do not."""
        if pattern.__visit_name__ != "bindparam":
            return True
        text = str(self._value_of(pattern))
        return "%" in text or "_" in text

    def _computation(self, kind: Any, of: Sequence[Any], last: Any) -> Comparison:
        if kind in PATTERNS and not self._has_wildcards(last):
            return pattern(kind, of, self.dialect)
        if kind in ORDER:
            return order(kind, of, self.dialect)
        if isinstance(kind, operators.custom_op):
            if kind.python_impl is None:
                raise errors.UnevaluatableError.custom(kind.opstring)
            made: Comparison = kind.python_impl
            return made
        if kind is operators.concat_op:
            if not all(isinstance(each, STRINGS) for each in of):
                raise errors.UnevaluatableError.types("concatenate", kind, of)
            return operator.add
        if kind in MATHEMATICS:
            if not all(isinstance(each, NUMBERS) for each in of):
                raise errors.UnevaluatableError.types("math", kind, of)
            return MATHEMATICS[kind]
        raise errors.UnevaluatableError.operator("binary", kind.__name__)


# ------------------------------------------------------------------------------
# Carry the effect of an UPDATE or DELETE with criteria to the objects in the session.
#
# Called by `update_delete`, which finds the objects by evaluation or by their keys.
#
# Rules kept here:
# 1. Values that Python can compute are set as loaded; others are expired (QY-202).
# 2. An attribute with an unflushed change is expired: the change is lost (QY-203).
# 3. What is computed from columns is forgotten: composites, and SQL expressions.
# 4. Nothing is loaded. Where it is not known whether a row was meant, what may have changed is
#    expired (QY-204).


@record(eq=False, frozen=False)
class Matches:
    """The objects in memory whose rows a statement has changed.

    Attributes:
        objects: Those of which it is known.
        uncertain: Those which lack the values to tell.
    """

    objects: list[Any] = field(default_factory=list)
    uncertain: list[Any] = field(default_factory=list)


def matches_by_value(
    members: Members, mapper: Any, is_meant: Evaluator, *, identity_token: Any
) -> Matches:
    """The objects that criteria hold for."""
    found = Matches()
    for state in members.identity_map.states_of(mapper.base_mapper, identity_token):
        instance = state()
        if isinstance(instance, mapper.class_):
            answer = is_meant(instance)
            if answer is EXPIRED:
                found.uncertain.append(instance)
            elif answer:
                found.objects.append(instance)
    return found


def matches_by_key(
    members: Members, mapper: Any, keys: Iterable[Sequence[Any]], *, identity_token: Any
) -> Matches:
    """The objects with these primary keys, each once."""
    find = members.identity_map.find
    pks = dict.fromkeys(key[0] if len(key) == 1 else tuple(key) for key in keys)
    found = [find(mapper, pk, identity_token) for pk in pks]
    return Matches([each for each in found if each is not None])


def note_deleted(members: Members, matches: Matches) -> FlushOutcome:
    """Rows are gone, and their objects with them."""
    outcome = FlushOutcome()
    uncertain = list(map(instance_state, matches.uncertain))
    expire_states(uncertain)
    for state in uncertain:
        members.modified.pop(state, None)
    outcome.deleted = list(map(instance_state, matches.objects))
    if outcome.deleted:
        move(members, Move.DELETED, outcome.deleted)
    return outcome


def note_updated(matches: Matches, values: Mapping[str, Evaluator | None]) -> FlushOutcome:
    """Give objects the new values of their rows.

    Args:
        matches: The objects.
        values: Attribute name -> its new value, None where only the database knows it.
    """
    outcome = FlushOutcome()
    outcome.updated = list(map(instance_state, (*matches.objects, *matches.uncertain)))
    unknown = dict.fromkeys(values)
    for instance in matches.objects:
        _set_values(instance, values)
    for instance in matches.uncertain:
        _set_values(instance, unknown)
    if outcome.updated:
        note_gaps(outcome.updated[0])
        expire_computed(outcome.updated)
    return outcome


def _set_values(instance: Any, values: Mapping[str, Evaluator | None]) -> None:
    state = instance_state(instance)
    loaded, changed = state.dict, state.committed_state
    known = {
        key: evaluate(instance)
        for key, evaluate in values.items()
        if evaluate is not None and key in loaded and key not in changed
    }
    known = {key: value for key, value in known.items() if value is not EXPIRED}
    unknown = [key for key in values if key not in known]
    if unknown:
        expire_keys(state, unknown)
    if known:
        loaded.update(known)
        manager: Any = state.manager
        if manager.has_refresh_listeners:
            manager.dispatch.refresh(state, None, list(known))
