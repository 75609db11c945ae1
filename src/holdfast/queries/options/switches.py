"""Options that switch a part of loading off for a whole statement."""

from __future__ import annotations

from typing import Any

from holdfast.queries.options.chain import LoaderOption


class WithoutEagerJoins(LoaderOption):
    """Let relationships that would be joined into the statement load when touched instead."""

    __slots__ = ()
    propagate_to_loaders = False

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        return (WithoutEagerJoins,)
