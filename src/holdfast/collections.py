"""Offer the collections of relationships, as `sqlalchemy.orm.collections` does."""

from holdfast.instrument.collections.adapter import CollectionAdapter, collection_adapter
from holdfast.instrument.collections.builtin import (
    InstrumentedDict,
    InstrumentedList,
    InstrumentedSet,
)
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
from holdfast.instrument.collections.replace import bulk_replace
from holdfast.instrument.collections.roles import collection

__all__ = [
    "CollectionAdapter",
    "InstrumentedDict",
    "InstrumentedList",
    "InstrumentedSet",
    "KeyFuncDict",
    "MappedCollection",
    "attribute_keyed_dict",
    "attribute_mapped_collection",
    "bulk_replace",
    "collection",
    "collection_adapter",
    "column_keyed_dict",
    "column_mapped_collection",
    "keyfunc_mapping",
    "mapped_collection",
]
