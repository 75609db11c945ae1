"""Let queries and loader options take names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, inspect, select

from holdfast import errors
from holdfast.legacy.extension import warn_of_form
from holdfast.queries import option_functions
from holdfast.queries.entities import SelectedEntity
from holdfast.queries.facade import query
from holdfast.queries.facade.base import LEGACY, CompoundSource
from holdfast.queries.joins import is_relationship_attribute
from holdfast.queries.options import Load

# ------------------------------------------------------------------------------
# Offer loader options by name: `joinedload("books")`, `undefer("books.title")`.
#
# Which class a name belongs to is known by the query alone, so an option by name waits for it. With
# attributes each function is the default one.


class Step(NamedTuple):
    """One method of `Load`, the names that lead to it, and its last names."""

    method: str
    lead: tuple[str, ...]
    last: tuple[str, ...]
    arguments: dict[str, Any]


class NamedOption:
    """A loader option whose attributes are names (LG-193)."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps

    def __getattr__(self, method: str) -> Callable[..., NamedOption]:
        if method.startswith("_") or not hasattr(Load, method):
            raise AttributeError(method)

        def go_on(*names: str, **arguments: Any) -> NamedOption:
            return NamedOption((*self.steps, _step(method, names, arguments)))

        return go_on

    @property
    def first_name(self) -> str:
        """The name that belongs to an entity of the query."""
        return (*self.steps[0].lead, *self.steps[0].last)[0]

    def for_entity(self, entity: Any) -> Load:
        """The option with the attributes of an entity in place of the names.

        Raises:
            InvalidRequestError: A name is unknown.
        """
        option, place = Load(entity), entity
        for step in self.steps:
            for name in step.lead:
                attribute = attribute_of(place, name)
                option, place = option.defaultload(attribute), attribute.property.entity.entity
            attributes = [attribute_of(place, name) for name in step.last]
            option = getattr(option, step.method)(*attributes, **step.arguments)
            if getattr(attributes[-1].property, "is_relationship", False):
                place = attributes[-1].property.entity.entity
        return option


def attribute_of(entity: Any, name: str) -> Any:
    """The attribute of a class or alias.

    Raises:
        InvalidRequestError: There is none of that name.
    """
    if name not in inspect(entity).mapper.all_orm_descriptors:
        raise errors.LegacyNameError.of_option(name)
    return getattr(entity, name)


def _step(method: str, names: tuple[str, ...], arguments: dict[str, Any]) -> Step:
    if method == "load_only":
        return Step(method, (), names, arguments)
    path = tuple(part for name in names for part in name.split("."))
    return Step(method, path[:-1], path[-1:], arguments)


def _by_name(method: str) -> Callable[..., Any]:
    default: Callable[..., Any] = getattr(option_functions, method)

    def option(*keys: Any, **arguments: Any) -> Any:
        if not keys or not all(isinstance(key, str) and key != "*" for key in keys):
            return default(*keys, **arguments)
        warn_of_form(f'{method}("...")', "Use attributes of the class.")
        return NamedOption((_step(method, keys, arguments),))

    option.__name__ = method
    option.__doc__ = f"`{method}()` that takes names as well as attributes (LG-193)."
    return option


contains_eager: Callable[..., Any] = _by_name("contains_eager")
defer: Callable[..., Any] = _by_name("defer")
immediateload: Callable[..., Any] = _by_name("immediateload")
joinedload: Callable[..., Any] = _by_name("joinedload")
lazyload: Callable[..., Any] = _by_name("lazyload")
load_only: Callable[..., Any] = _by_name("load_only")
raiseload: Callable[..., Any] = _by_name("raiseload")
selectinload: Callable[..., Any] = _by_name("selectinload")
subqueryload: Callable[..., Any] = _by_name("subqueryload")
undefer: Callable[..., Any] = _by_name("undefer")


# ------------------------------------------------------------------------------
# Define `Query` of 1.x over the default one: joins and options by name, and `from_self()`.
#
# Rules kept here:
# 1. The query flushes, since `execute()` of its session does not (LG-141).
# 2. A name belongs to the entity on the left side, or to the one that a chain has reached (LG-190).

LOCK_MODES: Mapping[Any, dict[str, bool] | None] = {
    "read": {"read": True},
    "update": {},
    "update_nowait": {"nowait": True},
}
"""Arguments of `with_for_update()` by lock mode (LG-160)."""


