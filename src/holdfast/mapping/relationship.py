"""Define `Relationship`: an attribute that refers to objects of another mapped class.

What is given to `relationship()` is kept in plain attributes of the same names; `resolve` replaces
strings and callables by what they stand for and works out the join, `link` finds the relationship
on the other side, `finish` checks that relationships do not write over each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal, Unpack, get_args

from sqlalchemy.sql.expression import Join, TableClause

from holdfast import errors
from holdfast.foundation.codegen import Keywords
from holdfast.foundation.describe import warn, warn_deprecated
from holdfast.foundation.sqlalchemy_core import memoized_property, roles
from holdfast.mapping.cascades import VIEW_ONLY_RULES, CascadeOptions
from holdfast.mapping.condition import (
    MANYTOONE,
    ONETOMANY,
    JoinCondition,
    LazyClause,
    RelationshipDirection,
    build_condition,
    build_lazy_clause,
)
from holdfast.mapping.properties import MapperProperty, T
from holdfast.mapping.relationship_arguments import (
    check_overlaps,
    find_columns,
    find_condition,
    find_secondary,
    find_target,
    link_reverse,
    make_backref,
    plain_columns,
    reverse_key,
)
from holdfast.mapping.remote import Ends, is_plain_equality
from holdfast.mapping.sockets import PluggedComparator

LAZY_NAMES: dict[bool | None, str] = {True: "select", False: "joined", None: "noload"}
"""Older spellings of `lazy`."""

# Collections that are never loaded whole.
LARGE_NAMES = frozenset(("write_only", "dynamic"))

LazyName = Literal[
    "select",
    "joined",
    "selectin",
    "subquery",
    "immediate",
    "raise",
    "raise_on_sql",
    "noload",
    "write_only",
    "dynamic",
]
"""How a relationship may load, by name; see `register_strategy`."""

STRATEGY_NAMES = frozenset(get_args(LazyName))


class RelationshipArguments(Keywords, total=False):
    """Keywords of `Relationship`; their defaults are attributes of the class."""

    uselist: bool | None
    collection_class: type[Iterable[Any]] | Callable[[], Iterable[Any]] | None
    primaryjoin: Any
    secondaryjoin: Any
    back_populates: Any
    order_by: Any
    backref: Any
    overlaps: str | None
    post_update: bool
    cascade: str | Iterable[str] | None
    viewonly: bool
    lazy: LazyName | bool | None
    passive_deletes: Any
    passive_updates: bool
    active_history: bool
    enable_typechecks: bool
    foreign_keys: Any
    remote_side: Any
    join_depth: int | None
    comparator_factory: type[Any] | None
    single_parent: bool
    innerjoin: bool | str
    distinct_target_key: bool | None
    load_on_pending: bool
    query_class: type[Any] | None
    info: dict[Any, Any] | None
    omit_join: bool | None
    sync_backref: bool | None
    doc: str | None
    cascade_backrefs: bool


# Arguments that speak of writing, with the values that say nothing.
_WRITING_ARGUMENTS: dict[str, object] = {
    "passive_deletes": False,
    "passive_updates": True,
    "enable_typechecks": True,
    "active_history": False,
}


class Relationship(MapperProperty[T]):
    """An attribute that refers to one object, or a collection of objects, of another class."""

    kind: ClassVar[str] = "relationship"
    is_attribute = True
    is_relationship: ClassVar[bool] = True
    Comparator: PluggedComparator = PluggedComparator()

    # -- as given; `resolve` replaces strings and callables by what they stand for
    argument: Any
    secondary: Any
    primaryjoin: Any = None
    secondaryjoin: Any = None
    foreign_keys: Any = None
    given_remote_side: Any
    order_by: Any = False
    back_populates: Any = None
    backref: Any = None
    # None until the direction is known.
    uselist: bool | None = None
    collection_class: Any = None
    lazy: Any
    viewonly: bool = False
    post_update: bool = False
    passive_deletes: Any = False
    passive_updates: bool = True
    active_history: bool = False
    enable_typechecks: bool = True
    single_parent: bool = False
    load_on_pending: bool = False
    sync_backref: bool | None = None
    cascade_backrefs: bool = False
    # Whether the class honours that.
    cascades_backrefs: ClassVar[bool] = False
    join_depth: int | None = None
    innerjoin: bool | str = False
    distinct_target_key: bool | None = None
    omit_join: bool | None = None
    query_class: Any = None
    # Names of relationships with which writing the same column is intended.
    overlaps: frozenset[str]

    # -- worked out
    # The relationships on the other side that are kept in step with this one, and the one of them
    # that `backref` asked for.
    reverse_properties: set[Relationship]
    made_reverse: Relationship | None = None
    # Whether `resolve` has run.
    resolved: bool = False

    # Set by `resolve`, and readable from then on.
    entity: Any
    """Mapper of the related class, or the `AliasedInsp` that the relationship leads to."""
    mapper: Any
    """Mapper of the related class."""
    target: Any
    """The related class's selectable."""
    direction: RelationshipDirection
    condition: JoinCondition
    synchronize_pairs: list[tuple[Any, Any]]
    """(source, destination) columns that a flush copies."""
    secondary_synchronize_pairs: list[tuple[Any, Any]]
    """(target column, association column) that a flush copies."""
    local_remote_pairs: list[tuple[Any, Any]]
    """(local, remote) columns that the join compares."""
    local_columns: set[Any]
    """The parent's columns in the join."""
    remote_side: set[Any]
    """The target's, or the association table's, columns in the join."""

    def __init__(
        self,
        argument: Any = None,
        secondary: Any = None,
        **arguments: Unpack[RelationshipArguments],
    ) -> None:
        given: dict[str, Any] = dict(arguments)
        unknown = given.keys() - RelationshipArguments.__annotations__.keys()
        if unknown:
            raise TypeError(f"relationship() got an unexpected keyword argument {min(unknown)!r}")
        super().__init__(
            **{name: given.pop(name, None) for name in ("comparator_factory", "info", "doc")}
        )
        lazy = given.pop("lazy", "select")
        self.lazy = lazy if isinstance(lazy, str) else LAZY_NAMES.get(lazy, lazy)
        self.given_remote_side = given.pop("remote_side", None)
        overlaps = given.pop("overlaps", None) or ()
        names = overlaps.split(",") if isinstance(overlaps, str) else overlaps
        self.overlaps = frozenset(name.strip() for name in names) - {""}
        cascade = given.pop("cascade", "save-update, merge")
        self.__dict__.update(given, argument=argument, secondary=secondary)
        self.reverse_properties = set()
        self._check_arguments()
        self._cascade = self._read_cascade(cascade)

    def _check_arguments(self) -> None:
        if self.cascade_backrefs and not self.cascades_backrefs:
            raise errors.RelationshipError.cascade_backrefs()
        if self.backref is not None and self.back_populates is not None:
            raise errors.RelationshipError.two_reverses()
        if self.viewonly and self.sync_backref:
            raise errors.RelationshipError.sync_backref_viewonly()
        if self.viewonly:
            for name, neutral in _WRITING_ARGUMENTS.items():
                if getattr(self, name) != neutral:
                    warn(
                        f"Setting {name} on relationship() while also setting viewonly=True does "
                        "not make sense, as a viewonly=True relationship does not perform "
                        "persistence operations. This configuration may raise an error in a "
                        "future release."
                    )
        if self.omit_join:
            warn(
                "setting omit_join to True is not supported; selectin loading of this relationship "
                "may not work correctly if this flag is set explicitly.  omit_join optimization is "
                "automatically detected for conditions under which it is supported."
            )

    def __getattr__(self, name: str) -> Any:
        # What is declared above and not there is for `resolve` to set: run it now.
        is_declared = name in Relationship.__annotations__
        if is_declared and not self.resolved and "parent" in self.__dict__:
            self.parent.ensure_configured()
            if not self.resolved:
                self.resolve()
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # -- cascade -----------------------------------------------------------------------------------

    @property
    def cascade(self) -> CascadeOptions:
        """The cascades; assigning a string or set of names changes them (CA-13)."""
        return self._cascade

    @cascade.setter
    def cascade(self, value: str | Iterable[str] | None) -> None:
        self._cascade = self._read_cascade(value)
        if self.resolved:
            self._check_cascade()
        if self.configured:
            for mapper in self.parent.self_and_descendants:
                mapper.derive()
            self.mapper.note_orphan_relationship(self)

    def _read_cascade(self, value: str | Iterable[str] | None) -> CascadeOptions:
        found = CascadeOptions(value)
        return CascadeOptions(sorted(found & VIEW_ONLY_RULES)) if self.viewonly else found

    def _check_cascade(self) -> None:
        cascade = self._cascade
        if cascade.delete_orphan and not self.single_parent and self.direction is not ONETOMANY:
            kind = "many-to-one" if self.direction is MANYTOONE else "many-to-many"
            raise errors.RelationshipError.delete_orphan_on_many(
                kind, self, self.mapper.class_.__name__, self.parent.class_.__name__
            )
        if self.passive_deletes == "all" and (cascade.delete or cascade.delete_orphan):
            raise errors.RelationshipError.passive_deletes_all(self)

    # -- second pass -------------------------------------------------------------------------------

    def resolve(self) -> None:
        """Find the target and the join."""
        if self.resolved:
            return
        self.secondary = find_secondary(self, self.secondary)
        self.entity = find_target(self, self.argument)
        self.mapper = self.entity.mapper
        self.parent.registry.depend_on(self.mapper.registry)
        self.target = (
            self.mapper.persist_selectable if self.entity.is_mapper else self.entity.selectable
        )
        self._evaluate()
        self._join()
        self.direction = self.condition.direction
        if self.uselist is None:
            self.uselist = self.direction is not MANYTOONE
        if self.lazy not in STRATEGY_NAMES:
            raise errors.LoaderStrategyException.unknown((("lazy", self.lazy),), self)
        if self.lazy == "noload":
            warn_deprecated(errors.noload_warning(), version="2.1")
        if self.is_large and (self.direction is MANYTOONE or not self.uselist):
            raise errors.LargeCollectionError.scalar(self, self.lazy)
        self.resolved = True
        self._check_cascade()
        self.mapper.note_orphan_relationship(self)

    def _evaluate(self) -> None:
        self.primaryjoin = find_condition(self, "primaryjoin", self.primaryjoin)
        self.secondaryjoin = find_condition(self, "secondaryjoin", self.secondaryjoin)
        self.order_by = (
            find_columns(self, "order_by", self.order_by, role=roles.OrderByRole) or False
        )
        self.foreign_keys = plain_columns(find_columns(self, "foreign_keys", self.foreign_keys))
        self.given_remote_side = plain_columns(
            find_columns(self, "remote_side", self.given_remote_side)
        )
        self.back_populates = reverse_key(self, self.back_populates)

    def _join(self) -> None:
        entity = self.entity
        target_local = entity.local_table if entity.is_mapper else entity.selectable
        ends = Ends(
            name=str(self),
            parent=self.parent.persist_selectable,
            parent_local=self.parent.local_table,
            target=self.target,
            target_local=target_local,
            secondary=self.secondary,
            foreign_keys=self.foreign_keys,
            remote_side=self.given_remote_side,
            self_referential=entity.is_mapper and self.mapper.common_parent(self.parent),
        )
        found = self.condition = build_condition(
            ends,
            self.primaryjoin,
            self.secondaryjoin,
            writes=not self.viewonly,
            can_copy=self._is_mapped_column,
        )
        if entity.is_aliased_class:
            found.pairs.synchronize = [
                (self._behind_alias(source), self._behind_alias(destination))
                for source, destination in found.pairs.synchronize
            ]
        self.primaryjoin, self.secondaryjoin = found.primaryjoin, found.secondaryjoin
        self.synchronize_pairs = found.pairs.synchronize
        self.secondary_synchronize_pairs = found.pairs.secondary_synchronize
        self.local_remote_pairs = found.pairs.local_remote
        self.local_columns, self.remote_side = found.local_columns, found.remote_side

    @property
    def rows_may_repeat(self) -> bool:
        """Whether a SELECT of members may bring one of them twice: by association, or a query."""
        target = self.mapper
        is_of_tables = isinstance(target.persist_selectable, TableClause | Join)
        return self.secondary is not None or target.adapter is not None or not is_of_tables

    def is_association_column(self, column: Any) -> bool:
        """Whether a column belongs to the association table."""
        return self.secondary is not None and bool(self.secondary.c.contains_column(column))

    def _is_mapped_column(self, column: Any) -> bool:
        return self.is_association_column(column) or any(
            each.c.contains_column(column) for each in (self.parent.persist_selectable, self.target)
        )

    def _behind_alias(self, column: Any) -> Any:
        """The target's mapped column that a column of its alias stands for."""
        mapped = self.mapper.persist_selectable.c
        found = (each for each in column.base_columns if mapped.contains_column(each))
        return next(found, column)

    def link(self) -> None:
        """Find, or make, the relationship on the other side."""
        if self.back_populates is not None:
            link_reverse(self, self.back_populates)
        elif self.backref is not None:
            make_backref(self)

    def finish(self) -> None:
        """Check that no other relationship writes the same columns."""
        if self.configured:
            return
        self.configured = True
        if not self.viewonly and self.entity.is_mapper:
            check_overlaps(self)
        if self.made_reverse is not None:
            # Both were asked for at one place, so they count as written there.
            self.made_reverse.finish()

    # -- the join ----------------------------------------------------------------------------------

    @memoized_property
    def lazy_clause(self) -> LazyClause:
        """Which targets belong to a parent whose values are given."""
        return build_lazy_clause(self.primaryjoin, self.secondaryjoin, reverse=False)

    @memoized_property
    def reverse_lazy_clause(self) -> LazyClause:
        """Which parents belong to a target whose values are given."""
        return build_lazy_clause(self.primaryjoin, self.secondaryjoin, reverse=True)

    @memoized_property
    def target_key_names(self) -> tuple[str, ...]:
        """Attribute names of the parent that hold the target's primary key, in its order.

        Empty when the target is not the one object with that key: the join says more than that the
        columns are equal.
        """
        if self.secondary is not None or not self.entity.is_mapper or self.uselist:
            return ()
        if not is_plain_equality(self.primaryjoin, len(self.local_remote_pairs)):
            return ()
        local_of = {remote: local for local, remote in self.local_remote_pairs}
        names = [
            self.parent.key_of_column.get(_equal_to(self.mapper, column, local_of))
            for column in self.mapper.primary_key
        ]
        if len(local_of) != len(names) or None in names:
            return ()
        return tuple(name for name in names if name is not None)

    @property
    def simple_many_to_one(self) -> tuple[str, ...]:
        """The same for a foreign key; empty for a one-to-one whose target has the parent's key."""
        return self.target_key_names if self.direction is MANYTOONE else ()

    @memoized_property
    def association_key(self) -> tuple[Any, ...]:
        """Columns of the association table that hold the parent's primary key, in its order.

        Empty when the condition between the two says anything else: then the rows of a parent are
        found by way of the parent's table only.
        """
        count = len(self.parent.primary_key)
        if self.secondary is None or not is_plain_equality(self.primaryjoin, count):
            return ()
        own = self.parent.local_table.c.contains_column
        held_in = {key: column for key, column in self.synchronize_pairs if own(key)}
        found = [_equal_to(self.parent, each, held_in) for each in self.parent.primary_key]
        return () if any(each is None for each in found) else tuple(found)

    @property
    def is_self_referential(self) -> bool:
        """Whether the related class belongs to the parent's hierarchy."""
        return bool(self.mapper.common_parent(self.parent))

    @property
    def synchronizes_reverse(self) -> tuple[str, ...]:
        """Names of the attributes on the other side that changes of this one are carried to."""
        if self.viewonly or self.back_populates is None or self.sync_backref is False:
            return ()
        other = self.mapper.properties.get(self.back_populates)
        return () if other is None or other.viewonly else (self.back_populates,)

    # -- loading -----------------------------------------------------------------------------------

    @property
    def strategy_name(self) -> str:
        """The value of `lazy`."""
        return str(self.lazy)

    @property
    def is_large(self) -> bool:
        """Whether it is a collection that is never loaded whole."""
        return self.lazy in LARGE_NAMES


# Kept under its older documented name as well.
RelationshipProperty = Relationship


def _equal_to(mapper: Any, column: Any, partners: dict[Any, Any]) -> Any:
    """The partner of a mapper's column, or of one that is equal to it in every row; or None."""
    for each in (column, *mapper.equivalent_columns.get(column, ())):
        if each in partners:
            return partners[each]
    return None
