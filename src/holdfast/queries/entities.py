"""Tell what may stand in a select list, and which classes of a hierarchy it covers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import LABEL_STYLE_DISAMBIGUATE_ONLY, SelectLabelStyle
from sqlalchemy.sql.expression import (
    CompoundSelect,
    FromClause,
    FunctionElement,
    Join,
    ScalarSelect,
    SelectBase,
)

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.sqlalchemy_core import (
    column_naming,
    is_lambda,
    is_null_type,
    is_star,
    proxy_key,
    select_iterables,
    without_lambda,
)
from holdfast.mapping import inheritance

# ------------------------------------------------------------------------------
# Name what stands in a select list: whole entities, columns and bundles.
#
# Core has coerced the arguments of `select()` to clause elements; their annotations say what they
# were. Called by the compile hook and by `Query`.


@record
class SelectedEntity:
    """A mapped class or an alias of one: its rows become objects."""

    entity: Any  # Mapper or AliasedInsp
    element: Any  # the annotated selectable as it stands in the statement
    name: str | None  # its key in rows

    @property
    def other_names(self) -> tuple[Any, ...]:
        """What else names it in `row._mapping`: the class or alias."""
        return (self.entity.entity, self.entity)

    def describe(self) -> dict[str, Any]:
        """Its entry in `column_descriptions`."""
        return _description(self.name, self.entity.class_, self.entity.entity, self.entity)


@record
class SelectedColumn:
    """A mapped attribute, a column or any other expression."""

    column: Any  # the expression as it stands in the statement
    entity: Any | None  # Mapper or AliasedInsp to which it belongs, if it belongs to one
    name: str | None  # its key in rows

    @property
    def is_hashable(self) -> bool:
        """Whether all its values are known to have a hash."""
        type_ = getattr(self.column, "type", None)
        return type_ is None or bool(type_.hashable and not is_null_type(type_))

    @property
    def other_names(self) -> tuple[Any, ...]:
        """What else names it in `row._mapping`: the expression, and the attribute if it is one."""
        if self.entity is not None:
            key = self.column._annotations.get("proxy_key", "")
            attribute = getattr(self.entity.entity, key, None)
            if attribute is not None:
                return (self.column, attribute)
        return (self.column,)

    def describe(self) -> dict[str, Any]:
        """Its entry in `column_descriptions`; an expression is of the entity it names first."""
        entity = self.entity or _first_entity(self.column)
        return _description(self.name, self.column.type, self.column, entity)


@record
class SelectedBundle:
    """Several elements under one name."""

    bundle: Any
    members: tuple[SelectedElement, ...]
    name: str

    @property
    def entity(self) -> Any | None:
        """The entity of the first member that has one."""
        return next((each.entity for each in self.members if each.entity is not None), None)

    # Whether its value has a hash.
    is_hashable: ClassVar[bool] = True

    @property
    def other_names(self) -> tuple[Any, ...]:
        """What else names it in `row._mapping`: itself."""
        return (self.bundle,)

    def describe(self) -> dict[str, Any]:
        """Its entry in `column_descriptions`."""
        return _description(self.name, type(self.bundle), self.bundle, self.entity)


SelectedElement: TypeAlias = SelectedEntity | SelectedColumn | SelectedBundle
NameOf: TypeAlias = Callable[[Any], str | None]


def _description(name: str | None, type_: Any, expression: Any, entity: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": type_,
        "aliased": entity is not None and entity.is_aliased_class,
        "expr": expression,
        "entity": None if entity is None else entity.entity,
    }


LEGACY_STYLE = SelectLabelStyle.LABEL_STYLE_LEGACY_ORM
"""How `Query` labels: columns as table_column in the SQL, by their own names in rows."""


def entity_of(element: Any) -> Any | None:
    """The mapper or `AliasedInsp` to which a clause element belongs, or None."""
    return element._annotations.get("parententity")


def _first_entity(clause: Any) -> Any | None:
    """The entity that an expression names first, those of subqueries left aside."""
    found = entity_of(clause)
    if found is None and not isinstance(clause, SelectBase):
        return next(filter(None, map(_first_entity, clause.get_children())), None)
    return found


def parse_elements(
    raw_columns: Iterable[Any], label_style: Any = LABEL_STYLE_DISAMBIGUATE_ONLY
) -> tuple[SelectedElement, ...]:
    """The elements of a select list, one for each element of a result row."""
    # The legacy style of Query gives columns their own names, however often.
    name_of = proxy_key if label_style is LEGACY_STYLE else column_naming(label_style)
    return tuple(_parsed(raw_columns, name_of))


def selects_one_entity(raw_columns: Sequence[Any]) -> bool:
    """Whether a select list is one mapped class or alias, and nothing else."""
    if len(raw_columns) != 1:
        return False
    annotations = raw_columns[0]._annotations
    return "parententity" in annotations and isinstance(raw_columns[0], FromClause)


def has_star(elements: Iterable[SelectedElement]) -> bool:
    """Whether one of the elements stands for columns that only the database knows."""
    return any(isinstance(each, SelectedColumn) and is_star(each.column) for each in elements)


def refuse_star(elements: Sequence[SelectedElement]) -> None:
    """Nothing can stand beside `*`."""
    if len(elements) > 1 and has_star(elements):
        raise errors.StarError.not_alone()


def _parsed(raw_columns: Iterable[Any], name_of: NameOf) -> Iterator[SelectedElement]:
    for element in raw_columns:
        if is_lambda(element):
            given = without_lambda(element)
            yield from _parsed(given if isinstance(given, list | tuple) else (given,), name_of)
            continue
        annotations = element._annotations
        if "bundle" in annotations:
            bundle = annotations["bundle"]
            yield SelectedBundle(bundle, tuple(_parsed(bundle.elements, proxy_key)), bundle.name)
        elif isinstance(element, FromClause) and "parententity" in annotations:
            entity = annotations["parententity"]
            yield SelectedEntity(entity, element, _entity_name(entity))
        else:
            for column in select_iterables((element,)):
                yield _selected_column(column, name_of)


def _entity_name(entity: Any) -> str | None:
    if not entity.is_aliased_class:
        return str(entity.class_.__name__)
    if entity.stands_for is not None:
        return _entity_name(entity.stands_for)
    name: str | None = entity.name
    return name


def _selected_column(column: Any, name_of: NameOf) -> SelectedColumn:
    inner = column
    while "parententity" not in inner._annotations and inner.__visit_name__ == "label":
        inner = inner.element
    return SelectedColumn(column, entity_of(inner), name_of(column))


def root_entities(elements: Sequence[SelectedElement]) -> list[Any]:
    """The entities whose objects the statement loads, each once, in order."""
    found = (each.entity for each in elements if isinstance(each, SelectedEntity))
    return list(dict.fromkeys(found))


def column_descriptions(statement: Any) -> list[dict[str, Any]]:
    """What `column_descriptions` of a statement tells: a dictionary for each element."""
    elements = parse_elements(statement._raw_columns, statement._label_style)
    return [element.describe() for element in elements]


# ------------------------------------------------------------------------------
# Fit a statement to classes that inherit: their FROM, their rows, their columns.
#
# Rules kept here:
# 1. A class whose tables are joined brings the whole join into FROM.
# 2. A class that shares its base's table sees the rows of its own discriminator values (MP-146).
# 3. Where a mapper names a selectable that holds the columns of subclasses, all expressions over
#    their tables read from it (MP-151).


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


def reads_own_tables(entity: Any) -> bool:
    """Whether columns of the classes mean the entity's rows: it is no alias but in name."""
    if not entity.is_aliased_class:
        return True
    column = entity.mapper.primary_key[0]
    # What was named through the entity comes back as it was named.
    return entity.holds(column) and entity.adapter.columns[column]._deannotate() is column


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

    `also` are entities that read the same rows: parts of one `with_polymorphic()`.
    """
    mappers = [entity.mapper, *(each.mapper for each in also)]
    if not all(map(inheritance.shares_table, mappers)) or _reads_from_union(entity):
        return None
    criterion = entity.mapper.polymorphic_on.in_(inheritance.identities_below(mappers))
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
