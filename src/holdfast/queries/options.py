"""Keep what a chain of loader options says: `Load`, and each thing said, a `Saying`.

`Load` is immutable, part of the statement's cache key with all its bound values, and knows nothing
of the statement: `apply` finds out where it belongs.

Rules kept here:
1. Each link of a chain belongs to the entity behind the relationship before it.
2. Loaders of columns are given columns, those of relationships are given relationships.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from sqlalchemy import exc, inspect

from holdfast import errors
from holdfast.foundation.codegen import record, replace
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import (
    ExecutableOption,
    HasCacheKey,
    coercions,
    immutabledict,
    roles,
)
from holdfast.instrument.descriptor import QueryableAttribute
from holdfast.queries.aliases import real_attribute
from holdfast.queries.load_plan import (
    COLUMN,
    EXPRESSION,
    NO_SETTINGS,
    RELATIONSHIP,
    AttributeChoice,
    LoadPath,
)

GROUP = "group"
SUBCLASSES = "subclasses"


@record
class Saying:
    """One thing that an option says, and about what."""

    # Ends in a property; for a "*" and for a group, in an entity. Empty: about every entity.
    path: LoadPath
    choice: AttributeChoice
    # RELATIONSHIP or COLUMN when it is about one attribute or all of that kind, or another.
    kind: str
    # Whether it stays with the loaded objects, for their later loads.
    propagates: bool = True

    @property
    def is_general(self) -> bool:
        """Is it about all attributes of an entity?"""
        return self.choice.wildcard or self.kind in (GROUP, SUBCLASSES)


class LoaderOption(HasCacheKey, ExecutableOption):
    """Base of the options that speak of attributes."""

    __slots__ = ()

    def _clone(self, **_: Any) -> Self:
        return self  # immutable


class Load(LoaderOption):
    """Options for one entity of a statement, and for what is reached from it.

    Example:
        >>> select(Author).options(Load(Author).selectinload(Author.books).load_only(Book.title))

    Each method gives a new option, in which later methods speak of the entity behind the
    relationship that was named last.
    """

    __slots__ = ("path", "root", "sayings", "static_key", "target", "text", "via")

    def __init__(self, entity: Any) -> None:
        found = _entity_of(entity)
        # The entity with which the path begins; None in an option that is a mere "*".
        self.root: Any | None = found
        # Where the next link begins: ends in an entity.
        self.path: LoadPath = LoadPath((found,))
        # The entity there, and how messages name the attribute that led to it; "" at the root.
        self.target: Any | None = found
        self.via: str = ""
        self.sayings: tuple[Saying, ...] = ()
        # How messages name the option: its last call.
        self.text: str = f"Load({entity_text(found)})"
        self.static_key: Any = None

    @classmethod
    def unbound(cls) -> Load:
        """An option without an entity: its "*" is about every entity."""
        made = cls.__new__(cls)
        made.root, made.path, made.target, made.via = None, LoadPath.ROOT, None, ""
        made.sayings, made.text, made.static_key = (), "Load()", None
        return made

    # -- relationships -------------------------------------------------------------------------

    def joinedload(self, attr: Any, innerjoin: bool | str | None = None) -> Load:  # noqa: FBT001
        """Load with the parents, by a JOIN in the same SELECT."""
        return self.with_relationship("joinedload", attr, "joined", {"innerjoin": innerjoin})

    def selectinload(
        self, attr: Any, recursion_depth: int | None = None, chunksize: int | None = None
    ) -> Load:
        """Load after the parents, by one SELECT for many of them."""
        given = {"recursion_depth": recursion_depth, "chunksize": chunksize}
        return self.with_relationship("selectinload", attr, "selectin", given)

    def subqueryload(self, attr: Any) -> Load:
        """Load after the parents, by one SELECT over theirs."""
        return self.with_relationship("subqueryload", attr, "subquery")

    def lazyload(self, attr: Any) -> Load:
        """Load when touched."""
        return self.with_relationship("lazyload", attr, "select")

    def immediateload(self, attr: Any, recursion_depth: int | None = None) -> Load:
        """Load after each parent, by a SELECT for it."""
        given = {"recursion_depth": recursion_depth}
        return self.with_relationship("immediateload", attr, "immediate", given)

    def raiseload(self, attr: Any, sql_only: bool = False) -> Load:  # noqa: FBT001, FBT002
        """Refuse to load when touched; with `sql_only`, only where SQL would be emitted."""
        return self.with_relationship("raiseload", attr, "raise_on_sql" if sql_only else "raise")

    def noload(self, attr: Any) -> Load:
        """Leave empty. Deprecated: what is read is wrong; use `raiseload`."""
        warn_deprecated(errors.noload_warning(), version="2.1")
        return self.with_relationship("noload", attr, "noload")

    def defaultload(self, attr: Any) -> Load:
        """Load as mapped; goes along the relationship, to speak of what is behind it."""
        return self.with_relationship("defaultload", attr, None)

    def contains_eager(
        self,
        attr: Any,
        alias: Any = None,
        _propagates: bool = False,  # noqa: FBT001, FBT002
    ) -> Load:
        """Load from columns that the statement's own joins provide."""
        found = inspect(alias, raiseerr=False)
        settings = {"alias": alias if found is None else found}
        return self.with_relationship(
            "contains_eager", attr, "contains_eager", settings, propagates=_propagates
        )

    # -- columns -------------------------------------------------------------------------------

    def load_only(self, *attrs: Any, raiseload: bool = False) -> Load:
        """Load the named columns and the key; defer the others."""
        made = self
        for attr in attrs:
            made = made.with_column("load_only", attr, "column")
        choice = AttributeChoice("deferred", _raise_setting(raiseload), wildcard=True)
        return made.saying(Saying(self.path, choice, COLUMN), made.text)

    def defer(self, key: Any, raiseload: bool = False) -> Load:  # noqa: FBT001, FBT002
        """Load the column when touched, not with the row."""
        return self.with_column("defer", key, "deferred", _raise_setting(raiseload))

    def undefer(self, key: Any) -> Load:
        """Load the column with the row."""
        return self.with_column("undefer", key, "column")

    def with_expression(self, key: Any, expression: Any) -> Load:
        """Load a `query_expression()` attribute from this expression."""
        given = coercions.expect(roles.LabeledColumnExprRole, expression)
        settings = immutabledict({EXPRESSION: given})
        return self.with_column("with_expression", key, "query_expression", settings)

    def undefer_group(self, name: str) -> Load:
        """Load the columns that are mapped as deferred in this group with the row."""
        choice = AttributeChoice("column", immutabledict({"group": name}))
        return self.saying(Saying(self.path, choice, GROUP), f"undefer_group({name!r})")

    def selectin_polymorphic(self, classes: Iterable[Any]) -> Load:
        """Load the columns of subclasses by a further SELECT for each (LD-182)."""
        entities = tuple(sorted({inspect(each) for each in classes}, key=str))
        names = ", ".join(each.class_.__name__ for each in entities)
        choice = AttributeChoice("selectin", immutabledict({"entities": entities}))
        added = Saying(self.path, choice, SUBCLASSES)
        return self.saying(added, f"selectin_polymorphic([{names}])")

    # -- composition ---------------------------------------------------------------------------

    def options(self, *opts: Any) -> Load:
        """Several options for the entity that this one has reached."""
        made = self
        for option in opts:
            if not isinstance(option, Load):
                raise errors.LoaderOptionError.not_within(option)
            made = made._including(option)
        return made

    def _including(self, option: Load) -> Load:
        if option.root is not None:
            self._check_link(option.root, _first_attribute(option))
        moved = tuple(
            replace(saying, path=LoadPath((*self.path, *saying.path[1:])))
            for saying in option.sayings
        )
        return self._next(self.sayings + moved, self.text)

    # -- building ------------------------------------------------------------------------------

    def with_relationship(
        self,
        function: str,
        attr: Any,
        strategy: str | None,
        settings: Mapping[str, Any] = NO_SETTINGS,
        *,
        propagates: bool = True,
    ) -> Load:
        """The option continued along a relationship, or about all relationships ("*")."""
        given = immutabledict({key: each for key, each in settings.items() if each is not None})
        self._check_open()
        if isinstance(attr, str):
            choice = _for_all(function, attr, strategy, given)
            return self.saying(Saying(self.path, choice, RELATIONSHIP, propagates), choice.text)
        attr = real_attribute(attr)
        prop = _property_of(attr)
        self._check_link(attr.parent, f"{entity_text(attr.parent)}.{attr.key}")
        text = f"{function}({attribute_text(attr)})"
        choice = AttributeChoice(
            strategy, given, attr.extra_criteria, attr.of_type_entity, text=text
        )
        named = Saying(self.path.down(prop), choice, RELATIONSHIP, propagates)
        made = self._next((*self.sayings, named), text)
        # A column leads nowhere: what follows it is not looked at, since a statement refuses it.
        made.target = None
        if prop.is_relationship:
            made.path, made.via = self.path.along(prop), attribute_text(attr)
            made.target = attr.of_type_entity or prop.entity
        return made

    def with_column(
        self, function: str, attr: Any, strategy: str, settings: Mapping[str, Any] = NO_SETTINGS
    ) -> Load:
        """The option with something said about a column, or about all columns ("*")."""
        self._check_open()
        if isinstance(attr, str):
            choice = _for_all(function, attr, strategy, settings)
            return self.saying(Saying(self.path, choice, COLUMN), choice.text)
        attr = real_attribute(attr)
        prop = _property_of(attr)
        self._check_link(attr.parent, attribute_text(attr))
        if prop.is_composite:
            made = self
            for name in prop.column_keys:
                part = getattr(attr.parent.entity, name)
                made = made.with_column(function, part, strategy, settings)
            return made
        text = f"{function}({attribute_text(attr)})"
        choice = AttributeChoice(strategy, settings, text=text)
        return self.saying(Saying(self.path.down(prop), choice, COLUMN), text)

    def saying(self, added: Saying, text: str) -> Load:
        """The option with one more thing said about the same entity."""
        return self._next((*self.sayings, added), text)

    def _next(self, sayings: Iterable[Saying], text: str) -> Load:
        made = Load.__new__(type(self))
        made.root, made.path, made.target, made.via = self.root, self.path, self.target, self.via
        made.sayings, made.text, made.static_key = tuple(sayings), text, None
        return made

    def _check_open(self) -> None:
        """Refuse to go on behind a "*", which means all relationships."""
        if self.sayings:
            last = self.sayings[-1]
            if last.choice.wildcard and last.kind == RELATIONSHIP and last.path == self.path:
                raise errors.LoaderOptionError.after_wildcard()

    def _check_link(self, entity: Any, what: str) -> None:
        target = self.target
        if target is None or _links(target, entity) or self._selects_too(entity):
            return
        if not self.via:
            raise errors.LoaderOptionError.no_link_from_entity(what, entity_text(target))
        name = entity_text(target)
        came_from = self.via
        subclass = ""
        if ".of_type(" not in came_from:
            if target.is_aliased_class:
                came_from += f".of_type({name})"
            elif entity.is_mapper and entity.isa(target):
                subclass = entity_text(entity)
        raise errors.LoaderOptionError.no_link(what, came_from, name, self.path, subclass=subclass)

    def _selects_too(self, entity: Any) -> bool:
        """Whether `selectin_polymorphic()` named a subclass here that has its attributes."""
        return any(
            _links(each, entity)
            for saying in self.sayings
            if saying.kind == SUBCLASSES and saying.path == self.path
            for each in saying.choice.settings["entities"]
        )

    # -- Core's protocols ------------------------------------------------------------------------

    @property
    def propagate_to_loaders(self) -> bool:
        """Whether the option stays with the objects that the statement loads."""
        return any(saying.propagates for saying in self.sayings)

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> Any:
        if self.static_key is not None:
            return self.static_key
        key = (Load, *(_saying_key(each, anon_map, bindparams) for each in self.sayings))
        if all(_is_static(each) for each in self.sayings):
            self.static_key = key
        return key

    def __getstate__(self) -> Any:
        return (self.root, self.path, self.target, self.via, self.sayings, self.text)

    def __setstate__(self, state: Any) -> None:
        self.root, self.path, self.target, self.via, self.sayings, self.text = state
        self.static_key = None

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(s.choice.text for s in self.sayings) or self}>"


