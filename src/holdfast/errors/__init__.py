"""Hold every exception that Holdfast raises, with its wording.

Files, one for each part of the house: `base` (what all share), `unmapped`, `session`, `flush`,
`attributes`, `loading`, `queries`, `mapping`, `relationships`, `declarative`, `compat`. Raise sites
import from the file and name a constructor, e.g. `raise MembershipError.not_persisted(state)`; users
import from here.

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
      AttributeValueError          (ValueError)
      BackrefClassError            (KeyError)
      ParentTrackingError          (AssertionError)
      AttributeRequestError        (InvalidRequestError)
      CollectionClassError         (ArgumentError)
      CollectionTypeError          (TypeError)
      ConstructorError             (TypeError)
      ObjectDereferencedError      (SQLAlchemyError)
      ForeignInstrumentationError  (ArgumentError)
      DetachedInstanceError        (SQLAlchemyError)
      ObjectDeletedError           (InvalidRequestError)
      LoadRefusedError             (InvalidRequestError)
      LoadingError                 (InvalidRequestError)
      UnknownIdentityError         (AssertionError)
      LoaderStrategyException      (InvalidRequestError)
      LoaderOptionError            (ArgumentError)
      LoaderConflictError          (InvalidRequestError)
      EntityError                  (ArgumentError)
      JoinError                    (InvalidRequestError)
      FilterByError                (InvalidRequestError)
      ComparisonError              (InvalidRequestError)
      BoundObjectError             (InvalidRequestError)
      InNotSupportedError          (NotImplementedError)
      QueryUseError                (InvalidRequestError)
      StatementEventError          (InvalidRequestError)
      MappingError                 (InvalidRequestError)
      MappingArgumentError         (ArgumentError)
      InheritJoinError             (NoForeignKeysError)
      RelationshipError            (ArgumentError)
      NoJoinError                  (NoForeignKeysError)
      AmbiguousJoinError           (AmbiguousForeignKeysError)
      MappedAnnotationError        (ArgumentError)
      DeclarationArgumentError     (ArgumentError)
      DeclarationError             (InvalidRequestError)
      UnmappingError               (NotImplementedError)
      AnnotatedConstructError      (NotImplementedError)
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
    ObjectDereferencedError,
    ParentTrackingError,
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
from holdfast.errors.flush import (
    CascadeTypeError,
    ConcurrentModificationError,
    DependencyRuleError,
    FlushCycleError,
    FlushError,
    StaleDataError,
    UnsortableKeyError,
)
from holdfast.errors.loading import (
    DetachedInstanceError,
    LoadingError,
    LoadRefusedError,
    ObjectDeletedError,
    UnknownIdentityError,
)
from holdfast.errors.mapping import InheritJoinError, MappingArgumentError, MappingError
from holdfast.errors.queries import (
    BoundObjectError,
    ComparisonError,
    EntityError,
    FilterByError,
    InNotSupportedError,
    JoinError,
    LoaderConflictError,
    LoaderOptionError,
    LoaderStrategyException,
    QueryUseError,
    StatementEventError,
)
from holdfast.errors.relationships import AmbiguousJoinError, NoJoinError, RelationshipError
from holdfast.errors.session import (
    BindError,
    IdentifierError,
    MembershipError,
    NoRowError,
    RollbackRequiredError,
    SessionArgumentError,
    SessionUseError,
    StateChangeError,
    TransactionClosedError,
)
from holdfast.errors.unmapped import (
    UnmappedClassError,
    UnmappedColumnError,
    UnmappedError,
    UnmappedInstanceError,
)

__all__ = [
    "NO_STATE",
    "AbsentNameError",
    "AmbiguousJoinError",
    "AnnotatedConstructError",
    "AttributeAccessError",
    "AttributeRequestError",
    "AttributeValueError",
    "BackrefClassError",
    "BindError",
    "BoundObjectError",
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
    "FilterByError",
    "FlushCycleError",
    "FlushError",
    "ForeignInstrumentationError",
    "HoldfastBug",
    "HoldfastError",
    "IdentifierError",
    "InNotSupportedError",
    "InheritJoinError",
    "JoinError",
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
    "ParentTrackingError",
    "QueryUseError",
    "RelationshipError",
    "RollbackRequiredError",
    "SessionArgumentError",
    "SessionUseError",
    "StaleDataError",
    "StandInError",
    "StateChangeError",
    "StatementEventError",
    "TransactionClosedError",
    "UnknownIdentityError",
    "UnmappedClassError",
    "UnmappedColumnError",
    "UnmappedError",
    "UnmappedInstanceError",
    "UnmappingError",
    "UnsortableKeyError",
]
