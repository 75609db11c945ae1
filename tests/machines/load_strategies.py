"""Draw descriptions of random loads."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from sqlalchemy import inspect

from machines.loads import Described, Step
from models import market

CLASSES = {mapper.class_.__name__: mapper.class_ for mapper in market.Base.registry.mappers}
SUBCLASSES = {"Person": ("Manager", "Engineer"), "Item": ("Food", "Tool")}
ROOTS = [*sorted(CLASSES), "Shop", "Shop", "Person", "Item", "Shelf"]
KEYS: dict[str, tuple[tuple[int, ...], ...]] = {
    "Shop": ((1,), (2,), (4,)),
    "Person": ((1,), (2,), (3,)),
    "Item": ((1,), (3,), (4,)),
    "Shelf": ((1, 1), (1, 2), (2, 1)),
    "Tag": ((1,), (3,)),
    "Sign": ((1,),),
    "Manager": ((1,), (4,)),
    "Engineer": ((2,), (5,)),
    "Food": ((2,), (4,)),
    "Tool": ((3,), (8,)),
}
EAGER = ["joinedload", "joinedload", "selectinload", "selectinload", "subqueryload"]
OTHER = ["lazyload", "immediateload", "defaultload"]
INSIDE = "contains_eager"


def relationships(name: str) -> list[tuple[str, str, str, bool]]:
    """(owner, name, target, whether a row may refer to its own table) of a class."""
    return [
        (
            each.parent.class_.__name__,
            each.key,
            each.mapper.class_.__name__,
            each.mapper.isa(each.parent) and each.parent.isa(each.mapper),
        )
        for each in sorted(inspect(CLASSES[name]).relationships, key=lambda each: each.key)
    ]


RELATIONSHIPS = {name: relationships(name) for name in CLASSES}
# References that are never NULL: a row is always found.
ALWAYS = {("Sign", "shop"), ("Shelf", "shop")}


def columns(names: tuple[str, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """What to do with the columns of a class, and of subclasses beside it."""
    plain: list[str] = []
    for number, name in enumerate(names):
        mapper = inspect(CLASSES[name])
        keys = [key for key in sorted(mapper.column_attrs.keys()) if key != "kind"]
        if number:
            inherited = set(inspect(CLASSES[names[0]]).column_attrs.keys())
            keys = [f"{name}.{key}" for key in keys if key not in inherited]
        plain += keys
    chosen = st.sampled_from(plain)
    several = st.lists(chosen, min_size=1, max_size=2, unique=True).map(tuple)
    method = st.one_of(
        st.tuples(st.sampled_from(["defer", "undefer", "load_only"]), several),
        st.tuples(st.just("raise_column"), chosen.map(lambda name: (name,))),
        st.just(("undefer_group", ("size",))),
    )
    return st.lists(method, min_size=1, max_size=2).map(tuple)


@st.composite
def arguments(draw: Any, strategy: str, *, is_self: bool, is_always: bool) -> dict[str, Any]:
    if strategy == "joinedload" and is_always:
        return {"innerjoin": draw(st.sampled_from([True, False, "unnested"]))}
    if strategy == "selectinload":
        given = {"chunksize": draw(st.sampled_from([None, 1, 2, 3]))}
        if is_self:
            given["recursion_depth"] = draw(st.sampled_from([None, None, 1, 2, -1]))
        return {key: value for key, value in given.items() if value is not None}
    if strategy == "immediateload" and is_self:
        depth = draw(st.sampled_from([None, 1, -1]))
        return {} if depth is None else {"recursion_depth": depth}
    if strategy == INSIDE:
        return {
            "isouter": draw(st.sampled_from([True, True, False])),
            "isaliased": draw(st.booleans()),
        }
    if strategy == "raiseload":
        return {"sql_only": draw(st.booleans())}
    return {}


@st.composite
def steps(
    draw: Any, name: str, subclasses: tuple[str, ...] = (), *, depth: int, is_inside: bool = False
) -> tuple[Step, ...]:
    """What to load of a class, and of subclasses that are in the statement as well."""
    known = list(RELATIONSHIPS[name])
    for subclass in subclasses:
        known += [each for each in RELATIONSHIPS[subclass] if each[0] == subclass]
    if not known:
        return ()
    made = {}
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 2, 3]))):
        owner, key, target, is_self = draw(st.sampled_from(known))
        names = [*EAGER, *OTHER, "raiseload"]
        if is_inside:
            names += [INSIDE, INSIDE]
        strategy = draw(st.sampled_from(names))
        given = draw(arguments(strategy, is_self=is_self, is_always=(owner, key) in ALWAYS))
        narrowed: tuple[str, ...] = ()
        is_alone = draw(st.sampled_from([False, False, True]))
        if target in SUBCLASSES and strategy != "raiseload" and draw(st.booleans()):
            narrowed = SUBCLASSES[target]
            count = 1 if is_alone else draw(st.sampled_from([1, 2]))
            narrowed = draw(st.sampled_from([narrowed, narrowed[::-1]]))[:count]
        below = None
        if strategy not in (INSIDE, "raiseload", "defaultload"):
            below = draw(st.sampled_from([None, None, None, 4]))
        alone = (narrowed[0],) if narrowed and is_alone else (target, *narrowed)
        further: tuple[Step, ...] = ()
        if depth > 1 and strategy != "raiseload" and "recursion_depth" not in given:
            further = draw(
                steps(alone[0], alone[1:], depth=depth - 1, is_inside=strategy == INSIDE)
            )
        made[owner, key] = Step(
            owner,
            key,
            strategy,
            arguments=tuple(sorted(given.items())),
            narrowed=narrowed,
            is_alone=is_alone,
            below=below,
            columns=()
            if strategy == "raiseload"
            else draw(st.one_of(st.just(()), st.just(()), columns(alone))),
            is_chained=draw(st.booleans()),
            steps=further,
        )
    return tuple(made.values())


present = st.lists(
    st.sampled_from(
        [
            (name, key, how)
            for name in ("Shop", "Person", "Item", "Shelf", "Tag")
            for key in KEYS[name]
            for how in ("loaded", "expired", "expired_some", "partial", "whole", "modified")
        ]
    ),
    max_size=4,
    unique_by=lambda each: each[:2],
).map(tuple)


def has_inside(steps: tuple[Step, ...]) -> bool:
    return any(step.strategy == INSIDE for step in steps)


@st.composite
def loads(draw: Any) -> Described:
    root = draw(st.sampled_from(ROOTS))
    source = draw(
        st.sampled_from(["select", "select", "select", "scalars", "query", "get", "from", "union"])
    )
    forms = ["class", "class", "alias", "derived"]
    if root in SUBCLASSES:
        forms += ["poly", "poly", "poly"]
    form = draw(st.sampled_from(forms)) if source not in ("get", "from", "union") else "class"
    subclasses: tuple[str, ...] = ()
    polymorphic: tuple[str, ...] = ()
    if form == "poly":
        subclasses = SUBCLASSES[root][: draw(st.sampled_from([1, 2]))]
    elif form == "class" and root in SUBCLASSES and draw(st.booleans()):
        polymorphic = SUBCLASSES[root][: draw(st.sampled_from([1, 2]))]
    is_selected = source in ("select", "scalars", "query")
    chosen = draw(steps(root, subclasses or polymorphic, depth=3, is_inside=is_selected))
    second = None
    if source in ("select", "query"):
        candidates = [(owner, key) for owner, key, *_ in RELATIONSHIPS[root]] + [(root, "rank")]
        second = draw(st.sampled_from([None, None, *candidates]))
    # Without aliases, whether subclasses are meant is another question.
    criteria = st.tuples(
        st.sampled_from([*sorted(CLASSES)]), st.sampled_from([3, 5]), st.booleans()
    ).map(lambda each: (*each[:2], each[2] or each[0] in SUBCLASSES))
    return Described(
        root,
        form=form,
        subclasses=subclasses,
        source=source,
        second=second,
        below=draw(st.sampled_from([None, 4, 6])),
        is_down=draw(st.booleans()),
        limit=draw(st.sampled_from([None, None, (2, 0), (3, 1)]))
        if is_selected and not has_inside(chosen)
        else None,
        is_distinct=draw(st.sampled_from([False, False, False, True])),
        key=draw(st.sampled_from(KEYS[root])),
        steps=chosen,
        columns=draw(st.one_of(st.just(()), columns((root, *subclasses)))),
        wildcard=draw(st.sampled_from([None] * 8 + ["lazyload", "raiseload"])),
        polymorphic=polymorphic,
        criteria=tuple(draw(st.one_of(st.just([]), st.lists(criteria, max_size=2)))),
        is_unique=draw(st.sampled_from([True, True, True, False])),
        is_heard=draw(st.booleans()),
        yield_per=draw(st.sampled_from([None, None, None, 1, 2])),
        populate_existing=draw(st.sampled_from([False, False, True])),
        present=draw(present),
        has_pending=draw(st.booleans()),
        autoflush=draw(st.booleans()),
        after=draw(
            st.sampled_from(
                ["touch", "touch", "touch_all", "expire", "refresh", "refresh_some", "again"]
            )
        ),
    )
