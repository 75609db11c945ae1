"""Map classes to tables with SQLAlchemy Core, and keep objects and rows in step.

Every name that SQLAlchemy documents in `sqlalchemy.orm` is here as far as it exists in Holdfast, so
that changing the import is all that a program needs. This file holds names only; `_wiring` comes
first, since it fills the sockets through which the layers call upwards.
"""

from holdfast import _wiring as _wiring
from holdfast.foundation.load_policy import PassiveFlag
from holdfast.foundation.markers import (
    EXT_CONTINUE,
    EXT_SKIP,
    EXT_STOP,
    NO_KEY,
    NO_VALUE,
    LoaderCallableStatus,
)
from holdfast.hooks.attribute import AttributeEvents
from holdfast.hooks.class_instrumentation import InstrumentationEvents
from holdfast.hooks.instance import InstanceEvents
from holdfast.hooks.mapper import MapperEvents
from holdfast.hooks.query import QueryEvents
from holdfast.hooks.registry import RegistryEvents
from holdfast.hooks.session import SessionEvents
from holdfast.instrument.attribute_state import AttributeState
from holdfast.instrument.collections.keyed import (
    KeyFuncDict,
    MappedCollection,
    attribute_keyed_dict,
    attribute_mapped_collection,
    column_keyed_dict,
    column_mapped_collection,
    keyfunc_mapping,
    mapped_collection,
)
from holdfast.instrument.descriptor import InstrumentedAttribute, QueryableAttribute
from holdfast.instrument.inspection import (
    InspectionAttr,
    InspectionAttrExtensionType,
    InspectionAttrInfo,
    NotExtension,
    ORMDescriptor,
)
from holdfast.instrument.manager import ClassManager
from holdfast.instrument.tokens import AttributeEventToken
from holdfast.mapping.assembly.unions import polymorphic_union
from holdfast.mapping.cascades import CascadeOptions
from holdfast.mapping.class_mapper import class_mapper, object_mapper
from holdfast.mapping.configure import configure_mappers
from holdfast.mapping.declarative.annotated.python_types import TypeResolve
from holdfast.mapping.declarative.concrete import AbstractConcreteBase, ConcreteBase
from holdfast.mapping.declarative.constructs import (
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
from holdfast.mapping.declarative.dataclasses import (
    MappedAsDataclass,
    mapped_as_dataclass,
    unmapped_dataclass,
)
from holdfast.mapping.declarative.declarative_base import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    add_mapped_attribute,
    as_declarative,
    as_typed_table,
    declarative_base,
)
from holdfast.mapping.declarative.mapped_column import MappedColumn
from holdfast.mapping.declarative.metaclasses import DeclarativeMeta
from holdfast.mapping.declarative.mixins import (
    declarative_mixin,
    declared_attr,
    has_inherited_table,
)
from holdfast.mapping.declarative.reflection import DeferredReflection
from holdfast.mapping.declarative.registry import registry
from holdfast.mapping.joins.direction import MANYTOMANY, MANYTOONE, ONETOMANY, RelationshipDirection
from holdfast.mapping.joins.remote import foreign, remote
from holdfast.mapping.mapped import Mapped, Unmapped
from holdfast.mapping.mapper import Mapper
from holdfast.mapping.marks import reconstructor, validates
from holdfast.mapping.properties.base import MapperProperty
from holdfast.mapping.properties.column import ColumnProperty, MappedSQLExpression
from holdfast.mapping.properties.composite import CompositeProperty
from holdfast.mapping.properties.composite import CompositeProperty as Composite
from holdfast.mapping.properties.relationship import Relationship, RelationshipProperty
from holdfast.mapping.properties.synonym import SynonymProperty
from holdfast.mapping.properties.synonym import SynonymProperty as Synonym
from holdfast.mapping.registry import clear_mappers
from holdfast.queries.aliases import aliased, with_polymorphic
from holdfast.queries.bundles import Bundle, DictBundle
from holdfast.queries.criteria.comparators import PropComparator
from holdfast.queries.criteria.relating import with_parent
from holdfast.queries.facade.appender import AppenderQuery, DynamicMapped
from holdfast.queries.facade.query import Query
from holdfast.queries.facade.write_only import WriteOnlyCollection, WriteOnlyMapped
from holdfast.queries.joins import join, outerjoin
from holdfast.queries.options.chain import Load
from holdfast.queries.options.criteria import LoaderCriteriaOption, with_loader_criteria
from holdfast.queries.options.functions import (
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
from holdfast.queries.options.user_defined import UserDefinedOption
from holdfast.queries.unions import FromStatement
from holdfast.reading.context import LoadContext as QueryContext
from holdfast.sessions.execute_state import ORMExecuteState
from holdfast.sessions.merge import merge_frozen_result
from holdfast.sessions.scoped import QueryPropertyDescriptor, scoped_session
from holdfast.sessions.session import Session, close_all_sessions, object_session
from holdfast.sessions.sessionmaker import sessionmaker
from holdfast.sessions.state_functions import (
    make_transient,
    make_transient_to_detached,
    was_deleted,
)
from holdfast.sessions.transactions.transaction import SessionTransaction, SessionTransactionOrigin
from holdfast.states.identity_map import IdentityMapView as IdentityMap
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.flush import Flush as UOWTransaction

__version__ = "0.1.0"

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
    "contains_eager",
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
    "merge_frozen_result",
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
