"""Hold every exception that Holdfast raises, with its wording.

Raise sites import from the file of their part and name a constructor, as in
`raise MembershipError.not_persisted(state)`; users import from here. The parts:

- `base`: what all share
- `unmapped`: objects, classes and columns that no mapper knows
- `session`: who belongs to a session, and what may happen when
- `flush`: orders that do not exist, rows that are gone, keys that are missing
- `attributes`: values, collections, back references and construction
- `large_collections`: collections that are never loaded whole
- `loading`: objects without session, rows that are gone, misread results
- `queries`: entities, joins, comparisons and options that do not fit
- `dml`: statements that change rows and can not be carried over to objects
- `mapping`: classes, tables and columns that do not fit
- `relationships`: relationships that cannot be made out
- `declarative`: class bodies and annotations that cannot be read
- `sharding`: sessions over several databases
- `aio`: asyncio sessions; imported by `holdfast.ext.asyncio` alone
- `compat`: standing in for `sqlalchemy.orm`

The hierarchy; in parentheses what else a class derives from, mostly Core's `sqlalchemy.exc`::

    HoldfastError                    mixed into all below; has `slug`, the heading in docs/errors.md
      HoldfastBug                  (RuntimeError)
      UnmappedError                (InvalidRequestError)
        UnmappedClassError
        UnmappedInstanceError
      UnmappedColumnError          (InvalidRequestError)
      MembershipError              (InvalidRequestError)
      SessionUseError              (InvalidRequestError)
      TransactionClosedError       (ResourceClosedError)
      RollbackRequiredError        (PendingRollbackError)
      StateChangeError             (IllegalStateChangeError)
      OutsideGreenletError         (MissingGreenlet)
      AsyncListenerError           (NotImplementedError)
      BindError                    (UnboundExecutionError)
      SessionArgumentError         (ArgumentError)
      IdentifierError              (InvalidRequestError)
      NoRowError                   (NoResultFound)
      FlushError                   (SQLAlchemyError)
      FlushCycleError              (CircularDependencyError)
      StaleDataError               (SQLAlchemyError)
      ConcurrentModificationError  the same class as StaleDataError
      DependencyRuleError          (AssertionError)
      UnsortableKeyError           (InvalidRequestError)
      CascadeTypeError             (AssertionError)
      AttributeAccessError         (AttributeError)
      HybridAccessError            (AttributeError)
      HybridError                  (InvalidRequestError)
      ProxyTargetError             (NotImplementedError)
      ProxyUseError                (AttributeError)
      ProxyError                   (InvalidRequestError)
      ProxyArgumentError           (ArgumentError)
      AttributeValueError          (ValueError)
      BackrefClassError            (KeyError)
      ParentTrackingError          (AssertionError)
      AttributeRequestError        (InvalidRequestError)
      CollectionClassError         (ArgumentError)
      CollectionTypeError          (TypeError)
      ConstructorError             (TypeError)
      ObjectDereferencedError      (SQLAlchemyError)
      ReservedNameError            (KeyError)
      ForeignInstrumentationError  (ArgumentError)
      DetachedInstanceError        (SQLAlchemyError)
      ObjectDeletedError           (InvalidRequestError)
      LoadRefusedError             (InvalidRequestError)
      LoadingError                 (InvalidRequestError)
      LargeCollectionError         (InvalidRequestError)
      IterationError               (TypeError)
      PopulationError              (NotImplementedError)
      UnknownIdentityError         (AssertionError)
      RowClassError                (InvalidRequestError)
      SeveralRowsError             (MultipleResultsFound)
      LoaderStrategyException      (InvalidRequestError)
      LoaderOptionError            (ArgumentError)
      LoaderConflictError          (InvalidRequestError)
      EntityError                  (ArgumentError)
      JoinError                    (InvalidRequestError)
      ComparisonError              (InvalidRequestError)
      BoundObjectError             (InvalidRequestError)
      OperatorNotSupportedError    (InvalidRequestError, NotImplementedError)
      InNotSupportedError          (NotImplementedError)
      QueryUseError                (InvalidRequestError)
      StatementEventError          (InvalidRequestError)
      UnevaluatableError           (InvalidRequestError)
      SynchronizationError         (ArgumentError, InvalidRequestError)
      BulkError                    (InvalidRequestError)
      BulkRowError                 (InvalidRequestError, KeyError)
      StrategyError                (ArgumentError)
      StarError                    (CompileError)
      MappingError                 (InvalidRequestError)
      UnknownNameError             (NameError)
      UnknownOptionError           (ArgumentError, TypeError)
      MappingArgumentError         (ArgumentError)
      AmbiguousInheritError        (AmbiguousForeignKeysError)
      InheritJoinError             (NoForeignKeysError)
      RelationshipError            (ArgumentError)
      NoJoinError                  (NoForeignKeysError)
      AmbiguousJoinError           (AmbiguousForeignKeysError)
      MappedAnnotationError        (ArgumentError)
      DeclarationArgumentError     (ArgumentError)
      DeclarationError             (InvalidRequestError)
      UnmappingError               (NotImplementedError)
      AnnotatedConstructError      (NotImplementedError)
      ShardError                   (InvalidRequestError)
      ShardArgumentError           (ArgumentError)
      AsyncArgumentError           (ArgumentError)
      AsyncBindError               (sqlalchemy.ext.asyncio.exc.AsyncBindNotFound)
      AsyncMethodError             (sqlalchemy.ext.asyncio.exc.AsyncMethodRequired)
      AsyncNotStartedError         (sqlalchemy.ext.asyncio.exc.AsyncContextNotStarted)
      AsyncStartedError            (sqlalchemy.ext.asyncio.exc.AsyncContextAlreadyStarted)
      ConcurrentUseError           (IllegalStateChangeError)
      MissingLibraryError          (ImportError)
      StandInError                 (RuntimeError)
      AbsentNameError              (InvalidRequestError)
"""

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
    ObjectDereferencedError,
    ParentTrackingError,
    ProxyArgumentError,
    ProxyError,
    ProxyTargetError,
    ProxyUseError,
    ReservedNameError,
)
from holdfast.errors.base import NO_STATE, HoldfastBug, HoldfastError
from holdfast.errors.compat import AbsentNameError, StandInError
from holdfast.errors.declarative import (
    AnnotatedConstructError,
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
from holdfast.errors.large_collections import (
    IterationError,
    LargeCollectionError,
    PopulationError,
)
from holdfast.errors.loading import (
    DetachedInstanceError,
    LoadingError,
    LoadRefusedError,
    ObjectDeletedError,
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
)
from holdfast.errors.queries import (
    BoundObjectError,
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
    StateChangeError,
    TransactionClosedError,
)
from holdfast.errors.sharding import ShardArgumentError, ShardError
from holdfast.errors.unmapped import (
    UnmappedClassError,
    UnmappedColumnError,
    UnmappedError,
    UnmappedInstanceError,
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
    "BackrefClassError",
    "BindError",
    "BoundObjectError",
    "BulkError",
    "BulkRowError",
    "CascadeTypeError",
    "CollectionClassError",
    "CollectionTypeError",
    "ComparisonError",
    "ConcurrentModificationError",
    "ConstructorError",
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
    "IterationError",
    "JoinError",
    "LargeCollectionError",
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
