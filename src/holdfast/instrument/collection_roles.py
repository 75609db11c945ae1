"""Find out how a class is used as a collection."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from holdfast import errors
from holdfast.foundation.codegen import record, replace
from holdfast.foundation.sqlalchemy_core import duck_type_collection
from holdfast.instrument.collection_types import (
    COPIERS,
    DICT_REPORTERS,
    LIST_REPORTERS,
    MARK,
    SET_REPORTERS,
    Method,
    Reporter,
    as_report,
    reports,
    silenced,
)

# ------------------------------------------------------------------------------
# Elect the methods of a collection class and make the class report its changes.
#
# `collection` holds the decorators that a user-written class marks its methods with; `roles_of`
# instruments a class once, in place, and says which of its methods add, remove and iterate.

F = TypeVar("F", bound=Callable[..., Any])

_ROLE = "_sa_collection_role"
_REPORT = "_sa_collection_report"


@record
class _Report:
    """What a decorated method reports, as names of `CollectionAdapter`'s methods."""

    before: str | None = None
    # Position (counting `self` as 0) or name of the parameter that `before` is about.
    argument: int | str = 1
    after: str | None = None


@record
class Roles:
    """The elected methods of a collection class."""

    # list, set, dict, or None for a class that is like none of them.
    kind: type | None
    # Add and remove one member: `(collection, member, *, _sa_initiator)`.
    appender: Method
    remover: Method
    # All members: `(collection)`.
    iterator: Method
    # Make members of a value that is assigned; None to take values of the same kind only.
    converter: Method | None


class collection:  # noqa: N801 - the documented name
    """Decorators for the methods of user-written collection classes (RL-119).

    ```python
    class Stack:
        def __init__(self):
            self.items = []

        @collection.appender
        def push(self, item):
            self.items.append(item)

        @collection.remover
        def discard(self, item):
            self.items.remove(item)

        @collection.iterator
        def members(self):
            return iter(self.items)
    ```
    """

    @staticmethod
    def appender(fn: F) -> F:
        """The method adds its one argument."""
        setattr(fn, _ROLE, "appender")
        return fn

    @staticmethod
    def remover(fn: F) -> F:
        """The method takes its one argument away."""
        setattr(fn, _ROLE, "remover")
        return fn

    @staticmethod
    def iterator(fn: F) -> F:
        """The method gives an iterator over all members."""
        setattr(fn, _ROLE, "iterator")
        return fn

    @staticmethod
    def converter(fn: F) -> F:
        """The method makes members of a value that is assigned to the attribute."""
        setattr(fn, _ROLE, "converter")
        return fn

    @staticmethod
    def internally_instrumented(fn: F) -> F:
        """The method reports by itself, through others; it is left as it is."""
        setattr(fn, MARK, True)
        return fn

    @staticmethod
    def adds(arg: int | str) -> Callable[[F], F]:
        """The method adds the argument at this position or of this name."""
        return _reporting(before="fire_append_event", argument=arg)

    @staticmethod
    def removes(arg: int | str) -> Callable[[F], F]:
        """The method takes the argument at this position or of this name away."""
        return _reporting(before="fire_remove_event", argument=arg)

    @staticmethod
    def removes_return() -> Callable[[F], F]:
        """The method takes what it returns away."""
        return _reporting(after="fire_remove_event")

    @staticmethod
    def replaces(arg: int | str) -> Callable[[F], F]:
        """The method adds an argument and takes what it returns away."""
        return _reporting(before="fire_append_event", argument=arg, after="fire_remove_event")


def _reporting(**what: Any) -> Callable[[F], F]:
    def decorate(fn: F) -> F:
        setattr(fn, _REPORT, replace(getattr(fn, _REPORT, _Report()), **what))
        return fn

    return decorate


_REPORTERS: dict[type, dict[str, Reporter]] = {
    list: LIST_REPORTERS,
    set: SET_REPORTERS,
    dict: DICT_REPORTERS,
}
_USUAL_ROLES: dict[type, dict[str, str]] = {
    list: {"appender": "append", "remover": "remove", "iterator": "__iter__"},
    set: {"appender": "add", "remover": "remove", "iterator": "__iter__"},
    dict: {"iterator": "values"},
}

_roles: weakref.WeakKeyDictionary[type, Roles] = weakref.WeakKeyDictionary()


def roles_of(class_: type) -> Roles:
    """The roles of a collection class, which is instrumented in place when it is not yet."""
    found = _roles.get(class_)
    if found is None:
        if class_.__module__ == "builtins":
            raise errors.CollectionClassError.builtin(class_)
        found = _roles[class_] = _instrument(class_)
    return found


