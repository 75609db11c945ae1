"""Define the errors of mapped attributes: values, collections, backrefs and construction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError
from holdfast.foundation.describe import (
    class_text,
    describe_attribute,
    describe_class,
    nearest,
    object_text,
    state_class_text,
    state_text,
)


class AttributeAccessError(HoldfastError, AttributeError):
    """An attribute has no value, or no such attribute is there."""

    @classmethod
    def nothing_to_delete(cls, state: Any, key: str) -> Self:
        """`del` of an attribute that has no value."""
        name = describe_attribute(state, key)
        return cls.compose(
            f"{name} object does not have a value. There is nothing to delete: assign None to "
            "write NULL. [nothing-to-delete]",
            key=key,
        )

    @classmethod
    def read_only(cls, class_: type, key: str) -> Self:
        """Assignment to an attribute whose descriptor only reads."""
        return cls.compose(
            f"can't set attribute {class_.__name__}.{key}: its descriptor has no setter. Give it "
            "one, or assign the attribute that it reads. [read-only]",
            key=key,
        )

    @classmethod
    def not_concrete(cls, mapper: Any, key: str) -> Self:
        """An attribute of the base, on an object of a concrete class that does not map it."""
        return cls.compose(
            f"Concrete {mapper} does not implement attribute {key!r} at the instance level. Add "
            f"this property explicitly to {mapper}. [concrete-attribute]",
            key=key,
        )

    @classmethod
    def no_column(cls, owner: type, key: str, known: Iterable[str]) -> Self:
        """A string in a mapping names a column attribute that the class does not have."""
        return cls.compose(
            f"Class {class_text(owner)} does not have a mapped column named {key!r}. There are "
            f"{nearest(key, known)}. [no-such-column]",
            key=key,
        )

    @classmethod
    def on_expression(cls, attribute: Any, comparator: Any, name: str) -> Self:
        """A class-level attribute was asked for something that neither it nor its type has."""
        return cls.compose(
            f"Neither {type(attribute).__name__!r} object nor {type(comparator).__name__!r} object "
            f"associated with {attribute} has an attribute {name!r}. Only SQL operators and the "
            "attribute's own properties are available on the class. [no-such-operator]"
        )


class HybridAccessError(HoldfastError, AttributeError):
    """A hybrid property of an object is used in a way that it has no function for."""

    @classmethod
    def not_settable(cls, class_: type, key: str) -> Self:
        """Assignment to a hybrid that has no setter."""
        return cls.compose(
            f"can't set attribute {class_.__name__}.{key}: the hybrid has no setter. Add one with "
            f"@{key}.setter, or assign the attributes that it reads. [hybrid-read-only]",
            key=key,
        )

    @classmethod
    def not_deletable(cls, class_: type, key: str) -> Self:
        """`del` of a hybrid that has no deleter."""
        return cls.compose(
            f"can't delete attribute {class_.__name__}.{key}: the hybrid has no deleter. Add one "
            f"with @{key}.deleter, or delete the attributes that it reads. [hybrid-read-only]",
            key=key,
        )


class HybridError(HoldfastError, exc.InvalidRequestError):
    """A hybrid property of a class is used in a way that it has no function for."""

    @classmethod
    def no_expression(cls, attribute: Any, given: object) -> Self:
        """What a hybrid gives for its class is no SQL."""
        return cls.compose(
            f'When interpreting attribute "{attribute}" as a SQL expression, expected '
            f"__clause_element__() to return a ClauseElement object, got: {given!r}. Give the "
            f"hybrid an expression with @{attribute.key}.expression. [hybrid-expression]"
        )

    @classmethod
    def no_bulk(cls, class_: type, key: str) -> Self:
        """Rows of a bulk INSERT or UPDATE name a hybrid that does not say what it means there."""
        return cls.compose(
            "Can't evaluate bulk DML statement; please supply a bulk_dml decorated function: "
            f"{class_.__name__}.{key} has none. Add one with @{key}.bulk_dml, or name columns. "
            "[hybrid-bulk]",
            key=key,
        )


class ProxyTargetError(HoldfastError, NotImplementedError):
    """An association proxy is used for what it cannot be."""

    @classmethod
    def no_relationship(cls, class_: type, key: str) -> Self:
        """The first name that a proxy was given is none of a relationship."""
        return cls.compose(
            "association proxy to a non-relationship intermediary is not supported: "
            f"{class_.__name__}.{key} is none. Name a relationship. [proxy-target]",
            key=key,
        )

    @classmethod
    def no_expression(cls, proxy: Any) -> Self:
        """A proxy is to be selected, or to be an argument of a function."""
        return cls.compose(
            "The association proxy can't be used as a plain column expression as it only works "
            f"inside of a comparison expression: {proxy.owning_class.__name__}.{proxy.name}. Join "
            "the relationship, and use the attribute of the related class. [proxy-expression]"
        )


class ProxyUseError(HoldfastError, AttributeError):
    """An association proxy does not know what it leads to."""

    @classmethod
    def unmapped(cls, class_: type, proxy: Any) -> Self:
        """The class of an object with a proxy is not mapped."""
        return cls.compose(
            f"{proxy!r} cannot be used: class {class_.__name__} is not mapped. Map it first. "
            "[proxy-unmapped]"
        )

    @classmethod
    def ambiguous(cls, proxy: Any) -> Self:
        """The related class does not map the attribute, though subclasses may."""
        return cls.compose(
            f"Association proxy {proxy.owning_class.__name__}.{proxy.target_collection} refers to "
            f"an attribute '{proxy.value_attr}' that is not directly mapped on class "
            f"{proxy.target_class.__name__}; therefore this operation cannot proceed since we "
            "don't know what type of object is referred towards. Join to a subclass. "
            "[proxy-ambiguous]",
            key=proxy.value_attr,
        )


class ProxyError(HoldfastError, exc.InvalidRequestError):
    """An association proxy is asked a question that does not fit its kind."""

    @classmethod
    def wrong_method(cls, method: str, kind: str, instead: str) -> Self:
        """`any()` of a reference, `has()` of a collection ..."""
        return cls.compose(f"'{method}' not implemented for {kind}. Use {instead}. [proxy-method]")

    @classmethod
    def class_fails(cls, class_: type, key: str, failure: BaseException) -> Self:
        """The related class raises when its attribute is read."""
        name = class_.__name__
        return cls.compose(
            "Association proxy received an unexpected error when trying to retrieve attribute "
            f'"{name}.{key}" from class "{name}": {failure}. Let it work on the class. '
            "[proxy-class-fails]",
            key=key,
        )


class ProxyArgumentError(HoldfastError, exc.ArgumentError):
    """An association proxy gets arguments that say nothing to it."""

    @classmethod
    def both_ways_with_none(cls) -> Self:
        """Assigning None is to create and to delete."""
        return cls.compose(
            "The cascade_scalar_deletes and create_on_none_assignment parameters are mutually "
            "exclusive. Leave one of them out. [proxy-none]"
        )

    @classmethod
    def keywords(cls, proxy: Any) -> Self:
        """Values of attributes, where the values have no attributes."""
        return cls.compose(
            "Can't apply keyword arguments to column-targeted association proxy; use ==: "
            f"{proxy.value_attr} is a column. [proxy-column]"
        )

    @classmethod
    def criterion(cls, proxy: Any) -> Self:
        """A criterion about values that are columns."""
        return cls.compose(
            "Non-empty has() not allowed for column-targeted association proxy; use ==: "
            f"{proxy.value_attr} is a column. [proxy-column]"
        )


class AttributeValueError(HoldfastError, ValueError):
    """A related object is not where a change expects it."""

    @classmethod
    def not_accepted(cls, key: str, value: object) -> Self:
        """A value of a class that a tracked attribute cannot convert."""
        return cls.compose(
            f"Attribute '{key}' does not accept objects of type {class_text(type(value))}: they "
            "cannot be tracked. Convert the value, or override coerce(). [not-tracked]",
            key=key,
        )

    @classmethod
    def not_associated(cls, value: object, state: Any, key: str) -> Self:
        """Removal from a reference that holds something else."""
        return cls.compose(
            f"Object {object_text(value)} not associated with {state_text(state)} on attribute "
            f"'{key}'. Remove the object that the attribute holds. [not-associated]",
            key=key,
        )

    @classmethod
    def backref_conflict(cls, value: object, started: str, modified: str, via: str) -> Self:
        """A change would run through a back reference into a third attribute."""
        return cls.compose(
            f"Bidirectional attribute conflict detected: Passing object {object_text(value)} to "
            f'attribute "{started}" triggers a modify event on attribute "{modified}" via the '
            f'backref "{via}". Assign an object of the class that "{started}" is declared for. '
            "[backref-conflict]"
        )

    @classmethod
    def slice_size(cls, given: int, wanted: int) -> Self:
        """Assignment of the wrong number of members to an extended slice."""
        return cls.compose(
            f"attempt to assign sequence of size {given} to extended slice of size {wanted}. Give "
            "as many members as the slice has. [slice-size]"
        )


class BackrefClassError(HoldfastError, KeyError):
    """An object's class has not the attribute that a back reference would set."""

    @classmethod
    def missing(cls, child: Any, key: str, attribute: str) -> Self:
        """The other end of a relationship is not mapped on the class of the object given."""
        return cls.compose(
            f"Cannot put {state_text(child)} into {attribute}: its class has no attribute {key!r}, "
            "which the back reference would set. Assign an object of the relationship's target "
            "class. [backref-class]",
            key=key,
        )


