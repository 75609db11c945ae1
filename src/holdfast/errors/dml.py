"""Define the errors of `insert()`, `update()` and `delete()` over classes."""

from __future__ import annotations

from collections.abc import Iterable
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
    def types(cls, kind: str, operator: Any, types: Iterable[Any]) -> Self:
        """Values for which Python's operator has another meaning than the database's."""
        names = ", ".join(map(str, types))
        return cls.compose(
            f'Cannot evaluate {kind} operator "{operator.__name__}" for datatypes {names}. '
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

    @classmethod
    def by_row(cls) -> Self:
        """A bulk method of a session whose objects are spread over several databases."""
        return cls.compose(
            "connection_callable / per-instance sharding not supported in bulk methods: they do "
            "not ask where a single row belongs. Add the objects and flush, or execute insert() or "
            'update() with bind_arguments={"shard_id": ...}. [bulk-by-row]'
        )

    @classmethod
    def no_returning(cls, dialect: Any, *, sorted_rows: bool) -> Self:
        """RETURNING, where the backend has none for many rows (QY-140)."""
        order = " and sort by parameter order" if sorted_rows else ""
        return cls.compose(
            "Can't use explicit RETURNING for bulk INSERT operation with "
            f"{dialect.dialect_description} backend; executemany with RETURNING{order} is not "
            "enabled for this dialect. Insert without RETURNING, and select afterwards. "
            "[bulk-returning]"
        )

    @classmethod
    def no_dictionary(cls, kind: type[Any]) -> Self:
        """A row is something else than a dictionary."""
        return cls.compose(
            f"Can't take a row from {kind.__name__}: rows in bulk are dictionaries by attribute "
            "name. Pass dictionaries. [bulk-rows]"
        )

    @classmethod
    def no_upsert(cls, mapper: Any) -> Self:
        """ON CONFLICT and its like, on a class with rows in several tables."""
        return cls.compose(
            "bulk INSERT with a 'post values' clause (typically upsert) not supported for "
            f"multi-table mapper {mapper}. Write one statement for each table. "
            "[bulk-upsert-several-tables]"
        )

    @classmethod
    def several_tables(cls, expression: Any) -> Self:
        """RETURNING of an expression over more than one of the tables of a class."""
        return cls.compose(
            f"Can't return {expression} from an INSERT: each table has an INSERT of its own, and "
            "the expression needs several. Return its parts. [returning-several-tables]"
        )

    @classmethod
    def unknown_class(cls, mapper: Any, table: Any) -> Self:
        """RETURNING of a joined class with subclasses, from a change of its own table."""
        name = mapper.class_.__name__
        return cls.compose(
            f"Can't return {name} from a statement that changes {table}: which subclass a row is "
            f"of stands in another table. Return {name}'s columns, and select the objects by their "
            "key. [returning-several-tables]"
        )

    @classmethod
    def ordered_values(cls) -> Self:
        """`ordered_values()` together with several sets of parameters."""
        return cls.compose(
            "bulk ORM UPDATE does not support ordered_values() for custom UPDATE statements with "
            "bulk parameter sets. Use values() instead. [bulk-ordered-values]"
        )

    @classmethod
    def no_fetch(cls) -> Self:
        """`synchronize_session="fetch"` with a bulk UPDATE (QY-161)."""
        return cls.compose(
            "The 'fetch' synchronization strategy is not available for 'bulk' ORM updates (i.e. "
            "multiple parameter sets). Say 'auto', 'evaluate' or None. [bulk-fetch]"
        )

    @classmethod
    def no_fetch_of_many(cls) -> Self:
        """`synchronize_session="fetch"` with criteria and several sets of parameters."""
        return cls.compose(
            "For synchronize_session='fetch', can't use multiple parameter sets in ORM mode, which "
            "this backend does not support with RETURNING. Say 'evaluate' or None, or execute one "
            "set at a time. [bulk-fetch]"
        )

    @classmethod
    def not_synchronized(cls) -> Self:
        """Criteria in a bulk UPDATE: which rows they leave out is not known (QY-162)."""
        return cls.compose(
            "bulk synchronize of persistent objects not supported when using bulk update with "
            "additional WHERE criteria right now. Add the execution option "
            "synchronize_session=None. [bulk-criteria]"
        )

    @classmethod
    def no_update_returning(cls) -> Self:
        """RETURNING of a bulk UPDATE (QY-164)."""
        return cls.compose(
            "bulk ORM UPDATE does not support RETURNING. Select the rows afterwards, or execute "
            "the statement with criteria. [bulk-update-returning]"
        )


class StrategyError(HoldfastError, exc.ArgumentError):
    """`dml_strategy` is none of those that there are."""

    @classmethod
    def unknown(cls, kind: str, choices: Iterable[str], choice: Any) -> Self:
        """Another value than those that there are for INSERT or for UPDATE (QY-138)."""
        return cls.compose(
            f"Valid strategies for ORM {kind} strategy are {', '.join(map(repr, choices))}. "
            f"{choice!r} is none of them. [dml-strategy]"
        )


class StarError(HoldfastError, exc.CompileError):
    """`*` stands where columns have to be known."""

    @classmethod
    def not_alone(cls) -> Self:
        """Together with other elements, whose places in the rows it hides."""
        return cls.compose(
            "Can't generate ORM query that includes multiple expressions at the same time as '*'; "
            "which columns it stands for is not known before there are rows. Select '*' alone, or "
            "name the columns. [star]"
        )

    @classmethod
    def in_bulk_insert(cls) -> Self:
        """In the RETURNING of a bulk INSERT."""
        return cls.compose(
            "Can't use RETURNING * with bulk ORM INSERT. Name the columns, or pass the rows to "
            "values(). [star]"
        )


def option_in_dml_warning(option: str) -> str:
    """A loader option for RETURNING that needs a SELECT to take part in."""
    return (
        f"The {option} loader option is not compatible with DML statements. The relationship loads "
        "when it is touched; use selectinload() or immediateload()."
    )
