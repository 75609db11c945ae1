"""Make classes for tables, with relationships for their foreign keys (XT-120).

```python
Base = automap_base()
Base.prepare(autoload_with=engine)
Author, Book = Base.classes.author, Base.classes.book
```

A class of one's own on the base is taken for its table, and what it declares stays as it is.

Rules kept here:
1. Each table with a primary key that has no class yet gets one, unless it is an association table:
   two foreign keys, and no column besides.
2. Each foreign key makes a many-to-one and a one-to-many relationship, each association table two
   many-to-many ones; not those from a class to one that it derives from.
3. A name that the class has, or that another foreign key took, is not taken again. Where only one
   side has its name, the other one is made for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import new_class
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, ForeignKeyConstraint, MetaData, Table, and_, exc

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.describe import warn, warn_deprecated
from holdfast.foundation.sqlalchemy_core import EMPTY_DICT, Properties
from holdfast.mapping.condition import MANYTOMANY, MANYTOONE, ONETOMANY, RelationshipDirection
from holdfast.mapping.declarative.constructs import relationship
from holdfast.mapping.declarative.declarative_base import declarative_base as new_base
from holdfast.mapping.declarative.declare import PreparedClass, finish_class
from holdfast.mapping.declarative.late_tables import iter_waiting
from holdfast.mapping.declarative.registry import REGISTRY_NAME
from holdfast.mapping.declarative.scan import set_attribute
from holdfast.mapping.registry import mapping_lock
from holdfast.mapping.relationship import Relationship
from holdfast.mapping.relationship_arguments import backref

ClassNaming = Callable[[type[Any], str, Table], str]
ModuleNaming = Callable[[type[Any], str, Table], str | None]
RelationshipNaming = Callable[[type[Any], type[Any], type[Any], ForeignKeyConstraint], str]

_FACE = "sqlalchemy.ext.automap"
# COMPAT: programs look in `by_module` for the classes without a module of their own.
_MODULE = _FACE if getattr(sys.modules.get(_FACE), "face", None) == __name__ else __name__


# -- names, and how relationships are made; each may be replaced ----------------------------------


def classname_for_table(base: type[Any], tablename: str, table: Table) -> str:
    """The name of the class for a table: the table's."""
    return str(tablename)


def name_for_scalar_relationship(
    base: type[Any], local_cls: type[Any], referred_cls: type[Any], constraint: ForeignKeyConstraint
) -> str:
    """The name of the attribute that refers to one object: the class's, in small letters."""
    return referred_cls.__name__.lower()


def name_for_collection_relationship(
    base: type[Any], local_cls: type[Any], referred_cls: type[Any], constraint: ForeignKeyConstraint
) -> str:
    """The name of an attribute that refers to many objects: that with `_collection`."""
    return f"{referred_cls.__name__.lower()}_collection"


def generate_relationship(
    base: type[Any],
    direction: RelationshipDirection,
    return_fn: Callable[..., Any],
    attrname: str,
    local_cls: type[Any],
    referred_cls: type[Any],
    **kw: Any,
) -> Any:
    """Make a relationship, or what `backref=` of one takes.

    Args:
        base: The automap base.
        direction: `MANYTOONE`, `ONETOMANY` or `MANYTOMANY`.
        return_fn: `relationship` or `backref`: which of them is wanted.
        attrname: The name of the attribute.
        local_cls: The class that gets it.
        referred_cls: The class that it refers to.
        **kw: For `return_fn`.

    Raises:
        TypeError: `return_fn` is another function.
    """
    if return_fn is backref:
        return backref(attrname, **kw)
    if return_fn is relationship:
        return relationship(referred_cls, **kw)
    raise errors.AutomapArgumentError.unknown_function(return_fn)


# -- the base ------------------------------------------------------------------------------------


