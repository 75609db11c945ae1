"""Define `Session` of 1.x over the default one, of which it is a subclass.

Rules kept here:
1. Without autocommit there is a transaction at all times; `commit()` and `rollback()` act on its
   innermost level (LG-20 to LG-29).
2. With autocommit there is one inside `begin()` alone; outside, each flush has one of its own, and
   each statement a connection of its own (LG-60 to LG-74).
3. Names are told from where they are accepted: text of SQL, lock modes, bind arguments (LG-140).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.schema import DefaultGenerator
from sqlalchemy.sql import TableClause, visitors

from holdfast import errors
from holdfast.foundation.sqlalchemy_core import (
    EMPTY_DICT,
    deep_deannotate,
    has_marks,
    immutabledict,
)
from holdfast.legacy.extension import StrongReferences, listen_with, warn_of_form
from holdfast.legacy.query import LOCK_MODES, Query
from holdfast.legacy.transaction import AfterUse, SessionTransaction, ad_hoc_connection
from holdfast.sessions import execution, flushing, session
from holdfast.sessions.host import state_of
from holdfast.sessions.membership import identity_key as default_identity_key
from holdfast.sessions.session import close_all_sessions
from holdfast.sessions.transaction import CLOSED, PREPARED

KEY_ARGUMENTS = frozenset(("class_", "ident", "identity_token", "instance", "row"))


def identity_key(*args: Any, **kwargs: Any) -> Any:
    """The identity key of a class and primary key, of an object, or of a row (LG-166).

    Raises:
        ArgumentError: A keyword is unknown.
    """
    unknown = kwargs.keys() - KEY_ARGUMENTS
    if unknown:
        raise errors.LegacyArgumentError.identity_key(sorted(unknown))
    return default_identity_key(*args, **kwargs)


class LegacyClassMethods:
    """What can be asked of the session class, and of factories, beside what all have."""

    identity_key: Any = staticmethod(identity_key)

    @classmethod
    def close_all(cls) -> None:
        """Close every session that is alive in the process (LG-164)."""
        warn_of_form("close_all()", "Use close_all_sessions().")
        close_all_sessions()


class Session(LegacyClassMethods, session.Session):
    """A session as in SQLAlchemy 1.1.

    Args:
        bind: Engine or connection for all operations.
        autoflush: Write pending changes before each query.
        expire_on_commit: Forget loaded values at commit.
        _enable_transaction_accounting: Let objects follow what becomes of the transaction.
        autocommit: Have a transaction inside `begin()` only.
        twophase: Commit in two phases.
        weak_identity_map: False holds persistent objects until they leave the session.
        binds: Class, mapper or table -> engine or connection.
        extension: A `SessionExtension`, or a list of them.
        info: First contents of `session.info`.
        query_cls: Class of what `query()` returns.
        **more: What the default session knows besides.
    """

    refuses_taken_identities = True

    def __init__(
        self,
        bind: Engine | Connection | None = None,
        autoflush: bool = True,  # noqa: FBT001, FBT002  the 1.x order
        expire_on_commit: bool = True,  # noqa: FBT001, FBT002
        _enable_transaction_accounting: bool = True,  # noqa: FBT001, FBT002
        autocommit: bool = False,  # noqa: FBT001, FBT002
        twophase: bool = False,  # noqa: FBT001, FBT002
        weak_identity_map: bool = True,  # noqa: FBT001, FBT002
        binds: Mapping[Any, Engine | Connection] | None = None,
        extension: Any = None,
        info: dict[Any, Any] | None = None,
        query_cls: type[Any] | None = Query,
        **more: Any,
    ) -> None:
        super().__init__(
            bind,
            autoflush=autoflush,
            expire_on_commit=expire_on_commit,
            twophase=twophase,
            binds=binds,
            info=info,
            query_cls=query_cls or Query,
            **more,
        )
        self.autocommit: bool = autocommit
        # Whether objects follow the transaction.
        self.accounts: bool = _enable_transaction_accounting
        self.references: StrongReferences | None = None
        if not weak_identity_map:
            warn_of_form("weak_identity_map=False", "Hold the objects that you need.")
            self.references = StrongReferences(self)
        if not self.accounts:
            warn_of_form("_enable_transaction_accounting=False", "There is no other form.")
        if autocommit:
            warn_of_form("autocommit=True", "Use Session(autobegin=False) and begin().")
        if extension:
            listen_with(self, extension)
        self.begin_anew()

    # -- transactions ----------------------------------------------------------------------------

    @property
    def transaction(self) -> Any:
        """The innermost level: root, SAVEPOINT or subtransaction (LG-22)."""
        return self.innermost

    def begin_anew(self) -> None:
        """Begin the root that is always there, except in autocommit mode (LG-20)."""
        if self.innermost is None and not self.autocommit and not self.close_forbids_use:
            SessionTransaction(self)

    def autobegin(self, *, explicitly: bool = False) -> Any:
        """The innermost level; None in autocommit mode outside `begin()`."""
        if self.innermost is not None or self.autocommit:
            return self.innermost
        if self.closed_by is not None:
            # Refuses.
            return super().autobegin(explicitly=explicitly)
        return SessionTransaction(self)

    def begin(  # type: ignore[override]
        self,
        subtransactions: bool = False,  # noqa: FBT001, FBT002  1.x form
        nested: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        """Begin a root transaction, a SAVEPOINT or a subtransaction.

        Args:
            subtransactions: Begin one that only counts, where a transaction is begun (LG-40).
            nested: Begin a SAVEPOINT.

        Raises:
            InvalidRequestError: A transaction is begun, and neither is true (LG-25).
        """
        if subtransactions:
            warn_of_form("begin(subtransactions=True)", "Use begin_nested(), or pass the session.")
        level = self.innermost
        if level is not None:
            if nested:
                return level.begin_nested()
            if subtransactions:
                inner: Any = level
                return inner.begin_subtransaction()
            raise errors.LegacySessionError.already_begun()
        if self.accounts:
            self.flush()
        root = SessionTransaction(self)
        return root.begin_nested() if nested else root

    def begin_nested(self) -> Any:
        """Begin a SAVEPOINT, in a root transaction of its own if there is none (LG-67)."""
        return self.begin(nested=True)

    def commit(self) -> None:
        """Flush and commit the innermost level (LG-23).

        Raises:
            InvalidRequestError: Autocommit mode, outside `begin()` (LG-66).
        """
        if self.is_flushing:
            raise errors.StateChangeError.during("commit", "flush", PREPARED)
        self._present_level().commit()

    def rollback(self) -> None:
        """Roll back the innermost level; silent without one (LG-23, LG-66)."""
        if self.innermost is not None:
            self.innermost.rollback()

    def prepare(self) -> None:
        """Flush and prepare a two-phase transaction (LG-170)."""
        self._present_level().prepare()

    def _present_level(self) -> Any:
        level = self.autobegin()
        if level is None:
            raise errors.LegacySessionError.not_begun()
        return level

    @property
    def is_active(self) -> bool:
        """Whether there is a transaction that waits for no `rollback()` (LG-26, LG-60)."""
        return self.innermost is not None and self.innermost.is_active

    @contextmanager
    def own_transaction(self) -> Iterator[None]:
        """A transaction for one flush, where there is none (LG-63)."""
        if self.innermost is not None:
            yield
            return
        level = SessionTransaction(self)
        level.expires = False
        try:
            yield
        except BaseException:
            if level.phase is not CLOSED:
                level.rollback()
            raise
        level.commit()

    # -- flushing --------------------------------------------------------------------------------

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is new, changed and deleted, or of that the given objects (LG-174)."""
        if self.innermost is not None or not self.members.has_changes:
            flushing.flush(self, objects)
            return
        with self.own_transaction():
            flushing.flush(self, objects)

    def bulk_save_objects(self, *args: Any, **kw: Any) -> None:
        """Write objects without attaching them."""
        with self.own_transaction():
            super().bulk_save_objects(*args, **kw)

    def bulk_insert_mappings(self, *args: Any, **kw: Any) -> None:
        """INSERT dictionaries by attribute name."""
        with self.own_transaction():
            super().bulk_insert_mappings(*args, **kw)

    def bulk_update_mappings(self, *args: Any, **kw: Any) -> None:
        """UPDATE rows by primary key from dictionaries by attribute name."""
        with self.own_transaction():
            super().bulk_update_mappings(*args, **kw)

    # -- connections -----------------------------------------------------------------------------

    def connection_for_bind(
        self, bind: Engine | Connection, execution_options: Mapping[str, Any] | None = None
    ) -> Connection:
        """The connection of the transaction; one for single statements where there is none."""
        if self.innermost is None and self.autocommit:
            options = self.execution_options.union(execution_options or {})
            return ad_hoc_connection(bind, AfterUse.RELEASE, options)
        return super().connection_for_bind(bind, execution_options)

    def connection(  # type: ignore[override]
        self,
        mapper: Any = None,
        clause: Any = None,
        bind: Engine | Connection | None = None,
        close_with_result: bool = False,  # noqa: FBT001, FBT002  1.x form
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
        **kw: Any,
    ) -> Connection:
        """The connection for a mapper, a clause or a bind (LG-143).

        Args:
            mapper: A mapped class or mapper; or the arguments for `get_bind` as a dictionary.
            clause: A statement or table.
            bind: Wins over both.
            close_with_result: In autocommit mode outside `begin()`: close it with its first result.
            execution_options: Applied if this call acquires the connection.
            bind_arguments: As in the default session.
            **kw: Further arguments for `get_bind`.
        """
        if isinstance(mapper, Mapping):
            mapper, bind_arguments = None, mapper
        arguments = _bind_arguments(mapper, clause, bind, kw, bind_arguments)
        found = arguments.pop("bind", None)
        if found is None:
            found = self.get_bind(**arguments)
        if close_with_result:
            warn_of_form("close_with_result=True", "Use a connection as a context manager.")
        if self.innermost is None and self.autocommit:
            options = self.execution_options.union(execution_options or {})
            after_use = AfterUse.CLOSE if close_with_result else AfterUse.KEEP
            return ad_hoc_connection(found, after_use, options)
        return self.connection_for_bind(found, execution_options)

    def get_bind(
        self,
        mapper: Any = None,
        clause: Any = None,
        *,
        bind: Engine | Connection | None = None,
        **kw: Any,
    ) -> Any:
        """The engine or connection for a mapper or statement (LG-145).

        After what the default session looks at comes the attribute `bind` that the application has
        set on the `MetaData` of the clause, or of the mapper.

        Raises:
            UnboundExecutionError: None is known.
        """
        try:
            return super().get_bind(mapper, clause=clause, bind=bind, **kw)
        except UnboundExecutionError:
            found = _bind_of_metadata(mapper, clause)
            if found is None:
                raise
            return found

    # -- executing SQL ---------------------------------------------------------------------------

    def execute(  # type: ignore[override]
        self,
        clause: Any,
        params: Any = None,
        mapper: Any = None,
        bind: Engine | Connection | None = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
        **kw: Any,
    ) -> Any:
        """Run a statement, or text of SQL, without flushing first (LG-140 to LG-148).

        Args:
            clause: A statement, or its text.
            params: A dictionary of parameters, or a list of them.
            mapper: Chooses the bind.
            bind: Wins over the mapper.
            execution_options: Options of this call.
            bind_arguments: As in the default session.
            **kw: Further arguments for `get_bind`.
        """
        statement = _statement_of(clause, execution_options)
        arguments = _bind_arguments(mapper, None, bind, kw, bind_arguments)
        return execution.execute(
            self, statement, params, execution_options, arguments, autoflush=False
        )

    def scalar(  # type: ignore[override]
        self,
        clause: Any,
        params: Any = None,
        mapper: Any = None,
        bind: Engine | Connection | None = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY_DICT,
        bind_arguments: Mapping[str, Any] | None = None,
        **kw: Any,
    ) -> Any:
        """Run a statement and give the first element of its first row, or None."""
        arguments = _bind_arguments(mapper, None, bind, kw, bind_arguments)
        options = dict(execution_options)
        if isinstance(clause, DefaultGenerator):
            return super().scalar(
                clause, params, execution_options=options, bind_arguments=arguments
            )
        result = self.execute(clause, params, execution_options=options, bind_arguments=arguments)
        return result.scalar()

    # -- objects ---------------------------------------------------------------------------------

    def add(self, instance: object, _warn: bool = True) -> None:  # noqa: FBT001, FBT002
        """Bring an object, and what it is linked to, into the session."""
        super().add(instance, _warn=_warn)

    def merge(
        self,
        instance: Any,
        load: bool = True,  # noqa: FBT001, FBT002  1.x form
        *,
        options: Sequence[Any] | None = None,
    ) -> Any:
        """Copy the values of an object onto the member with its key; a pending one stays itself.

        Args:
            instance: Object to copy from.
            load: Look the key up in the database where the session does not have it.
            options: Loader options for that look-up.
        """
        if state_of(instance) in self.members.new:
            return instance
        merged = super().merge(instance, load=load, options=options)
        if self.references is not None and not load:
            self.references.hold_all(list(self.members.identity_map.states()))
        return merged

    def refresh(  # type: ignore[override]
        self,
        instance: object,
        attribute_names: Iterable[str] | None = None,
        lockmode: Any = None,
        *,
        with_for_update: Any = None,
    ) -> None:
        """Read an object anew now (LG-160, LG-161).

        Args:
            instance: An object that is persistent in this session.
            attribute_names: What to read, with at least one column attribute among it.
            lockmode: "read", "update" or "update_nowait".
            with_for_update: As in the default session.
        """
        if lockmode is not None:
            warn_of_form("refresh(lockmode=...)", "Use refresh(with_for_update=...).")
            if lockmode not in LOCK_MODES:
                raise errors.LegacyArgumentError.lock_mode(lockmode)
            with_for_update = LOCK_MODES[lockmode] or True
        names = None if attribute_names is None else list(attribute_names)
        state = state_of(instance)
        relationships = state.manager.mapper.relationships
        if names and all(name in relationships for name in names):
            raise errors.LegacySessionError.only_relationships(state, names)
        super().refresh(instance, names, with_for_update)

    def is_modified(
        self,
        instance: object,
        include_collections: bool = True,  # noqa: FBT001, FBT002  1.x form
        passive: Any = True,  # noqa: FBT002
    ) -> bool:
        """Whether an object differs from what was last flushed; `passive` is ignored."""
        if passive is not True:
            warn_of_form("is_modified(passive=...)", "Leave it out, it has no effect.")
        return super().is_modified(instance, include_collections)

    def clear(self) -> None:
        """Empty the session of objects (LG-165)."""
        warn_of_form("clear()", "Use expunge_all().")
        self.expunge_all()

    def expunge_all(self) -> None:
        """Empty the session of objects; the transaction goes on."""
        super().expunge_all()
        if self.references is not None:
            self.references.clear()

    def prune(self) -> int:
        """Let go of objects that nobody else holds; their number (LG-101, LG-102)."""
        warn_of_form("prune()", "Objects that nobody holds leave the session by themselves.")
        return 0 if self.references is None else self.references.prune()


