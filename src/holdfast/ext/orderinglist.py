"""Define a list whose members keep their place in an attribute (XT-60 to XT-62).

```python
bullets: Mapped[list[Bullet]] = relationship(
    order_by="Bullet.position", collection_class=ordering_list("position")
)
```
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Sequence
from typing import Any, SupportsIndex, TypeVar, overload

T = TypeVar("T")
OrderingFunc = Callable[[int, Sequence[T]], object]
"""Gives the value of the attribute for an index, and the list."""


def count_from_0(index: int, collection: object) -> int:
    """0 for the first member, 1 for the second."""
    return index


def count_from_1(index: int, collection: object) -> int:
    """1 for the first member, 2 for the second."""
    return index + 1


def count_from_n_factory(start: int) -> OrderingFunc[Any]:
    """A function that gives `start` for the first member."""

    def count(index: int, collection: Sequence[Any]) -> int:
        return index + start

    count.__name__ = f"count_from_{start}"
    return count


def ordering_list(
    attr: str,
    count_from: int | None = None,
    ordering_func: OrderingFunc[T] | None = None,
    reorder_on_append: bool = False,  # noqa: FBT001, FBT002  the documented position
) -> Callable[[], OrderingList[T]]:
    """A `collection_class` for relationships whose members know their place.

    Args:
        attr: The attribute of the members that holds the place.
        count_from: What the first member has; 0 when not given.
        ordering_func: Gives other values than consecutive numbers.
        reorder_on_append: Let an appended member have the next place even if it has one; without,
            it keeps what it has.
    """
    if ordering_func is None and count_from:
        ordering_func = count_from_1 if count_from == 1 else count_from_n_factory(count_from)

    def make() -> OrderingList[T]:
        return OrderingList(attr, ordering_func, reorder_on_append)

    return make


class OrderingList(list[T]):
    """A list that numbers its members; made by `ordering_list()`."""

    def __init__(
        self,
        ordering_attr: str,
        ordering_func: OrderingFunc[T] | None = None,
        reorder_on_append: bool = False,  # noqa: FBT001, FBT002  the documented position
    ) -> None:
        super().__init__()
        self.ordering_attr: str = ordering_attr
        self.ordering_func: OrderingFunc[T] = ordering_func or count_from_0
        self.reorder_on_append: bool = reorder_on_append

    def reorder(self) -> None:
        """Number all members anew (XT-61)."""
        for index, member in enumerate(self):
            self._place(index, member)

    def _place(self, index: int, member: T) -> None:
        place = self.ordering_func(index, self)
        if getattr(member, self.ordering_attr) != place:
            setattr(member, self.ordering_attr, place)

    def append(self, member: T) -> None:
        """Add a member at the end, with the next place unless it has one."""
        super().append(member)
        if self.reorder_on_append or getattr(member, self.ordering_attr) is None:
            self._place(len(self) - 1, member)

    def insert(self, index: SupportsIndex, member: T) -> None:
        """Put a member in; those behind it move on."""
        super().insert(index, member)
        self.reorder()

    def remove(self, member: T) -> None:
        """Take a member out; those behind it move up."""
        super().remove(member)
        if self._is_in_use():
            self.reorder()

    def _is_in_use(self) -> bool:
        """Whether the list has not been replaced, in which case its former members leave it."""
        adapter = getattr(self, "_sa_adapter", None)
        if adapter is None:
            return True
        owner = adapter.owner_state()
        return owner is not None and owner.__dict__.get(adapter.slot.key) is self

    def pop(self, index: SupportsIndex = -1) -> T:
        """Take a member out by its place."""
        member = super().pop(index)
        self.reorder()
        return member

    @overload
    def __setitem__(self, index: SupportsIndex, value: T) -> None: ...

    @overload
    def __setitem__(self, index: slice, value: Iterable[T]) -> None: ...

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        super().__setitem__(index, value)
        self.reorder()

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        super().__delitem__(index)
        self.reorder()

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        # Members come with the rest, not one by one: nobody is numbered when they are read back.
        return copyreg.__newobj__, (type(self),), (dict(vars(self)), list(self))  # type: ignore[attr-defined]

    def __setstate__(self, state: tuple[dict[str, Any], list[T]]) -> None:
        vars(self).update(state[0])
        list.extend(self, state[1])


__all__ = [
    "OrderingList",
    "count_from_0",
    "count_from_1",
    "count_from_n_factory",
    "ordering_list",
]
