"""Define the errors of `insert()`, `update()` and `delete()` over classes."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording


class UnevaluatableError(HoldfastError, exc.InvalidRequestError):
    """An expression can not be computed in Python."""

    kind: cause = cause(
        "Cannot evaluate {kind.__name__}: only the database can. Use synchronize_session='fetch'. "
        "[unevaluatable]"
    )
    column: cause = cause(
        "Cannot evaluate column: {column}, since it is no attribute of the class. Use "
        "synchronize_session='fetch'. [unevaluatable]"
    )
    other_class: cause = cause(
        "Can't evaluate criteria against alternate class {class_!d}. Use "
        "synchronize_session='fetch'. [unevaluatable]"
    )
    alias: cause = cause(
        "Cannot evaluate criteria on {entity}, an alias. Use synchronize_session='fetch'. "
        "[unevaluatable]"
    )
    operator: cause = cause(
        "Cannot evaluate {kind} with operator {operator}. Use synchronize_session='fetch'. "
        "[unevaluatable]"
    )
    custom: cause = cause(
        "Custom operator {text!r} can't be evaluated in Python unless it specifies a callable "
        "using `.python_impl`. [unevaluatable]"
    )
    types: cause = cause(
        'Cannot evaluate {kind} operator "{operator.__name__}" for datatypes {types!j}. Use '
        "synchronize_session='fetch'. [unevaluatable]"
    )


class SynchronizationError(HoldfastError, exc.ArgumentError, exc.InvalidRequestError):
    """A statement can not be carried over to the objects in the session as it was asked for."""

    unknown_choice: cause = cause(
        "Valid strategies for session synchronization are 'auto', 'evaluate', 'fetch', False. "
        "{choice!r} is none of them. [synchronize-session]"
    )
    not_evaluable: cause = cause(
        "Could not evaluate current criteria in Python: \"{error}\". Specify 'fetch' or False for "
        "the synchronize_session execution option. [not-evaluable]"
    )
    no_attribute: cause = cause(
        "Attribute name not found, can't be synchronized back to objects: {name!r} is a column. "
        "Give the name of its attribute. [not-synchronizable]"
    )


class BulkError(HoldfastError, exc.InvalidRequestError):
    """A statement over a class can not be executed for several sets of parameters."""

    no_delete: cause = cause(
        "Bulk ORM DELETE not supported right now. Execute the statement with criteria, or one "
        "over the table. [bulk-delete]"
    )
    by_row: cause = cause(
        "connection_callable / per-instance sharding not supported in bulk methods: they do not "
        "ask where a single row belongs. Add the objects and flush, or execute insert() or "
        'update() with bind_arguments={{"shard_id": ...}}. [bulk-by-row]'
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

    no_dictionary: cause = cause(
        "Can't take a row from {kind.__name__}: rows in bulk are dictionaries by attribute name. "
        "Pass dictionaries. [bulk-rows]"
    )
    no_upsert: cause = cause(
        "bulk INSERT with a 'post values' clause (typically upsert) not supported for multi-table "
        "mapper {mapper}. Write one statement for each table. [bulk-upsert-several-tables]"
    )
    several_tables: cause = cause(
        "Can't return {expression} from an INSERT: each table has an INSERT of its own, and the "
        "expression needs several. Return its parts. [returning-several-tables]"
    )
    unknown_class: cause = cause(
        "Can't return {mapper.class_.__name__} from a statement that changes {table}: which "
        "subclass a row is of stands in another table. Return {mapper.class_.__name__}'s columns, "
        "and select the objects by their key. [returning-several-tables]"
    )
    ordered_values: cause = cause(
        "bulk ORM UPDATE does not support ordered_values() for custom UPDATE statements with bulk "
        "parameter sets. Use values() instead. [bulk-ordered-values]"
    )
    no_fetch: cause = cause(
        "The 'fetch' synchronization strategy is not available for 'bulk' ORM updates (i.e. "
        "multiple parameter sets). Say 'auto', 'evaluate' or None. [bulk-fetch]"
    )
    no_fetch_of_many: cause = cause(
        "For synchronize_session='fetch', can't use multiple parameter sets in ORM mode, which "
        "this backend does not support with RETURNING. Say 'evaluate' or None, or execute one set "
        "at a time. [bulk-fetch]"
    )
    not_synchronized: cause = cause(
        "bulk synchronize of persistent objects not supported when using bulk update with "
        "additional WHERE criteria right now. Add the execution option synchronize_session=None. "
        "[bulk-criteria]"
    )
    no_update_returning: cause = cause(
        "bulk ORM UPDATE does not support RETURNING. Select the rows afterwards, or execute the "
        "statement with criteria. [bulk-update-returning]"
    )


class StrategyError(HoldfastError, exc.ArgumentError):
    """`dml_strategy` is none of those that there are."""

    unknown: cause = cause(
        "Valid strategies for ORM {kind} strategy are {choices!q}. {choice!r} is none of them. "
        "[dml-strategy]"
    )


class StarError(HoldfastError, exc.CompileError):
    """`*` stands where columns have to be known."""

    not_alone: cause = cause(
        "Can't generate ORM query that includes multiple expressions at the same time as '*'; "
        "which columns it stands for is not known before there are rows. Select '*' alone, or "
        "name the columns. [star]"
    )
    in_bulk_insert: cause = cause(
        "Can't use RETURNING * with bulk ORM INSERT. Name the columns, or pass the rows to "
        "values(). [star]"
    )


option_in_dml_warning: wording = wording(
    "The {option} loader option is not compatible with DML statements. The relationship loads "
    "when it is touched; use selectinload() or immediateload()."
)
