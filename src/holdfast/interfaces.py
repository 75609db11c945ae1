"""Offer the types that mappings and options are made of, as `sqlalchemy.orm.interfaces` does."""

from holdfast.instrument.descriptor import (
    InspectionAttr,
    InspectionAttrExtensionType,
    InspectionAttrInfo,
    NotExtension,
    ORMDescriptor,
)
from holdfast.mapping.condition import MANYTOMANY, MANYTOONE, ONETOMANY, RelationshipDirection
from holdfast.mapping.properties import MapperProperty
from holdfast.queries.comparators import PropComparator
from holdfast.queries.option_functions import UserDefinedOption

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
