"""Describe random statements, and build each twice: over classes, and over tables in plain Core.

Rules of the descriptions:
1. Every source but the first is joined along a relationship of an earlier one.
2. The order is total, by the primary keys of all sources, so that LIMIT means the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, exists, not_, null, or_, select, union

from holdfast import aliased, joinedload, selectinload, subqueryload
from models.library import Author, Book, Tag, book_tag
from models.tree import Node

# Relationship -> its target and, for the plain join, the local and remote column.
RELATIONSHIPS: dict[type, dict[str, tuple[type, str, str]]] = {
    Author: {"books": (Book, "id", "author_id")},
    Book: {"author": (Author, "author_id", "id"), "tags": (Tag, "book_id", "tag_id")},
    Tag: {"books": (Book, "tag_id", "book_id")},
    Node: {"children": (Node, "id", "parent_id"), "parent": (Node, "parent_id", "id")},
}
COLUMNS: dict[type, tuple[str, ...]] = {
    Author: ("id", "name", "email"),
    Book: ("id", "title", "pages", "author_id"),
    Tag: ("id", "name"),
    Node: ("id", "name", "parent_id"),
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    ">=": lambda column, value: column >= value,
    "is": lambda column, _: column.is_(None),
    "in": lambda column, value: column.in_([value, value]),
}
LOADERS = {"joined": joinedload, "selectin": selectinload, "subquery": subqueryload}


@dataclass(frozen=True)
class Compare:
    """A column of one source compared with a value."""

    source: int
    column: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Related:
    """Whether there is a related row that satisfies a comparison, as `any()` or EXISTS."""

    source: int
    relationship: str
    column: str
    operator: str
    value: Any
    is_spelled_out: bool


@dataclass(frozen=True)
class Combined:
    """Criteria joined by AND, OR or NOT."""

    word: str
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class JoinOf:
    """A join along a relationship of an earlier source."""

    source: int
    relationship: str
    form: str
    is_outer: bool


@dataclass(frozen=True)
class Described:
    """One statement.

    Attributes:
        root: The class of the first source.
        is_aliased: Whether the first source is an alias.
        joins: What the other sources are joined along.
        elements: (source, None) for the whole entity, or (source, column) for a column.
        criteria: Combined with AND.
        orders: For each source whether its key is ordered by downwards.
        limit: Rows at most, and rows to leave out before them.
        is_distinct: Whether repeated rows are dropped.
        other: Criteria of a second statement to unite with; for a single entity without joins.
        loader: How a relationship of the root is loaded with it.
        is_query: Whether the chained query is used.
    """

    root: type
    is_aliased: bool = False
    joins: tuple[JoinOf, ...] = ()
    elements: tuple[tuple[int, str | None], ...] = ((0, None),)
    criteria: tuple[Any, ...] = ()
    orders: tuple[bool, ...] = (False,)
    limit: tuple[int, int] | None = None
    is_distinct: bool = False
    other: tuple[Any, ...] | None = None
    loader: tuple[str, str] | None = None
    is_query: bool = False
    classes: tuple[type, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        classes: list[type] = [self.root]
        for join in self.joins:
            classes.append(RELATIONSHIPS[classes[join.source]][join.relationship][0])
        object.__setattr__(self, "classes", tuple(classes))


def is_many_to_many(class_: type, relationship: str) -> bool:
    return class_ in (Book, Tag) and relationship in ("tags", "books")


class Builder:
    """What building over classes and over tables have in common.

    Attributes:
        sources: The classes, aliases or tables, in order.
    """

    def __init__(self, described: Described) -> None:
        self.described = described
        self.sources: list[Any] = []

    def column(self, source: int, name: str) -> Any:
        raise NotImplementedError

    def related(self, criterion: Related) -> Any:
        raise NotImplementedError

    def criterion(self, given: Any) -> Any:
        if isinstance(given, Compare):
            column = self.column(given.source, given.column)
            return OPERATORS[given.operator](column, given.value)
        if isinstance(given, Related):
            return self.related(given)
        parts = [self.criterion(each) for each in given.parts]
        if given.word == "not":
            return not_(parts[0])
        return (and_ if given.word == "and" else or_)(*parts)

    def finished(self, statement: Any) -> Any:
        """The statement with its criteria, order and limit."""
        described = self.described
        statement = statement.where(*map(self.criterion, described.criteria))
        for source, down in enumerate(described.orders):
            key = self.column(source, "id")
            statement = statement.order_by(key.desc() if down else key)
        if described.is_distinct:
            statement = statement.distinct()
        if described.limit is not None:
            count, start = described.limit
            statement = statement.limit(count).offset(start)
        return statement


class OverClasses(Builder):
    """The statement over classes."""

    def column(self, source: int, name: str) -> Any:
        return getattr(self.sources[source], name)

    def related(self, criterion: Related) -> Any:
        attribute = getattr(self.sources[criterion.source], criterion.relationship)
        target = attribute.property.mapper.class_
        if criterion.is_spelled_out:
            other = aliased(target)
            inner = OPERATORS[criterion.operator](getattr(other, criterion.column), criterion.value)
            return exists(select(other.id).where(attribute.of_type(other), inner))
        inner = OPERATORS[criterion.operator](getattr(target, criterion.column), criterion.value)
        if target is self.sources[criterion.source]:
            # The criterion would speak of the class outside.
            other = aliased(target)
            attribute = attribute.of_type(other)
            inner = OPERATORS[criterion.operator](getattr(other, criterion.column), criterion.value)
        return attribute.any(inner) if attribute.property.uselist else attribute.has(inner)

    def build(self, session: Any) -> Any:
        """A `select()`, or a `Query`."""
        described = self.described
        root = described.root
        self.sources = [aliased(root) if described.is_aliased else root]
        taken = {self.sources[0]}
        targets: list[Any] = []
        for join, class_ in zip(described.joins, described.classes[1:], strict=True):
            target = class_ if class_ not in taken and join.form == "plain" else aliased(class_)
            taken.add(target)
            targets.append(target)
            self.sources.append(target)
        if described.other is not None:
            return self._united(session)
        elements = [
            self.sources[source] if name is None else self.column(source, name)
            for source, name in described.elements
        ]
        statement = session.query(*elements) if described.is_query else select(*elements)
        if described.elements[0][0] != 0 or described.joins:
            statement = statement.select_from(self.sources[0])
        for join, target in zip(described.joins, targets, strict=True):
            statement = self._joined(statement, join, target)
        return self._with_loader(self.finished(statement))

    def _joined(self, statement: Any, join: JoinOf, target: Any) -> Any:
        attribute = getattr(self.sources[join.source], join.relationship)
        if join.form == "plain" and not isinstance(target, type):
            return statement.join(attribute.of_type(target), isouter=join.is_outer)
        if join.form == "plain":
            return statement.join(attribute, isouter=join.is_outer)
        if join.form == "target":
            return statement.join(target, attribute, isouter=join.is_outer)
        return statement.join(attribute.of_type(target), isouter=join.is_outer)

    def _with_loader(self, statement: Any) -> Any:
        loader = self.described.loader
        if loader is None:
            return statement
        return statement.options(LOADERS[loader[0]](getattr(self.sources[0], loader[1])))

    def _united(self, session: Any) -> Any:
        described = self.described
        assert described.other is not None
        source = self.sources[0]
        if described.is_query:
            one = session.query(source).filter(*map(self.criterion, described.criteria))
            other = session.query(source).filter(*map(self.criterion, described.other))
            key = self.column(0, "id")
            both = one.union(other)
            return self._with_loader(both.order_by(key.desc() if described.orders[0] else key))
        one = select(source).where(*map(self.criterion, described.criteria))
        other = select(source).where(*map(self.criterion, described.other))
        self.sources = [aliased(source, union(one, other).subquery())]
        key = self.column(0, "id")
        statement = select(self.sources[0]).order_by(key.desc() if described.orders[0] else key)
        return self._with_loader(statement)


class OverTables(Builder):
    """The same statement in plain Core."""

    def column(self, source: int, name: str) -> Any:
        return self.sources[source].c[name]

    def related(self, criterion: Related) -> Any:
        class_ = self.described.classes[criterion.source]
        target = RELATIONSHIPS[class_][criterion.relationship][0].__table__.alias()
        start, condition = self._condition(criterion.source, criterion.relationship, target)
        inner = OPERATORS[criterion.operator](target.c[criterion.column], criterion.value)
        return exists(select(null()).select_from(start).where(condition, inner))

    def _condition(self, source: int, relationship: str, target: Any) -> tuple[Any, Any]:
        """What to select from, and what connects it with the source."""
        class_ = self.described.classes[source]
        _, local, remote = RELATIONSHIPS[class_][relationship]
        start = self.sources[source]
        if not is_many_to_many(class_, relationship):
            return target, start.c[local] == target.c[remote]
        between = book_tag.alias()
        beyond = between.join(target, between.c[remote] == target.c.id)
        return beyond, start.c.id == between.c[local]

    def build(self) -> Any:
        """A `select()` over tables."""
        described = self.described
        self.sources = [class_.__table__.alias() for class_ in described.classes]
        start: Any = self.sources[0]
        for number, join in enumerate(described.joins, 1):
            beyond, condition = self._condition(
                join.source, join.relationship, self.sources[number]
            )
            start = start.join(beyond, condition, isouter=join.is_outer)
        if described.other is not None:
            return self._united()
        columns: list[Any] = []
        for source, name in described.elements:
            names = COLUMNS[described.classes[source]] if name is None else (name,)
            columns += [self.sources[source].c[each] for each in names]
        labelled = [column.label(f"x{number}") for number, column in enumerate(columns)]
        return self.finished(select(*labelled).select_from(start))

    def _united(self) -> Any:
        described = self.described
        assert described.other is not None
        source = self.sources[0]
        one = select(source).where(*map(self.criterion, described.criteria))
        other = select(source).where(*map(self.criterion, described.other))
        both = union(one, other).subquery()
        key = both.c.id.desc() if described.orders[0] else both.c.id
        return select(*(both.c[name] for name in COLUMNS[described.root])).order_by(key)


def rows_over_classes(session: Any, described: Described) -> list[tuple[Any, ...]]:
    """The rows of a description, read through a session, as the values of their columns."""
    statement = OverClasses(described).build(session)
    if described.is_query:
        rows = statement.all()
        if len(described.elements) == 1 and described.elements[0][1] is None:
            rows = [(each,) for each in rows]
    else:
        result = session.execute(statement)
        rows = (result.unique() if is_made_unique(described) else result).all()
    return [tuple(_values(described, row)) for row in rows]


def is_made_unique(described: Described) -> bool:
    """Whether repeated rows are dropped while they are read."""
    has_objects = any(name is None for _, name in described.elements)
    return described.loader is not None or (described.is_query and has_objects)


def _values(described: Described, row: Any) -> Any:
    for value, (source, name) in zip(row, described.elements, strict=True):
        if name is not None:
            yield value
            continue
        for column in COLUMNS[described.classes[source]]:
            yield None if value is None else getattr(value, column)


def rows_over_tables(connection: Any, described: Described) -> list[tuple[Any, ...]]:
    """The same rows, read by plain Core."""
    rows = [tuple(row) for row in connection.execute(OverTables(described).build())]
    return list(dict.fromkeys(rows)) if is_made_unique(described) else rows
