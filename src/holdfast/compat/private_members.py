"""Give classes the underscored members that SQLAlchemy's own tests and extensions read.

Most are other names of ours. They are put on the classes when the stand-in is installed, and only
then: the core never grows an underscore for a test's sake.
"""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from holdfast.compat import load_paths, private_functions, registered_attributes
from holdfast.compat.join_conditions import JoinConditionView
from holdfast.compat.load_paths import root_path
from holdfast.instrument.access import get_state_history
from holdfast.instrument.descriptor import InspectionAttr
from holdfast.mapping import inheritance
from holdfast.mapping.declarative.constructs import NOTHING_GIVEN
from holdfast.mapping.remote import marked_columns
from holdfast.sessions import execution
from holdfast.sessions.factories import METHODS, forward_attributes, scoped_session
from holdfast.sessions.membership import check_attachable, expunge_states
from holdfast.sessions.session import LIVING, Session, SessionServices
from holdfast.states.instance import InstanceState
from holdfast.unitofwork.collect import is_orphan
from holdfast.unitofwork.rows import TableRows

# Class -> "theirs=ours": attributes, readable and assignable, and methods alike.
ALIASES: dict[str, str] = {
    "holdfast.mapping.class_names:SeveralClasses": "contents=members",
    "holdfast.mapping.declarative.registry:registry": """
        _class_registry=class_registry _new_mappers=needs_configure
    """,
    "holdfast.mapping.declarative.constructs:DataclassArguments": """
        dataclasses_init=init dataclasses_repr=repr dataclasses_default=default
        dataclasses_default_factory=default_factory dataclasses_compare=compare
        dataclasses_kw_only=kw_only dataclasses_hash=hash
        dataclasses_dataclass_metadata=dataclass_metadata
    """,
    "holdfast.mapping.declarative.constructs:MappedColumn": """
        _attribute_options=dataclass_arguments _use_existing_column=use_existing_column
    """,
    "holdfast.mapping.properties:MapperProperty": """
        _attribute_options=dataclass_arguments
    """,
    "holdfast.mapping.mapper:Mapper": """
        _dispose_called=disposed _inheriting_mappers=inheriting_mappers
        _pks_by_table=pk_columns_of_table _props=properties
        _reset_memoizations=derive _validators=validators
    """,
    "holdfast.mapping.relationship:Relationship": """
        _reverse_property=reverse_properties _user_defined_foreign_keys=foreign_keys
    """,
    "holdfast.sessions.session:Session": """
        _transaction=innermost _nested_transaction=innermost_nested _autobegin_t=autobegin
        _connection_for_bind=connection_for_bind _autoflush=autoflush_if_enabled
    """,
    "holdfast.sessions.execution:LoadOptions": """
        _autoflush=autoflush _identity_token=identity_token
        _populate_existing=populate_existing _yield_per=yield_per
    """,
    "holdfast.sessions.transaction:SessionTransaction": """
        _parent=parent _state=phase _connection_for_bind=connection_for_bind
    """,
}


def put_members_in_place() -> None:
    """Put all members on their classes."""
    for name, aliases in ALIASES.items():
        class_ = resolve_name(name)
        for entry in aliases.split():
            theirs, _, ours = entry.partition("=")
            setattr(class_, theirs, _alias(ours))
    for name, members in VIEWS.items():
        class_ = resolve_name(name)
        for theirs, view in members.items():
            setattr(class_, theirs, view)
    # Tests replace these, or override them in sessions of their own.
    vars(execution)["run_over_classes"] = private_functions.execute_over_classes
    Session.execute = private_functions.execute  # type: ignore[assignment, method-assign]
    Session.__init_subclass__ = classmethod(_take_overrides)  # type: ignore[assignment]
    scoped_session.object_session = staticmethod(private_functions.object_session)
    for method in METHODS:
        setattr(scoped_session, method, private_functions.forward_with_defaults(method))
    services = [each for each in vars(SessionServices) if not each.startswith("_")]
    lacking = [each for each in services if not hasattr(scoped_session, each)]
    forward_attributes(scoped_session, lacking, assignable=())