class ParentTrackingError(HoldfastError, AssertionError):
    """Parents are asked of an attribute that records none."""

    @classmethod
    def not_configured(cls, attribute: str) -> Self:
        """The relationship has neither `delete-orphan` nor `single_parent`."""
        return cls.compose(
            f"This AttributeImpl is not configured to track parents. {attribute} would need the "
            "delete-orphan cascade or single_parent=True. [no-parent-tracking]"
        )


class AttributeRequestError(HoldfastError, exc.InvalidRequestError):
    """An attribute is used in a way that its present state does not allow."""

    @classmethod
    def flag_unloaded(cls, state: Any, key: str) -> Self:
        """`flag_modified` of an attribute without loaded value."""
        return cls.compose(
            f"Can't flag attribute '{key}' modified; it's not present in the object state. Read "
            f"{describe_attribute(state, key)} first, or assign it. [flag-unloaded]",
            key=key,
        )

    @classmethod
    def second_parent(cls, child: Any, parent_class: type, attribute: str) -> Self:
        """A second parent for an object that may have one only."""
        return cls.compose(
            f"Instance {state_text(child)} is already associated with an instance of "
            f"{parent_class!r} via its {attribute} attribute, and is only allowed a single parent. "
            "Remove it from the first parent before. [second-parent]"
        )

    @classmethod
    def empty_collection(cls, attribute: str) -> Self:
        """Silent changes to the collection that an unset attribute reads as."""
        return cls.compose(
            "This is a special 'empty' collection which cannot accommodate internal mutation "
            f"operations. Call init_collection() for {attribute} first. [empty-collection]"
        )

    @classmethod
    def unpopulated_key(cls, child: Any, attribute: str) -> Self:
        """The key of a new dictionary member is not known yet."""
        name = child.class_.__name__
        return cls.compose(
            f"In event triggered from population of attribute '{attribute}' (potentially from a "
            "backref), can't populate value in KeyFuncDict; dictionary key derived from "
            f"{state_text(child)} is not populated. Set the key's attribute on the {name} before "
            f"'{attribute}', or leave such members out with ignore_unpopulated_attribute=True. "
            "[unpopulated-key]"
        )

    @classmethod
    def loader_set_nothing(cls, state: Any, key: str) -> Self:
        """A loader says that it has stored the value, and has not."""
        return cls.compose(
            f"Deferred loader for attribute {describe_attribute(state, key)!r} failed to populate "
            "correctly. A listener or custom loader removed the value again. [loader-set-nothing]",
            key=key,
        )


