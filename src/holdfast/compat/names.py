"""Say which object of Holdfast stands under which name in which module of `sqlalchemy.orm`.

Modules of SQLAlchemy that have a public face in Holdfast are that face; the other modules have a
table here. Keys are modules below `sqlalchemy.orm` ("" is the package itself). A table maps a
module of Holdfast to the names taken from it, separated by blanks; `theirs=ours` renames.
"""

from __future__ import annotations

FACES: dict[str, str] = {
    "": "holdfast",
    "attributes": "holdfast.attributes",
    "collections": "holdfast.collections",
    "events": "holdfast.events",
    "exc": "holdfast.exc",
    "identity": "holdfast.identity",
    "instrumentation": "holdfast.instrumentation",
    "interfaces": "holdfast.interfaces",
    "query": "holdfast.query",
    "session": "holdfast.session",
    "state": "holdfast.state",
    "strategy_options": "holdfast.strategy_options",
    "util": "holdfast.util",
}

NAMES: dict[str, dict[str, str]] = {
    "base": {
        "holdfast.attributes": """
            ATTR_EMPTY ATTR_WAS_SET CALLABLES_OK INIT_OK LoaderCallableStatus NEVER_SET NO_AUTOFLUSH
            NO_CHANGE NO_KEY NO_RAISE NO_VALUE PASSIVE_CLASS_MISMATCH PASSIVE_MERGE PASSIVE_NO_FETCH
            PASSIVE_NO_FETCH_RELATED PASSIVE_NO_INITIALIZE PASSIVE_NO_RESULT PASSIVE_OFF
            PASSIVE_ONLY_PERSISTENT PASSIVE_RETURN_NO_VALUE PassiveFlag RELATED_OBJECT_OK SQL_OK
            instance_dict instance_state manager_of_class
        """,
        "holdfast.interfaces": """
            InspectionAttr InspectionAttrExtensionType InspectionAttrInfo MANYTOMANY MANYTOONE
            NotExtension ONETOMANY ORMDescriptor RelationshipDirection
        """,
        "holdfast": "DynamicMapped Mapped WriteOnlyMapped class_mapper object_mapper",
        "holdfast.instrument.manager": "opt_manager_of_class=find_manager",
        "holdfast.foundation.describe": "instance_str=object_text state_str=state_text",
        "holdfast.sessions.state_functions": "object_state",
    },
    "clsregistry": {},
    "context": {},
    "decl_api": {
        "holdfast": """
            DeclarativeBase DeclarativeBaseNoMeta DeclarativeMeta MappedAsDataclass
            add_mapped_attribute as_declarative as_typed_table declarative_base declarative_mixin
            declared_attr has_inherited_table mapped_as_dataclass registry synonym_for
            unmapped_dataclass
        """,
    },
    "decl_base": {},
    "dependency": {},
    "descriptor_props": {
        "holdfast": "SynonymProperty",
    },
    "dynamic": {
        "holdfast": "AppenderQuery DynamicMapped",
    },
    "evaluator": {},
    "loading": {
        "holdfast": "merge_frozen_result",
    },
    "mapper": {
        "holdfast": "Mapper class_mapper configure_mappers reconstructor validates",
    },
    "path_registry": {},
    "persistence": {},
    "properties": {
        "holdfast": "ColumnProperty MappedColumn MappedSQLExpression",
    },
    "relationships": {
        "holdfast": "Relationship RelationshipProperty foreign remote",
    },
    "scoping": {
        "holdfast": "QueryPropertyDescriptor scoped_session",
    },
    "state_changes": {},
    "strategies": {},
    "sync": {},
    "unitofwork": {},
    "writeonly": {
        "holdfast": "WriteOnlyCollection",
    },
}
