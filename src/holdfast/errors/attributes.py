"""Define the errors of mapped attributes: values, collections, backrefs and construction."""

from __future__ import annotations

from typing import Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording


class AttributeAccessError(HoldfastError, AttributeError):
    """An attribute has no value, or no such attribute is there."""

    nothing_to_delete: cause = cause(
        "{state.class_.__name__}.{key} object does not have a value. There is nothing to delete: "
        "assign None to write NULL. [nothing-to-delete]",
        "key",
    )
    read_only: cause = cause(
        "can't set attribute {class_.__name__}.{key}: its descriptor has no setter. Give it one, "
        "or assign the attribute that it reads. [read-only]",
        "key",
    )
    not_concrete: cause = cause(
        "Concrete {mapper} does not implement attribute {key!r} at the instance level. Add this "
        "property explicitly to {mapper}. [concrete-attribute]",
        "key",
    )
    no_column: cause = cause(
        "Class {owner!c} does not have a mapped column named {key!r}. There are {known}. "
        "[no-such-column]",
        "key",
    )
    no_element: cause = cause(
        "{class_.__name__}.{key} has no value: {attribute} has no element {index!r}. Set it, or "
        "give the index_property a default. [no-element]",
        "key",
    )
    on_expression: cause = cause(
        "Neither '{attribute!n}' object nor '{comparator!n}' object associated with {attribute} "
        "has an attribute {name!r}. Only SQL operators and the attribute's own properties are "
        "available on the class. [no-such-operator]"
    )


class HybridAccessError(HoldfastError, AttributeError):
    """A hybrid property of an object is used in a way that it has no function for."""

    not_settable: cause = cause(
        "can't set attribute {class_.__name__}.{key}: the hybrid has no setter. Add one with "
        "@{key}.setter, or assign the attributes that it reads. [hybrid-read-only]",
        "key",
    )
    not_deletable: cause = cause(
        "can't delete attribute {class_.__name__}.{key}: the hybrid has no deleter. Add one with "
        "@{key}.deleter, or delete the attributes that it reads. [hybrid-read-only]",
        "key",
    )


class HybridError(HoldfastError, exc.InvalidRequestError):
    """A hybrid property of a class is used in a way that it has no function for."""

    no_expression: cause = cause(
        'When interpreting attribute "{attribute}" as a SQL expression, expected '
        "__clause_element__() to return a ClauseElement object, got: {given!r}. Give the hybrid "
        "an expression with @{attribute.key}.expression. [hybrid-expression]"
    )
    no_bulk: cause = cause(
        "Can't evaluate bulk DML statement; please supply a bulk_dml decorated function: "
        "{class_.__name__}.{key} has none. Add one with @{key}.bulk_dml, or name columns. "
        "[hybrid-bulk]",
        "key",
    )


class ProxyTargetError(HoldfastError, NotImplementedError):
    """An association proxy is used for what it cannot be."""

    no_relationship: cause = cause(
        "association proxy to a non-relationship intermediary is not supported: "
        "{class_.__name__}.{key} is none. Name a relationship. [proxy-target]",
        "key",
    )
    no_expression: cause = cause(
        "The association proxy can't be used as a plain column expression as it only works inside "
        "of a comparison expression: {proxy.owning_class.__name__}.{proxy.name}. Join the "
        "relationship, and use the attribute of the related class. [proxy-expression]"
    )


class ProxyUseError(HoldfastError, AttributeError):
    """An association proxy does not know what it leads to."""

    unmapped: cause = cause(
        "{proxy!r} cannot be used: class {class_.__name__} is not mapped. Map it first. "
        "[proxy-unmapped]"
    )
    ambiguous: cause = cause(
        "Association proxy {proxy.owning_class.__name__}.{proxy.target_collection} refers to an "
        "attribute '{proxy.value_attr}' that is not directly mapped on class "
        "{proxy.target_class.__name__}; therefore this operation cannot proceed since we don't "
        "know what type of object is referred towards. Join to a subclass. [proxy-ambiguous]",
        key="{proxy.value_attr}",
    )


