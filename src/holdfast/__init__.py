"""Map classes to tables with SQLAlchemy Core, and keep objects and rows in step.

Every name that SQLAlchemy documents in `sqlalchemy.orm` is here as far as it exists in Holdfast, so
that changing the import is all that a program needs. This file holds names only; `_wiring` comes
first, since it fills the sockets through which the layers call upwards.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from holdfast import _wiring as _wiring
from holdfast.foundation.load_policy import (
    EXT_CONTINUE,
    EXT_SKIP,
    EXT_STOP,
    NO_KEY,
    NO_VALUE,
    LoaderCallableStatus,
    PassiveFlag,
)
from holdfast.hooks.mappers import MapperEvents, RegistryEvents
from holdfast.hooks.objects import AttributeEvents, InstanceEvents, InstrumentationEvents
from holdfast.hooks.sessions import QueryEvents, SessionEvents
from holdfast.instrument.descriptor import (
    InspectionAttr,
    InspectionAttrExtensionType,
    InspectionAttrInfo,
    InstrumentedAttribute,
    NotExtension,
    ORMDescriptor,
    QueryableAttribute,
)
from holdfast.instrument.manager import AttributeState, ClassManager
from holdfast.instrument.slots import AttributeEventToken
from holdfast.mapping.cascades import CascadeOptions
from holdfast.mapping.condition import MANYTOMANY, MANYTOONE, ONETOMANY, RelationshipDirection
from holdfast.mapping.declarative.annotations import TypeResolve
from holdfast.mapping.declarative.constructs import (
    MappedColumn,
    backref,
    column_property,
    composite,
    deferred,
    dynamic_loader,
    mapped_column,
    orm_insert_sentinel,
    query_expression,
    relationship,
    synonym,
    synonym_for,
    unmapped_column,
)
from holdfast.mapping.declarative.declarative_base import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    MappedAsDataclass,
    add_mapped_attribute,
    as_declarative,
    as_typed_table,
    declarative_base,
    mapped_as_dataclass,
    unmapped_dataclass,
)
from holdfast.mapping.declarative.registry import DeclarativeMeta, registry
from holdfast.mapping.declarative.scan import (
    declarative_mixin,
    declared_attr,
    has_inherited_table,
)
from holdfast.mapping.inheritance import polymorphic_union
from holdfast.mapping.mapped import Mapped, Unmapped, reconstructor, validates
from holdfast.mapping.mapper import Mapper
from holdfast.mapping.properties import (
    ColumnProperty,
    CompositeProperty,
    MappedSQLExpression,
    MapperProperty,
    SynonymProperty,
)
from holdfast.mapping.properties import CompositeProperty as Composite
from holdfast.mapping.properties import SynonymProperty as Synonym
from holdfast.mapping.registry import (
    class_mapper,
    clear_mappers,
    configure_mappers,
    mapper,
    object_mapper,
)
from holdfast.mapping.relationship import Relationship, RelationshipProperty
from holdfast.mapping.remote import foreign, remote
from holdfast.queries.aliases import aliased, with_polymorphic
from holdfast.queries.bundles import Bundle, DictBundle
from holdfast.queries.comparators import PropComparator, with_parent
from holdfast.queries.joins import join, outerjoin
from holdfast.queries.loader_criteria import LoaderCriteriaOption, with_loader_criteria
from holdfast.queries.option_functions import (
    AliasOption,
    UserDefinedOption,
    contains_alias,
    contains_eager,
    defaultload,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    noload,
    raiseload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    undefer,
    undefer_group,
    with_expression,
)
from holdfast.queries.options import Load
from holdfast.queries.select import FromStatement
from holdfast.reading.context import LoadContext as QueryContext
from holdfast.sessions.execution import ORMExecuteState
from holdfast.sessions.factories import (
    QueryPropertyDescriptor,
    create_session,
    scoped_session,
    sessionmaker,
)
from holdfast.sessions.membership import (
    make_transient,
    make_transient_to_detached,
    was_deleted,
)
from holdfast.sessions.merge import merge_frozen_result
from holdfast.sessions.session import Session, close_all_sessions, object_session
from holdfast.sessions.transaction import SessionTransaction, SessionTransactionOrigin
from holdfast.states.identity_map import IdentityMapView as IdentityMap
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.flush import Flush as UOWTransaction

__version__ = "0.1.0"

if TYPE_CHECKING:
    from holdfast.instrument.keyed_dicts import (
        KeyFuncDict,
        MappedCollection,
        attribute_keyed_dict,
        attribute_mapped_collection,
        column_keyed_dict,
        column_mapped_collection,
        keyfunc_mapping,
        mapped_collection,
    )
    from holdfast.mapping.declarative.late_tables import (
        AbstractConcreteBase,
        ConcreteBase,
        DeferredReflection,
    )
    from holdfast.queries.facade.large import (
        AppenderQuery,
        DynamicMapped,
        WriteOnlyCollection,
        WriteOnlyMapped,
    )
    from holdfast.queries.facade.query import Query
    from holdfast.queries.facade.results import merge_result
else:
    # Modules whose public names are imported when the first of them is asked for.
    _LATE = (
        "holdfast.instrument.keyed_dicts",
        "holdfast.mapping.declarative.late_tables",
        "holdfast.queries.facade.query",
        "holdfast.queries.facade.results",
        "holdfast.queries.facade.large",
    )

    def __getattr__(name: str) -> object:
        """A public name that is not here yet; once found it is an ordinary one."""
        for module in _LATE if name in __all__ else ():
            found = vars(import_module(module))
            if name in found:
                globals()[name] = found[name]
                return found[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "EXT_CONTINUE",
    "EXT_SKIP",
    "EXT_STOP",
    "MANYTOMANY",
    "MANYTOONE",
    "NO_KEY",
    "NO_VALUE",
    "ONETOMANY",
    "AbstractConcreteBase",
    "AliasOption",
    "AppenderQuery",
    "AttributeEventToken",
    "AttributeEvents",
    "AttributeState",
    "Bundle",
    "CascadeOptions",
    "ClassManager",
    "ColumnProperty",
    "Composite",
    "CompositeProperty",
    "ConcreteBase",
    "DeclarativeBase",
    "DeclarativeBaseNoMeta",
    "DeclarativeMeta",
    "DeferredReflection",
    "DictBundle",
    "DynamicMapped",
    "FromStatement",
    "IdentityMap",
    "InspectionAttr",
    "InspectionAttrExtensionType",
    "InspectionAttrInfo",
    "InstanceEvents",
    "InstanceState",
    "InstrumentationEvents",
    "InstrumentedAttribute",
    "KeyFuncDict",
    "Load",
    "LoaderCallableStatus",
    "LoaderCriteriaOption",
    "Mapped",
    "MappedAsDataclass",
    "MappedCollection",
    "MappedColumn",
    "MappedSQLExpression",
    "Mapper",
    "MapperEvents",
    "MapperProperty",
    "NotExtension",
    "ORMDescriptor",
    "ORMExecuteState",
    "PassiveFlag",
    "PropComparator",
    "Query",
    "QueryContext",
    "QueryEvents",
    "QueryPropertyDescriptor",
    "QueryableAttribute",
    "RegistryEvents",
    "Relationship",
    "RelationshipDirection",
    "RelationshipProperty",
    "Session",
    "SessionEvents",
    "SessionTransaction",
    "SessionTransactionOrigin",
    "Synonym",
    "SynonymProperty",
    "TypeResolve",
    "UOWTransaction",
    "Unmapped",
    "UserDefinedOption",
    "WriteOnlyCollection",
    "WriteOnlyMapped",
    "add_mapped_attribute",
    "aliased",
    "as_declarative",
    "as_typed_table",
    "attribute_keyed_dict",
    "attribute_mapped_collection",
    "backref",
    "class_mapper",
    "clear_mappers",
    "close_all_sessions",
    "column_keyed_dict",
    "column_mapped_collection",
    "column_property",
    "composite",
    "configure_mappers",
    "contains_alias",
    "contains_eager",
    "create_session",
    "declarative_base",
    "declarative_mixin",
    "declared_attr",
    "defaultload",
    "defer",
    "deferred",
    "dynamic_loader",
    "foreign",
    "has_inherited_table",
    "immediateload",
    "join",
    "joinedload",
    "keyfunc_mapping",
    "lazyload",
    "load_only",
    "make_transient",
    "make_transient_to_detached",
    "mapped_as_dataclass",
    "mapped_collection",
    "mapped_column",
    "mapper",
    "merge_frozen_result",
    "merge_result",
    "noload",
    "object_mapper",
    "object_session",
    "orm_insert_sentinel",
    "outerjoin",
    "polymorphic_union",
    "query_expression",
    "raiseload",
    "reconstructor",
    "registry",
    "relationship",
    "remote",
    "scoped_session",
    "selectin_polymorphic",
    "selectinload",
    "sessionmaker",
    "subqueryload",
    "synonym",
    "synonym_for",
    "undefer",
    "undefer_group",
    "unmapped_column",
    "unmapped_dataclass",
    "validates",
    "was_deleted",
    "with_expression",
    "with_loader_criteria",
    "with_parent",
    "with_polymorphic",
]