def _take_overrides(class_: type[Any]) -> None:
    override = vars(class_).get("_connection_for_bind")
    if override is not None:
        class_.connection_for_bind = override


def _alias(ours: str) -> property:
    def read(self: Any) -> Any:
        return getattr(self, ours)

    def assign(self: Any, value: Any) -> None:
        setattr(self, ours, value)

    def forget(self: Any) -> None:
        # What stands on the class shows again: `mock.patch.object` ends with this.
        self.__dict__.pop(ours, None)

    return property(read, assign, forget, doc=f"Same as `{ours}`.")


def _strong_object(state: Any) -> Any:
    """The object, if the session keeps it alive because it is changed."""
    members = state.members
    if members is None:
        return None
    return members.modified.get(state) or members.new.get(state) or members.deleted.get(state)


def _collect(state: Any, *_reference: Any) -> None:
    """Act as though the object had been collected."""
    kind, members = type(state), state.members
    if members is not None:
        members.modified.pop(state, None)
    state.__class__ = type(kind.__name__, (kind,), {"__slots__": (), "__call__": lambda _: None})


def _attach_to(state: Any, number: int | None) -> None:
    state.members = None if number is None else LIVING[number].members


def _load_on_pending(prop: Any) -> bool:
    found: bool = vars(prop).get("load_on_pending", False)
    return found


def _set_load_on_pending(prop: Any, value: bool) -> None:  # noqa: FBT001  a setter
    """Tell also the slots of a relationship that is mapped."""
    vars(prop)["load_on_pending"] = value
    parent = getattr(prop, "parent", None)
    slot = None if parent is None else parent.class_manager.slots.get(prop.key)
    if slot is not None:
        slot.loads_on_pending = value
        slot.refresh()


def _enter(view: Any, state: Any) -> None:
    session = view._members.session
    check_attachable(session, state)
    view._map.add(state)


def _expunge_states(session: Any, states: Any) -> None:
    expunge_states(session.members, states)


def _install_member(manager: Any, key: str, member: Any) -> None:
    manager.check_name(key)
    setattr(manager.class_, key, member)


def _connections(transaction: Any) -> dict[Any, tuple[Any, ...]]:
    if not transaction.is_boundary:
        return {}
    return {bind: tuple(lease) for bind, lease in transaction.leases.by_bind.items()}


def _begin(transaction: Any, nested: bool = False) -> Any:  # noqa: FBT001, FBT002  their form
    return transaction.begin_nested() if nested else transaction.begin_flush()


def _validate_persistent(session: Any, state: Any) -> None:
    resolve_name("holdfast.sessions.refresh:check_persistent")(session, state)


def _add_bind(session: Any, key: Any, bind: Any) -> None:
    session.bind_table(key, bind)


class _PropertyOfColumn(dict[Any, Any]):
    """Column -> property; unknown columns raise as a mapper does."""

    def __init__(self, mapper: Any) -> None:
        super().__init__(
            (column, mapper.properties[key]) for column, key in mapper.key_of_column.items()
        )
        self.mapper = mapper

    def __missing__(self, column: Any) -> Any:
        return self.mapper.get_property_by_column(column)


def _foreign_columns(prop: Any) -> set[Any]:
    joins = [each for each in (prop.primaryjoin, prop.secondaryjoin) if each is not None]
    return {part._deannotate() for join in joins for part in marked_columns(join, "foreign")}


def _statements(mapper: Any) -> list[Any]:
    """The statements that write rows of a mapper, as far as they were needed."""
    tables = [each for each in mapper.memo.values() if isinstance(each, TableRows)]
    return [form for rows in tables for form in rows.memo.values()]


def _prefers_eager_defaults(mapper: Any, dialect: Any, table: Any) -> bool:
    if mapper.eager_defaults == "auto":
        return bool(table.implicit_returning and dialect.insert_returning)
    return bool(mapper.eager_defaults)