class AutomapBase:
    """Base of a declarative base whose classes are mapped by `prepare()`; see `automap_base()`."""

    __sa_defers_mapping__ = True
    __sa_automap__ = True

    classes: ClassVar[Any]
    """The classes by name, as attributes and as items, without those given a module."""
    by_module: ClassVar[Any]
    """The classes that were made, by the parts of their modules' names, and then their own."""
    metadata: ClassVar[MetaData]

    def __init_subclass__(cls, **kw: Any) -> None:
        if AutomapBase in cls.__bases__:
            members: dict[str, Any] = {"classes": Properties({}), "by_module": Properties({})}
            for name, value in {**members, "__abstract__": True}.items():
                set_attribute(cls, name, value)
        super().__init_subclass__(**kw)

    @classmethod
    def prepare(
        cls,
        autoload_with: Engine | Connection | None = None,
        engine: Engine | Connection | None = None,
        reflect: bool = False,  # noqa: FBT001, FBT002  the documented position
        schema: str | None = None,
        classname_for_table: ClassNaming | None = None,
        modulename_for_table: ModuleNaming | None = None,
        collection_class: Any = None,
        name_for_scalar_relationship: RelationshipNaming | None = None,
        name_for_collection_relationship: RelationshipNaming | None = None,
        generate_relationship: Callable[..., Any] | None = None,
        reflection_options: Mapping[str, Any] = EMPTY_DICT,
    ) -> None:
        """Map the tables of the metadata that have no class, and the classes that wait.

        It may be called again: relationships are made between what is mapped by the same call.

        Args:
            autoload_with: Where to reflect tables from, before anything else.
            engine: The same, with `reflect=True`; deprecated.
            reflect: See there.
            schema: Of the tables to reflect.
            classname_for_table: Names classes: called with the base, the name and the table.
            modulename_for_table: Gives the modules of classes, or None; called likewise.
            collection_class: Of the relationships to many objects.
            name_for_scalar_relationship: Names attributes: called with the base, the class that
                gets the attribute, the one referred to, and the foreign key.
            name_for_collection_relationship: Likewise.
            generate_relationship: Makes relationships as the function of that name does, or none.
            reflection_options: For `MetaData.reflect()`.

        Raises:
            InvalidRequestError: A class and a module have the same name.
            ArgumentError: The name of a relationship is that of a column, for instance.
        """
        if engine is not None or reflect:
            warn_deprecated(errors.automap_engine_warning(), version="1.4")
            autoload_with = autoload_with or (engine if reflect else None)
        base: Any = next(each for each in reversed(cls.__mro__) if AutomapBase in each.__bases__)
        if autoload_with is not None:
            options = {"extend_existing": True, "autoload_replace": False, **reflection_options}
            base.metadata.reflect(autoload_with, schema=schema, **options)
        with mapping_lock:
            associations = [t for t in base.metadata.tables.values() if _is_association(t)]
            _add_classes(base, associations, classname_for_table, modulename_for_table)
            _add_relationships(
                base,
                associations,
                collection_class,
                name_for_scalar_relationship,
                name_for_collection_relationship,
                generate_relationship,
            )
            for prepared in list(iter_waiting(base)):
                finish_class(prepared)


def automap_base(declarative_base: type[Any] | None = None, **kw: Any) -> Any:
    """Make a base whose classes come from tables.

    Args:
        declarative_base: A base to derive it from; a new one by default.
        **kw: For `holdfast.declarative_base()`, where a new one is made.
    """
    base = new_base(**kw) if declarative_base is None else declarative_base
    members = {"__module__": base.__module__, "__abstract__": True}
    return new_class(base.__name__, (AutomapBase, base), {}, lambda body: body.update(members))


# -- classes -------------------------------------------------------------------------------------


