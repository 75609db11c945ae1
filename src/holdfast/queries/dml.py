"""Be Core's compile hooks for `insert()`, `update()` and `delete()` over classes.

The statement becomes one over the class's table: names of attributes become columns, and what
RETURNING says of classes becomes a `LoadPlan`, by which the returned rows are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import inspect

from holdfast import errors
from holdfast.foundation.codegen import replace
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    DeleteDMLState,
    InsertDMLState,
    UpdateDMLState,
    coercions,
    compiles_over,
    roles,
)
from holdfast.mapping.inheritance import equal_columns
from holdfast.queries.aliases import AliasedClass
from holdfast.queries.entities import (
    SelectedElement,
    SelectedEntity,
    has_star,
    parse_elements,
    refuse_star,
)
from holdfast.queries.load_plan import LoadPlan
from holdfast.queries.loader_criteria import CriteriaInForce, criteria_of, in_force, row_criterion
from holdfast.queries.planning import PlanBuilder
from holdfast.queries.select import all_columns
from holdfast.queries.statement_options import MarkerOption, StatementOptions, statement_options


class ReturnKeys(MarkerOption):
    """Return the primary keys of the rows too; the plan says where they stand."""

    __slots__ = ()


RETURN_KEYS = ReturnKeys()


class OverClasses:
    """What the three hooks have in common; mixed in before Core's own states."""

    # None without RETURNING, and where what is returned is not known.
    plan: LoadPlan | None

    def __init__(self, statement: Any, compiler: Any, **kw: Any) -> None:
        if not is_over_class(statement):
            plain, self.plan = statement, None
        else:
            self.criteria: CriteriaInForce = criteria_of(statement, compiler)
            with in_force(self.criteria):
                plain, self.plan = _over_tables(statement, is_alone=not compiler.stack)
        super().__init__(plain, compiler, **kw)  # type: ignore[call-arg]  # Core's state

    @classmethod
    def get_entity_description(cls, statement: Any) -> dict[str, Any]:
        """What `entity_description` tells (QY-90)."""
        entity = entity_of_dml(statement)
        return {
            "name": entity.class_.__name__,
            "type": entity.class_,
            "expr": entity.entity,
            "entity": entity.entity,
            "table": entity.mapper.local_table,
        }

    @classmethod
    def get_returning_column_descriptions(cls, statement: Any) -> list[dict[str, Any]]:
        """What `returning_column_descriptions` tells (QY-90)."""
        return [each.describe() for each in parse_elements(statement._returning)]

    @classmethod
    def _get_crud_kv_pairs(
        cls,
        statement: Any,
        kv_iterator: Iterable[tuple[Any, Any]],
        needs_to_be_cacheable: bool,  # noqa: FBT001  Core's signature
    ) -> list[tuple[Any, Any]]:
        """Columns and values of `values()`, which may name attributes (QY-180)."""
        pairs = list(kv_iterator)
        if is_over_class(statement):
            entity = entity_of_dml(statement)
            pairs = [pair for key, value in pairs for pair in _assigned(entity, key, value)]
        return super()._get_crud_kv_pairs(  # type: ignore[misc, no-any-return]
            statement, pairs, needs_to_be_cacheable
        )

    @classmethod
    def _get_multi_crud_kv_pairs(
        cls, statement: Any, multi_kv_iterator: Iterable[Mapping[Any, Any]]
    ) -> list[dict[Any, Any]]:
        """The same for a list of dictionaries."""
        if not is_over_class(statement):
            return super()._get_multi_crud_kv_pairs(  # type: ignore[misc, no-any-return]
                statement, multi_kv_iterator
            )
        entity = entity_of_dml(statement)
        return [
            {
                coercions.expect(roles.DMLColumnRole, column): part
                for key, value in values.items()
                for column, part in _assigned(entity, key, value)
            }
            for values in multi_kv_iterator
        ]


@compiles_over("insert")
class InsertOverClasses(OverClasses, InsertDMLState):
    """The compile state of an INSERT over a class."""


@compiles_over("update")
class UpdateOverClasses(OverClasses, UpdateDMLState):
    """The compile state of an UPDATE over a class."""