def _unwritten(mapper: Any) -> set[Any]:
    written = {key for table in mapper.columns_of_table.values() for key, _ in table}
    return {mapper.properties[key] for key in mapper.column_of_key if key not in written}


def _delete_orphans(mapper: Any) -> list[tuple[str, type[Any]]]:
    return [(prop.key, prop.parent.class_) for prop in mapper.orphan_relationships]


def _built(query: Any, *, legacy_query_style: bool = True, **_how: Any) -> Any:
    return query.built() if legacy_query_style else query.plain()


VIEWS: dict[str, dict[str, Callable[..., Any] | property]] = {
    "holdfast.instrument.proxies:ProxyAttribute": {"_is_internal_proxy": property(lambda _: True)},
    "holdfast.ext.associationproxy:AssociationProxy": {
        "_attribute_options": property(lambda proxy: proxy.dataclass_arguments or NOTHING_GIVEN),
    },
    "holdfast.reading.context:LoadContext": {
        "bind_arguments": property(lambda context: {"shard_id": context.identity_token}),
    },
    "holdfast.states.instance:InstanceState": {
        "_strong_obj": property(_strong_object),
        "_deleted": property(lambda state: state.was_deleted),
        "_attached": property(lambda state: state.is_attached),
        "callables": property(load_paths.callables),
        "load_path": property(load_paths.load_path),
        "load_options": property(lambda state: state.extra.load_options if state.extra else ()),
        "session_id": property(vars(InstanceState)["session_id"].fget, _attach_to),
        "_cleanup": _collect,
        "key": property(vars(InstanceState)["key"].fget, registered_attributes.assign_key),
        "_commit": registered_attributes.commit,
        "_commit_all": registered_attributes.commit_all,
        "_dispose": _collect,
        "_force_dereference": _collect,
        "_pending_mutations": property(
            lambda state: {} if state.extra is None else state.extra.pending or {}
        ),
        "_empty_collections": property(
            lambda state: {} if state.extra is None else state.extra.empty_collections or {}
        ),
        "_expire": registered_attributes.expire,
        "_instance_level_callable_processor": staticmethod(registered_attributes.loader_setter),
        "_reset": registered_attributes.reset,
        "_expire_attributes": registered_attributes.expire_attributes,
        "_track_last_known_value": registered_attributes.track_last_known_value,
        "get_history": get_state_history,
    },
    "holdfast.instrument.descriptor:QueryableAttribute": {
        "_impl_uses_objects": property(lambda attribute: attribute.slot.is_reference),
        "_parententity": property(lambda attribute: attribute.parent),
        "_parentmapper": property(lambda attribute: attribute.parent.mapper),
    },
    "holdfast.instrument.manager:ClassManager": {
        "is_instrumented": lambda manager, key: key in manager,
        "setup_instance": lambda manager, instance: manager.attach(instance),
        "teardown_instance": lambda _, instance: instance.__dict__.pop("_sa_instance_state"),
        "install_descriptor": _install_member,
        "install_member": _install_member,
    },
    "holdfast.instrument.collection_adapter:CollectionAdapter": {
        "_referenced_by_owner": property(
            lambda adapter: adapter.owner_state.dict.get(adapter.slot.key) is adapter()
        ),
    },
    "holdfast.instrument.collection_slot:QueuedChanges": {
        "added_items": property(lambda queued: queued.added),
        "deleted_items": property(lambda queued: queued.removed),
    },
    "holdfast.instrument.slots:AttributeSlot": {
        "_append_token": property(lambda slot: getattr(slot, "append_token", slot.replace_token)),
        "_bulk_replace_token": property(lambda slot: slot.bulk_replace_token),
        "_remove_token": property(lambda slot: slot.remove_token),
        "_replace_token": property(lambda slot: slot.replace_token),
        "_default_value": registered_attributes.default_value,
        "get_all_pending": registered_attributes.all_pending,
        "get_committed_value": registered_attributes.committed_value,
        "get": registered_attributes.value,
        "get_history": registered_attributes.history,
        "hasparent": lambda slot, state, optimistic=False: slot.has_parent(
            state, optimistic=optimistic
        ),
        "sethasparent": registered_attributes.set_has_parent,
    },
    "holdfast.mapping.declarative.constructs:MappedColumn": {
        "columns_to_assign": property(lambda made: [(made.column, made.place)]),
    },
    "holdfast.states.identity_map:IdentityMapView": {
        "_modified": property(lambda view: set(view._members.modified)),
        "add": _enter,
        "discard": lambda view, state: view._map.discard(state),
    },
    "holdfast.mapping.mapper:Mapper": {
        "_columntoproperty": property(_PropertyOfColumn),
        "_compiled_cache": property(_statements),
        "_delete_orphans": property(_delete_orphans),
        "_identity_key_from_state": lambda mapper, state: state.key,
        "_is_orphan": lambda mapper, state: is_orphan(state, mapper),
        "_mappers_from_spec": lambda mapper, spec, selectable: list(
            inheritance.chosen_mappers(mapper, spec, selectable)
        ),
        "_with_polymorphic_args": lambda mapper, spec: mapper.polymorphic_choice(spec),
        "_path_registry": property(lambda mapper: root_path(mapper)),
        "_is_userland_descriptor": lambda _, key, value: not isinstance(value, InspectionAttr),
        "_polymorphic_properties": property(lambda mapper: list(mapper.properties.values())),
        "_prefer_eager_defaults": _prefers_eager_defaults,
        "_readonly_props": property(_unwritten),
    },
    "holdfast.mapping.relationship:Relationship": {
        "load_on_pending": property(_load_on_pending, _set_load_on_pending),
        "_calculated_foreign_keys": property(_foreign_columns),
        "_join_condition": property(lambda prop: JoinConditionView(prop.condition, prop)),
        "_use_get": property(lambda prop: bool(prop.simple_many_to_one)),
        "_lazy_strategy": property(lambda prop: prop.strategy_for("select")),
    },
    "holdfast.reading.lazy:LazyStrategy": {
        "_lazywhere": property(lambda strategy: strategy.relationship.lazy_clause.criterion),
        "_rev_lazywhere": property(
            lambda strategy: strategy.relationship.reverse_lazy_clause.criterion
        ),
    },
    "holdfast.queries.options:Load": {
        "context": property(load_paths.elements),
        "process_compile_state": load_paths.process_compile_state,
        "_set_column_strategy": load_paths.set_column_strategy,
    },
    "holdfast.queries.facade.query:Query": {
        "_compile_context": load_paths.compile_context,
        "_compile_state": load_paths.compile_state,
        "_execution_options": property(lambda query: query.draft._execution_options),
        "_final_statement": _built,
        "_for_update_arg": property(lambda query: query.draft._for_update_arg),
        "_from_obj": property(lambda query: query.draft._from_obj),
        "_no_criterion_assertion": lambda query, method: query.check_fresh(method),
        "_order_by_clauses": property(lambda query: query.draft._order_by_clauses),
        "_raw_columns": property(lambda query: query.draft._raw_columns),
        "_statement_20": _built,
        "_with_current_path": load_paths.with_current_path,
    },
    "holdfast.sessions.session:Session": {
        "_new": property(lambda session: dict(session.members.new)),
        "_deleted": property(lambda session: session.members.deleted),
        "_is_clean": lambda session: not session.members.has_changes,
        "_expunge_states": _expunge_states,
        "_dirty_states": property(lambda session: set(session.members.modified)),
        "_validate_persistent": _validate_persistent,
    },
    "holdfast.sessions.transaction:SessionTransaction": {
        "_connections": property(_connections),
        "_begin": _begin,
        "_new": property(lambda level: level.snapshot.inserted),
        "_deleted": property(lambda level: level.snapshot.deleted),
        "_dirty": property(lambda level: level.snapshot.updated),
        "_key_switches": property(lambda level: level.snapshot.former_keys),
    },
}
"""Class -> members that have no counterpart of the same form."""
