"""Map classes to tables with SQLAlchemy Core, and keep objects and rows in step.

Every name that SQLAlchemy documents in `sqlalchemy.orm` is here as far as it exists in Holdfast, so
that changing the import is all that a program needs. The names are gathered in `_names`, which is
imported when the first of them is asked for: a program that never gets so far does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from holdfast._names import *  # noqa: F403
    from holdfast._names import __all__ as __all__
else:

    def __getattr__(name: str) -> Any:
        """Bring all public names in, and give back the one that was asked for."""
        if name == "__all__" or not name.startswith("_"):
            names = import_module("holdfast._names")
            globals().update({each: getattr(names, each) for each in names.__all__})
            globals()["__all__"] = names.__all__
        try:
            return globals()[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None

    def __dir__() -> list[str]:
        return sorted({*globals(), *import_module("holdfast._names").__all__})
