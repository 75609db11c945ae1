"""Define the errors of statements: entities, joins, comparisons and options that do not fit."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause, wording


class LoaderStrategyException(HoldfastError, exc.InvalidRequestError):
    """A way of loading does not exist, or not for this attribute."""

    unknown: cause = cause(
        "Can't find strategy {key} for {attribute}. Use select, joined, selectin, subquery, "
        "immediate, raise, raise_on_sql, noload, write_only or dynamic. [unknown-strategy]"
    )
    wrong_kind: cause = cause(
        'Can\'t apply "{strategy}" strategy to property "{attribute}", which is a "{kind}"; '
        'this loader strategy is intended to be used with a "{wanted}". [strategy-kind]'
    )
    no_query_expression: cause = cause(
        "Can't find strategy (('query_expression', True),) for {attribute}: it is no "
        "query_expression(). Map a query_expression() for what the statement computes. "
        "[no-query-expression]",
        attribute="{attribute!s}",
    )


class LoaderOptionError(HoldfastError, exc.ArgumentError):
    """A loader option does not fit the query, or the option before it."""

    after_wildcard: cause = cause(
        'Wildcard token cannot be followed by another entity: "*" means all relationships. Give '
        "the other option beside it. [option-wildcard]"
    )
    not_within: cause = cause(
        "Loader option {option!r} is not compatible with the Load.options() method. Give it to "
        "the options() of the statement. [option-within]"
    )
    no_root: cause = cause(
        "Mapped class {entity} referenced in option {option} does not apply to any of the root "
        "entities in this query, e.g. {roots!j}. Please specify the full path from one of the "
        "root entities to the target attribute. [option-root]"
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

    only_expressions: cause = cause(
        "Query has only expression-based entities; attribute loader option {option} can't be "
        "applied here. Select the class itself. [option-root]"
    )
    no_link_from_entity: cause = cause(
        'ORM mapped attribute "{attribute}" does not link mapped class "{entity}". Name an '
        "attribute of that class. [option-chain]"
    )
    attribute_expected: cause = cause(
        "expected ORM mapped attribute for loader strategy argument, got an object of type "
        "{given!n}. Write Class.attribute. [option-attribute]"
    )
    several_entities: cause = cause(
        "Can't apply wildcard ('*') or load_only() loader option to multiple entities in the same "
        "option. Use separate options per entity. [option-entities]"
    )
    string_given: cause = cause(
        "Strings are not accepted for attribute names in loader options; please use class-bound "
        "attributes directly. [option-string]"
    )


class LoaderConflictError(HoldfastError, exc.InvalidRequestError):
    """Two options ask for different things at one place."""

    between: cause = cause(
        "Loader strategy replacement {replacement} is in conflict with existing strategy "
        "{existing}. Leave one of the options out. [option-conflict]"
    )
    targets: cause = cause(
        "Can't combine of_type() targets {known} and {added} along the relationship "
        "{relationship} in the same query.  To load multiple subclasses along a single "
        "relationship, use a single with_polymorphic() object that names them all. "
        "[option-conflict]"
    )
    unaliased: cause = cause(
        "Detected unaliased columns when generating joined load.  Make sure to use aliased=True "
        "or flat=True when using joined loading with with_polymorphic(). [option-conflict]"
    )


class EntityError(HoldfastError, exc.ArgumentError):
    """Something stands where a mapped class or a relationship is needed."""

    flat_and_selectable: cause = cause(
        "the 'flat' and 'selectable' arguments cannot be passed simultaneously to "
        "with_polymorphic(). Alias the selectable itself. [flat-selectable]"
    )
    expected: cause = cause(
        "Expected mapped class or mapper, got: {given!r}. Pass the class itself. [not-an-entity]"
    )
    statement_as_alias: cause = cause(
        "A SELECT has no alias of its own: use the .subquery() method, and pass what it gives. "
        "[not-an-entity]"
    )
    adapt_on_names: cause = cause(
        "adapt_on_names only applies to ORM elements. Pass a mapped class to aliased(). "
        "[not-an-entity]"
    )
    on_clause: cause = cause(
        "ON clause, typically a SQL expression or ORM relationship attribute expected, got "
        "{given!r}. Pass the attribute, not its name. [join-target]"
    )
    instance_expected: cause = cause(
        "Mapped instance expected for relationship comparison to object.   Classes, queries and "
        "other SQL elements are not accepted in this context; for comparison with a subquery, use "
        "any() or has(). [compare-relationship]"
    )
    attribute_name: cause = cause(
        "{function} accepts class-bound mapped attributes, not strings. Write Class.attribute. "
        "[not-an-entity]"
    )
    column_as_target: cause = cause(
        "Join target {attribute} does not refer to a mapped entity. Join to the class, and give "
        "the condition second. [join-target]"
    )
    relationship_expected: cause = cause(
        "Expected relationship property for {function}, got {given}. Write Class.relationship. "
        "[not-an-entity]"
    )


class BundleError(HoldfastError, exc.ArgumentError):
    """The members of a bundle cannot stand together."""

    repeated_name: cause = cause(
        "DictBundle does not support duplicate column names: '{name}' has two members of one "
        "name. Label one of them. [bundle-names]"
    )


class JoinError(HoldfastError, exc.InvalidRequestError):
    """A join cannot be made out."""

    other_target: cause = cause(
        "Join target {target} does not correspond to the right side of join condition "
        "{relationship}. Name the related class, or an alias of it. [join-target]"
    )
    other_left_side: cause = cause(
        "explicit from clause {left} does not match left side of relationship attribute "
        "{relationship}. Write the attribute of the left side itself. [join-left]"
    )
    unknown_way: cause = cause(
        "Don't know how to join to {target}. Please use the .select_from() method to "
        "establish an explicit left side, as well as providing an explicit ON clause if not "
        "present already to help resolve the ambiguity. [join-unknown]"
    )
    two_conditions: cause = cause(
        "No 'on clause' argument may be passed when joining to a relationship path as a target: "
        "{target} brings its own, and {onclause} is another. Write join(Target, condition). "
        "[join-target]"
    )
    no_entities: cause = cause(
        "No entities to join from; please use select_from() to establish the left "
        "entity/selectable of this join. [join-unknown]"
    )
    several_ways: cause = cause(
        "Can't determine which FROM clause to join from, there are multiple FROMS which can join "
        "to this entity. Please use the .select_from() method to establish an explicit left side, "
        "as well as providing an explicit ON clause if not present already to help resolve the "
        "ambiguity. [join-unknown]"
    )
    unclear_left_side: cause = cause(
        "Can't identify which entity in which to assign the left side of this join.   Please use "
        "a more specific ON clause. {left} is in FROM more than once. [join-left]"
    )
    same_entity: cause = cause(
        "Can't construct a join from {left} to {right}, they are the same entity. Join to "
        "aliased() of it. [join-self]"
    )
    same_table: cause = cause(
        "Can't join table/selectable '{selectable}' to itself. Join to aliased() of the class. "
        "[join-self]"
    )
    not_derived: cause = cause(
        "Selectable '{selectable}' is not derived from '{table}'. Join to a subquery or alias of "
        "the related table. [join-target]"
    )


class ComparisonError(HoldfastError, exc.InvalidRequestError):
    """A relationship is compared in a way that has no meaning."""

    collection: cause = cause(
        "Can't compare a collection to an object or collection; use contains() to test for "
        "membership. [compare-relationship]"
    )
    wrong_method: cause = cause(
        "'{method}' not implemented for {subject}.  Use {instead} [compare-relationship]"
    )


class BoundObjectError(HoldfastError, exc.InvalidRequestError):
    """An object that a criterion compares with has no value for a key column."""

    never_set: cause = cause(
        "Can't resolve value for column {column} on object {instance}; no value has been set for "
        "this column. Set it, or flush the object first. [compare-object]"
    )
    detached: cause = cause(
        "Can't resolve value for column {column} on object {instance}; the object is detached and "
        "the value was expired. Add the object to a session. [compare-object]"
    )


class OperatorNotSupportedError(HoldfastError, exc.InvalidRequestError, NotImplementedError):
    """What an attribute cannot be in SQL, e.g. a relationship with `<`."""

    on_relationship: cause = cause(
        "Operator {name} is not supported for relationship {attribute}. Compare a column of the "
        "related class: any(), has(). [compare-relationship]"
    )
    without_expression: cause = cause(
        "{comparator.__name__} gives no SQL expression. Define its __clause_element__(). "
        "[comparator-expression]"
    )


class InNotSupportedError(HoldfastError, NotImplementedError):
    """`in_()` of a relationship."""

    on_relationship: cause = cause(
        "in_() not yet supported for relationships.  For a simple many-to-one, use in_() against "
        "the set of foreign key values. [compare-relationship]"
    )


class QueryUseError(HoldfastError, exc.InvalidRequestError):
    """A method of Query does not fit what the query holds already."""

    no_relationship_between: cause = cause(
        "Could not locate a property which relates instances of class '{related}' to instances of "
        "class '{parent}'. Name the relationship. [not-an-entity]"
    )
    after_limit: cause = cause(
        "Query.{method}() being called on a Query which already has LIMIT or OFFSET applied.  "
        "Call it before limit() or offset(), or wrap the query in a subquery first. "
        "[query-after-limit]"
    )
    existing_criterion: cause = cause(
        "Query.{method}() being called on a Query with existing criterion. Begin with a fresh "
        "query. [query-criterion]"
    )
    existing_statement: cause = cause(
        "Query.{method}() being called on a Query with an existing full statement - can't apply "
        "criterion. Put it into the statement. [query-criterion]"
    )
    given_statement: cause = cause(
        "Can't call this method on a Query that uses from_statement(). Embed the statement "
        "itself. [query-criterion]"
    )
    no_session: cause = cause(
        "This Query is not bound to a session, so it cannot be executed. Write "
        "query.with_session(session). [query-session]"
    )
    no_columns: cause = cause(
        "Query contains no columns with which to SELECT from. Pass a class or column. [query-empty]"
    )
    single_entity: cause = cause(
        "{method}() can only be used against a single mapped class. Query one class. [query-entity]"
    )
    not_for_writing: cause = cause(
        "Can't call Query.update() or Query.delete() when {methods} has been called. Write "
        "update() or delete() with a subquery as criterion. [query-criterion]"
    )


class StatementEventError(HoldfastError, exc.InvalidRequestError):
    """A `do_orm_execute` listener asks for something the statement does not have."""

    other_kind: cause = cause(
        "This ORM execution is not against {wanted} statement so there are no {options} options. "
        "Test is_select, is_update and is_delete first. [statement-kind]"
    )
    other_count: cause = cause(
        "Can't apply executemany parameters to statement; number of parameter sets passed to "
        "Session.execute() ({passed}) does not match number of parameter sets given to "
        "ORMExecuteState.invoke_statement() ({given}). Give one set for each. [parameter-sets]"
    )


alias_made_warning: wording = wording(
    "An alias is being generated automatically against joined entity {mapper} due to overlapping "
    "tables. Join to an alias: aliased(Class, flat=True)."
)
