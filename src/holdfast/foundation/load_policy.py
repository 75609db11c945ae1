"""Say what one read of an attribute may do, and what it answers when nothing is there."""

from __future__ import annotations

from enum import Enum, IntFlag, auto
from typing import ClassVar, Final

from holdfast.foundation.codegen import Choice

# ------------------------------------------------------------------------------
# Name the values that stand for the absence of a value.
#
# They travel through attribute access, history and events in place of a real value, so they are
# compared with `is` only. `None` is never one of them: it is a value like any other.


class LoaderCallableStatus(Enum):
    """What a loader or an attribute answers when there is no ordinary value to give."""

    PASSIVE_NO_RESULT = auto()
    """The caller's policy forbade the step that would have found the value."""

    PASSIVE_CLASS_MISMATCH = auto()
    """An object with the wanted key is present, but of a class that does not fit."""

    ATTR_WAS_SET = auto()
    """The loader has put the value into the object's dictionary itself."""

    ATTR_EMPTY = auto()
    """The loader knows nothing, and the attribute falls back to its empty value."""

    NO_VALUE = auto()
    """The attribute has no value in memory."""

    DONT_SET = auto()
    """Assigned by the `__init__` of a mapped dataclass for "not given": nothing is stored."""

    NEVER_SET = NO_VALUE
    """An older spelling of `NO_VALUE`."""

    def __repr__(self) -> str:
        return f"LoaderCallableStatus.{self.name}"


class KeyMarker(Choice):
    """What a collection event passes when the collection has no keys."""

    NO_KEY = 1


class ListenerAnswer(Choice):
    """What a listener of a mapper's events answers when it was asked for an answer."""

    EXT_CONTINUE = 1
    """Go on as usual."""

    EXT_STOP = 2
    """Ask no further listeners."""

    EXT_SKIP = 3
    """Leave this mapper out (EV-67)."""


EXT_CONTINUE: Final = ListenerAnswer.EXT_CONTINUE
EXT_STOP: Final = ListenerAnswer.EXT_STOP
EXT_SKIP: Final = ListenerAnswer.EXT_SKIP
PASSIVE_NO_RESULT: Final = LoaderCallableStatus.PASSIVE_NO_RESULT
PASSIVE_CLASS_MISMATCH: Final = LoaderCallableStatus.PASSIVE_CLASS_MISMATCH
ATTR_WAS_SET: Final = LoaderCallableStatus.ATTR_WAS_SET
ATTR_EMPTY: Final = LoaderCallableStatus.ATTR_EMPTY
NO_VALUE: Final = LoaderCallableStatus.NO_VALUE
DONT_SET: Final = LoaderCallableStatus.DONT_SET
NEVER_SET: Final = NO_VALUE
NO_KEY: Final = KeyMarker.NO_KEY


# ------------------------------------------------------------------------------
# Say what one read of an attribute may do when the value is not in memory.
#
# A `LoadPolicy` is passed down from whoever reads an attribute to the loader that could fetch it.
# Inside Holdfast the named policies are used; users and SQLAlchemy's own interfaces speak in
# `PassiveFlag`, which `policy_of` translates. Policies are interned, so they compare with `is`.


class PassiveFlag(IntFlag):
    """SQLAlchemy's spelling of a load policy, as bits and as named sums of bits."""

    NO_CHANGE = 0
    CALLABLES_OK = 1 << 0
    SQL_OK = 1 << 1
    RELATED_OBJECT_OK = 1 << 2
    INIT_OK = 1 << 3
    NON_PERSISTENT_OK = 1 << 4
    LOAD_AGAINST_COMMITTED = 1 << 5
    NO_AUTOFLUSH = 1 << 6
    NO_RAISE = 1 << 7
    DEFERRED_HISTORY_LOAD = 1 << 8
    INCLUDE_PENDING_MUTATIONS = 1 << 9

    PASSIVE_OFF = CALLABLES_OK | SQL_OK | RELATED_OBJECT_OK | INIT_OK | NON_PERSISTENT_OK
    PASSIVE_MERGE = PASSIVE_OFF | NO_RAISE
    PASSIVE_NO_FETCH = PASSIVE_OFF & ~SQL_OK
    PASSIVE_NO_FETCH_RELATED = PASSIVE_OFF & ~RELATED_OBJECT_OK
    PASSIVE_NO_INITIALIZE = PASSIVE_OFF & ~(INIT_OK | CALLABLES_OK)
    PASSIVE_ONLY_PERSISTENT = PASSIVE_OFF & ~NON_PERSISTENT_OK
    PASSIVE_RETURN_NO_VALUE = PASSIVE_OFF & ~INIT_OK


