"""Hold every exception that Holdfast raises, with its wording.

Raise sites name a cause, as in `raise errors.MembershipError.not_persisted(state)`. The parts are
imported when the first error is raised, or named by the application:

- `base`: what all share; bugs of ours, and standing in for `sqlalchemy.orm`
- `session`: who belongs to a session, and what may happen when; several databases
- `flush`: orders that do not exist, rows that are gone, keys that are missing
- `attributes`: values, collections, back references and construction
- `loading`: objects without session, rows that are gone, collections that are never loaded whole
- `queries`: entities, joins, comparisons and options that do not fit
- `dml`: statements that change rows and can not be carried over to objects
- `mapping`: classes, tables and columns that do not fit, or that no mapper knows
- `relationships`: relationships that cannot be made out
- `declarative`: class bodies and annotations that cannot be read
- `legacy`: the 1.x forms of sessions, queries and options
- `aio`: asyncio sessions; offered by `holdfast.ext.asyncio`

`HoldfastError` is mixed into all of them; most derive from a class of Core's `sqlalchemy.exc` too.
The page `docs/errors.md` draws the hierarchy, and has the message of each slug.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.errors.attributes import (
        AttributeAccessError,
        AttributeRequestError,
        AttributeValueError,
        BackrefClassError,
        CollectionClassError,
        CollectionTypeError,
        ConstructorError,
        ForeignInstrumentationError,
        HybridAccessError,
        HybridError,
        InstrumentationError,
        ObjectDereferencedError,
        ParentTrackingError,
        ProxyArgumentError,
        ProxyError,
        ProxyTargetError,
        ProxyUseError,
        ReservedNameError,
    )
    from holdfast.errors.base import (
        NO_STATE,
        AbsentNameError,
        HoldfastBug,
        HoldfastError,
        StandInError,
    )
    from holdfast.errors.declarative import (
        AnnotatedConstructError,
        AutomapArgumentError,
        AutomapError,
        DataclassSettingsError,
        DeclarationArgumentError,
        DeclarationError,
        MappedAnnotationError,
        UnmappingError,
    )
    from holdfast.errors.dml import (
        BulkError,
        StarError,
        StrategyError,
        SynchronizationError,
        UnevaluatableError,
    )
    from holdfast.errors.flush import (
        BulkRowError,
        CascadeTypeError,
        ConcurrentModificationError,
        DependencyRuleError,
        FlushCycleError,
        FlushError,
        StaleDataError,
        UnsortableKeyError,
    )
    from holdfast.errors.legacy import LegacyArgumentError, LegacyNameError, LegacySessionError
    from holdfast.errors.loading import (
        DetachedInstanceError,
        IterationError,
        LargeCollectionError,
        LoadingError,
        LoadRefusedError,
        ObjectDeletedError,
        PopulationError,
        RepeatedLoadError,
        RowClassError,
        SeveralRowsError,
        UnknownIdentityError,
    )
    from holdfast.errors.mapping import (
        AmbiguousInheritError,
        InheritJoinError,
        MappingArgumentError,
        MappingError,
        UnknownNameError,
        UnknownOptionError,
        UnmappedClassError,
        UnmappedColumnError,
        UnmappedError,
        UnmappedInstanceError,
    )
    from holdfast.errors.queries import (
        BoundObjectError,
        BundleError,
        ComparisonError,
        EntityError,
        InNotSupportedError,
        JoinError,
        LoaderConflictError,
        LoaderOptionError,
        LoaderStrategyException,
        OperatorNotSupportedError,
        QueryUseError,
        StatementEventError,
    )
    from holdfast.errors.relationships import AmbiguousJoinError, NoJoinError, RelationshipError
    from holdfast.errors.session import (
        AsyncListenerError,
        BindError,
        IdentifierError,
        MembershipError,
        NoRowError,
        OutsideGreenletError,
        RollbackRequiredError,
        SessionArgumentError,
        SessionUseError,
        ShardArgumentError,
        ShardError,
        StateChangeError,
        TransactionClosedError,
    )

__all__ = [
    "NO_STATE",
    "AbsentNameError",
    "AmbiguousInheritError",
    "AmbiguousJoinError",
    "AnnotatedConstructError",
    "AsyncListenerError",
    "AttributeAccessError",
    "AttributeRequestError",
    "AttributeValueError",
    "AutomapArgumentError",
    "AutomapError",
    "BackrefClassError",
    "BindError",
    "BoundObjectError",
    "BulkError",
    "BulkRowError",
    "BundleError",
    "CascadeTypeError",
    "CollectionClassError",
    "CollectionTypeError",
    "ComparisonError",
    "ConcurrentModificationError",
    "ConstructorError",
    "DataclassSettingsError",
    "DeclarationArgumentError",
    "DeclarationError",
    "DependencyRuleError",
    "DetachedInstanceError",
    "EntityError",
    "FlushCycleError",
    "FlushError",
    "ForeignInstrumentationError",
    "HoldfastBug",
    "HoldfastError",
    "HybridAccessError",
    "HybridError",
    "IdentifierError",
    "InNotSupportedError",
    "InheritJoinError",
    "InstrumentationError",
    "IterationError",
    "JoinError",
    "LargeCollectionError",
    "LegacyArgumentError",
    "LegacyNameError",
    "LegacySessionError",
    "LoadRefusedError",
    "LoaderConflictError",
    "LoaderOptionError",
    "LoaderStrategyException",
    "LoadingError",
    "MappedAnnotationError",
    "MappingArgumentError",
    "MappingError",
    "MembershipError",
    "NoJoinError",
    "NoRowError",
    "ObjectDeletedError",
    "ObjectDereferencedError",
    "OperatorNotSupportedError",
    "OutsideGreenletError",
    "ParentTrackingError",
    "PopulationError",
    "ProxyArgumentError",
    "ProxyError",
    "ProxyTargetError",
    "ProxyUseError",
    "QueryUseError",
    "RelationshipError",
    "RepeatedLoadError",
    "ReservedNameError",
    "RollbackRequiredError",
    "RowClassError",
    "SessionArgumentError",
    "SessionUseError",
    "SeveralRowsError",
    "ShardArgumentError",
    "ShardError",
    "StaleDataError",
    "StandInError",
    "StarError",
    "StateChangeError",
    "StatementEventError",
    "StrategyError",
    "SynchronizationError",
    "TransactionClosedError",
    "UnevaluatableError",
    "UnknownIdentityError",
    "UnknownNameError",
    "UnknownOptionError",
    "UnmappedClassError",
    "UnmappedColumnError",
    "UnmappedError",
    "UnmappedInstanceError",
    "UnmappingError",
    "UnsortableKeyError",
]

_PARTS = (
    "base",
    "session",
    "flush",
    "attributes",
    "loading",
    "queries",
    "dml",
    "mapping",
    "relationships",
    "declarative",
    "legacy",
    "aio",
)


def __getattr__(name: str) -> Any:
    """The class or warning of that name; the parts are imported when the first is asked for."""
    for part in _PARTS:
        found = vars(import_module(f"{__name__}.{part}"))
        if name in found:
            globals()[name] = found[name]
            return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
