"""Give joinedload(), defer() and the other functions that begin loader options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast import errors
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import ExecutableOption
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.queries.options import Load

# ------------------------------------------------------------------------------
# Give the loader options their public names: `joinedload(Author.books)` and its siblings.
#
# Each makes a `Load` for the entity of its first attribute. With several attributes the last one is
# meant, and the ones before lead there.


def _start(attr: Any) -> Load:
    """The empty option from which one for `attr` begins."""
    if isinstance(attr, str):
        return Load.unbound()
    if not isinstance(attr, QueryableAttribute) or attr.parent is None:
        raise errors.LoaderOptionError.attribute_expected(attr)
    return Load(attr.parent)


def _along(keys: tuple[Any, ...]) -> tuple[Load, Any]:
    """The option that has followed all but the last key, and that key."""
    if not keys:
        raise errors.LoaderOptionError.attribute_expected(None)
    option = _start(keys[0])
    for key in keys[:-1]:
        option = option.defaultload(key)
    return option, keys[-1]


def joinedload(*keys: Any, innerjoin: bool | str | None = None) -> Load:
    """Load a relationship with the parents, by a JOIN in the same SELECT.

    Example:
        >>> select(Book).options(joinedload(Book.author, innerjoin=True))

    Args:
        keys: The relationship; several lead along the path to the last one.
        innerjoin: JOIN in place of LEFT OUTER JOIN; "unnested" does not nest it into an outer join.
    """
    option, last = _along(keys)
    return option.joinedload(last, innerjoin=innerjoin)


def selectinload(
    *keys: Any, recursion_depth: int | None = None, chunksize: int | None = None
) -> Load:
    """Load a relationship after the parents, by one SELECT for up to 500 of them.

    Args:
        keys: The relationship; several lead along the path to the last one.
        recursion_depth: How many levels of a self-referential relationship to load; -1 for all.
        chunksize: How many parents one SELECT serves.
    """
    option, last = _along(keys)
    return option.selectinload(last, recursion_depth=recursion_depth, chunksize=chunksize)


def subqueryload(*keys: Any) -> Load:
    """Load a relationship after the parents, by one SELECT over theirs as a subquery."""
    option, last = _along(keys)
    return option.subqueryload(last)


def lazyload(*keys: Any) -> Load:
    """Load a relationship when it is touched."""
    option, last = _along(keys)
    return option.lazyload(last)


def immediateload(*keys: Any, recursion_depth: int | None = None) -> Load:
    """Load a relationship at once, by one SELECT for each parent."""
    option, last = _along(keys)
    return option.immediateload(last, recursion_depth=recursion_depth)


def noload(*keys: Any) -> Load:
    """Leave a relationship empty. Deprecated: what is read is wrong; use `raiseload`."""
    option, last = _along(keys)
    return option.noload(last)


def raiseload(*keys: Any, sql_only: bool = False) -> Load:
    """Refuse to load a relationship that is touched and not loaded.

    Args:
        keys: The relationship, or "*"; several lead along the path to the last one.
        sql_only: Refuse only what would need SQL.
    """
    option, last = _along(keys)
    return option.raiseload(last, sql_only=sql_only)


def defaultload(*keys: Any) -> Load:
    """Go along a relationship, which loads as mapped, to speak of what is behind it."""
    option, last = _along(keys)
    return option.defaultload(last)


def contains_eager(*keys: Any, alias: Any = None) -> Load:
    """Load a relationship from the joins that the statement has itself.

    Args:
        keys: The relationship; each of several is loaded so.
        alias: The alias to which the statement joins for the last of them, where the attribute
            does not say it.
    """
    option = _start(keys[0]) if keys else _along(keys)[0]
    for key in keys[:-1]:
        option = option.contains_eager(key)
    return option.contains_eager(keys[-1], alias=alias)


def load_only(*attrs: Any, raiseload: bool = False) -> Load:
    """Load only these columns and the primary key; the others when touched.

    Args:
        attrs: Column attributes of one class.
        raiseload: Refuse to load the others rather than load them.
    """
    option, _ = _along(attrs[:1])
    for attr in attrs:
        if hasattr(attr, "parent") and not _same_hierarchy(attr.parent, option.root):
            raise errors.LoaderOptionError.several_entities()
    return option.load_only(*attrs, raiseload=raiseload)


def _same_hierarchy(entity: Any, root: Any) -> bool:
    if entity.is_aliased_class or root is None or root.is_aliased_class:
        return entity is root
    return bool(entity.isa(root) or root.isa(entity))


def defer(key: Any, *addl_attrs: Any, raiseload: bool = False) -> Load:
    """Load a column when it is touched, not with the row.

    Args:
        key: The attribute, or "*" for all.
        addl_attrs: With these, all but the last lead along relationships.
        raiseload: Refuse to load it rather than load it.
    """
    option, last = _along((key, *addl_attrs))
    return option.defer(last, raiseload=raiseload)


def undefer(key: Any, *addl_attrs: Any) -> Load:
    """Load a column with the row, though it is mapped as deferred."""
    option, last = _along((key, *addl_attrs))
    return option.undefer(last)


def with_expression(key: Any, expression: Any) -> Load:
    """Load a `query_expression()` attribute from an expression.

    Example:
        >>> select(Author).options(with_expression(Author.shelf, func.upper(Author.name)))

    Args:
        key: The attribute.
        expression: What is selected for it.
    """
    option, last = _along((key,))
    return option.with_expression(last, expression)


def undefer_group(name: str) -> Load:
    """Load with the row all columns that are mapped as deferred in the group `name`."""
    return Load.unbound().undefer_group(name)


def selectin_polymorphic(base_cls: Any, classes: Iterable[Any]) -> Load:
    """Load the columns of subclasses by a further SELECT for each.

    Example:
        >>> select(Person).options(selectin_polymorphic(Person, [Manager, Engineer]))

    Args:
        base_cls: The class that the statement selects.
        classes: Subclasses of it.
    """
    return Load(base_cls).selectin_polymorphic(classes)


# ------------------------------------------------------------------------------
# Let applications put an option of their own on a statement, for their event listeners to read.


class UserDefinedOption(ExecutableOption):
    """Base of options that only the application understands.

    Listeners of `do_orm_execute` find them in `execute_state.user_defined_options`. They are no
    part of the cache key, so they must not change the SQL.
    """

    __slots__ = ("payload",)
    propagate_to_loaders = False

    def __init__(self, payload: Any = None) -> None:
        self.payload: Any = payload


class AliasOption(UserDefinedOption):
    """Says nothing any more: entities are matched to the columns of `from_statement()` anyway."""

    __slots__ = ()

    def __init__(self, alias: Any) -> None:
        warn_deprecated(
            "The AliasOption object is not necessary for entities to be matched up to a query "
            "that is established via Query.from_statement() and now does nothing.",
            version="1.4",
        )
        super().__init__(alias)


def contains_alias(alias: Any) -> AliasOption:
    """An option that says nothing any more. Deprecated: leave it out."""
    return AliasOption(alias)
