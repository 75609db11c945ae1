"""This file defines the events of registries: configuration, and types of annotations."""

from __future__ import annotations

from typing import Any

from holdfast.foundation.sqlalchemy_core import Events
from holdfast.hooks.families import OwnDocstrings, put_first
from holdfast.instrument.manager import find_manager
from holdfast.mapping.registry import Registry


@put_first
class RegistryEvents(OwnDocstrings, Events[Any]):
    """Events of one registry, of a declarative base, or of all registries (EV-69)."""

    _dispatch_target = Registry

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if isinstance(target, Registry):
            return target
        if not isinstance(target, type):
            return None
        if issubclass(target, Registry):
            return target
        # The base that a registry made or was made for; its mapped classes are no bases.
        found = getattr(target, "registry", None)
        manager = find_manager(target)
        is_base = manager is None or not manager.is_mapped
        return found if is_base and isinstance(found, Registry) else None

    def before_configured(self, registry: Any) -> None:
        """A run over the registry's mappers that wait for configuration begins."""

    def after_configured(self, registry: Any) -> None:
        """A run that configured mappers of the registry has ended."""

    def resolve_type_annotation(self, type_resolve: Any) -> Any:
        """A column type is needed for a Python type; None leaves it to the rules."""
