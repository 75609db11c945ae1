"""Describe random loads over the market, and run them: a statement, its options, its session.

Descriptions are plain values with names. What comes out is a `Seen`: labels of objects instead
of the objects, so that it can be compared with rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, exc, inspect, select, union_all

from holdfast import (
    Load,
    Session,
    aliased,
    contains_eager,
    defaultload,
    immediateload,
    joinedload,
    lazyload,
    raiseload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    with_loader_criteria,
    with_polymorphic,
)
from models import market

FUNCTIONS = {
    "contains_eager": contains_eager,
    "defaultload": defaultload,
    "immediateload": immediateload,
    "joinedload": joinedload,
    "lazyload": lazyload,
    "raiseload": raiseload,
    "selectinload": selectinload,
    "subqueryload": subqueryload,
}


@dataclass(frozen=True)
class Step:
    """A relationship to load, and what to do beyond it.

    Attributes:
        owner: The class that has the relationship.
        strategy: The function's name.
        arguments: Its keyword arguments.
        narrowed: Subclasses to narrow it to: one alone, or several with the base class.
        below: Only rows with a lower rank.
        columns: (method, names) to apply to the columns of the target.
        is_chained: Whether the first step beyond it is chained to it.
    """

    owner: str
    relationship: str
    strategy: str
    arguments: tuple[tuple[str, Any], ...] = ()
    narrowed: tuple[str, ...] = ()
    is_alone: bool = True
    below: int | None = None
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_chained: bool = True
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Described:
    """One load.

    Attributes:
        root: The class of what is selected.
        form: How it is selected: "class", "alias", "poly" or "derived".
        source: How it is executed: "select", "scalars", "query", "get", "from", "union".
        second: A relationship whose target is selected too, or a column.
        below: Only rows with a lower rank.
        limit: Rows at most, and rows to leave out before them.
        wildcard: The strategy of every other relationship.
        criteria: (class, rank) for rows of a class wherever they are loaded.
        present: (class, key, how) of objects that the session has before.
        after: What is done when rows have been read.
    """

    root: str
    form: str = "class"
    subclasses: tuple[str, ...] = ()
    source: str = "select"
    second: tuple[str, str] | None = None
    below: int | None = None
    is_down: bool = False
    limit: tuple[int, int] | None = None
    is_distinct: bool = False
    key: tuple[int, ...] = (1,)
    steps: tuple[Step, ...] = ()
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    wildcard: str | None = None
    polymorphic: tuple[str, ...] = ()
    criteria: tuple[tuple[str, int, bool], ...] = ()
    is_unique: bool = True
    is_heard: bool = False
    yield_per: int | None = None
    populate_existing: bool = False
    present: tuple[tuple[str, tuple[int, ...], str], ...] = ()
    has_pending: bool = False
    autoflush: bool = True
    after: str = "touch"


@dataclass
class Seen:
    """What a load gave: rows of labels, and what each object has loaded, by label."""

    error: str | None = None
    message: str = ""
    rows: Any = None
    loaded: Any = None
    touched: Any = None
    problems: Any = None


@dataclass(frozen=True)
class Source:
    """What attributes are taken from: a class, or an alias of several."""

    entity: Any
    name: str
    subclasses: tuple[str, ...] = ()

    def attribute(self, owner: str, name: str) -> Any:
        if owner in self.subclasses:
            return getattr(getattr(self.entity, owner), name)
        if issubclass(getattr(market, self.name), getattr(market, owner)):
            return getattr(self.entity, name)
        return getattr(getattr(market, owner), name)

    def column(self, name: str) -> Any:
        owner, _, name = name.rpartition(".")
        return self.attribute(owner or self.name, name)


def steps_of(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Steps and those below them."""
    for step in steps:
        yield step
        yield from steps_of(step.steps)


