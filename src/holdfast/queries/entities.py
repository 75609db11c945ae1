"""Name what stands in a select list: whole entities, columns and bundles.

Core has coerced the arguments of `select()` to clause elements; their annotations say what they
were. Called by the compile hook and by `Query`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import LABEL_STYLE_DISAMBIGUATE_ONLY, SelectLabelStyle
from sqlalchemy.sql.expression import FromClause, SelectBase

from holdfast.errors.dml import StarError
from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import (
    column_naming,
    is_lambda,
    is_null_type,
    is_star,
    proxy_key,
    select_iterables,
    without_lambda,
)


@record
class SelectedEntity:
    """A mapped class or an alias of one: its rows become objects."""

    entity: Any  # Mapper or AliasedInsp
    element: Any  # the annotated selectable as it stands in the statement
    name: str | None  # its key in rows

    @property
    def mapper(self) -> Any:
        """The mapper of the entity."""
        return self.entity.mapper

    @property
    def selectable(self) -> Any:
        """The table or alias that it reads from."""
        return self.entity.selectable

    @property
    def other_names(self) -> tuple[Any, ...]:
        """What else names it in `row._mapping`: the class or alias."""
        return (self.entity.entity, self.entity)

    def describe(self) -> dict[str, Any]:
        """Its entry in `column_descriptions`."""
        subject = self.entity.entity
        return {
            "name": self.name,
            "type": self.mapper.class_,
            "aliased": self.entity.is_aliased_class,
            "expr": subject,
            "entity": subject,
        }


@record
class SelectedColumn:
    """A mapped attribute, a column or any other expression."""

    column: Any  # the expression as it stands in the statement
    entity: Any | None  # Mapper or AliasedInsp to which it belongs, if it belongs to one
    name: str | None  # its key in rows

    @property
    def mapper(self) -> Any | None:
        """The mapper of its entity."""
        return None if self.entity is None else self.entity.mapper

    @property
    def selectable(self) -> Any | None:
        """The selectable of its entity, or the only FROM element that the expression names."""
        if self.entity is not None:
            return self.entity.selectable
        found = self.column._from_objects
        return found[0] if len(found) == 1 else None

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
        return {
            "name": self.name,
            "type": self.column.type,
            "aliased": entity is not None and entity.is_aliased_class,
            "expr": self.column,
            "entity": None if entity is None else entity.entity,
        }


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

    @property
    def mapper(self) -> Any | None:
        """The mapper of that entity."""
        return None if self.entity is None else self.entity.mapper

    @property
    def selectable(self) -> Any | None:
        """The selectable of that entity."""
        return None if self.entity is None else self.entity.selectable

    @property
    def is_hashable(self) -> bool:
        """Whether its value has a hash."""
        return True

    @property
    def other_names(self) -> tuple[Any, ...]:
        """What else names it in `row._mapping`: itself."""
        return (self.bundle,)

    def describe(self) -> dict[str, Any]:
        """Its entry in `column_descriptions`."""
        return {
            "name": self.name,
            "type": type(self.bundle),
            "aliased": self.entity is not None and self.entity.is_aliased_class,
            "expr": self.bundle,
            "entity": None if self.entity is None else self.entity.entity,
        }


SelectedElement: TypeAlias = SelectedEntity | SelectedColumn | SelectedBundle
NameOf: TypeAlias = Callable[[Any], str | None]


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
    """The elements of a select list, one for each element of a result row.

    Args:
        raw_columns: `statement._raw_columns`.
        label_style: Decides the names of expressions, as for Core.
    """
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
    """Nothing can stand beside `*`.

    Raises:
        StarError: Something does.
    """
    if len(elements) > 1 and has_star(elements):
        raise StarError.not_alone()


def _parsed(raw_columns: Iterable[Any], name_of: NameOf) -> Iterator[SelectedElement]:
    for element in raw_columns:
        if is_lambda(element):
            given = without_lambda(element)
            yield from _parsed(given if isinstance(given, list | tuple) else (given,), name_of)
            continue
        annotations = element._annotations
        if "bundle" in annotations:
            yield _selected_bundle(annotations["bundle"])
        elif isinstance(element, FromClause) and "parententity" in annotations:
            yield _selected_entity(element, annotations["parententity"])
        else:
            for column in select_iterables((element,)):
                yield _selected_column(column, name_of)


def _selected_entity(element: Any, entity: Any) -> SelectedEntity:
    return SelectedEntity(entity, element, _entity_name(entity))


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


def _selected_bundle(bundle: Any) -> SelectedBundle:
    members = tuple(_parsed(bundle.elements, proxy_key))
    return SelectedBundle(bundle, members, bundle.name)


def root_entities(elements: Sequence[SelectedElement]) -> list[Any]:
    """The entities whose objects the statement loads, each once, in order."""
    found = (each.entity for each in elements if isinstance(each, SelectedEntity))
    return list(dict.fromkeys(found))


def column_descriptions(statement: Any) -> list[dict[str, Any]]:
    """What `column_descriptions` of a statement tells: a dictionary for each element."""
    elements = parse_elements(statement._raw_columns, statement._label_style)
    return [element.describe() for element in elements]
