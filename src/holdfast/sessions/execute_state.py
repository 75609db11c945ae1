"""This file defines what a `do_orm_execute` listener is given: the statement about to run.

Made by `execution` for every statement while such listeners exist, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Result
from sqlalchemy.sql import Executable

from holdfast.errors.queries import StatementEventError
from holdfast.foundation.plugin import has_marks
from holdfast.foundation.record import record
from holdfast.foundation.sqlalchemy_core import immutabledict
from holdfast.queries.options.user_defined import UserDefinedOption
from holdfast.queries.unions import FromStatement
from holdfast.reading.origin import ORIGIN_OPTION
from holdfast.sessions.host import SessionHost

Listener = Callable[["ORMExecuteState"], Any]


@record
class LoadOptions:
    """How a SELECT over classes loads, as its execution options say."""

    populate_existing: bool
    autoflush: bool
    yield_per: int | None
    identity_token: Any


@record
class UpdateDeleteOptions:
    """How an UPDATE or DELETE over classes carries over to objects, as its options say."""

    synchronize_session: Any
    autoflush: bool


class ORMExecuteState:
    """One statement on its way to the database, open to inspection and change (EV-21).

    Attributes:
        session: The session that executes.
        statement: The statement; may be replaced.
        parameters: Parameters of this call; may be replaced or changed in place.
        execution_options: The session's options, with the statement's and those of the call on
            top, as they came in: what listeners add shows in `local_execution_options`.
        local_execution_options: Options of this call alone.
        bind_arguments: What `get_bind` will be given.
    """

    def __init__(
        self,
        session: SessionHost,
        statement: Executable,
        parameters: Any,
        local_execution_options: Mapping[str, Any],
        bind_arguments: dict[str, Any],
        listeners: Sequence[Listener],
    ) -> None:
        self.session = session
        self.statement: Any = statement
        self.parameters = parameters
        self.local_execution_options: Any = immutabledict(local_execution_options)
        self.execution_options: Any = self._present_options()
        self.bind_arguments = bind_arguments
        # Listeners that have not run yet; those that re-execute run these only (EV-23).
        self.remaining: tuple[Listener, ...] = tuple(listeners)

    def run_listeners(self) -> Result[Any] | None:
        """Call the listeners until one answers with a result (EV-22)."""
        while self.remaining:
            listener, self.remaining = self.remaining[0], self.remaining[1:]
            result: Result[Any] | None = listener(self)
            if result is not None:
                return result
        return None

    def invoke_statement(
        self,
        statement: Executable | None = None,
        params: Any = None,
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Result[Any]:
        """Run the statement now, past the listeners that have run already (EV-23).

        Args:
            statement: In place of the present one.
            params: Added to the parameters of the call.
            execution_options: Added to the options of the call.
            bind_arguments: Added to those of the call.
        """
        arguments = {**self.bind_arguments, **(bind_arguments or {})}
        if statement is None:
            statement = self.statement
        else:
            arguments["clause"] = statement
        options = self.local_execution_options.union(execution_options or {})
        return self.session.execute_past(
            statement, self._merged_parameters(params), options, arguments, self.remaining
        )

    def _merged_parameters(self, params: Any) -> Any:
        if not params:
            return self.parameters
        if isinstance(params, Mapping):
            if self.is_executemany or isinstance(self.parameters, list):
                return [{**row, **params} for row in self.parameters]
            return {**(self.parameters or {}), **params}
        if not self.parameters:
            return params
        mine = self.parameters if isinstance(self.parameters, list) else [self.parameters]
        if len(mine) != len(params):
            raise StatementEventError.other_count(len(mine), len(params))
        return [{**row, **more} for row, more in zip(mine, params, strict=True)]

    def update_execution_options(self, **options: Any) -> None:
        """Change the options of this call."""
        self.local_execution_options = self.local_execution_options.union(options)

    def _present_options(self) -> Any:
        """The options with which the statement would run now."""
        inherited = self.session.execution_options
        return inherited.union(self.statement._execution_options, self.local_execution_options)

    # -- what kind of statement --------------------------------------------------------------------

    @property
    def is_select(self) -> bool:
        """Whether it is a SELECT; for `from_statement()`, what that was given."""
        subject = self.statement.element if self.is_from_statement else self.statement
        return bool(subject.is_select and not subject.is_dml)

    @property
    def is_insert(self) -> bool:
        """Whether it is an INSERT."""
        return bool(self.statement.is_dml and self.statement.is_insert)

    @property
    def is_update(self) -> bool:
        """Whether it is an UPDATE."""
        return bool(self.statement.is_dml and self.statement.is_update)

    @property
    def is_delete(self) -> bool:
        """Whether it is a DELETE."""
        return bool(self.statement.is_dml and self.statement.is_delete)

    @property
    def is_from_statement(self) -> bool:
        """Whether it is `select().from_statement(...)`."""
        return isinstance(self.statement, FromStatement)

    @property
    def is_orm_statement(self) -> bool:
        """Whether classes are its subject (EV-21)."""
        return has_marks(self.statement._propagate_attrs)

    @property
    def is_executemany(self) -> bool:
        """Whether there is a list of parameter sets."""
        return isinstance(self.parameters, list)

    # -- on whose behalf ---------------------------------------------------------------------------

    def _origin(self, name: str) -> Any:
        return getattr(self.execution_options.get(ORIGIN_OPTION), name, None)

    @property
    def is_column_load(self) -> bool:
        """Whether it reads columns of objects that are loaded already (EV-27)."""
        return bool(self._origin("is_column_load"))

    @property
    def is_relationship_load(self) -> bool:
        """Whether it loads related objects."""
        return bool(self._origin("is_relationship_load"))

    @property
    def lazy_loaded_from(self) -> Any:
        """State of the object whose attribute loads lazily, or None.

        Raises:
            InvalidRequestError: The statement is no SELECT.
        """
        if not self.is_select:
            raise StatementEventError.other_kind("a SELECT", "load")
        return self._origin("lazy_loaded_from")

    @property
    def loader_strategy_path(self) -> Any:
        """Where in the object graph the load stands: entity, relationship, entity ...

        That of a relationship's load ends in the relationship.

        Raises:
            InvalidRequestError: The statement is no SELECT over classes.
        """
        if not self.is_orm_statement or not (self.is_select or self.is_from_statement):
            raise StatementEventError.other_kind("a SELECT", "load")
        return self._origin("attribute_path")

    # -- what it is about --------------------------------------------------------------------------

    @property
    def bind_mapper(self) -> Any:
        """The mapper that decides the bind, or None."""
        mapper = self.bind_arguments.get("mapper")
        return None if mapper is None else getattr(mapper, "mapper", mapper)

    @property
    def all_mappers(self) -> Sequence[Any]:
        """The mappers at the top level of the statement."""
        if not self.is_orm_statement:
            return []
        if self.statement.is_dml:
            subject = self.statement._propagate_attrs.get("plugin_subject")
            return [] if subject is None else [subject.mapper]
        found: dict[Any, None] = {}
        for description in self.statement.column_descriptions:
            entity = description.get("entity")
            mapper = None if entity is None else _mapper_behind(entity)
            if mapper is not None:
                found[mapper] = None
        return list(found)

    @property
    def user_defined_options(self) -> Sequence[UserDefinedOption]:
        """The application's own options on the statement."""
        # Core sets the options of a statement aside when its columns are replaced.
        replaced: Iterable[Any] = getattr(self.statement, "_memoized_select_entities", ())
        return [
            option
            for holder in (*replaced, self.statement)
            for option in getattr(holder, "_with_options", ())
            if isinstance(option, UserDefinedOption)
        ]

    @property
    def load_options(self) -> LoadOptions:
        """How the SELECT will load.

        Raises:
            InvalidRequestError: The statement is no SELECT over classes (EV-24).
        """
        if not self.is_orm_statement or not (self.is_select or self.is_from_statement):
            raise StatementEventError.other_kind("a SELECT", "load")
        options = self._present_options()
        return LoadOptions(
            populate_existing=options.get("populate_existing", False),
            autoflush=options.get("autoflush", True),
            yield_per=options.get("yield_per"),
            identity_token=options.get("identity_token"),
        )

    @property
    def update_delete_options(self) -> UpdateDeleteOptions:
        """How an UPDATE or DELETE will carry over to objects.

        Raises:
            InvalidRequestError: The statement is neither (EV-24).
        """
        if not self.is_orm_statement or not (self.is_update or self.is_delete):
            raise StatementEventError.other_kind("an UPDATE or DELETE", "update")
        options = self._present_options()
        return UpdateDeleteOptions(
            synchronize_session=options.get("synchronize_session", "auto"),
            autoflush=options.get("autoflush", True),
        )


def _mapper_behind(entity: Any) -> Any:
    return getattr(inspect(entity, raiseerr=False), "mapper", None)