def _bind_arguments(
    mapper: Any, clause: Any, bind: Any, more: dict[str, Any], given: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The arguments for `get_bind` that were given, whichever way."""
    named = {"mapper": mapper, "clause": clause, "bind": bind}
    return {**(given or {}), **{k: v for k, v in named.items() if v is not None}, **more}


def _bind_of_metadata(mapper: Any, clause: Any) -> Any:
    """The attribute `bind` of the `MetaData` of a clause, or of the tables of a mapper."""
    sources = [clause]
    if mapper is not None:
        sources.append(inspect(mapper).mapper.persist_selectable)
    for source in sources:
        for element in () if source is None else visitors.iterate(source):
            if isinstance(element, TableClause):
                found = getattr(getattr(element, "metadata", None), "bind", None)
                if found is not None:
                    return found
    return None


def _statement_of(clause: Any, execution_options: Mapping[str, Any]) -> Any:
    """What to execute: text for a string, and INSERT and UPDATE as Core has them (LG-148)."""
    if isinstance(clause, str):
        warn_of_form('execute("...")', "Use text().")
        return text(clause)
    is_orm = has_marks(getattr(clause, "_propagate_attrs", EMPTY_DICT))
    by_query = "synchronize_session" in execution_options
    if not is_orm or by_query or not (clause.is_insert or clause.is_update):
        return clause
    plain = deep_deannotate(clause)
    plain._propagate_attrs = immutabledict()
    return plain
