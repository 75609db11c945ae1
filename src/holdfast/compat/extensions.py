"""Let the parts of `sqlalchemy.ext` that work with a session be Holdfast's too.

The stand-in modules take their names from `holdfast.ext` when they are first asked for one, so that
nothing of asyncio is imported for a program without it. Core's own modules in
`sqlalchemy.ext.asyncio` stay what they are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

from holdfast.foundation.sqlalchemy_core import immutabledict

ASYNCIO = "sqlalchemy.ext.asyncio"

# Module of SQLAlchemy -> module of Holdfast.
EXTENSION_FACES: dict[str, str] = {
    ASYNCIO: "holdfast.ext.asyncio",
    f"{ASYNCIO}.scoping": "holdfast.ext.asyncio",
    f"{ASYNCIO}.session": "holdfast.ext.asyncio",
    "sqlalchemy.ext.declarative": "holdfast",
    "sqlalchemy.ext.associationproxy": "holdfast.ext.associationproxy",
    "sqlalchemy.ext.baked": "holdfast.ext.baked",
    "sqlalchemy.ext.horizontal_shard": "holdfast.ext.horizontal_shard",
    "sqlalchemy.ext.hybrid": "holdfast.ext.hybrid",
    "sqlalchemy.ext.mutable": "holdfast.ext.mutable",
    "sqlalchemy.ext.orderinglist": "holdfast.ext.orderinglist",
}

PREBUFFERED = immutabledict({"prebuffer_rows": True})
"""Options with which the asynchronous sessions of other libraries run a statement."""

# Module of Holdfast -> what SQLAlchemy's tests and other libraries call something in it, or, with
# its module, elsewhere.
RENAMED: dict[str, dict[str, str]] = {
    "holdfast.ext.associationproxy": {
        "_AssociationDict": "AssociationDict",
        "_AssociationList": "AssociationList",
        "_AssociationSet": "AssociationSet",
    },
    "holdfast.ext.asyncio": {"_EXECUTE_OPTIONS": f"{__name__}:PREBUFFERED"},
    "holdfast.ext.mutable": {"_setup_composite_listener": "listen_to_mappers"},
}


class Extension(ModuleType):
    """A module whose names are those of another, which is imported when it is needed."""

    def __init__(self, name: str, face: str) -> None:
        super().__init__(name, f"Holdfast, standing in for `{name}`.")
        self.face: str = face
        self.__spec__: ModuleSpec | None = ModuleSpec(name, None, origin="holdfast")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        name = RENAMED.get(self.face, {}).get(name, name)
        return resolve_name(name) if ":" in name else getattr(import_module(self.face), name)


def put_extensions_in_place() -> None:
    """Put the stand-in modules into `sys.modules`."""
    package: Any = find_spec(ASYNCIO)
    for name, face in EXTENSION_FACES.items():
        module = Extension(name, face)
        parent, _, last = name.rpartition(".")
        sys.modules[name] = module
        setattr(sys.modules[parent], last, module)
    sys.modules[ASYNCIO].__path__ = package.submodule_search_locations
