"""Name what SQLAlchemy's own tests and extensions take from its modules with an underscore.

The core never grows an underscore for their sake: what they mean is looked up here, in tables of
the same form as in `names`.
"""

from __future__ import annotations

_DATACLASSES = "holdfast.mapping.declarative.constructs"
_FUNCTIONS = "holdfast.compat.private_functions"

PRIVATE_NAMES: dict[str, dict[str, str]] = {
    "": {
        _FUNCTIONS: "backref relationship with_polymorphic",
    },
    "_typing": {
        "typing": """
            OrmExecuteOptionsParameter=Any _BindArguments=Any _ExternalEntityType=Any _O=Any _T=Any
        """,
    },
    "attributes": {
        "holdfast.compat.registered_attributes": """
            _register_attribute=register_attribute _unregister_attribute=unregister_attribute
        """,
        "holdfast.instrument.access": "get_state_history has_parent init_state_collection",
        "holdfast.instrument.manager": "opt_manager_of_class=find_manager",
        "holdfast.instrument.slots": "_AttributeImpl=AttributeSlot",
        "holdfast.instrument.collection_slot": "_CollectionAttributeImpl=CollectionSlot",
        "holdfast.instrument.reference_slot": """
            _ScalarAttributeImpl=ValueSlot _ScalarObjectAttributeImpl=ReferenceSlot
        """,
    },
    "base": {
        "holdfast.instrument.descriptor": "SQLORMOperations",
        _FUNCTIONS: """
            _DeclarativeMapped=DECLARATIVE_MAPPED _entity_descriptor=entity_descriptor
            _inspect_mapped_class=mapper_or_none _is_aliased_class=is_aliased_class
            _is_mapped_class=is_mapped_class _mapper_or_none=mapper_or_none instance_str
        """,
    },
    "bulk_persistence": {
        _FUNCTIONS: "_BulkORMInsert=OverClasses _BulkUDCompileState=OverClasses",
    },
    "clsregistry": {
        _FUNCTIONS: "_add_class=add_class _key_is_empty=is_name_unused _resolver=resolvers",
    },
    "collections": {
        "holdfast.instrument.collection_roles": "_instrument_class=roles_of",
    },
    "context": {
        "holdfast.queries.entities": "_ColumnEntity=SelectedColumn _MapperEntity=SelectedEntity",
        "holdfast.queries.select": "_ORMSelectCompileState=SelectOverClasses",
        _FUNCTIONS: "_ORMCompileState=OverClasses",
        "holdfast.reading.context": "QueryContext=LoadContext",
    },
    "decl_api": {
        "holdfast.mapping.declarative.registry": (
            "DeclarativeAttributeIntercept=Intercepting DCTransformDeclarative=Intercepting"
        ),
    },
    "decl_base": {
        _FUNCTIONS: "_undefer_column_name=name_column",
    },
    "descriptor_props": {
        "holdfast.compat.registered_attributes": "DescriptorProperty",
    },
    "dynamic": {
        "holdfast.instrument.large_slot": "_DynamicAttributeImpl=LargeCollectionSlot",
    },
    "evaluator": {
        _FUNCTIONS: "_EvaluatorCompiler=EvaluatorCompiler",
        "holdfast.dml.synchronize": "_EXPIRED_OBJECT=EXPIRED",
        "holdfast.errors.dml": "UnevaluatableError",
    },
    "instrumentation": {
        "holdfast.hooks.objects": "_instrumentation_factory=instrumentation_factory",
        "holdfast.instrument.manager": "opt_manager_of_class=find_manager",
    },
    "interfaces": {
        "holdfast.queries.options": "CompileStateOption=LoaderOption",
        "holdfast.queries.option_functions": "ORMOption=UserDefinedOption",
        _DATACLASSES: """
            _AttributeOptions=DataclassArguments _DEFAULT_ATTRIBUTE_OPTIONS=NOTHING_GIVEN
        """,
    },
    "loading": {
        "holdfast.compat.load_paths": "instances",
    },
    "mapper": {
        _FUNCTIONS: """
            _CONFIGURE_MUTEX=ConfigureLock _all_registries=all_registries
            _unconfigured_mappers=unconfigured_mappers
        """,
    },
    "path_registry": {
        "holdfast.compat.load_paths": "PathRegistry PathToken RootRegistry=PathRegistry",
    },
    "persistence": {
        _FUNCTIONS: "_sort_states=sort_states",
    },
    "relationships": {
        "holdfast.compat.join_conditions": "_JoinCondition=join_condition",
    },
    "session": {
        "holdfast.sessions.session": "_sessions=LIVING",
        "holdfast.sessions.transaction": """
            ACTIVE PREPARED COMMITTED DEACTIVE CLOSED SessionTransactionState=Phase
        """,
        "typing": "_BindArguments=Any _PKIdentityArgument=Any",
    },
    "state_changes": {
        "holdfast.compat.join_conditions": """
            _StateChange=StateChange _StateChangeState=StateChangeState
            _StateChangeStates=StateChangeStates
        """,
    },
    "strategies": {
        "holdfast.compat.load_paths": """
            _LoadDeferredColumns=LoadDeferredColumns _LoadLazyAttribute=LoadLazyAttribute
        """,
    },
    "strategy_options": {
        "holdfast.compat.load_paths": """
            _AttributeStrategyLoad=AttributeStrategyLoad _generate_from_keys=generate_from_keys
        """,
        "holdfast.queries.options": "_AbstractLoad=Load",
    },
    "sync": {
        "holdfast.compat.join_conditions": """
            _clear=clear _populate=populate _populate_dict=populate_dict
            _source_modified=source_modified _update=update
        """,
    },
    "unitofwork": {
        "holdfast.compat.join_conditions": "UOWTransaction=UnitOfWork",
    },
    "util": {
        "holdfast.compat.load_paths": "PathRegistry",
        _FUNCTIONS: """
            _cleanup_mapped_str_annotation=quoted_annotation
            instance_str _is_alias_of_selectable=is_alias_of_selectable
            _is_mapped_class=is_mapped_class _unresolved_annotation_is_mapped=names_mapped
            has_identity
        """,
    },
    "writeonly": {
        "holdfast.instrument.large_slot": "_WriteOnlyAttributeImpl=LargeCollectionSlot",
    },
}
