"""Hold what is known about one object: its key, its values, its session."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import TypeVar

from holdfast import errors
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.load_policy import NO_VALUE

if TYPE_CHECKING:
    from holdfast.states.ports import ManagerPort, SessionPort


# ------------------------------------------------------------------------------
# Say what of a state travels when its object is pickled or deeply copied.
#
# The session does not: an unpickled object is detached, or transient when it had no key (SM-178).

_RARE = (
    "deferred",
    "identity_token",
    "info",
    "load_options",
    "load_path",
    "parents",
    "pending",
    "released",
    "said",
    "unset",
    "was_deleted",
)


def packed(state: Any) -> dict[str, Any]:
    """What is known about an object, in a form that can be pickled."""
    values: dict[str, Any] = {"pk": state.pk}
    if state.changes is not None:
        values["changes"] = dict(state.changes)
    extra = state.extra
    if extra is not None:
        values.update((name, value) for name in _RARE if (value := getattr(extra, name)))
    return values


def unpack(state: Any, values: dict[str, Any]) -> None:
    """Give a new state what `packed` has kept."""
    state.pk = values["pk"]
    state.changes = values.get("changes")
    for name in _RARE:
        if name in values:
            setattr(state.more(), name, values[name])


# ------------------------------------------------------------------------------
# Build and take apart identity keys.
#
# Inside the package a primary key is *bare*: the value itself when one column forms the key, a
# tuple otherwise. Users see `(class, (values...), identity token)`.

IdentityKey = tuple[type[Any], tuple[Any, ...], Any]


def full_key(mapper: Any, pk: Any, token: Any = None) -> IdentityKey:
    """The key that users see, for a bare primary key.

    Args:
        mapper: Mapper of the object's class; its base mapper's class names the hierarchy.
        pk: A value, or a tuple when several columns form the key.
        token: Identity token, mostly None.
    """
    base = mapper.base_mapper
    values = pk if len(base.primary_key) > 1 else (pk,)
    return (base.class_, tuple(values), token)


def bare_key(values: Sequence[Any]) -> Any:
    """The bare primary key for a sequence of values in primary key order."""
    return values[0] if len(values) == 1 else tuple(values)


# ------------------------------------------------------------------------------
# Define `InstanceState`, the record kept beside every mapped object.
#
# A state *is* the weak reference to its object: the identity map stores states, and the object
# stores its state in `obj.__dict__["_sa_instance_state"]`, the place that SQLAlchemy documents.
#
# Rules kept here:
# 1. Four slots are all that an ordinary loaded object needs; the rest lives in `StateExtra`, made
#    when first needed.
# 2. An object with a key whose mapped attribute is absent from its `__dict__` has that attribute
#    expired or not yet loaded. There is no flag per attribute that could disagree with the dict.
# 3. States compare and hash by identity, whatever the mapped class defines.

# `InstanceState` has public properties of these names, which hide the builtins in its body.
AnyObject = object
Values = dict[str, Any]
Changes = dict[str, AnyObject]
T = TypeVar("T", default=Any)

EMPTY: Mapping[str, Any] = {}


class StateExtra:
    """What only some objects need to remember; an instance holds what differs from the class."""

    # Column attributes that the query which loaded the object left out; emptied when the
    # object is expired as a whole.
    deferred: frozenset[str] = frozenset()
    # Collections handed out by reads of a new object, by attribute name; each moves into the
    # object's dict with its first change.
    empty_collections: dict[str, Any] | None = None
    # Distinguishes rows of equal primary key from different databases.
    identity_token: object = None
    # For the application; see `InstanceState.info`.
    info: dict[Any, Any] | None = None
    # Loader options of the query that loaded the object, and where in its path it stood.
    load_options: tuple[Any, ...] = ()
    load_path: Any = None
    # Attributes that expired since: when they are touched they load as they are mapped.
    # Relationships only until the object is read again under its options.
    released: Collection[str] = ()
    # In a session to load relationships, without being a member of it.
    loads_related: bool = False
    # Relationship slot -> the parent state that claims the object, or False once released.
    parents: dict[object, InstanceState | bool] | None = None
    # Changes to collections that are not loaded, by attribute name, until they load.
    pending: dict[str, Any] | None = None
    # What later queries said of relationships that they found unloaded, by attribute name; emptied
    # when the object is expired as a whole.
    said: Mapping[str, Any] = EMPTY
    # Columns that the INSERT of the object left out: they hold NULL, which is known without a
    # load, until they expire (PT-47).
    unset: frozenset[str] = frozenset()
    # A flush deleted the row and nothing has restored it since.
    was_deleted: bool = False


class DeletedExtra(StateExtra):
    """The same of an object whose row was deleted, and which has nothing else to remember.

    PERF: DELETE 20,000. Every object gets one, which holds nothing itself.
    """

    was_deleted = True


class InstanceState(weakref.ref[T]):
    """What is known about one mapped object.

    States are made by `ClassManager.new_instance` and `ClassManager.attach`, through the subclass
    that each manager makes for its class. `inspect(obj)` returns the state of an object.
    """

    __slots__ = ("changes", "extra", "members", "pk")

    # What everything that `inspect()` can answer says of itself.
    is_instance = True
    is_aliased_class = is_attribute = is_bundle = is_clause_element = False
    is_mapper = is_property = is_selectable = False

    manager: ClassVar[ManagerPort]

    # Primary key value, bare when one column forms the key, else a tuple; None without identity.
    pk: Any
    # What the owning session holds, this state included; None outside of every session.
    # (A `Members`; typed loosely since that file stands above this one.)
    members: Any
    # Attribute name -> the value the database is known to hold; None while nothing was changed.
    changes: Changes | None
    # Whatever is rare.
    extra: StateExtra | None

    # A weak reference compares and hashes through its object. Objects may define equality as they
    # like, so states go back to identity; assigning the slot wrappers keeps both at C speed.
    __hash__: ClassVar[Any] = AnyObject.__hash__
    __eq__: Any = AnyObject.__eq__
    __ne__: Any = AnyObject.__ne__
    __lt__: Any = vars(AnyObject)["__lt__"]
    __le__: Any = vars(AnyObject)["__le__"]
    __gt__: Any = vars(AnyObject)["__gt__"]
    __ge__: Any = vars(AnyObject)["__ge__"]

    def more(self) -> StateExtra:
        """The rarely needed part, made when it is first asked for."""
        extra = self.extra
        if extra is None:
            extra = self.extra = StateExtra()
        return extra

    # -- the object ------------------------------------------------------------------------------

    @property
    def obj(self) -> weakref.ref[T]:
        """The weak reference to the object: call it to get the object, or None once collected."""
        return self

    @property
    def object(self) -> T | None:
        """The mapped object, or None once it was collected (SM-180)."""
        return self()

    @property
    def dict(self) -> Values:
        """The object's `__dict__`; an empty dictionary once it was collected (AH-44)."""
        instance = self()
        return instance.__dict__ if instance is not None else {}

    @property
    def class_(self) -> type[Any]:
        """The mapped class."""
        return self.manager.class_

    @property
    def mapper(self) -> Any:
        """The `Mapper` of the object's class."""
        return self.manager.mapper

    @property
    def info(self) -> Any:
        """A dictionary for the application that lives with the object (AH-45)."""
        extra = self.more()
        if extra.info is None:
            extra.info = {}
        return extra.info

    # -- identity --------------------------------------------------------------------------------

    @property
    def key(self) -> tuple[type[Any], tuple[Any, ...], Any] | None:
        """Class at the root of the hierarchy, primary key values and identity token, or None."""
        if self.pk is None:
            return None
        return full_key(self.manager.mapper, self.pk, self.identity_token)

    @property
    def identity_key(self) -> tuple[type[Any], tuple[Any, ...], Any] | None:
        """Same as `key` (SM-4)."""
        return self.key

    @property
    def identity(self) -> tuple[Any, ...] | None:
        """Primary key values as a tuple, or None for an object without identity (SM-4)."""
        key = self.key
        return None if key is None else key[1]

    @property
    def identity_token(self) -> Any:
        """Tells apart rows of equal primary key from different databases; mostly None."""
        extra = self.extra
        return None if extra is None else extra.identity_token

    @property
    def has_identity(self) -> bool:
        """Whether the object has an identity key."""
        return self.pk is not None

    # -- the session and the five states ---------------------------------------------------------

    @property
    def session(self) -> SessionPort | None:
        """The session that holds the object, or None (SB-170)."""
        members = self.members
        return None if members is None else members.session

    @property
    def async_session(self) -> Any:
        """The asyncio session that works through `session`, or None."""
        session = self.session
        return None if session is None else session.async_session

    @property
    def session_id(self) -> int | None:
        """Number of the session that holds the object, or None."""
        session = self.session
        return None if session is None else session.hash_key

    @property
    def is_attached(self) -> bool:
        """Whether a living session holds the object."""
        members = self.members
        return members is not None and members.session is not None

    @property
    def was_deleted(self) -> bool:
        """Whether a flush deleted the object's row, also after it left the session (SM-7)."""
        extra = self.extra
        return extra is not None and extra.was_deleted

    @property
    def transient(self) -> bool:
        """No identity, no session (SM-1)."""
        return self.pk is None and not self.is_attached

    @property
    def pending(self) -> bool:
        """In a session, not written yet (SM-1)."""
        return self.pk is None and self.is_attached

    @property
    def persistent(self) -> bool:
        """In a session, with a row (SM-1)."""
        return self.pk is not None and self.is_attached and not self.was_deleted

    @property
    def deleted(self) -> bool:
        """Its row was deleted in the session's present transaction (SM-1, SM-8)."""
        return self.pk is not None and self.is_attached and self.was_deleted

    @property
    def detached(self) -> bool:
        """With identity, outside of every session (SM-1)."""
        return self.pk is not None and not self.is_attached

    def is_null(self, key: str) -> bool:
        """Whether an attribute that has no value is known to be NULL: it need not be loaded."""
        extra = self.extra
        return self.pk is None or (extra is not None and key in extra.unset)

    # -- values ----------------------------------------------------------------------------------

    @property
    def modified(self) -> bool:
        """Whether unflushed changes are recorded (AH-43)."""
        return self.changes is not None

    @property
    def committed_state(self) -> Mapping[str, Any]:
        """Last values known to the database of the attributes that were changed since."""
        return EMPTY if self.changes is None else self.changes

    def committed_value(self, key: str) -> Any:
        """The last value of an attribute that the database is known to hold, or NO_VALUE."""
        present = self.dict.get(key, NO_VALUE)
        return present if self.changes is None else self.changes.get(key, present)

    @property
    def unloaded(self) -> set[str]:
        """Names of the attributes without a value (SM-115)."""
        return set(self.manager.keys()).difference(self.dict).difference(self.committed_state)

    @property
    def unloaded_expirable(self) -> set[str]:
        """The same. Deprecated: use `unloaded`."""
        warn_deprecated(
            "The InstanceState.unloaded_expirable attribute is deprecated.  Please use "
            "InstanceState.unloaded.",
            version="2.0",
        )
        return self.unloaded

    @property
    def unmodified(self) -> set[str]:
        """Names of the attributes without a recorded change (AH-42)."""
        return set(self.manager.keys()).difference(self.committed_state)

    def unmodified_intersection(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` that are mapped and without a recorded change (AH-42)."""
        return set(keys).intersection(self.manager.keys()).difference(self.committed_state)

    @property
    def deferred_keys(self) -> frozenset[str]:
        """Column attributes that load when touched, by mapping or by the query's options."""
        mapped: frozenset[str] = self.manager.mapper.deferred_keys
        extra = self.extra
        return mapped if extra is None or not extra.deferred else mapped | extra.deferred

    @property
    def expired_attributes(self) -> set[str]:
        """Column attributes that a load would fetch together when one is touched (SM-115)."""
        if self.pk is None:
            return set()
        missing = set(self.manager.mapper.column_keys).difference(self.dict)
        if self.extra is not None:
            missing -= self.extra.unset
        return missing if self.expired else missing - self.deferred_keys

    @property
    def expired(self) -> bool:
        """Whether the object was expired as a whole and not loaded since (SM-115)."""
        if self.pk is None:
            return False
        present = self.dict
        changes = self.committed_state
        mapper = self.manager.mapper
        for key in mapper.column_keys:
            if key in present:
                if key not in changes:
                    return False
                # Set while its old value was there; that of a key is known without being loaded.
                if changes[key] is not NO_VALUE and key not in mapper.primary_key_keys:
                    return False
        return True

    @property
    def callables(self) -> Mapping[str, Any]:
        """Loaders of single attributes of this object: none, loaders belong to the class."""
        return EMPTY

    @property
    def attrs(self) -> Any:
        """One `AttributeState` per mapped attribute, by name (AH-40, AH-41)."""
        return self.manager.attribute_states(self)

    def __reduce__(self) -> tuple[Any, ...]:
        values = packed(self)
        if self.manager.dispatch is not None:
            self.manager.dispatch.pickle(self, values)
        return (restore_state, (self(),), values)

    def __setstate__(self, values: Values) -> None:
        unpack(self, values)
        if self.manager.dispatch is not None:
            self.manager.dispatch.unpickle(self, values)

    def __repr__(self) -> str:
        return f"<InstanceState of {self.manager.class_.__name__} at {id(self):#x}>"


def blank(state: InstanceState) -> InstanceState:
    """Give a freshly made state the values of an object that nothing is known about."""
    state.pk = None
    state.members = None
    state.changes = None
    state.extra = None
    return state


def restore_state(instance: Any) -> InstanceState:
    """Make the state of an object that is being unpickled."""
    manager: ManagerPort | None = getattr(type(instance), "_sa_class_manager", None)
    if manager is None:
        raise errors.UnmappedInstanceError.unpickled(type(instance))
    if manager.prepare is not None:
        manager.prepare()
    state: InstanceState = manager.attach(instance)
    return state