class CollectionClassError(HoldfastError, exc.ArgumentError):
    """A class cannot serve as a collection of related objects."""

    @classmethod
    def lacks_role(cls, class_: type, role: str) -> Self:
        """The class has no method for a role."""
        article = "an" if role[0] in "aeiou" else "a"
        return cls.compose(
            f"Type {class_.__name__} must elect {article} {role} method to be a collection class. "
            f"Mark one with @collection.{role}. [collection-role]",
            role=role,
        )

    @classmethod
    def builtin(cls, class_: type) -> Self:
        """A built-in class cannot be changed to report its changes."""
        return cls.compose(
            f"Can not instrument a built-in type. {class_.__name__} needs a subclass, even a "
            "trivial one. [collection-builtin]"
        )

    @classmethod
    def no_such_argument(cls, method: str, argument: object) -> Self:
        """A decorator names a parameter that the method has not."""
        return cls.compose(
            f"Missing argument {argument}: the method {method} was called without it. Name a "
            "parameter that every call passes. [collection-argument]"
        )

    @classmethod
    def not_a_column(cls, given: object) -> Self:
        """`column_keyed_dict` needs columns."""
        shown = repr(given) if isinstance(given, str) else type(given).__name__
        return cls.compose(
            f"Column expression expected for argument 'mapping_spec'; got {shown}. Pass a column, "
            "a mapped attribute, or several of them. [collection-column]"
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

    @classmethod
    def unknown_keyword(cls, key: str, class_: type) -> Self:
        """A keyword that names no attribute of the class."""
        return cls.compose(
            f"{key!r} is an invalid keyword argument for {class_.__name__}. Name a mapped "
            "attribute or another attribute of the class. [constructor-keyword]",
            key=key,
        )


class ObjectDereferencedError(HoldfastError, exc.SQLAlchemyError):
    """The owner of a collection is gone."""

    @classmethod
    def owner_collected(cls, state: Any, key: str) -> Self:
        """A collection changed after the last reference to its owner was dropped."""
        return cls.compose(
            f"Can't emit change event for attribute '{describe_attribute(state, key)}' - parent "
            f"object of type {state_class_text(state)} has been garbage collected. Keep a "
            "reference to the parent while its collection is in use. [owner-collected]",
            key=key,
        )


class ReservedNameError(HoldfastError, KeyError):
    """An attribute has a name that the instrumentation needs."""

    @classmethod
    def taken(cls, key: str) -> Self:
        """The attribute would stand in the place of the class manager or the state."""
        return cls.compose(
            f"{key!r}: requested attribute name conflicts with instrumentation attribute of the "
            "same name. Give the attribute another name. [reserved-attribute]",
            key=key,
        )

    def __str__(self) -> str:
        # A KeyError shows its text in quotes otherwise.
        return str(self.args[0])


class ForeignInstrumentationError(HoldfastError, exc.ArgumentError):
    """A class already belongs to another library's mapping."""

    @classmethod
    def taken(cls, class_: type) -> Self:
        """The class carries a class manager that is not ours."""
        return cls.compose(
            f"Cannot map {describe_class(class_)}: another library has instrumented it. Map a "
            "class of its own, or remove the other mapping. [foreign-instrumentation]"
        )


def collection_replaced_warning(state: Any, key: str) -> str:
    """A collection is changed that its owner has given up: it expired or was loaded anew."""
    return (
        f"This collection has been invalidated: {describe_attribute(state, key)} of its owner is "
        "another collection by now. Read the attribute again and change what it gives. "
        "[collection-replaced]"
    )


def finalizer_warning(class_: type) -> str:
    """A mapped class has a `__del__` method."""
    return (
        f"__del__() method on class {class_!r} will cause unreachable cycles and memory leaks, as "
        "SQLAlchemy instrumentation often creates reference cycles.  Please remove this method. "
        "weakref.finalize() does without it. [finalizer]"
    )
