"""Define the errors of `insert()`, `update()` and `delete()` over classes."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import describe_class


class UnevaluatableError(HoldfastError, exc.InvalidRequestError):
    """An expression can not be computed in Python."""

    @classmethod
    def kind(cls, kind: type[Any]) -> Self:
        """An element for which there is no equal in Python, such as a subquery."""
        return cls.compose(
            f"Cannot evaluate {kind.__name__}: only the database can. Use "
            "synchronize_session='fetch'. [unevaluatable]"
        )

    @classmethod
    def column(cls, column: Any) -> Self:
        """A column that is no attribute of a class."""
        return cls.compose(
            f"Cannot evaluate column: {column}, since it is no attribute of the class. Use "
            "synchronize_session='fetch'. [unevaluatable]"
        )

    @classmethod
    def other_class(cls, class_: type[Any]) -> Self:
        """A column of another class than the one that the statement is about."""
        return cls.compose(
            f"Can't evaluate criteria against alternate class {describe_class(class_)}. Use "
            "synchronize_session='fetch'. [unevaluatable]"
        )

    @classmethod
    def alias(cls, entity: Any) -> Self:
        """A statement about an alias; objects are found under the class alone."""
        return cls.compose(
            f"Cannot evaluate criteria on {entity}, an alias. Use synchronize_session='fetch'. "
            "[unevaluatable]"
        )

    @classmethod
    def operator(cls, kind: str, operator: Any) -> Self:
        """An operator that Python does not have, or has with another meaning."""
        name = getattr(operator, "__name__", operator)
        return cls.compose(
            f"Cannot evaluate {kind} with operator {name}. Use synchronize_session='fetch'. "
            "[unevaluatable]"
        )

    @classmethod
    def custom(cls, text: str) -> Self:
        """An operator made with `op()`, of which Python knows the text alone."""
        return cls.compose(
            f"Custom operator {text!r} can't be evaluated in Python unless it specifies a callable "
            "using `.python_impl`. [unevaluatable]"
        )

    @classmethod
    def types(cls, kind: str, operator: Any, left: Any, right: Any) -> Self:
        """Values for which Python's operator has another meaning than the database's."""
        return cls.compose(
            f'Cannot evaluate {kind} operator "{operator.__name__}" for datatypes {left}, {right}. '
            "Use synchronize_session='fetch'. [unevaluatable]"
        )


class SynchronizationError(HoldfastError, exc.ArgumentError, exc.InvalidRequestError):
    """A statement can not be carried over to the objects in the session as it was asked for."""

    @classmethod
    def unknown_choice(cls, choice: Any) -> Self:
        """`synchronize_session` is none of those that there are."""
        return cls.compose(
            "Valid strategies for session synchronization are 'auto', 'evaluate', 'fetch', False. "
            f"{choice!r} is none of them. [synchronize-session]"
        )

    @classmethod
    def not_evaluable(cls, error: UnevaluatableError) -> Self:
        """Criteria with a part that Python can not compute (QY-201)."""
        return cls.compose(
            f"Could not evaluate current criteria in Python: \"{error}\". Specify 'fetch' or False "
            "for the synchronize_session execution option. [not-evaluable]"
        )

    @classmethod
    def no_attribute(cls, name: str) -> Self:
        """A string in `values()` is the name of a column and not of an attribute."""
        return cls.compose(
            f"Attribute name not found, can't be synchronized back to objects: {name!r} is a "
            "column. Give the name of its attribute. [not-synchronizable]"
        )


class BulkError(HoldfastError, exc.InvalidRequestError):
    """A statement over a class can not be executed for several sets of parameters."""

    @classmethod
    def no_delete(cls) -> Self:
        """A DELETE with a list of parameters."""
        return cls.compose(
            "Bulk ORM DELETE not supported right now. Execute the statement with criteria, or "
            "one over the table. [bulk-delete]"
        )
