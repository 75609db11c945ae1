"""Query classes with tables of their own as one: `ConcreteBase` and `AbstractConcreteBase`.

Both run at the beginning of the second pass, when the classes are known: they make the UNION of the
tables of a base and its concrete classes, and have the base read from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column

from holdfast.instrument.manager import find_manager
from holdfast.mapping.assembly import inheritance, polymorphic
from holdfast.mapping.assembly.unions import polymorphic_union
from holdfast.mapping.declarative.declare import finish_class, prepare_class
from holdfast.mapping.declarative.metaclasses import REGISTRY_NAME, WAITS_NAME


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
        if mapper is not None and polymorphic.given_choice(mapper) is None:
            name = _discriminator_of(cls)
            polymorphic.read_from_union(mapper, _union(mapper.self_and_descendants, name), name)


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
    below = [find_manager(each) for each in _iter_subclasses(cls)]
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


def _iter_subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for each in cls.__subclasses__():
        yield each
        yield from _iter_subclasses(each)


def _discriminator_of(cls: type[Any]) -> str:
    return getattr(cls, "_concrete_discriminator_name", None) or "type"


def _union(mappers: Iterable[Any], name: str) -> Any:
    tables = {each.polymorphic_identity: each.local_table for each in mappers if not each.single}
    return polymorphic_union(tables, name, "pjoin")