class Builder:
    """Builds the statement of a description, and its options."""

    def __init__(self, described: Described) -> None:
        self.described = described
        # Criteria, and outer joins of the statement, may lack the row that an inner join counts on.
        self.may_lack_rows = bool(described.criteria) or any(
            step.strategy == "contains_eager" for step in steps_of(described.steps)
        )
        self.root = self._root()
        self.joins: list[tuple[Any, bool]] = []
        self.used = {base_of(described.root)}

    def _root(self) -> Source:
        described = self.described
        class_ = getattr(market, described.root)
        if described.form == "alias":
            return Source(aliased(class_), described.root)
        if described.form == "derived":
            inner = select(class_).where(class_.rank < 6).subquery()
            return Source(aliased(class_, inner), described.root)
        if described.form == "poly":
            subclasses = [getattr(market, name) for name in described.subclasses]
            is_aliased = described.is_down
            entity = with_polymorphic(class_, subclasses, aliased=is_aliased)
            return Source(entity, described.root, described.subclasses)
        return Source(class_, described.root)

    def options(self) -> Iterator[Any]:
        described = self.described
        for step in described.steps:
            yield self._option(None, self.root, step)
        if described.columns:
            load = Load(self.root.entity)
            yield self._with_columns(load, self.root, described.columns)
        if described.wildcard is not None:
            yield FUNCTIONS[described.wildcard]("*")
        if described.polymorphic:
            class_ = getattr(market, described.root)
            subclasses = [getattr(market, name) for name in described.polymorphic]
            yield selectin_polymorphic(class_, subclasses)
        for name, below, include_aliases in described.criteria:
            class_ = getattr(market, name)
            yield with_loader_criteria(class_, class_.rank < below, include_aliases=include_aliases)

    def _with_columns(self, load: Any, source: Source, columns: Any) -> Any:
        for method, names in columns:
            if method == "undefer_group":
                load = load.undefer_group(*names)
            elif method == "load_only":
                load = load.load_only(*map(source.column, names))
            elif method == "raise_column":
                load = load.defer(source.column(names[0]), raiseload=True)
            else:
                for name in names:
                    load = getattr(load, method)(source.column(name))
        return load

    def _option(self, before: Any, source: Source, step: Step) -> Any:
        attribute = source.attribute(step.owner, step.relationship)
        target = attribute.property.mapper.class_.__name__
        strategy = step.strategy
        beyond = self._target(step, target)
        if beyond.entity is not getattr(market, target):
            attribute = attribute.of_type(beyond.entity)
        if strategy == "contains_eager":
            self.joins.append((attribute, dict(step.arguments)["isouter"]))
        elif step.below is not None:
            attribute = attribute.and_(beyond.entity.rank < step.below)
        arguments = {} if strategy == "contains_eager" else dict(step.arguments)
        if step.below is not None or self.may_lack_rows:
            arguments.pop("innerjoin", None)
        function = FUNCTIONS[strategy] if before is None else getattr(before, strategy)
        load = self._with_columns(function(attribute, **arguments), beyond, step.columns)
        others = step.steps
        # Within a chain, only the last may go on.
        if step.is_chained and len(others) == 1:
            return self._option(load, beyond, others[0])
        if others:
            load = load.options(*(self._option(None, beyond, other) for other in others))
        return load

    def _target(self, step: Step, target: str) -> Source:
        class_ = getattr(market, target)
        if step.narrowed and not step.is_alone:
            subclasses = [getattr(market, name) for name in step.narrowed]
            is_aliased = step.strategy in ("contains_eager", "joinedload")
            poly = with_polymorphic(class_, subclasses, aliased=is_aliased)
            return Source(poly, target, step.narrowed)
        name = step.narrowed[0] if step.narrowed else target
        class_ = getattr(market, name)
        if step.strategy == "contains_eager" and (
            base_of(name) in self.used or dict(step.arguments)["isaliased"]
        ):
            return Source(aliased(class_), name)
        self.used.add(base_of(name))
        return Source(class_, name)

    def statement(self, session: Any, *, has_options: bool = True) -> Any:
        described = self.described
        options = list(self.options())
        if not has_options:
            options = options[len(options) - len(described.criteria) :]
        entity = self.root.entity
        elements = [entity]
        second = None
        if described.second is not None:
            owner, name = described.second
            attribute = self.root.attribute(owner, name)
            if hasattr(attribute.property, "mapper"):
                second = aliased(attribute.property.mapper.class_)
                elements.append(second)
            else:
                elements.append(attribute)
        if described.source in ("from", "union"):
            return self._from(entity, options)
        statement = (session.query if described.source == "query" else select)(*elements)
        if second is not None:
            statement = statement.join(attribute.of_type(second))
        for attribute, isouter in self.joins:
            statement = statement.join(attribute, isouter=isouter)
        if described.below is not None:
            statement = statement.where(entity.rank < described.below)
        if described.is_distinct:
            statement = statement.distinct()
        if described.source != "get":
            statement = statement.order_by(*self._orders(entity, second))
        if described.limit is not None:
            statement = statement.limit(described.limit[0]).offset(described.limit[1])
        return statement.options(*options)

    def _orders(self, entity: Any, second: Any) -> Iterator[Any]:
        for each in (entity, second):
            if each is not None:
                for column in inspect(each).mapper.primary_key:
                    key = inspect(each).mapper.get_property_by_column(column).key
                    attribute = getattr(each, key)
                    yield attribute.desc() if self.described.is_down else attribute

    def _from(self, entity: Any, options: list[Any]) -> Any:
        inner = select(entity)
        below = self.described.below
        if self.described.source == "union":
            below = 4 if below is None else below
            other = select(entity).where(entity.rank >= below)
            inner = union_all(inner.where(entity.rank < below), other)
        elif below is not None:
            inner = inner.where(entity.rank < below)
        return select(entity).from_statement(inner).options(*options)


