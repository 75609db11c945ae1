"""Offer the collections of relationships, as `sqlalchemy.orm.collections` does."""

from holdfast.instrument.collection_adapter import (
    CollectionAdapter,
    bulk_replace,
    collection_adapter,
)
from holdfast.instrument.collection_roles import (
    InstrumentedDict,
    InstrumentedList,
    InstrumentedSet,
    collection,
)
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