class ProxyError(HoldfastError, exc.InvalidRequestError):
    """An association proxy is asked a question that does not fit its kind."""

    wrong_method: cause = cause(
        "'{method}' not implemented for {kind}. Use {instead}. [proxy-method]"
    )
    class_fails: cause = cause(
        "Association proxy received an unexpected error when trying to retrieve attribute "
        '"{class_.__name__}.{key}" from class "{class_.__name__}": {failure}. Let it work on the '
        "class. [proxy-class-fails]",
        "key",
    )


class ProxyArgumentError(HoldfastError, exc.ArgumentError):
    """An association proxy gets arguments that say nothing to it."""

    both_ways_with_none: cause = cause(
        "The cascade_scalar_deletes and create_on_none_assignment parameters are mutually "
        "exclusive. Leave one of them out. [proxy-none]"
    )
    keywords: cause = cause(
        "Can't apply keyword arguments to column-targeted association proxy; use ==: "
        "{proxy.value_attr} is a column. [proxy-column]"
    )
    criterion: cause = cause(
        "Non-empty has() not allowed for column-targeted association proxy; use ==: "
        "{proxy.value_attr} is a column. [proxy-column]"
    )


class AttributeValueError(HoldfastError, ValueError):
    """A related object is not where a change expects it."""

    not_accepted: cause = cause(
        "Attribute '{key}' does not accept objects of type {value!t}: they cannot be tracked. "
        "Convert the value, or override coerce(). [not-tracked]",
        "key",
    )
    not_associated: cause = cause(
        "Object {value!o} not associated with {state!i} on attribute '{key}'. Remove the object "
        "that the attribute holds. [not-associated]",
        "key",
    )
    backref_conflict: cause = cause(
        "Bidirectional attribute conflict detected: Passing object {value!o} to attribute "
        '"{started}" triggers a modify event on attribute "{modified}" via the backref "{via}". '
        'Assign an object of the class that "{started}" is declared for. [backref-conflict]'
    )
    slice_size: cause = cause(
        "attempt to assign sequence of size {given} to extended slice of size {wanted}. Give as "
        "many members as the slice has. [slice-size]"
    )


class BackrefClassError(HoldfastError, KeyError):
    """An object's class has not the attribute that a back reference would set."""

    missing: cause = cause(
        "Cannot put {child!i} into {attribute}: its class has no attribute {key!r}, which the "
        "back reference would set. Assign an object of the relationship's target class. "
        "[backref-class]",
        "key",
    )


class ParentTrackingError(HoldfastError, AssertionError):
    """Parents are asked of an attribute that records none."""

    not_configured: cause = cause(
        "This AttributeImpl is not configured to track parents. {attribute} would need the "
        "delete-orphan cascade or single_parent=True. [no-parent-tracking]"
    )


class AttributeRequestError(HoldfastError, exc.InvalidRequestError):
    """An attribute is used in a way that its present state does not allow."""

    flag_unloaded: cause = cause(
        "Can't flag attribute '{key}' modified; it's not present in the object state. Read "
        "{state.class_.__name__}.{key} first, or assign it. [flag-unloaded]",
        "key",
    )
    second_parent: cause = cause(
        "Instance {child!i} is already associated with an instance of {parent_class!r} via its "
        "{attribute} attribute, and is only allowed a single parent. Remove it from the first "
        "parent before. [second-parent]"
    )
    empty_collection: cause = cause(
        "This is a special 'empty' collection which cannot accommodate internal mutation "
        "operations. Call init_collection() for {attribute} first. [empty-collection]"
    )
    unpopulated_key: cause = cause(
        "In event triggered from population of attribute '{attribute}' (potentially from a "
        "backref), can't populate value in KeyFuncDict; dictionary key derived from {child!i} is "
        "not populated. Set the key's attribute on the {child.class_.__name__} before "
        "'{attribute}', or leave such members out with ignore_unpopulated_attribute=True. "
        "[unpopulated-key]"
    )
    loader_set_nothing: cause = cause(
        "Deferred loader for attribute '{state.class_.__name__}.{key}' failed to populate "
        "correctly. A listener or custom loader removed the value again. [loader-set-nothing]",
        "key",
    )