@compiles_over("delete")
class DeleteOverClasses(OverClasses, DeleteDMLState):
    """The compile state of a DELETE over a class."""


def is_over_class(statement: Any) -> bool:
    """Whether it is a class that the statement changes; one may stand in its criteria alone."""
    return "parententity" in statement.table._annotations


def entity_of_dml(statement: Any) -> Any:
    """The mapper or alias whose table the statement changes."""
    entity = statement.table._annotations.get("parententity")
    return statement._propagate_attrs["plugin_subject"] if entity is None else entity


def changed_table(statement: Any) -> Any:
    """The table that the statement changes: of a class that is joined to its base's, its own."""
    entity = entity_of_dml(statement)
    if entity.is_aliased_class:
        return statement.table._deannotate()
    return entity.mapper.local_table


def key_columns(statement: Any) -> list[Any]:
    """The columns of the changed table that hold the primary key of the class, in its order."""
    mapper, table = entity_of_dml(statement).mapper, changed_table(statement)
    own = mapper.local_table.c
    found = []
    for key, column in zip(mapper.primary_key_keys, mapper.primary_key, strict=True):
        same = [*mapper.properties[key].columns, *equal_columns(mapper, column)]
        found.append(next(each for each in same if own.contains_column(each)))
    return [table.corresponding_column(column) for column in found]


def returns_star(statement: Any) -> bool:
    """Whether the columns that are returned are not known before the rows are there."""
    return has_star(parse_elements(statement._returning))


def _assigned(entity: Any, key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """The columns that a key of `values()` means; what is no attribute is Core's business."""
    attribute = getattr(entity.entity, key, None) if isinstance(key, str) else key
    assigned = getattr(attribute, "assigned_columns", None)
    if assigned is None:
        yield key, value
    else:
        yield from assigned(value)


def _over_tables(statement: Any, *, is_alone: bool) -> tuple[Any, LoadPlan | None]:
    plain = statement._generate()
    plain.table = changed_table(statement)
    plain._propagate_attrs = EMPTY_DICT
    plain._with_options = ()
    if not statement.is_insert:
        criterion = row_criterion(entity_of_dml(statement))
        if criterion is not None:
            plain._where_criteria += (criterion,)
    options = statement._with_options
    wants_keys = RETURN_KEYS in options
    if not statement._returning and not wants_keys:
        return plain, None
    elements = parse_elements(statement._returning)
    refuse_star(elements)
    if not statement.is_insert:
        elements = tuple(_of_own_table(each, plain) for each in elements)
    if not is_alone or has_star(elements):
        plain._returning = tuple(all_columns(elements))
        return plain, None
    builder = _returning(options, elements)
    keys = tuple(map(builder.column, key_columns(statement))) if wants_keys else ()
    plain._returning = tuple(builder.columns)
    return plain, replace(builder.finish(), keys=keys)


def _of_own_table(element: SelectedElement, plain: Any) -> SelectedElement:
    """What RETURNING has of an object: of a class that is joined to its base's, its own columns.

    The others load when they are touched.
    """
    if not isinstance(element, SelectedEntity) or not element.entity.is_mapper:
        return element
    mapper, table = element.entity, plain.table
    if mapper.local_table is not table or mapper.selectable is table:
        return element
    if mapper.polymorphic_on is not None and len(mapper.self_and_descendants) > 1:
        named = chain.from_iterable(each._from_objects for each in plain._where_criteria)
        if any(mapper.base_mapper.local_table.is_derived_from(each) for each in named):
            return element  # which some databases return too
        raise errors.BulkError.unknown_class(mapper, table)
    return replace(element, entity=inspect(AliasedClass(mapper, table, stands_for=mapper)))


def planned_returning(statement: Any) -> tuple[Sequence[Any], LoadPlan]:
    """The columns that RETURNING of a statement needs, and the plan by which rows are read."""
    builder = _returning(statement._with_options, parse_elements(statement._returning))
    return builder.columns, builder.finish()


def _returning(options: Sequence[Any], elements: Sequence[SelectedElement]) -> PlanBuilder:
    given = statement_options(options, elements) if options and elements else StatementOptions()
    builder = PlanBuilder(given, can_join=False, in_returning=True)
    builder.set_up(elements)
    return builder