def _declared(class_: type) -> tuple[dict[str, str], dict[str, _Report]]:
    """What decorators say: role -> method name, and method name -> what it reports.

    Of methods of one name, or for one role, that of the nearest base counts.
    """
    names: dict[str, str] = {}
    marked: dict[str, _Report] = {}
    for base in class_.__mro__:
        for name, member in vars(base).items():
            if not callable(member):
                continue
            if (role := getattr(member, _ROLE, None)) is not None:
                names.setdefault(role, name)
            if (report := getattr(member, _REPORT, None)) is not None:
                marked.setdefault(name, report)
    return names, marked


def _instrument(class_: type) -> Roles:
    kind = duck_type_collection(class_)
    names, marked = _declared(class_)
    if kind is not None:
        names = {**_USUAL_ROLES.get(kind, {}), **names}
        for name, reporter in _REPORTERS.get(kind, {}).items():
            method = getattr(class_, name, None)
            if method is not None and name not in marked and not reports(method):
                setattr(class_, name, as_report(reporter(silenced(method)), method))
    for role in ("appender", "remover", "iterator"):
        if role not in names or not hasattr(class_, names[role]):
            article = "a" if role == "remover" else "an"
            raise errors.CollectionClassError.lacks_role(class_, article, role)
    for role, report in (
        ("appender", _Report(before="fire_append_event")),
        ("remover", _Report(before="fire_remove_event")),
    ):
        if not reports(getattr(class_, names[role])):
            marked.setdefault(names[role], report)
    for name, report in marked.items():
        method = getattr(class_, name)
        if not reports(method):
            setattr(class_, name, _make_report(method, report))
    for name, method in COPIERS.items():
        if not hasattr(class_, name):
            setattr(class_, name, method)
    class_._sa_adapter = None  # type: ignore[attr-defined]
    setattr(class_, MARK, id(class_))
    return Roles(
        kind=kind,
        appender=getattr(class_, names["appender"]),
        remover=getattr(class_, names["remover"]),
        iterator=getattr(class_, names["iterator"]),
        converter=getattr(class_, names["converter"]) if "converter" in names else None,
    )


def _make_report(method: Method, report: _Report) -> Method:
    """A method that reports what its decorator says."""
    plain = silenced(method)
    locate = _locator(method, report.argument) if report.before is not None else None

    def reporting(self: Any, *args: Any, **kwargs: Any) -> Any:
        initiator = kwargs.pop("_sa_initiator", None)
        adapter = None if initiator is False else self._sa_adapter
        if adapter is None:
            return plain(self, *args, **kwargs)
        if locate is not None and report.before is not None:
            place: Any = locate(args, kwargs)
            holder: Any = kwargs if isinstance(place, str) else (args := list(args))  # type: ignore[assignment]
            answer = getattr(adapter, report.before)(holder[place], initiator)
            if report.before == "fire_append_event":
                holder[place] = answer
        if report.after is not None:
            adapter.fire_pre_remove_event(initiator)
        result = plain(self, *args, **kwargs)
        if report.after is not None and result is not None:
            getattr(adapter, report.after)(result, initiator, is_gone=True)
        return result

    return as_report(reporting, method)


def _locator(method: Method, argument: int | str) -> Callable[..., int | str]:
    """A function that finds the place of an argument in the positional or named ones of a call."""
    names = list(inspect.signature(method).parameters)
    if isinstance(argument, int):
        position: int | None = argument - 1
        name = names[argument] if argument < len(names) else None
    else:
        position = names.index(argument) - 1 if argument in names else None
        name = argument

    def locate(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | str:
        if name is not None and name in kwargs:
            return name
        if position is not None and position < len(args):
            return position
        raise errors.CollectionClassError.no_such_argument(argument, method.__name__)

    return locate


# ------------------------------------------------------------------------------
# Define the collection classes of relationships that name none, or name `list`, `set`, `dict`.

T = TypeVar("T")
K = TypeVar("K")


class InstrumentedList(list[T]):
    """A list that reports its changes to the object it belongs to."""

    # The tie to the owner; see `collection_adapter`.
    _sa_adapter: Any = None


class InstrumentedSet(set[T]):
    """A set that reports its changes to the object it belongs to."""

    _sa_adapter: Any = None


class InstrumentedDict(dict[K, T]):
    """A dictionary that reports its changes to the object it belongs to.

    It does not know the key of a member, so a relationship needs a subclass that elects an
    appender, such as those of `keyed`.
    """

    _sa_adapter: Any = None


roles_of(InstrumentedList)
roles_of(InstrumentedSet)

REPORTING_CLASSES: dict[type, type] = {
    dict: InstrumentedDict,
    list: InstrumentedList,
    set: InstrumentedSet,
}
"""Built-in class -> the class that takes its place."""
