"""Define the errors of statements: entities, joins, comparisons and options that do not fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError


class LoaderStrategyException(HoldfastError, exc.InvalidRequestError):
    """A way of loading does not exist, or not for this attribute."""

    @classmethod
    def unknown(cls, key: Any, attribute: Any) -> Self:
        """No strategy has this name; `key` is the strategy key, e.g. `(("lazy", "foo"),)`."""
        return cls.compose(
            f"Can't find strategy {key} for {attribute}. Use select, joined, selectin, subquery, "
            "immediate, raise, raise_on_sql, noload, write_only or dynamic. [unknown-strategy]"
        )

    @classmethod
    def wrong_kind(cls, strategy: str, attribute: Any, kind: str, wanted: str) -> Self:
        """A loader for columns is asked for a relationship, or the other way round.

        Args:
            strategy: The loader, e.g. "joined loader".
            attribute: The attribute, as `User.name`.
            kind: What the attribute is, e.g. "column property".
            wanted: What the loader is for, e.g. "relationship property".
        """
        return cls.compose(
            f'Can\'t apply "{strategy}" strategy to property "{attribute}", which is a '
            f'"{kind}"; this loader strategy is intended to be used with a "{wanted}". '
            "[strategy-kind]"
        )

    @classmethod
    def no_query_expression(cls, attribute: Any) -> Self:
        """`with_expression()` for an attribute that has a value of its own."""
        return cls.compose(
            f"Can't find strategy (('query_expression', True),) for {attribute}: it is no "
            "query_expression(). Map a query_expression() for what the statement computes. "
            "[no-query-expression]",
            attribute=str(attribute),
        )


class LoaderOptionError(HoldfastError, exc.ArgumentError):
    """A loader option does not fit the query, or the option before it."""

    @classmethod
    def after_wildcard(cls) -> Self:
        """A chain of options goes on behind "*"."""
        return cls.compose(
            'Wildcard token cannot be followed by another entity: "*" means all relationships. '
            "Give the other option beside it. [option-wildcard]"
        )

    @classmethod
    def not_within(cls, option: Any) -> Self:
        """`Load.options()` is given an option that speaks of no attribute."""
        return cls.compose(
            f"Loader option {option!r} is not compatible with the Load.options() method. Give it "
            "to the options() of the statement. [option-within]"
        )

    @classmethod
    def no_root(cls, entity: Any, option: str, roots: Iterable[Any]) -> Self:
        """The option begins at a class that the query does not select."""
        return cls.compose(
            f"Mapped class {entity} referenced in option {option} does not apply to any of the "
            f"root entities in this query, e.g. {', '.join(str(root) for root in roots)}. Please "
            "specify the full path from one of the root entities to the target attribute. "
            "[option-root]"
        )

    @classmethod
    def no_link(
        cls, attribute: Any, relationship: Any, target: str, path: Any, *, subclass: str = ""
    ) -> Self:
        """A step of the chain does not belong to the target of the step before it.

        Args:
            attribute: What the step names.
            relationship: The step before it, as `Company.employees.of_type(Engineer)`.
            target: Whose attributes may follow it.
            path: All steps before.
            subclass: The class of the attribute where it is a subclass of the target.
        """
        hint = ""
        if subclass:
            hint = (
                f'  Did you mean to use "{relationship}.of_type({subclass})" or '
                f'"loadopt.options(selectin_polymorphic({target}, [{subclass}]), ...)" ?'
            )
        return cls.compose(
            f'ORM mapped entity or attribute "{attribute}" does not link from relationship '
            f'"{relationship}".{hint}',
            note=f"The option leads along {path}: attributes of {target} may follow. "
            "[option-chain]",
        )

    @classmethod
    def only_expressions(cls, option: str) -> Self:
        """The query has no entity that an option could speak of."""
        return cls.compose(
            f"Query has only expression-based entities; attribute loader option {option} can't be "
            "applied here. Select the class itself. [option-root]"
        )

    @classmethod
    def no_link_from_entity(cls, attribute: Any, entity: Any) -> Self:
        """The first attribute is not one of the entity that `Load()` names."""
        return cls.compose(
            f'ORM mapped attribute "{attribute}" does not link mapped class "{entity}". Name an '
            "attribute of that class. [option-chain]"
        )

    @classmethod
    def attribute_expected(cls, given: Any) -> Self:
        """Something that is no mapped attribute."""
        return cls.compose(
            "expected ORM mapped attribute for loader strategy argument, got an object of type "
            f"{type(given).__name__}. Write Class.attribute. [option-attribute]"
        )

    @classmethod
    def several_entities(cls) -> Self:
        """Attributes of more than one class in one `load_only()`."""
        return cls.compose(
            "Can't apply wildcard ('*') or load_only() loader option to multiple entities in the "
            "same option. Use separate options per entity. [option-entities]"
        )

    @classmethod
    def string_given(cls) -> Self:
        """A string in place of an attribute."""
        return cls.compose(
            "Strings are not accepted for attribute names in loader options; please use "
            "class-bound attributes directly. [option-string]"
        )


class LoaderConflictError(HoldfastError, exc.InvalidRequestError):
    """Two options ask for different things at one place."""

    @classmethod
    def between(cls, replacement: Any, existing: Any) -> Self:
        """`replacement` comes second."""
        return cls.compose(
            f"Loader strategy replacement {replacement} is in conflict with existing strategy "
            f"{existing}. Leave one of the options out. [option-conflict]"
        )

    @classmethod
    def targets(cls, known: str, added: str, relationship: Any) -> Self:
        """Two options name different targets of one relationship with `of_type()`."""
        return cls.compose(
            f"Can't combine of_type() targets {known} and {added} along the relationship "
            f"{relationship} in the same query.  To load multiple subclasses along a single "
            "relationship, use a single with_polymorphic() object that names them all. "
            "[option-conflict]"
        )

    @classmethod
    def unaliased(cls) -> Self:
        """A joined load is to go to tables that the statement may have otherwise."""
        return cls.compose(
            "Detected unaliased columns when generating joined load.  Make sure to use "
            "aliased=True or flat=True when using joined loading with with_polymorphic(). "
            "[option-conflict]"
        )


class EntityError(HoldfastError, exc.ArgumentError):
    """Something stands where a mapped class or a relationship is needed."""

    @classmethod
    def flat_and_selectable(cls) -> Self:
        """`flat` aliases tables of the mapping, `selectable` is something else."""
        return cls.compose(
            "the 'flat' and 'selectable' arguments cannot be passed simultaneously to "
            "with_polymorphic(). Alias the selectable itself. [flat-selectable]"
        )

    @classmethod
    def expected(cls, given: Any) -> Self:
        """Neither class nor mapper."""
        return cls.compose(
            f"Expected mapped class or mapper, got: {given!r}. Pass the class itself. "
            "[not-an-entity]"
        )

    @classmethod
    def statement_as_alias(cls) -> Self:
        """`aliased()` is given a SELECT."""
        return cls.compose(
            "A SELECT has no alias of its own: use the .subquery() method, and pass what it gives. "
            "[not-an-entity]"
        )

    @classmethod
    def adapt_on_names(cls) -> Self:
        """`adapt_on_names` without a mapped class."""
        return cls.compose(
            "adapt_on_names only applies to ORM elements. Pass a mapped class to aliased(). "
            "[not-an-entity]"
        )

    @classmethod
    def on_clause(cls, given: Any) -> Self:
        """A string as ON clause."""
        return cls.compose(
            "ON clause, typically a SQL expression or ORM relationship attribute expected, got "
            f"{given!r}. Pass the attribute, not its name. [join-target]"
        )

    @classmethod
    def instance_expected(cls) -> Self:
        """A relationship is compared with something that is not mapped."""
        return cls.compose(
            "Mapped instance expected for relationship comparison to object.   Classes, queries "
            "and other SQL elements are not accepted in this context; for comparison with a "
            "subquery, use any() or has(). [compare-relationship]"
        )

    @classmethod
    def attribute_name(cls, function: str) -> Self:
        """A name in place of an attribute."""
        return cls.compose(
            f"{function} accepts class-bound mapped attributes, not strings. Write "
            "Class.attribute. [not-an-entity]"
        )

    @classmethod
    def column_as_target(cls, attribute: Any) -> Self:
        """A column attribute as join target."""
        return cls.compose(
            f"Join target {attribute} does not refer to a mapped entity. Join to the class, and "
            "give the condition second. [join-target]"
        )

    @classmethod
    def relationship_expected(cls, function: str, given: Any) -> Self:
        """Something that is no relationship attribute."""
        return cls.compose(
            f"Expected relationship property for {function}, got {given}. Write "
            "Class.relationship. [not-an-entity]"
        )

    @classmethod
    def no_relationship_between(cls, parent: type, related: Any) -> Self:
        """`with_parent()` finds no relationship."""
        name = "unmapped" if related is None else related.__name__
        return cls.compose(
            f"Could not locate a property which relates instances of class '{parent.__name__}' to "
            f"instances of class '{name}'. Name the relationship. [not-an-entity]"
        )


class BundleError(HoldfastError, exc.ArgumentError):
    """The members of a bundle cannot stand together."""

    @classmethod
    def repeated_name(cls, name: str) -> Self:
        """A dictionary holds one value for a name."""
        return cls.compose(
            f"DictBundle does not support duplicate column names: '{name}' has two members of one "
            "name. Label one of them. [bundle-names]"
        )


class JoinError(HoldfastError, exc.InvalidRequestError):
    """A join cannot be made out."""

    @classmethod
    def other_target(cls, target: Any, relationship: Any) -> Self:
        """A target and a relationship that leads elsewhere."""
        return cls.compose(
            f"Join target {target} does not correspond to the right side of join condition "
            f"{relationship}. Name the related class, or an alias of it. [join-target]"
        )

    @classmethod
    def other_left_side(cls, left: Any, relationship: Any) -> Self:
        """A left side, and the relationship of another entity."""
        return cls.compose(
            f"explicit from clause {left} does not match left side of relationship attribute "
            f"{relationship}. Write the attribute of the left side itself. [join-left]"
        )

    @classmethod
    def unknown_way(cls, target: Any, *, why: str = "") -> Self:
        """No foreign key leads there, or several do."""
        return cls.compose(
            f"Don't know how to join to {target}. {why}Please use the .select_from() method to "
            "establish an explicit left side, as well as providing an explicit ON clause if not "
            "present already to help resolve the ambiguity. [join-unknown]"
        )

    @classmethod
    def two_conditions(cls, target: Any, onclause: Any) -> Self:
        """A relationship as target, which is a condition already, and a condition."""
        return cls.compose(
            "No 'on clause' argument may be passed when joining to a relationship path as a "
            f"target: {target} brings its own, and {onclause} is another. Write join(Target, "
            "condition). [join-target]"
        )

    @classmethod
    def no_entities(cls) -> Self:
        """A join in a statement that selects nothing yet."""
        return cls.compose(
            "No entities to join from; please use select_from() to establish the left "
            "entity/selectable of this join. [join-unknown]"
        )

    @classmethod
    def several_ways(cls) -> Self:
        """Several FROM elements could be the left side."""
        return cls.compose(
            "Can't determine which FROM clause to join from, there are multiple FROMS which can "
            "join to this entity. Please use the .select_from() method to establish an explicit "
            "left side, as well as providing an explicit ON clause if not present already to help "
            "resolve the ambiguity. [join-unknown]"
        )

    @classmethod
    def unclear_left_side(cls, left: Any) -> Self:
        """The left side is in FROM more than once."""
        return cls.compose(
            "Can't identify which entity in which to assign the left side of this join.   Please "
            f"use a more specific ON clause. {left} is in FROM more than once. [join-left]"
        )

    @classmethod
    def same_entity(cls, left: Any, right: Any) -> Self:
        """Both sides are one entity."""
        return cls.compose(
            f"Can't construct a join from {left} to {right}, they are the same entity. Join to "
            "aliased() of it. [join-self]"
        )

    @classmethod
    def same_table(cls, selectable: Any) -> Self:
        """Both sides read from one table."""
        return cls.compose(
            f"Can't join table/selectable '{selectable}' to itself. Join to aliased() of the "
            "class. [join-self]"
        )

    @classmethod
    def not_derived(cls, selectable: Any, table: Any) -> Self:
        """A selectable given as target of a relationship does not hold the related table."""
        return cls.compose(
            f"Selectable '{selectable}' is not derived from '{table}'. Join to a subquery or alias "
            "of the related table. [join-target]"
        )


class ComparisonError(HoldfastError, exc.InvalidRequestError):
    """A relationship is compared in a way that has no meaning."""

    @classmethod
    def collection(cls) -> Self:
        """`==` on a collection."""
        return cls.compose(
            "Can't compare a collection to an object or collection; use contains() to test for "
            "membership. [compare-relationship]"
        )

    @classmethod
    def wrong_method(cls, method: str, subject: str, instead: str) -> Self:
        """`any()` or `contains()` on a scalar, `has()` on a collection."""
        return cls.compose(
            f"'{method}' not implemented for {subject}.  Use {instead} [compare-relationship]"
        )


class BoundObjectError(HoldfastError, exc.InvalidRequestError):
    """An object that a criterion compares with has no value for a key column."""

    @classmethod
    def never_set(cls, column: Any, instance: str) -> Self:
        """It was not given one, and no flush has made one."""
        return cls.compose(
            f"Can't resolve value for column {column} on object {instance}; no value has been set "
            "for this column. Set it, or flush the object first. [compare-object]"
        )

    @classmethod
    def detached(cls, column: Any, instance: str) -> Self:
        """It is expired and in no session."""
        return cls.compose(
            f"Can't resolve value for column {column} on object {instance}; the object is detached "
            "and the value was expired. Add the object to a session. [compare-object]"
        )


class OperatorNotSupportedError(HoldfastError, exc.InvalidRequestError, NotImplementedError):
    """What an attribute cannot be in SQL, e.g. a relationship with `<`."""

    @classmethod
    def on_relationship(cls, name: str, attribute: Any) -> Self:
        """Only columns have it."""
        return cls.compose(
            f"Operator {name} is not supported for relationship {attribute}. Compare a column of "
            "the related class: any(), has(). [compare-relationship]"
        )

    @classmethod
    def without_expression(cls, comparator: type[Any]) -> Self:
        """A comparator of the application has no `__clause_element__()`."""
        return cls.compose(
            f"{comparator.__name__} gives no SQL expression. Define its __clause_element__(). "
            "[comparator-expression]"
        )


class InNotSupportedError(HoldfastError, NotImplementedError):
    """`in_()` of a relationship."""

    @classmethod
    def on_relationship(cls) -> Self:
        """Only its foreign key columns have an `in_()`."""
        return cls.compose(
            "in_() not yet supported for relationships.  For a simple many-to-one, use in_() "
            "against the set of foreign key values. [compare-relationship]"
        )


class QueryUseError(HoldfastError, exc.InvalidRequestError):
    """A method of Query does not fit what the query holds already."""

    @classmethod
    def after_limit(cls, method: str) -> Self:
        """Criteria after LIMIT or OFFSET."""
        return cls.compose(
            f"Query.{method}() being called on a Query which already has LIMIT or OFFSET applied.  "
            "Call it before limit() or offset(), or wrap the query in a subquery first. "
            "[query-after-limit]"
        )

    @classmethod
    def existing_criterion(cls, method: str) -> Self:
        """`get()` after `filter()`."""
        return cls.compose(
            f"Query.{method}() being called on a Query with existing criterion. Begin with a fresh "
            "query. [query-criterion]"
        )

    @classmethod
    def existing_statement(cls, method: str) -> Self:
        """Criteria on a query whose statement was given whole."""
        return cls.compose(
            f"Query.{method}() being called on a Query with an existing full statement - can't "
            "apply criterion. Put it into the statement. [query-criterion]"
        )

    @classmethod
    def given_statement(cls) -> Self:
        """A query whose statement was given whole, as a part of another one."""
        return cls.compose(
            "Can't call this method on a Query that uses from_statement(). Embed the statement "
            "itself. [query-criterion]"
        )

    @classmethod
    def no_session(cls) -> Self:
        """A query that was made without a session is executed."""
        return cls.compose(
            "This Query is not bound to a session, so it cannot be executed. Write "
            "query.with_session(session). [query-session]"
        )

    @classmethod
    def no_columns(cls) -> Self:
        """A query of nothing."""
        return cls.compose(
            "Query contains no columns with which to SELECT from. Pass a class or column. "
            "[query-empty]"
        )

    @classmethod
    def single_entity(cls, method: str) -> Self:
        """A method that needs one class is called on several, or on columns."""
        return cls.compose(
            f"{method}() can only be used against a single mapped class. Query one class. "
            "[query-entity]"
        )

    @classmethod
    def not_for_writing(cls, methods: str) -> Self:
        """`update()` or `delete()` of a query that has more than criteria."""
        return cls.compose(
            f"Can't call Query.update() or Query.delete() when {methods} has been called. Write "
            "update() or delete() with a subquery as criterion. [query-criterion]"
        )


class StatementEventError(HoldfastError, exc.InvalidRequestError):
    """A `do_orm_execute` listener asks for something the statement does not have."""

    @classmethod
    def other_kind(cls, wanted: str, options: str) -> Self:
        """Options of a SELECT are asked of an INSERT, and so on."""
        return cls.compose(
            f"This ORM execution is not against {wanted} statement so there are no {options} "
            "options. Test is_select, is_update and is_delete first. [statement-kind]"
        )

    @classmethod
    def other_count(cls, passed: int, given: int) -> Self:
        """Parameter sets of a re-execution do not pair with those of the execution."""
        return cls.compose(
            "Can't apply executemany parameters to statement; number of parameter sets passed to "
            f"Session.execute() ({passed}) does not match number of parameter sets given to "
            f"ORMExecuteState.invoke_statement() ({given}). Give one set for each. [parameter-sets]"
        )


def alias_made_warning(mapper: Any) -> str:
    """A statement joins to a class whose base's table it selects from already."""
    return (
        f"An alias is being generated automatically against joined entity {mapper} due to "
        "overlapping tables. Join to an alias: aliased(Class, flat=True)."
    )
