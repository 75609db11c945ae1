"""Be Core's compile hooks for `insert()`, `update()` and `delete()` over classes.

The statement becomes one over the class's table: names of attributes become columns, and what
RETURNING says of classes becomes a `LoadPlan`, by which the returned rows are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    CompileState,
    DeleteDMLState,
    InsertDMLState,
    UpdateDMLState,
    coercions,
    roles,
)
from holdfast.mapping.sockets import PLUGIN
from holdfast.queries.entities import parse_elements
from holdfast.queries.load_plan import LoadPlan
from holdfast.queries.options.statement import StatementOptions, statement_options
from holdfast.queries.planning import PlanBuilder
from holdfast.queries.select import all_columns


class OverClasses:
    """What the three hooks have in common; mixed in before Core's own states."""

    # None without RETURNING.
    plan: LoadPlan | None

    def __init__(self, statement: Any, compiler: Any, **kw: Any) -> None:
        plain, self.plan = _over_tables(statement, is_alone=not compiler.stack)
        super().__init__(plain, compiler, **kw)  # type: ignore[call-arg]  # Core's state

    @classmethod
    def get_entity_description(cls, statement: Any) -> dict[str, Any]:
        """What `entity_description` tells (QY-90)."""
        entity = _entity_of(statement)
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
        entity = _entity_of(statement)
        pairs = [(_column_for(entity, key), value) for key, value in kv_iterator]
        return super()._get_crud_kv_pairs(  # type: ignore[misc, no-any-return]
            statement, pairs, needs_to_be_cacheable
        )

    @classmethod
    def _get_multi_crud_kv_pairs(
        cls, statement: Any, multi_kv_iterator: Iterable[Mapping[Any, Any]]
    ) -> list[dict[Any, Any]]:
        """The same for a list of dictionaries."""
        entity = _entity_of(statement)
        return [
            {
                coercions.expect(roles.DMLColumnRole, _column_for(entity, key)): value
                for key, value in values.items()
            }
            for values in multi_kv_iterator
        ]


@CompileState.plugin_for(PLUGIN, "insert")
class InsertOverClasses(OverClasses, InsertDMLState):
    """The compile state of an INSERT over a class."""


@CompileState.plugin_for(PLUGIN, "update")
class UpdateOverClasses(OverClasses, UpdateDMLState):
    """The compile state of an UPDATE over a class."""


@CompileState.plugin_for(PLUGIN, "delete")
class DeleteOverClasses(OverClasses, DeleteDMLState):
    """The compile state of a DELETE over a class."""


def _entity_of(statement: Any) -> Any:
    entity = statement.table._annotations.get("parententity")
    return statement._propagate_attrs["plugin_subject"] if entity is None else entity


def _column_for(entity: Any, key: Any) -> Any:
    """The column that a key of `values()` means; keys that are no attribute are Core's business."""
    if isinstance(key, str):
        prop = entity.mapper.properties.get(key)
        if prop is not None and prop.kind == "column":
            return prop.columns[0]
        return key
    prop = getattr(key, "property", None)
    if prop is not None and getattr(prop, "kind", None) == "column":
        return prop.columns[0]
    return key


def _over_tables(statement: Any, *, is_alone: bool) -> tuple[Any, LoadPlan | None]:
    plain = statement._generate()
    plain.table = statement.table._deannotate()
    plain._propagate_attrs = EMPTY_DICT
    plain._with_options = ()
    returning = statement._returning
    if not returning:
        return plain, None
    elements = parse_elements(returning)
    if not is_alone:
        plain._returning = tuple(all_columns(elements))
        return plain, None
    options = statement._with_options
    given = statement_options(options, elements) if options else StatementOptions()
    builder = PlanBuilder(given, can_join=False)
    plan = builder.build(elements)
    plain._returning = tuple(builder.columns)
    return plain, plan