class LoadPolicy:
    """What a read may do. Take one from the constants below or from `policy_of`."""

    LOAD: ClassVar[LoadPolicy]
    """Do whatever it takes: PASSIVE_OFF."""
    MEMORY_ONLY: ClassVar[LoadPolicy]
    """Look at the object and the identity map, emit no SQL: PASSIVE_NO_FETCH."""
    NO_INITIALIZE: ClassVar[LoadPolicy]
    """Look at the object's own dictionary only: PASSIVE_NO_INITIALIZE."""
    NO_AUTOFLUSH: ClassVar[LoadPolicy]
    """Load, but do not flush before."""
    RETURN_NO_VALUE: ClassVar[LoadPolicy]
    """Load; an attribute that never had a value reads as NO_VALUE: PASSIVE_RETURN_NO_VALUE."""
    ONLY_PERSISTENT: ClassVar[LoadPolicy]
    """Load only for objects that have a row: PASSIVE_ONLY_PERSISTENT."""
    NO_RAISE: ClassVar[LoadPolicy]
    """Load; attributes that refuse to load read as absent instead of raising: PASSIVE_MERGE."""
    NO_FETCH_RELATED: ClassVar[LoadPolicy]
    """Load columns of this object, but not related objects: PASSIVE_NO_FETCH_RELATED."""

    flags: PassiveFlag
    """The same policy in SQLAlchemy's spelling."""
    may_load: bool
    """Loaders may be called at all, e.g. to look into the identity map."""
    may_fetch: bool
    """SQL may be emitted. False whenever `may_load` is."""
    fetches_related: bool
    """SQL may be emitted for related objects, not only for columns of this one."""
    initializes: bool
    """A new object's missing value reads as None or an empty collection."""
    returns_no_value: bool
    """A new object's missing value reads as NO_VALUE: the opposite of `initializes`."""
    only_persistent: bool
    """Nothing is loaded for objects that have no row yet."""
    autoflushes: bool
    """The session may flush before it emits SQL."""
    raise_on_missing: bool
    """`lazy="raise"`, `raiseload` and a missing session raise instead of reading as absent."""
    against_committed: bool
    """Foreign keys are read as the database last held them, not as they are now."""
    deferred_history: bool
    """The load only serves history; an old value that costs SQL may be skipped."""
    includes_pending: bool
    """Queued changes of an unloaded collection are shown to the reader."""

    def __init__(self, flags: PassiveFlag) -> None:
        # Asked as a number, since the operators of flags take ten times as long.
        has = int(flags).__and__
        self.flags = flags
        self.may_load = bool(has(CALLABLES_OK))
        self.may_fetch = bool(has(SQL_OK) and has(CALLABLES_OK))
        self.fetches_related = bool(has(RELATED_OBJECT_OK))
        self.initializes = bool(has(INIT_OK))
        self.returns_no_value = not has(INIT_OK)
        self.only_persistent = not has(NON_PERSISTENT_OK)
        self.autoflushes = not has(NO_AUTOFLUSH)
        self.raise_on_missing = not has(NO_RAISE)
        self.against_committed = bool(has(LOAD_AGAINST_COMMITTED))
        self.deferred_history = bool(has(DEFERRED_HISTORY_LOAD))
        self.includes_pending = bool(has(INCLUDE_PENDING_MUTATIONS))

    def allowing(self, *extra: PassiveFlag) -> LoadPolicy:
        """The policy with more bits of `PassiveFlag` set."""
        flags = self.flags
        for flag in extra:
            flags |= flag
        return policy_of(flags)

    def forbidding(self, *fewer: PassiveFlag) -> LoadPolicy:
        """The policy with bits of `PassiveFlag` cleared."""
        flags = self.flags
        for flag in fewer:
            flags &= ~flag
        return policy_of(flags)


# One policy per sum of bits, filled on demand; there are at most 1024.
_interned: dict[int, LoadPolicy] = {}


def policy_of(flags: PassiveFlag | LoadPolicy | int) -> LoadPolicy:
    """The one policy that means `flags`; a policy is given back as it is."""
    if isinstance(flags, LoadPolicy):
        return flags
    policy = _interned.get(flags)
    if policy is None:
        policy = _interned.setdefault(int(flags), LoadPolicy(PassiveFlag(flags)))
    return policy


NO_CHANGE = PassiveFlag.NO_CHANGE
CALLABLES_OK = PassiveFlag.CALLABLES_OK
SQL_OK = PassiveFlag.SQL_OK
RELATED_OBJECT_OK = PassiveFlag.RELATED_OBJECT_OK
INIT_OK = PassiveFlag.INIT_OK
NON_PERSISTENT_OK = PassiveFlag.NON_PERSISTENT_OK
LOAD_AGAINST_COMMITTED = PassiveFlag.LOAD_AGAINST_COMMITTED
NO_AUTOFLUSH = PassiveFlag.NO_AUTOFLUSH
NO_RAISE = PassiveFlag.NO_RAISE
DEFERRED_HISTORY_LOAD = PassiveFlag.DEFERRED_HISTORY_LOAD
INCLUDE_PENDING_MUTATIONS = PassiveFlag.INCLUDE_PENDING_MUTATIONS
PASSIVE_OFF = PassiveFlag.PASSIVE_OFF
PASSIVE_MERGE = PassiveFlag.PASSIVE_MERGE
PASSIVE_NO_FETCH = PassiveFlag.PASSIVE_NO_FETCH
PASSIVE_NO_FETCH_RELATED = PassiveFlag.PASSIVE_NO_FETCH_RELATED
PASSIVE_NO_INITIALIZE = PassiveFlag.PASSIVE_NO_INITIALIZE
PASSIVE_ONLY_PERSISTENT = PassiveFlag.PASSIVE_ONLY_PERSISTENT
PASSIVE_RETURN_NO_VALUE = PassiveFlag.PASSIVE_RETURN_NO_VALUE

LoadPolicy.LOAD = policy_of(PASSIVE_OFF)
LoadPolicy.MEMORY_ONLY = policy_of(PASSIVE_NO_FETCH)
LoadPolicy.NO_INITIALIZE = policy_of(PASSIVE_NO_INITIALIZE)
LoadPolicy.NO_AUTOFLUSH = policy_of(PASSIVE_OFF | NO_AUTOFLUSH)
LoadPolicy.RETURN_NO_VALUE = policy_of(PASSIVE_RETURN_NO_VALUE)
LoadPolicy.ONLY_PERSISTENT = policy_of(PASSIVE_ONLY_PERSISTENT)
LoadPolicy.NO_RAISE = policy_of(PASSIVE_MERGE)
LoadPolicy.NO_FETCH_RELATED = policy_of(PASSIVE_NO_FETCH_RELATED)
