"""Map classes whose tables are known late: reflected, or unions of concrete tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table

from holdfast.instrument.manager import find_manager, iter_subclasses
from holdfast.mapping import inheritance
from holdfast.mapping.declarative.declare import PreparedClass, finish_class, prepare_class
from holdfast.mapping.declarative.registry import REGISTRY_NAME, WAITS_NAME
from holdfast.mapping.declarative.scan import DEFERRED_NAME
from holdfast.mapping.inheritance import polymorphic_union
from holdfast.mapping.registry import mapping_lock
from holdfast.mapping.relationship import Relationship

# ------------------------------------------------------------------------------
# Query classes with tables of their own as one: `ConcreteBase` and `AbstractConcreteBase`.
#
# Both run at the beginning of the second pass, when the classes are known: they make the UNION of
# the tables of a base and its concrete classes, and have the base read from it.


class ConcreteBase:
    """Mixin for a mapped class whose concrete subclasses are to be found by a query for it.

    ```python
    class Employee(ConcreteBase, Base):
        __tablename__ = "employee"
        id: Mapped[int] = mapped_column(primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "employee", "concrete": True}
    ```

    The column that tells the class of a row is called "type", or as `_concrete_discriminator_name`
    says.
    """

    @classmethod
    def __declare_first__(cls) -> None:
        manager = find_manager(cls)
        mapper = None if manager is None else manager.mapper
        if mapper is not None and inheritance.given_choice(mapper) is None:
            name = _discriminator_of(cls)
            inheritance.read_from_union(mapper, _union(mapper.self_and_descendants, name), name)


class AbstractConcreteBase:
    """Mixin for a class without a table of its own, which stands for all its concrete subclasses.

    It is mapped when mappers are configured, so a query for it needs `configure_mappers()` before.
    Its columns are those of all subclasses; with `strict_attrs = True` those that it declares.

    ```python
    class Employee(AbstractConcreteBase, Base):
        strict_attrs = True


    class Manager(Employee):
        __tablename__ = "manager"
        id: Mapped[int] = mapped_column(primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "manager", "concrete": True}


    Base.registry.configure()
    ```
    """

    strict_attrs = False

    def __init_subclass__(cls, **kw: Any) -> None:
        if AbstractConcreteBase in cls.__bases__:
            type.__setattr__(cls, WAITS_NAME, True)
        super().__init_subclass__(**kw)

    @classmethod
    def __declare_first__(cls) -> None:
        for base in cls.__mro__:
            if base.__dict__.get(WAITS_NAME):
                type.__delattr__(base, WAITS_NAME)
                try:
                    _map_to_union(base)
                except BaseException:
                    type.__setattr__(base, WAITS_NAME, True)
                    raise


def _map_to_union(cls: type[Any]) -> None:
    """Map an abstract base to the union of its subclasses' tables, and put them below it."""
    below = [find_manager(each) for each in iter_subclasses(cls)]
    mappers = [manager.mapper for manager in below if manager is not None and manager.is_mapped]
    name = _discriminator_of(cls)
    union = _union(mappers, name)
    prepared = prepare_class(getattr(cls, REGISTRY_NAME), cls, table=union)
    properties, options = prepared.columns.properties, prepared.options
    for key, value in properties.items():
        column = union.c.get(value.key) if isinstance(value, Column) else None
        properties[key] = value if column is None else column
    options["polymorphic_on"] = union.c[name]
    options["with_polymorphic"] = ("*", union)
    options.setdefault("polymorphic_abstract", "polymorphic_identity" not in options)
    if cls.strict_attrs:
        keys = [column.key for column in union.primary_key]
        options["include_properties"] = [*properties, *keys, name]
    prepared.columns.placed.clear()
    mapper = finish_class(prepared)
    for each in mappers:
        if each.concrete and each.inherits is None:
            inheritance.join_concrete(each, mapper)


def _discriminator_of(cls: type[Any]) -> str:
    return getattr(cls, "_concrete_discriminator_name", None) or "type"


def _union(mappers: Iterable[Any], name: str) -> Any:
    tables = {each.polymorphic_identity: each.local_table for each in mappers if not each.single}
    return polymorphic_union(tables, name, "pjoin")


# ------------------------------------------------------------------------------
# Complete declarative classes from the database's own schema: `DeferredReflection`.
#
# The class body is read when the class is made, the table is looked up in the database when
# `prepare()` is called, and only then is the class mapped.


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
        opened = nullcontext(bind) if isinstance(bind, Connection) else bind.connect()
        with opened as connection, mapping_lock:
            for prepared in list(iter_waiting(cls)):
                if isinstance(prepared.table, Table):
                    _load_table(prepared.table, connection, reflect_kw)
                finish_class(prepared)
                _load_association_tables(prepared, connection, reflect_kw)


def iter_waiting(cls: type) -> Iterator[PreparedClass]:
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
