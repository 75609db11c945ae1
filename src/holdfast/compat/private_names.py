"""Name what SQLAlchemy's own tests and extensions take from its modules with an underscore.

The core never grows an underscore for their sake: what they mean is looked up here, in tables of
the same form as in `names`.
"""

from __future__ import annotations

_DATACLASSES = "holdfast.mapping.declarative.dataclass_arguments"
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
        "holdfast.instrument.slots.base": "_AttributeImpl=AttributeSlot",
        "holdfast.instrument.slots.collection": "_CollectionAttributeImpl=CollectionSlot",
        "holdfast.instrument.slots.reference": "_ScalarObjectAttributeImpl=ReferenceSlot",
        "holdfast.instrument.slots.value": "_ScalarAttributeImpl=ValueSlot",
    },
    "base": {
        "holdfast.instrument.inspection": "SQLORMOperations",
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
        "holdfast.instrument.collections.roles": "_instrument_class=roles_of",
    },
    "context": {
        "holdfast.queries.entities": "_ColumnEntity=SelectedColumn _MapperEntity=SelectedEntity",
        "holdfast.queries.select": "_ORMSelectCompileState=SelectOverClasses",
        _FUNCTIONS: "_ORMCompileState=OverClasses",
        "holdfast.reading.context": "QueryContext=LoadContext",
    },
    "decl_api": {
        "holdfast.mapping.declarative.metaclasses": (
            "DeclarativeAttributeIntercept=Intercepting DCTransformDeclarative=Intercepting"
        ),
    },
    "decl_base": {
        _FUNCTIONS: "_undefer_column_name=name_column",
    },
    "descriptor_props": {
        "holdfast.compat.proxied_attributes": "DescriptorProperty",
    },
    "dynamic": {
        "holdfast.instrument.slots.large": "_DynamicAttributeImpl=LargeCollectionSlot",
    },
    "evaluator": {
        _FUNCTIONS: "_EvaluatorCompiler=EvaluatorCompiler",
        "holdfast.dml.text": "_EXPIRED_OBJECT=EXPIRED",
        "holdfast.errors.dml": "UnevaluatableError",
    },
    "instrumentation": {
        "holdfast.hooks.class_instrumentation": "_instrumentation_factory=instrumentation_factory",
        "holdfast.instrument.manager": "opt_manager_of_class=find_manager",
    },
    "interfaces": {
        "holdfast.queries.options.chain": "CompileStateOption=LoaderOption",
        "holdfast.queries.options.user_defined": "ORMOption=UserDefinedOption",
        _DATACLASSES: """
            _AttributeOptions=DataclassArguments _DEFAULT_ATTRIBUTE_OPTIONS=NOTHING_GIVEN
        """,
    },
    "loading": {
        "holdfast.compat.load_paths": "instances",
    },
    "mapper": {
        _FUNCTIONS: "_CONFIGURE_MUTEX=ConfigureLock _all_registries=all_registries",
    },
    "path_registry": {
        "holdfast.compat.path_registry": "PathRegistry PathToken RootRegistry=PathRegistry",
    },
    "persistence": {
        _FUNCTIONS: "_sort_states=sort_states",
    },
    "relationships": {
        "holdfast.compat.join_conditions": "_JoinCondition=join_condition",
    },
    "session": {
        "holdfast.sessions.session": "_sessions=LIVING",
        "holdfast.sessions.transactions.transaction": """
            ACTIVE PREPARED COMMITTED DEACTIVE CLOSED SessionTransactionState=Phase
        """,
        "typing": "_BindArguments=Any _PKIdentityArgument=Any",
    },
    "state_changes": {
        "holdfast.compat.state_changes": """
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
        "holdfast.queries.options.chain": "_AbstractLoad=Load",
    },
    "sync": {
        "holdfast.compat.key_copying": """
            _clear=clear _populate=populate _populate_dict=populate_dict
            _source_modified=source_modified _update=update
        """,
    },
    "unitofwork": {
        "holdfast.compat.key_copying": "UOWTransaction=UnitOfWork",
    },
    "util": {
        "holdfast.compat.path_registry": "PathRegistry",
        _FUNCTIONS: """
            _cleanup_mapped_str_annotation=quoted_annotation
            instance_str _is_alias_of_selectable=is_alias_of_selectable
            _is_mapped_class=is_mapped_class _unresolved_annotation_is_mapped=names_mapped
            has_identity
        """,
    },
    "writeonly": {
        "holdfast.instrument.slots.large": "_WriteOnlyAttributeImpl=LargeCollectionSlot",
    },
}
