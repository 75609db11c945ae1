"""Offer the types that mappings and options are made of, as `sqlalchemy.orm.interfaces` does."""

from holdfast.instrument.inspection import (
    InspectionAttr,
    InspectionAttrExtensionType,
    InspectionAttrInfo,
    NotExtension,
    ORMDescriptor,
)
from holdfast.mapping.joins.direction import MANYTOMANY, MANYTOONE, ONETOMANY, RelationshipDirection
from holdfast.mapping.properties.base import MapperProperty
from holdfast.queries.criteria.comparators import PropComparator
from holdfast.queries.options.user_defined import UserDefinedOption

__all__ = [
    "MANYTOMANY",
    "MANYTOONE",
    "ONETOMANY",
    "InspectionAttr",
    "InspectionAttrExtensionType",
    "InspectionAttrInfo",
    "MapperProperty",
    "NotExtension",
    "ORMDescriptor",
    "PropComparator",
    "RelationshipDirection",
    "UserDefinedOption",
]