def _first_attribute(option: Load) -> str:
    """How messages name the attribute with which an option begins."""
    text = entity_text(option.root)
    for saying in option.sayings:
        if len(saying.path) > 1:
            return f"{text}.{saying.path[1].key}"
    return text


def _saying_key(saying: Saying, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
    choice = saying.choice
    return (
        saying.kind,
        choice.strategy,
        choice.wildcard,
        saying.propagates,
        saying.path._gen_cache_key(anon_map, bindparams),
        tuple(
            (key, _part_key(each, anon_map, bindparams)) for key, each in choice.settings.items()
        ),
        _part_key(choice.of_type, anon_map, bindparams),
        tuple(_part_key(each, anon_map, bindparams) for each in choice.criteria),
    )


def _part_key(part: Any, anon_map: Any, bindparams: list[Any]) -> Any:
    if hasattr(part, "_gen_cache_key"):
        return part._gen_cache_key(anon_map, bindparams)
    return part


def _is_static(saying: Saying) -> bool:
    """Is the key the same in whatever statement the option stands?"""
    choice = saying.choice
    parts = [*saying.path[::2], choice.of_type, *choice.settings.values()]
    if choice.criteria:
        return False
    return all(
        not hasattr(part, "_gen_cache_key") or getattr(part, "is_mapper", False) for part in parts
    )


def _links(target: Any, entity: Any) -> bool:
    """Do attributes of `entity` exist on every object of `target`?"""
    if target is entity or (entity.is_aliased_class and entity.whole is target):
        return True
    if target.is_aliased_class or entity.is_aliased_class:
        return False
    return bool(target.isa(entity))


def _entity_of(given: Any) -> Any:
    found = inspect(given, raiseerr=False)
    if found is None or not (
        getattr(found, "is_mapper", False) or getattr(found, "is_aliased_class", False)
    ):
        raise exc.ArgumentError(f"Expected mapped class or mapper, got: {given!r}")
    return found


def _property_of(attr: Any) -> Any:
    if not isinstance(attr, QueryableAttribute) or attr.property is None:
        raise errors.LoaderOptionError.attribute_expected(attr)
    attr.property.parent.ensure_configured()
    return attr.property


def _for_all(
    function: str, name: str, strategy: str | None, settings: Mapping[str, Any]
) -> AttributeChoice:
    if name != "*":
        raise errors.LoaderOptionError.string_given()
    return AttributeChoice(strategy, settings, wildcard=True, text=f"{function}('*')")


def _raise_setting(raiseload: bool) -> Mapping[str, Any]:  # noqa: FBT001
    return immutabledict({"raiseload": True}) if raiseload else NO_SETTINGS


def entity_text(entity: Any) -> str:
    """How messages name an entity."""
    name: str = entity.class_.__name__
    if not entity.is_aliased_class:
        return name
    subclasses = [each for each in entity.with_polymorphic_mappers if each is not entity.mapper]
    if subclasses:
        return f"with_polymorphic({name}, [{', '.join(map(entity_text, subclasses))}])"
    return f"aliased({name})"


def attribute_text(attr: Any) -> str:
    """How messages name an attribute: `Author.books.of_type(Novel)`."""
    text = f"{entity_text(attr.parent)}.{attr.key}"
    if attr.of_type_entity is not None:
        text += f".of_type({entity_text(attr.of_type_entity)})"
    return text
