"""Let applications put an option of their own on a statement, for their event listeners to read."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.sqlalchemy_core import ExecutableOption


class UserDefinedOption(ExecutableOption):
    """Base of options that only the application understands.

    Listeners of `do_orm_execute` find them in `execute_state.user_defined_options`. They are no
    part of the cache key, so they must not change the SQL.
    """

    __slots__ = ("payload",)
    _is_has_cache_key = False
    _is_core = False
    is_user_defined = True
    propagate_to_loaders = False

    def __init__(self, payload: Any = None) -> None:
        self.payload: Any = payload