class Query(query.Query[Any]):
    """A SELECT that is built by chained calls, as in SQLAlchemy 1.1."""

    # -- joins -------------------------------------------------------------------------------------

    def join(
        self,
        *props: Any,
        isouter: bool = False,
        full: bool = False,
        from_joinpoint: bool = False,
        **kw: Any,
    ) -> Self:
        """Join along relationships, by name or attribute, one after the other (LG-190).

        Example:
            >>> session.query(User).join("orders", "items")

        Args:
            *props: Names, relationship attributes, or a target and an ON clause.
            isouter: LEFT OUTER JOIN.
            full: FULL OUTER JOIN.
            from_joinpoint: Begin at the entity joined last.
            **kw: What the default method knows besides.
        """
        if not any(isinstance(prop, str) for prop in props):
            return super().join(*props, isouter=isouter, full=full, **kw)
        warn_of_form('Query.join("...")', "Use attributes of the class.")
        place = self._left_entity(from_joinpoint=from_joinpoint)
        if len(props) == 2 and not (
            isinstance(props[0], str) or is_relationship_attribute(props[0])
        ):
            onclause = relationship_of(place, props[1])
            return super().join(props[0], onclause, isouter=isouter, full=full)
        made = self
        for prop in props:
            attribute = relationship_of(place, prop) if isinstance(prop, str) else prop
            made = super(Query, made).join(attribute, isouter=isouter, full=full)
            place = attribute.property.entity.entity
        return made

    def outerjoin(self, *props: Any, full: bool = False, **kw: Any) -> Self:
        """The same as LEFT OUTER JOIN."""
        return self.join(*props, isouter=True, full=full, **kw)

    def _left_entity(self, *, from_joinpoint: bool) -> Any:
        draft: Any = self.draft
        sources = [self.settings.joinpoint] if from_joinpoint else []
        for source in (*sources, *draft._from_obj, *draft._raw_columns):
            annotations = {} if source is None else source._annotations
            if "parententity" in annotations:
                return annotations["parententity"].entity
        return None

    # -- the statement -----------------------------------------------------------------------------

    def options(self, *args: Any) -> Self:
        """Apply loader options and others; names stand for attributes of an entity (LG-193)."""
        flat = [each for arg in args for each in (arg if isinstance(arg, list | tuple) else (arg,))]
        return super().options(
            *(self._resolved(each) if isinstance(each, NamedOption) else each for each in flat)
        )

    def _resolved(self, option: NamedOption) -> Any:
        name = option.first_name
        for element in self.elements:
            if isinstance(element, SelectedEntity):
                entity = element.entity
                if name in entity.mapper.all_orm_descriptors:
                    return option.for_entity(entity.entity)
        raise errors.LegacyNameError.of_option(name)

    def with_lockmode(self, mode: Any) -> Self:
        """Lock the rows that are read: "read", "update", "update_nowait" or None (LG-191).

        Raises:
            ArgumentError: The mode is another one.
        """
        warn_of_form("Query.with_lockmode()", "Use with_for_update().")
        if mode is None:
            draft: Any = self.draft._generate()
            draft._for_update_arg = None
            return self.changed(draft)
        arguments = LOCK_MODES.get(mode)
        if arguments is None:
            raise errors.LegacyArgumentError.lock_mode(mode)
        return self.with_for_update(**arguments)

    def from_self(self, *entities: Any) -> Self:
        """Select from this query as a subquery, to which what follows is adapted (LG-192).

        Args:
            *entities: What to select from it; the same as so far when omitted.
        """
        warn_of_form("Query.from_self()", "Use aliased(Cls, query.subquery()).")
        inner = self.enable_eagerloads(False).built(LABEL_STYLE_TABLENAME_PLUS_COL)
        draft: Any = select(*(entities or self.draft._raw_columns)).set_label_style(LEGACY)
        draft._with_options = self.draft._with_options
        draft._execution_options = self.draft._execution_options
        return self.changed(draft, source=CompoundSource(inner.subquery()), joinpoint=None)

    # -- execution ---------------------------------------------------------------------------------

    def _flush_first(self) -> None:
        if self.session is not None and self.draft._execution_options.get("autoflush", True):
            self.session.autoflush_if_enabled()

    def result(self, **options: Any) -> Any:
        """Flush, and execute the query."""
        self._flush_first()
        return super().result(**options)

    def count(self) -> int:
        """How many rows the query would give, counted by the database."""
        self._flush_first()
        return super().count()

    def get(self, ident: Any) -> Any:
        """The object with this primary key, or None (LG-194)."""
        return self.load_by_key(ident)

    def update(
        self,
        values: Mapping[Any, Any] | Iterable[tuple[Any, Any]],
        synchronize_session: Any = "evaluate",
        update_args: Mapping[str, Any] | None = None,
    ) -> int:
        """Update the rows that the query would give (LG-195)."""
        self._flush_first()
        return super().update(values, synchronize_session, update_args)

    def delete(
        self, synchronize_session: Any = "evaluate", delete_args: Mapping[str, Any] | None = None
    ) -> int:
        """Delete the rows that the query would give (LG-195)."""
        self._flush_first()
        return super().delete(synchronize_session, delete_args)


def relationship_of(entity: Any, name: str) -> Any:
    """The relationship attribute of a class or alias.

    Raises:
        InvalidRequestError: There is none of that name.
    """
    found = None if entity is None else inspect(entity).mapper.relationships.get(name)
    if found is None:
        raise errors.LegacyNameError.relationship(inspect(entity, raiseerr=False), name)
    return getattr(entity, name)
