"""Hold what an attribute of a mapped dataclass asks of `dataclasses.field()`.

Made by the functions of `constructs`, kept on the property or column they return, read by
`dataclasses` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from holdfast.foundation.record import Keywords, record
from holdfast.foundation.sqlalchemy_core import NO_ARG


class FieldArguments(Keywords, total=False):
    """Keywords of the functions of `constructs` that concern the field of a mapped dataclass."""

    init: bool
    repr: bool
    default: Any
    default_factory: Callable[[], Any]
    compare: bool
    kw_only: bool
    hash: bool | None
    dataclass_metadata: Mapping[Any, Any]


@record
class DataclassArguments:
    """Arguments as the user gave them; `NO_ARG` where nothing was said."""

    init: Any = NO_ARG
    repr: Any = NO_ARG
    default: Any = NO_ARG
    default_factory: Callable[[], Any] | Any = NO_ARG
    compare: Any = NO_ARG
    kw_only: Any = NO_ARG
    hash: Any = NO_ARG
    dataclass_metadata: Mapping[Any, Any] | Any = NO_ARG

    def given(self) -> dict[str, Any]:
        """The arguments that were given, by name."""
        return {name: value for name, value in vars(self).items() if value is not NO_ARG}

    def field_arguments(self) -> dict[str, Any]:
        """The same, as `dataclasses.field()` names them."""
        found = self.given()
        if "dataclass_metadata" in found:
            found["metadata"] = found.pop("dataclass_metadata")
        return found


class ImpliedArguments(DataclassArguments):
    """What goes without saying for a construct; of no weight in a class that is no dataclass."""

    __slots__ = ()


NOTHING_GIVEN = DataclassArguments()
