"""Define the collections that an association proxy shows: values of members, in place of members.

A list, a set or a dictionary of values stands before a collection of objects; what is done to it is
done to them. Made by `associationproxy`, which says how a value is read, set and created.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
)
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Generic, TypeVar, cast

from holdfast import errors

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class AssociationCollection(Generic[T]):
    """What the three kinds have in common.

    Attributes:
        lazy_collection: Gives the collection of objects; it keeps its owner alive (XT-30).
        creator: Makes an object for a value.
        getter: Reads the value of an object.
        setter: Gives an object another value.
        parent: The `AssociationProxyInstance` that the collection belongs to.
    """

    def __init__(
        self,
        lazy_collection: Callable[[], Any],
        creator: Callable[..., Any],
        getter: Callable[[Any], Any],
        setter: Callable[..., None],
        parent: Any,
    ) -> None:
        self.lazy_collection: Callable[[], Any] = lazy_collection
        self.creator: Callable[..., Any] = creator
        self.getter: Callable[[Any], Any] = getter
        self.setter: Callable[..., None] = setter
        self.parent: Any = parent

    @property
    def col(self) -> Any:
        """The collection of objects."""
        return self.lazy_collection()

    def __len__(self) -> int:
        return len(self.col)

    def __bool__(self) -> bool:
        return bool(self.col)

    def __reduce__(self) -> Any:
        # Pickled as an attribute of its owner.
        return getattr, (self.lazy_collection.owner, self.parent.name)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return repr(self.plain())

    def plain(self) -> Any:
        """The values as a built-in collection."""
        raise TypeError(f"{type(self).__name__} has no plain form")

    def copy(self) -> Any:
        """The same under the usual name."""
        return self.plain()


class ComparedByValues:
    """Comparisons of lists, and of sets, with proxies and with plain ones."""

    plain: Callable[[], Any]

    def __eq__(self, other: object) -> bool:
        return bool(self.plain() == _plain(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return bool(self.plain() < _plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.plain() <= _plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.plain() > _plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.plain() >= _plain(other))


class AssociationList(ComparedByValues, AssociationCollection[T], MutableSequence[T]):
    """The values of a list of objects."""

    __hash__: ClassVar[Any] = None

    def plain(self) -> list[T]:
        """The values as a list."""
        return list(self)

    def __iter__(self) -> Iterator[T]:
        for member in self.col:
            yield self.getter(member)

    def __getitem__(self, index: Any) -> Any:
        found = self.col[index]
        if isinstance(index, slice):
            return [self.getter(member) for member in found]
        return self.getter(found)

    def __setitem__(self, index: Any, value: Any) -> None:
        members = self.col
        if not isinstance(index, slice):
            self.setter(members[index], value)
            return
        values = list(value)
        places = range(*index.indices(len(members)))
        if places.step == 1:
            del members[places.start : max(places.start, places.stop)]
            for offset, each in enumerate(values):
                self.insert(places.start + offset, each)
        elif len(values) != len(places):
            raise errors.AttributeValueError.slice_size(len(values), len(places))
        else:
            for place, each in zip(places, values, strict=True):
                self.setter(members[place], each)

    def __delitem__(self, index: Any) -> None:
        del self.col[index]

    # The collection is read before an object is made, which an autoflush would find incomplete.

    def insert(self, index: int, value: T) -> None:
        """Create an object and put it in."""
        members = self.col
        members.insert(index, self.creator(value))

    def append(self, value: T) -> None:
        """Create an object and add it (XT-21)."""
        members = self.col
        members.append(self.creator(value))

    def extend(self, values: Iterable[T]) -> None:
        """Create an object for each value and add them."""
        for value in list(values):
            self.append(value)

    def pop(self, index: int = -1) -> T:
        """Take an object out, and give its value (XT-22)."""
        return cast("T", self.getter(self.col.pop(index)))

    def remove(self, value: T) -> None:
        """Take the first object with this value out."""
        del self.col[self.index(value)]

    def clear(self) -> None:
        """Take all objects out."""
        del self.col[:]

    def replace(self, values: Iterable[T]) -> None:
        """Have other values."""
        given = list(values)
        self.clear()
        self.extend(given)

    def __iadd__(self, values: Iterable[T]) -> AssociationList[T]:
        if not isinstance(values, Iterable):
            return NotImplemented
        self.extend(values)
        return self

    def __imul__(self, times: int) -> AssociationList[T]:
        if times <= 0:
            self.clear()
        else:
            self.extend(self.plain() * (times - 1))
        return self

    def __add__(self, other: Iterable[T]) -> list[T]:
        return self.plain() + list(other) if isinstance(other, Iterable) else NotImplemented

    def __radd__(self, other: Iterable[T]) -> list[T]:
        return list(other) + self.plain() if isinstance(other, Iterable) else NotImplemented

    def __mul__(self, times: int) -> list[T]:
        return self.plain() * times

    __rmul__ = __mul__


def _plain(other: Any) -> Any:
    return other.plain() if isinstance(other, AssociationCollection) else other


class AssociationSet(ComparedByValues, AssociationCollection[T], MutableSet[T]):
    """The values of a set of objects."""

    __hash__: ClassVar[Any] = None

    def plain(self) -> set[T]:
        """The values as a set."""
        return set(self)

    def __iter__(self) -> Iterator[T]:
        for member in self.col:
            yield self.getter(member)

    def __contains__(self, value: object) -> bool:
        return any(each == value for each in self)

    def add(self, value: T) -> None:
        """Create an object and add it, unless there is one with this value (XT-21)."""
        members = self.col
        if value not in self:
            members.add(self.creator(value))

    def discard(self, value: T) -> None:
        """Take the object with this value out, if there is one (XT-22)."""
        for member in self.col:
            if self.getter(member) == value:
                self.col.discard(member)
                return

    def remove(self, value: T) -> None:
        """Take the object with this value out.

        Raises:
            KeyError: There is none.
        """
        if value not in self:
            raise KeyError(value)
        self.discard(value)

    def pop(self) -> T:
        """Take any object out, and give its value."""
        return cast("T", self.getter(self.col.pop()))

    def clear(self) -> None:
        """Take all objects out."""
        self.col.clear()

    def replace(self, values: Iterable[T]) -> None:
        """Have other values; objects whose values stay, stay."""
        wanted = set(values)
        present = self.plain()
        self.update(value for value in wanted if value not in present)
        self.difference_update(present - wanted)

    def update(self, *others: Iterable[T]) -> None:
        """Add all values."""
        for other in others:
            for value in list(other):
                self.add(value)

    def difference_update(self, *others: Iterable[T]) -> None:
        """Take the values out."""
        for other in others:
            for value in list(other):
                self.discard(value)

    def intersection_update(self, *others: Iterable[T]) -> None:
        """Keep only values that are everywhere."""
        self.replace(self.intersection(*others))

    def symmetric_difference_update(self, other: Iterable[T]) -> None:
        """Have the values of either, but not of both."""
        self.replace(self.symmetric_difference(other))

    def union(self, *others: Iterable[T]) -> set[T]:
        """A new set."""
        return self.plain().union(*others)

    def difference(self, *others: Iterable[T]) -> set[T]:
        """A new set."""
        return self.plain().difference(*others)

    def intersection(self, *others: Iterable[T]) -> set[T]:
        """A new set."""
        return self.plain().intersection(*others)

    def symmetric_difference(self, other: Iterable[T]) -> set[T]:
        """A new set."""
        return self.plain().symmetric_difference(other)

    def issubset(self, other: Iterable[T]) -> bool:
        """Whether all values are in `other`."""
        return self.plain().issubset(other)

    def issuperset(self, other: Iterable[T]) -> bool:
        """Whether all of `other` is here."""
        return self.plain().issuperset(other)

    # Operators take sets only (XT-24).

    def __or__(self, other: Any) -> Any:
        return self.union(other) if isinstance(other, AbstractSet) else NotImplemented

    def __and__(self, other: Any) -> Any:
        return self.intersection(other) if isinstance(other, AbstractSet) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return self.difference(other) if isinstance(other, AbstractSet) else NotImplemented

    def __xor__(self, other: Any) -> Any:
        both = isinstance(other, AbstractSet)
        return self.symmetric_difference(other) if both else NotImplemented

    def __ior__(self, other: Any) -> Any:
        return self._changed(self.update, other)

    def __iand__(self, other: Any) -> Any:
        return self._changed(self.intersection_update, other)

    def __isub__(self, other: Any) -> Any:
        return self._changed(self.difference_update, other)

    def __ixor__(self, other: Any) -> Any:
        return self._changed(self.symmetric_difference_update, other)

    def _changed(self, change: Callable[[Any], None], other: Any) -> Any:
        if not isinstance(other, AbstractSet):
            return NotImplemented
        change(other)
        return self


class AssociationDict(AssociationCollection[V], MutableMapping[K, V]):
    """The values of a dictionary of objects."""

    __hash__: ClassVar[Any] = None

    def plain(self) -> dict[K, V]:
        """The values as a dictionary."""
        return dict(self.items())

    def __iter__(self) -> Iterator[K]:
        return iter(self.col)

    def __contains__(self, key: object) -> bool:
        return key in self.col

    def __getitem__(self, key: K) -> V:
        return cast("V", self.getter(self.col[key]))

    def __setitem__(self, key: K, value: V) -> None:
        members = self.col
        if key in members:
            self.setter(members[key], key, value)
        else:
            members[key] = self.creator(key, value)

    def __delitem__(self, key: K) -> None:
        del self.col[key]

    def update(self, *others: Any, **values: Any) -> None:
        """Set the values of another dictionary, or of pairs."""
        given: dict[Any, Any] = {}
        given.update(*others, **values)
        for key, value in given.items():
            self[key] = value

    def popitem(self) -> tuple[K, V]:
        """Take any object out, and give its key and value."""
        key, member = self.col.popitem()
        return key, self.getter(member)

    def clear(self) -> None:
        """Take all objects out."""
        self.col.clear()

    def replace(self, values: Mapping[K, V] | Iterable[tuple[K, V]]) -> None:
        """Have other values; objects whose keys stay, stay."""
        wanted = dict(values)
        for key, value in wanted.items():
            if key not in self or self[key] != value:
                self[key] = value
        for key in [each for each in self if each not in wanted]:
            del self[key]

    def __eq__(self, other: object) -> bool:
        return bool(self.plain() == _plain(other))

    def __ne__(self, other: object) -> bool:
        return not self == other
