"""Define the errors of standing in for `sqlalchemy.orm`."""

from __future__ import annotations

from typing import Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError


class StandInError(HoldfastError, RuntimeError):
    """Holdfast cannot take the place of `sqlalchemy.orm` now."""

    @classmethod
    def too_late(cls, module: str) -> Self:
        """SQLAlchemy's own module is loaded, so two ORMs would answer to one name."""
        return cls.compose(
            f"Cannot stand in for sqlalchemy.orm: {module} is imported already. Call "
            "install_as_sqlalchemy_orm() before anything imports it. [stand-in-too-late]",
            module=module,
        )


class AbsentNameError(HoldfastError, exc.InvalidRequestError):
    """A name is used that Holdfast only lets programs import."""

    @classmethod
    def used(cls, name: str) -> Self:
        """The name, as `sqlalchemy.orm.with_polymorphic`."""
        return cls.compose(
            f"Holdfast has no {name} yet. Run this part of the program with sqlalchemy.orm itself. "
            "[absent-name]",
            name=name,
        )