def _add_classes(
    base: Any,
    associations: Iterable[Table],
    name_of: ClassNaming | None,
    module_of: ModuleNaming | None,
) -> None:
    """Make the classes of tables that have none; show them, and those that wait, on the base."""
    taken = {*associations}
    taken.update(mapper.local_table for mapper in getattr(base, REGISTRY_NAME).iter_mappers())
    written = list(iter_waiting(base))
    taken.update(prepared.table for prepared in written)
    for table in list(base.metadata.tables.values()):
        if table in taken or not table.primary_key:
            continue
        name = (name_of or classname_for_table)(base, table.name, table)
        module = module_of(base, table.name, table) if module_of else None
        if module is None and name in base.classes:
            warn(errors.automap_name_warning(name, table))
            continue
        members = {"__table__": table, "__module__": module or _MODULE}
        made = type(base)(name, (base,), members)
        if module is None:
            base.classes[name] = made
        _show_in_module(base, made)
    for prepared in written:
        if prepared.cls.__name__ not in base.classes:
            base.classes[prepared.cls.__name__] = prepared.cls


def _show_in_module(base: Any, cls: type[Any]) -> None:
    """Put a class into `by_module`."""
    place = base.by_module
    for part in cls.__module__.split("."):
        if part not in place:
            place[part] = Properties({})
        place = place[part]
        if not isinstance(place, Properties):
            raise errors.AutomapError.module_and_class(part, cls)
    if isinstance(place.get(cls.__name__), Properties):
        raise errors.AutomapError.module_and_class(cls.__name__, cls)
    place[cls.__name__] = cls


# -- relationships -------------------------------------------------------------------------------


def _constraints(table: Table) -> list[ForeignKeyConstraint]:
    """The foreign keys of a table, in the order of its columns."""
    places = {column.key: place for place, column in enumerate(table.c)}
    return sorted(
        table.foreign_key_constraints, key=lambda each: [places[key] for key in each.column_keys]
    )


def _is_association(table: Table) -> bool:
    constraints = _constraints(table)
    keys = {key for each in constraints for key in each.column_keys}
    return len(constraints) == 2 and len(keys) == len(table.c)


def _deletion(constraint: ForeignKeyConstraint) -> dict[str, Any]:
    """What a one-to-many relationship is told of rows whose parent is deleted."""
    is_nullable = all(column.nullable for column in constraint.columns)
    by_database = "SET NULL" if is_nullable else "CASCADE"
    told: dict[str, Any] = {} if is_nullable else {"cascade": "all, delete-orphan"}
    if (constraint.ondelete or "").upper() == by_database:
        told["passive_deletes"] = True
    return told


@record(eq=False)
class _End:
    """One of the two relationships that a foreign key, or an association table, makes."""

    owner: PreparedClass
    name: str
    direction: RelationshipDirection
    # Keywords for a backref, and the further ones for a relationship.
    options: dict[str, Any]
    join: dict[str, Any]

    @property
    def declared(self) -> Any:
        """What the class has under the name already."""
        return self.owner.columns.properties.get(self.name)


