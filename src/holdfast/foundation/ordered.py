"""Offer the small containers that neither Python nor Core has in a fast form.

`IdentityDict` is a dictionary keyed by object identity that keeps insertion order: what
`Session.new` needs for objects whose class defines `__eq__` without `__hash__`. For sets by
identity use Core's `IdentitySet`, for ordered sets of hashable values use `dict.fromkeys`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, MutableMapping
from typing import Generic, TypeVar

H = TypeVar("H", bound=Hashable)
K = TypeVar("K")
V = TypeVar("V")


class IdentityDict(MutableMapping[K, V], Generic[K, V]):
    """A dictionary whose keys are told apart by `is`; keys need not be hashable."""

    __slots__ = ("_entries",)

    def __init__(self, items: Iterable[tuple[K, V]] = ()) -> None:
        # id(key) -> (key, value). The key is held, so its id cannot be taken by another object.
        self._entries: dict[int, tuple[K, V]] = {id(key): (key, value) for key, value in items}

    def __getitem__(self, key: K) -> V:
        try:
            return self._entries[id(key)][1]
        except KeyError:
            raise KeyError(f"no entry for the object at 0x{id(key):x}") from None

    def __setitem__(self, key: K, value: V) -> None:
        self._entries[id(key)] = (key, value)

    def __delitem__(self, key: K) -> None:
        del self._entries[id(key)]

    def __contains__(self, key: object) -> bool:
        return id(key) in self._entries

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)


def unique(items: Iterable[H]) -> list[H]:
    """The items without repetitions, each where it stood first."""
    return list(dict.fromkeys(items))


def unique_by_identity(items: Iterable[V]) -> list[V]:
    """The items without repeated objects, each where it stood first; `==` is never called."""
    return list({id(item): item for item in items}.values())
