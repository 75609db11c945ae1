"""Say which attribute started a change, and by what kind of operation.

A change travels: `parent.children.append(child)` sets `child.parent`, which would append to
`parent.children` again. The token of the attribute that started it goes along, and `backrefs`
stops where it came from. Listeners receive it as `initiator`.
"""

from __future__ import annotations

from typing import Any, Final

from holdfast.foundation.record import Choice


class Operation(Choice):
    """What kind of change was started."""

    APPEND = "append"
    REMOVE = "remove"
    REPLACE = "replace"
    BULK_REPLACE = "bulk replace"
    MODIFIED = "modified"


OP_APPEND: Final = Operation.APPEND
OP_REMOVE: Final = Operation.REMOVE
OP_REPLACE: Final = Operation.REPLACE
OP_BULK_REPLACE: Final = Operation.BULK_REPLACE
OP_MODIFIED: Final = Operation.MODIFIED


class AttributeEventToken:
    """The attribute that started a change, and the operation.

    Attributes:
        impl: The slot of the attribute.
        op: The operation.
        parent_token: Shared by the slots of one relationship on all classes of a hierarchy.
    """

    __slots__ = ("impl", "op", "parent_token")

    def __init__(self, attribute_impl: Any, op: Operation) -> None:
        self.impl: Any = attribute_impl
        self.op: Operation = op
        self.parent_token: object = attribute_impl.parent_token

    @property
    def key(self) -> str:
        """Name of the attribute."""
        key: str = self.impl.key
        return key

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AttributeEventToken)
            and other.impl is self.impl
            and other.op is self.op
        )

    def __hash__(self) -> int:
        return hash((id(self.impl), self.op))

    def __repr__(self) -> str:
        return f"AttributeEventToken({self.impl!r}, {self.op})"
