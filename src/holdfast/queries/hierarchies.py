"""Fit a statement to classes that inherit: their FROM, their rows, their columns.

Rules kept here:
1. A class whose tables are joined brings the whole join into FROM.
2. A class that shares its base's table sees the rows of its own discriminator values (MP-146).
3. Where a mapper names a selectable that holds the columns of subclasses, all expressions over
   their tables read from it (MP-151).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy.sql.expression import (
    CompoundSelect,
    FromClause,
    FunctionElement,
    Join,
    ScalarSelect,
    SelectBase,
)

from holdfast.mapping.assembly import polymorphic
from holdfast.queries.entities import SelectedBundle, SelectedColumn, SelectedElement


def mentioned_entities(statement: Any, elements: Sequence[SelectedElement]) -> list[Any]:
    """The entities that the statement selects, or selects from."""
    found = dict.fromkeys(_selected_entities(elements))
    for each in statement._from_obj:
        found.update(dict.fromkeys(_entities_from(each)))
    targets = joined_entities(statement)
    for _, onclause, left, _ in statement._setup_joins:
        entity = _entity_of(left if left is not None else onclause)
        if entity is None or entity in targets:
            continue
        if not any(answers_for(each, entity) for each in found):
            found[entity] = None
    return list(found)


def answers_for(present: Any, entity: Any) -> bool:
    """Whether an entity of a statement has the columns of one of its hierarchy."""
    if present.is_aliased_class or entity.is_aliased_class:
        return present is entity
    return bool(
        present.common_parent(entity) and present.selectable.is_derived_from(entity.local_table)
    )


def _selected_entities(elements: Iterable[SelectedElement]) -> Iterator[Any]:
    for element in elements:
        if isinstance(element, SelectedBundle):
            yield from _selected_entities(element.members)
        elif element.entity is not None:
            yield element.entity
        elif isinstance(element, SelectedColumn):
            yield from entities_in(element.column)


def joined_entities(statement: Any) -> set[Any]:
    """The entities that the statement joins to; their criteria stand in the ON clauses."""
    found = {
        getattr(target, "of_type_entity", None)
        or getattr(getattr(target, "property", None), "entity", None)
        or _entity_of(target)
        for target, _, _, _ in statement._setup_joins
    }
    waiting = [each for each in statement._from_obj if isinstance(each, Join)]
    for join in waiting:
        found.add(getattr(join, "right_entity", None))
        waiting += [each for each in (join.left, join.right) if isinstance(each, Join)]
    return found


def _entity_of(side: Any) -> Any | None:
    entity = getattr(side, "parent", None)
    return entity or getattr(side, "_annotations", {}).get("parententity")


def entities_in(expression: Any) -> Iterator[Any]:
    """The entities whose columns an expression has outside of its subqueries."""
    entity = expression._annotations.get("parententity")
    if entity is not None:
        yield entity
    elif isinstance(expression, FunctionElement) or not isinstance(
        expression, SelectBase | ScalarSelect | FromClause
    ):
        for child in expression.get_children():
            yield from entities_in(child)


def _entities_from(element: Any) -> Iterator[Any]:
    entity = element._annotations.get("parententity")
    if entity is not None:
        yield entity
    elif getattr(element, "left_entity", None) is not None:
        yield element.left_entity
    elif isinstance(element, Join):
        yield from _entities_from(element.left)


def with_composed_froms(
    froms: Sequence[FromClause], entities: Iterable[Any], targets: Iterable[Any]
) -> tuple[FromClause, ...]:
    """The FROM elements, with the selectables of classes that are mapped to more than a table.

    A column brings its table into FROM by itself, but not the join that its class is mapped to.

    Args:
        froms: With the joins of the statement.
        entities: What the statement selects, or selects from.
        targets: What it joins to, with columns of subclasses as the mapper says.
    """
    added = list(froms)
    known = [each for each in targets if each is not None]
    for entity in entities:
        selectable = entity.selectable
        if any(each is not entity and answers_for(each, entity) for each in known):
            continue
        if isinstance(selectable, Join) and not any(_has(each, selectable) for each in added):
            added.append(selectable)
    return tuple(added)


def _has(from_clause: Any, selectable: Any) -> bool:
    """Whether a FROM element is the selectable, or a join with it."""
    if from_clause == selectable:
        return True
    return isinstance(from_clause, Join) and (
        _has(from_clause.left, selectable) or _has(from_clause.right, selectable)
    )


def single_table_criterion(entity: Any, also: Sequence[Any] = ()) -> Any | None:
    """What keeps rows of other classes of its hierarchy out; None where all rows are its own.

    Args:
        entity: The entity.
        also: Others that read the same rows: parts of one `with_polymorphic()`.
    """
    mappers = [entity.mapper, *(each.mapper for each in also)]
    if not all(map(polymorphic.shares_table, mappers)) or _reads_from_union(entity):
        return None
    criterion = entity.mapper.polymorphic_on.in_(polymorphic.identities_below(mappers))
    return criterion if entity.adapter is None else entity.adapter.traverse(criterion)


def _reads_from_union(entity: Any) -> bool:
    """Whether an alias reads from a union of queries, which have left out other rows already."""
    source = getattr(entity.selectable, "element", None)
    return isinstance(source, CompoundSelect) and entity.stands_for is not None


def _given_adapters(entities: Iterable[Any]) -> list[Any]:
    """Of the entities whose mappers name a selectable to read from, what leads there."""
    return [
        each.adapter
        for each in entities
        if each is not None and not each.is_aliased_class and each.adapter is not None
    ]


def joins_on_given(setup_joins: Iterable[Any], entities: Iterable[Any]) -> list[Any]:
    """Calls of `join()` with ON expressions over what the mappers name to read from."""
    adapters = _given_adapters(entities)
    found = []
    for target, onclause, left, flags in setup_joins:
        if hasattr(onclause, "__visit_name__"):
            for adapter in adapters:
                onclause = adapter.traverse(onclause)
        found.append((target, onclause, left, flags))
    return found


def read_from_given(plain: Any, entities: Iterable[Any]) -> Any:
    """The statement with expressions over tables read from what their mappers name instead."""
    for adapter in _given_adapters(entities):
        for name in ("_where_criteria", "_having_criteria", "_order_by_clauses"):
            clauses = getattr(plain, name)
            setattr(plain, name, tuple(adapter.traverse(each) for each in clauses))
        plain._group_by_clauses = tuple(map(adapter.traverse, plain._group_by_clauses))
        plain._raw_columns = [adapter.traverse(each) for each in plain._raw_columns]
    return plain
