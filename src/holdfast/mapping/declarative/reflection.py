"""Complete declarative classes from the database's own schema: `DeferredReflection`.

The class body is read when the class is made, the table is looked up in the database when
`prepare()` is called, and only then is the class mapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table

from holdfast.mapping.configure import mapping_lock
from holdfast.mapping.declarative.declare import PreparedClass, finish_class
from holdfast.mapping.declarative.scan import DEFERRED_NAME
from holdfast.mapping.properties.relationship import Relationship


class DeferredReflection:
    """Mixin: the tables of these classes are completed from the database by `prepare()`.

    ```python
    class Reflected(DeferredReflection, Base):
        __abstract__ = True


    class Author(Reflected):
        __tablename__ = "author"


    Reflected.prepare(engine)
    ```
    """

    __sa_defers_mapping__ = True

    @classmethod
    def prepare(cls, bind: Engine | Connection, **reflect_kw: Any) -> None:
        """Reflect the tables of all waiting subclasses and map the classes.

        Args:
            bind: Where the tables are.
            **reflect_kw: For `Table(autoload_with=...)`, such as `views`.
        """
        with _connected(bind) as connection, mapping_lock:
            for prepared in list(_waiting(cls)):
                if isinstance(prepared.table, Table):
                    _load_table(prepared.table, connection, reflect_kw)
                finish_class(prepared)
                _load_association_tables(prepared, connection, reflect_kw)


@contextmanager
def _connected(bind: Engine | Connection) -> Iterator[Connection]:
    if isinstance(bind, Connection):
        yield bind
    else:
        with bind.connect() as connection:
            yield connection


def _waiting(cls: type) -> Iterator[PreparedClass]:
    """The prepared subclasses, bases before those that derive from them."""
    found: dict[type, PreparedClass] = {}
    stack = [cls]
    for each in stack:
        stack += each.__subclasses__()
        if DEFERRED_NAME in each.__dict__:
            found[each] = each.__dict__[DEFERRED_NAME]
    yield from sorted(found.values(), key=lambda prepared: len(prepared.cls.__mro__))


def _load_table(table: Table, connection: Connection, keywords: dict[str, Any]) -> None:
    """Add the database's columns to a table; those that the class declares stay as they are."""
    Table(
        table.name,
        table.metadata,
        schema=table.schema,
        extend_existing=True,
        autoload_replace=False,
        autoload_with=connection,
        **keywords,
    )


def _load_association_tables(
    prepared: PreparedClass, connection: Connection, keywords: dict[str, Any]
) -> None:
    """Reflect the `secondary` tables that relationships name."""
    metadata: MetaData = prepared.registry.metadata
    for prop in prepared.columns.properties.values():
        if not isinstance(prop, Relationship):
            continue
        secondary = prop.secondary
        if isinstance(secondary, str) and secondary not in metadata.tables:
            Table(secondary, metadata, autoload_with=connection, **keywords)
