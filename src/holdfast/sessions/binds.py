"""This file finds the engine or connection for a class, a table or a statement.

Rules kept here:
1. What is named most exactly wins: the class before its bases, classes before tables, both before
   the session's own bind (PT-104).
2. A subclass of `Session` may override `get_bind`; everything that needs a bind asks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.sql import TableClause, visitors

from holdfast.errors.mapping import UnmappedClassError
from holdfast.errors.session import BindError, SessionArgumentError

Bind: TypeAlias = Engine | Connection


def add_bind(routes: dict[Any, Bind], key: Any, bind: Bind) -> None:
    """Route a class, a mapper or a table to a bind.

    Raises:
        ArgumentError: `key` is none of these.
    """
    try:
        found: Any = inspect(key)
    except NoInspectionAvailable:
        if not isinstance(key, type):
            raise SessionArgumentError.bad_bind_key(key) from None
        # A base class or mixin: its mapped subclasses are found through their bases.
        routes[key] = bind
        return
    if isinstance(found, TableClause):
        routes[found] = bind
    elif getattr(found, "is_mapper", False):
        routes[found.class_] = bind
        for table in (*found.tables, *visitors.iterate(found.persist_selectable)):
            if isinstance(table, TableClause):
                routes[table] = bind
    else:
        raise SessionArgumentError.bad_bind_key(key)


def find_bind(
    routes: Mapping[Any, Bind],
    default: Bind | None,
    subject: Any,
    clause: Any,
) -> Bind:
    """The bind for a mapper or class, a statement or table, or neither.

    Raises:
        UnboundExecutionError: There is none.
        UnmappedClassError: `subject` is a class without mapping.
    """
    if not routes and default is not None:
        return default
    mapper = _mapper_of(subject)
    if mapper is None and clause is not None:
        mapper = _mapper_of_clause(clause)
    if routes:
        found = _find_route(routes, mapper, clause)
        if found is not None:
            return found
    if default is not None:
        return default
    if mapper is None and clause is None:
        raise BindError.nothing_known()
    clues = []
    if mapper is not None:
        clues.append(f"mapper {mapper}")
    if clause is not None:
        clues.append("SQL expression")
    raise BindError.not_found(clues)


def _mapper_of(subject: Any) -> Any:
    if subject is None:
        return None
    try:
        found: Any = inspect(subject)
    except NoInspectionAvailable:
        if isinstance(subject, type):
            raise UnmappedClassError(subject) from None
        raise
    return getattr(found, "mapper", None) or found


def _mapper_of_clause(clause: Any) -> Any:
    attributes = getattr(clause, "_propagate_attrs", None)
    subject = attributes.get("plugin_subject") if attributes else None
    return None if subject is None else subject.mapper


def _find_route(routes: Mapping[Any, Bind], mapper: Any, clause: Any) -> Bind | None:
    if mapper is not None:
        for cls in mapper.class_.__mro__:
            if cls in routes:
                return routes[cls]
        if clause is None:
            clause = mapper.persist_selectable
    if clause is not None:
        for element in visitors.iterate(clause):
            if element in routes:
                return routes[element]
    return None