def base_of(name: str) -> str:
    """The class at the top of the hierarchy."""
    return str(inspect(getattr(market, name)).base_mapper.class_.__name__)


def label(value: Any) -> Any:
    """What an object is called: its class and key."""
    if value is None or not hasattr(value, "__mapper__"):
        return value
    key = inspect(value).identity
    return (type(value).__name__, *(("new",) if key is None else key))


def labels(value: Any, *, is_ordered: bool) -> Any:
    if isinstance(value, dict):
        return sorted((key, label(each)) for key, each in value.items())
    if isinstance(value, list | set):
        named = [label(each) for each in value]
        return named if is_ordered else sorted(named, key=repr)
    return label(value)


def is_ordered(relationship: Any) -> bool:
    return bool(relationship.order_by)


def targets(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = value.values()
    found = value if isinstance(value, list | set) or hasattr(value, "__iter__") else [value]
    return [each for each in found if hasattr(each, "__mapper__")]


def what_is_loaded(objects: list[Any]) -> dict[Any, dict[str, Any]]:
    """What each object and those reached from it have loaded, without loading anything."""
    found: dict[Any, dict[str, Any]] = {}
    reached = list(objects)
    while reached:
        item = reached.pop()
        name = label(item)
        if name in found:
            continue
        relationships = inspect(item).mapper.relationships
        found[name] = values = {}
        for key, value in inspect(item).dict.items():
            if key in relationships:
                values[key] = labels(value, is_ordered=is_ordered(relationships[key]))
                reached += targets(value)
            elif key in inspect(item).mapper.column_attrs:
                values[key] = value
    return found


class Run:
    """One load in a session."""

    def __init__(self, engine: Any, described: Described) -> None:
        self.engine = engine
        self.described = described
        self.seen = Seen()
        self.rows: list[Any] = []

    def run(self, look: Any = None) -> Seen:
        """Run it; `look` is called with the session as soon as rows have been read."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            options = {"join_transaction_mode": "create_savepoint"}
            with Session(connection, autoflush=self.described.autoflush, **options) as session:
                if self.described.is_heard:
                    event.listen(session, "do_orm_execute", lambda _: None)
                try:
                    self._run(session, look)
                except exc.SQLAlchemyError as error:
                    self.seen.error = kind_of(error)
                    self.seen.message = str(error)
            transaction.rollback()
        return self.seen

    def _run(self, session: Any, look: Any) -> None:
        kept = self._prepare(session)
        rows = self.rows = self._rows(session)
        self.seen.rows = [tuple(map(label, row)) for row in rows]
        objects = [each for row in rows for each in row if hasattr(each, "__mapper__")]
        objects += kept
        self.seen.loaded = what_is_loaded(objects)
        if look is not None:
            look(session)
        self._after(session, objects)
        self.seen.problems = []
        self.touch(objects)
        self.seen.touched = what_is_loaded(objects)
        if look is not None:
            look(session)

    def _prepare(self, session: Any) -> list[Any]:
        kept: list[Any] = []
        for name, key, how in self.described.present:
            class_ = getattr(market, name)
            if how == "partial":
                ids = inspect(class_).primary_key
                criteria = [column == value for column, value in zip(ids, key, strict=True)]
                load = Load(class_).load_only(class_.rank)
                item = session.scalars(select(class_).where(*criteria).options(load)).one()
            else:
                item = session.get(class_, key)
            kept.append(item)
            change(session, item, how)
        if self.described.has_pending:
            session.add(
                market.Shop(id=9, name="new", rank=2, shelves=[market.Shelf(number=1, rank=4)])
            )
        return kept

    def _rows(self, session: Any) -> list[Any]:
        described = self.described
        statement = Builder(described).statement(session)
        if described.source == "get":
            builder = Builder(described)
            found = session.get(
                builder.root.entity,
                described.key,
                options=list(builder.options()),
                populate_existing=described.populate_existing,
            )
            return [(found,)]
        if described.source == "query":
            if described.populate_existing:
                statement = statement.populate_existing()
            if described.yield_per is not None:
                statement = statement.yield_per(described.yield_per)
            return [row if described.second is not None else (row,) for row in statement]
        execution: dict[str, Any] = {}
        if described.populate_existing:
            execution["populate_existing"] = True
        if described.yield_per is not None:
            execution["yield_per"] = described.yield_per
        if described.source == "scalars":
            scalars = session.scalars(statement, execution_options=execution)
            return [(each,) for each in (scalars.unique() if described.is_unique else scalars)]
        result = session.execute(statement, execution_options=execution)
        return list(result.unique() if described.is_unique else result)

    def _after(self, session: Any, objects: list[Any]) -> None:
        after = self.described.after
        if after == "expire":
            session.expire_all()
        for item in objects:
            if after == "refresh" and item in session:
                session.refresh(item)
            elif after == "refresh_some" and item in session:
                names = [*inspect(item).mapper.relationships.keys()][:2]
                session.refresh(item, [*names, "rank"])
        if after == "again":
            self.rows += self._rows(session)

    def touch(self, objects: list[Any]) -> None:
        """Read what the options speak of, or all that the objects have."""
        reads_all = self.described.after in ("touch_all", "expire")
        for item in objects:
            self._touch(item, self.described.steps)
            if reads_all:
                for attribute in inspect(item).mapper.attrs:
                    self._read(item, attribute.key)

    def _touch(self, item: Any, steps: tuple[Step, ...]) -> None:
        for step in steps:
            if isinstance(item, getattr(market, step.owner)):
                for each in targets(self._read(item, step.relationship)):
                    self._touch(each, step.steps)

    def _read(self, item: Any, key: str) -> Any:
        try:
            return getattr(item, key)
        except exc.SQLAlchemyError as error:
            self.seen.problems.append((label(item), key, kind_of(error)))
            return None


CHANGED = {"Shop": "name", "Person": "name", "Shelf": "remark"}


def change(session: Any, item: Any, how: str) -> None:
    """Bring an object into the state that it shall be found in."""
    mapper = inspect(item).mapper
    if how == "expired":
        session.expire(item)
    elif how == "expired_some":
        session.expire(item, ["rank", *mapper.relationships.keys()[:2]])
    elif how == "whole":
        for relationship in mapper.relationships:
            getattr(item, relationship.key)
    elif how == "modified":
        name = CHANGED.get(mapper.base_mapper.class_.__name__)
        if name is not None:
            setattr(item, name, "changed")


def kind_of(error: BaseException) -> str:
    """The class of SQLAlchemy that an error is of."""
    return next(each.__name__ for each in type(error).__mro__ if each.__module__ == exc.__name__)