class CollectionClassError(HoldfastError, exc.ArgumentError):
    """A class cannot serve as a collection of related objects."""

    lacks_role: cause = cause(
        "Type {class_.__name__} must elect {article} {role} method to be a collection class. Mark "
        "one with @collection.{role}. [collection-role]",
        "role",
    )
    builtin: cause = cause(
        "Can not instrument a built-in type. {class_.__name__} needs a subclass, even a trivial "
        "one. [collection-builtin]"
    )
    no_such_argument: cause = cause(
        "Missing argument {argument}: the method {method} was called without it. Name a parameter "
        "that every call passes. [collection-argument]"
    )
    not_a_column: cause = cause(
        "Column expression expected for argument 'mapping_spec'; got {given}. Pass a column, a "
        "mapped attribute, or several of them. [collection-column]"
    )


class CollectionTypeError(HoldfastError, TypeError):
    """A value of the wrong kind is assigned to a collection."""

    @classmethod
    def incompatible(cls, given: object, wanted: str) -> Self:
        """The value is not like the collection; `wanted` is "list", "set" or "dict"."""
        shown = "None" if given is None else type(given).__name__
        return cls.compose(
            f"Incompatible collection type: {shown} is not {wanted}-like. Assign a {wanted}. "
            "[collection-type]"
        )


class ConstructorError(HoldfastError, TypeError):
    """The default constructor was given what it does not know."""

    unknown_keyword: cause = cause(
        "{key!r} is an invalid keyword argument for {class_.__name__}. Name a mapped attribute or "
        "another attribute of the class. [constructor-keyword]",
        "key",
    )


class ObjectDereferencedError(HoldfastError, exc.SQLAlchemyError):
    """The owner of a collection is gone."""

    owner_collected: cause = cause(
        "Can't emit change event for attribute '{state.class_.__name__}.{key}' - parent object of "
        "type {state!k} has been garbage collected. Keep a reference to the parent while its "
        "collection is in use. [owner-collected]",
        "key",
    )


class ReservedNameError(HoldfastError, KeyError):
    """An attribute has a name that the instrumentation needs."""

    taken: cause = cause(
        "{key!r}: requested attribute name conflicts with instrumentation attribute of the same "
        "name. Give the attribute another name. [reserved-attribute]",
        "key",
    )

    def __str__(self) -> str:
        # A KeyError shows its text in quotes otherwise.
        return str(self.args[0])


class ForeignInstrumentationError(HoldfastError, exc.ArgumentError):
    """A class already belongs to another library's mapping."""

    taken: cause = cause(
        "Cannot map {class_!d}: another library has instrumented it. Map a class of its own, or "
        "remove the other mapping. [foreign-instrumentation]"
    )


class InstrumentationError(HoldfastError, TypeError):
    """Classes of one hierarchy are to be instrumented in different ways."""

    several_ways: cause = cause(
        "multiple instrumentation implementations specified in {class_!d} inheritance hierarchy: "
        "{factories!q}. Let the base of the hierarchy say which. [several-instrumentations]"
    )


collection_replaced_warning: wording = wording(
    "This collection has been invalidated: {state.class_.__name__}.{key} of its owner is another "
    "collection by now. Read the attribute again and change what it gives. [collection-replaced]"
)


finalizer_warning: wording = wording(
    "__del__() method on class {class_!r} will cause unreachable cycles and memory leaks, as "
    "SQLAlchemy instrumentation often creates reference cycles.  Please remove this method. "
    "weakref.finalize() does without it. [finalizer]"
)
