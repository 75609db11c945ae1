"""Put modules into `sys.modules` that answer for `sqlalchemy.orm` with the names of Holdfast.

Called once, by the program that wants it, before anything imports `sqlalchemy.orm`. The modules are
built from the tables in `names`, `private_names` and `absent`; nothing of SQLAlchemy is changed but
the attribute `orm` of its package.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import sqlalchemy

from holdfast.compat import extensions, generated_init
from holdfast.compat.absent import ABSENT_NAMES, AbsentName
from holdfast.compat.names import FACES, NAMES
from holdfast.compat.private_members import put_members_in_place
from holdfast.compat.private_names import PRIVATE_NAMES
from holdfast.errors.base import StandInError
from holdfast.foundation.plugin import take_name

_PACKAGE = "sqlalchemy.orm"


def install_as_sqlalchemy_orm() -> None:
    """Let `sqlalchemy.orm` and its modules be Holdfast from now on, in this process.

    Calling it again does nothing.

    Raises:
        StandInError: Something has imported SQLAlchemy's own `sqlalchemy.orm`.

    Example:
        >>> from holdfast.compat import install_as_sqlalchemy_orm
        >>> install_as_sqlalchemy_orm()
        >>> from sqlalchemy.orm import Session  # doctest: +SKIP
    """
    if isinstance(sys.modules.get(_PACKAGE), _StandIn):
        return
    for name in sorted(sys.modules):
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            raise StandInError.too_late(name)
    modules = build_modules()
    put_members_in_place()
    take_name("orm")
    generated_init.put_writer_in_place()
    sys.modules.update(modules)
    sqlalchemy.__dict__["orm"] = modules[_PACKAGE]
    extensions.put_extensions_in_place()


class _StandIn(ModuleType):
    """A module of names; what it is made from is written in the tables beside this file."""


def build_modules() -> dict[str, ModuleType]:
    """The stand-in modules by full name, the package first; nothing is put in place."""
    contents: dict[str, dict[str, Any]] = {"": {}}
    for module, face in FACES.items():
        public = importlib.import_module(face)
        contents.setdefault(module, {}).update(
            (name, getattr(public, name)) for name in public.__all__
        )
    for table in (NAMES, PRIVATE_NAMES):
        for module, sources in table.items():
            contents.setdefault(module, {}).update(_resolved(sources))
    for module, names in ABSENT_NAMES.items():
        for name in names.split():
            full_name = ".".join(filter(None, (_PACKAGE, module, name)))
            contents.setdefault(module, {}).setdefault(name, AbsentName(full_name))
    modules = {_full_name(module): _made(module, names) for module, names in contents.items()}
    for module in contents:
        if module:
            setattr(modules[_PACKAGE], module, modules[_full_name(module)])
    modules[_PACKAGE].__dict__["mapperlib"] = modules[_full_name("mapper")]
    return modules


def _full_name(module: str) -> str:
    return f"{_PACKAGE}.{module}" if module else _PACKAGE


def _resolved(sources: dict[str, str]) -> dict[str, Any]:
    """Names and objects of one table: `{"holdfast.x": "name theirs=ours"}`."""
    found = {}
    for source, names in sources.items():
        for entry in names.split():
            theirs, _, ours = entry.partition("=")
            found[theirs] = resolve_name(f"{source}:{ours or theirs}")
    return found


def _made(module: str, names: dict[str, Any]) -> ModuleType:
    name = _full_name(module)
    made = _StandIn(name, f"Holdfast, standing in for `{name}`.")
    made.__spec__ = ModuleSpec(name, None, origin="holdfast", is_package=not module)
    if not module:
        made.__path__ = []
    made.__dict__.update(names)
    return made