@record(eq=False)
class _Links:
    """Makes the relationships of one call of `prepare()`."""

    base: Any
    # Table -> its class, of those that the call maps.
    waiting: dict[Any, PreparedClass]
    scalar_name: RelationshipNaming
    collection_name: RelationshipNaming
    generate: Callable[..., Any]
    # Keywords of all relationships to many objects.
    of_collections: dict[str, Any]
    # Classes and names of the relationships that backrefs will make.
    taken: set[tuple[type, str]]

    def _class_of(self, constraint: ForeignKeyConstraint) -> PreparedClass | None:
        try:
            return self.waiting.get(constraint.referred_table)
        except exc.NoReferenceError:
            # The table was not reflected.
            return None

    def add_many_to_one(self, table: Any) -> None:
        """Make the relationships of the foreign keys of a table."""
        local = self.waiting[table]
        for constraint in _constraints(table) if isinstance(table, Table) else ():
            other = self._class_of(constraint)
            if other is None or (other is not local and issubclass(local.cls, other.cls)):
                continue
            keys = {"foreign_keys": [each.parent for each in constraint.elements]}
            remote = {"remote_side": [each.column for each in constraint.elements]}
            name = self.scalar_name(self.base, local.cls, other.cls, constraint)
            back = self.collection_name(self.base, other.cls, local.cls, constraint)
            many = {**self.of_collections, **_deletion(constraint)}
            self._tie(
                _End(local, name, MANYTOONE, {}, {**keys, **remote}),
                _End(other, back, ONETOMANY, many, keys),
            )

    def add_many_to_many(self, table: Table) -> None:
        """Make the relationships of an association table, if both of its classes are there."""
        constraints = _constraints(table)
        first, second = (self._class_of(each) for each in constraints)
        if first is None or second is None:
            return
        here, there = (
            and_(*(key.column == key.parent for key in each.elements)) for each in constraints
        )
        ends = []
        for (local, other), constraint, (primaryjoin, secondaryjoin) in zip(
            ((first, second), (second, first)),
            constraints,
            ((here, there), (there, here)),
            strict=True,
        ):
            name = self.collection_name(self.base, local.cls, other.cls, constraint)
            joins = {"primaryjoin": primaryjoin, "secondaryjoin": secondaryjoin}
            join = {"secondary": table, **joins}
            ends.append(_End(local, name, MANYTOMANY, self.of_collections, join))
        self._tie(*ends)

    def _tie(self, near: _End, far: _End) -> None:
        """Make the two relationships, or the one that is missing to one that is declared."""
        missing = [end for end in (near, far) if not self._is_there(end)]
        if len(missing) == 2:
            self._make_both(near, far)
        elif missing:
            self._complete(missing[0], far if missing[0] is near else near)

    def _is_there(self, end: _End) -> bool:
        return end.declared is not None or (end.owner.cls, end.name) in self.taken

    def _make_both(self, near: _End, far: _End) -> None:
        reverse = None
        if (near.owner, near.name) != (far.owner, far.name):
            reverse = self._call(backref, far, near, far.options)
        made = self._call(
            relationship, near, far, {**near.options, **near.join, "backref": reverse}
        )
        if made is not None:
            near.owner.columns.properties[near.name] = made
            if reverse is not None:
                self.taken.add((far.owner.cls, far.name))

    def _complete(self, missing: _End, declared: _End) -> None:
        """Make the relationship that is the other side of a declared one."""
        known = declared.declared
        if not isinstance(known, Relationship) or known.backref is not None:
            return
        if known.back_populates in {None, missing.name}:
            keywords = {**missing.options, **missing.join, "back_populates": declared.name}
            made = self._call(relationship, missing, declared, keywords)
            if made is not None:
                missing.owner.columns.properties[missing.name] = made
                known.back_populates = missing.name

    def _call(
        self, function: Callable[..., Any], end: _End, other: _End, keywords: dict[str, Any]
    ) -> Any:
        return self.generate(
            self.base,
            end.direction,
            function,
            end.name,
            end.owner.cls,
            other.owner.cls,
            # An association table may have a class, whose relationships write the same columns.
            **{"overlaps": "*", **keywords},
        )


def _add_relationships(
    base: Any,
    associations: Iterable[Table],
    collection_class: Any,
    scalar_name: RelationshipNaming | None,
    collection_name: RelationshipNaming | None,
    generate: Callable[..., Any] | None,
) -> None:
    """Make the relationships between the classes that wait, with the arguments of `prepare()`."""
    links = _Links(
        base,
        {each.table: each for each in iter_waiting(base) if each.table is not None},
        scalar_name or name_for_scalar_relationship,
        collection_name or name_for_collection_relationship,
        generate or generate_relationship,
        {"collection_class": collection_class or list},
        set(),
    )
    for table in associations:
        links.add_many_to_many(table)
    for table in links.waiting:
        links.add_many_to_one(table)


__all__ = [
    "AutomapBase",
    "automap_base",
    "classname_for_table",
    "generate_relationship",
    "name_for_collection_relationship",
    "name_for_scalar_relationship",
]
