"""Values that change in place: dictionaries, lists, sets, composites, and values of one's own."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, LargeBinary, MetaData, PickleType, event, inspect, select
from sqlalchemy.types import TypeDecorator

from holdfast import (
    DeclarativeBase,
    Mapped,
    Mapper,
    Session,
    composite,
    configure_mappers,
    mapped_column,
)
from holdfast.attributes import get_history
from holdfast.ext.mutable import (
    Mutable,
    MutableComposite,
    MutableDict,
    MutableList,
    MutableSet,
)


class Base(DeclarativeBase):
    pass


class Counter(Mutable):
    """A value of one's own."""

    def __init__(self, count: int) -> None:
        self.count = count

    def add(self) -> None:
        self.count += 1
        self.changed()

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        return cls(value) if isinstance(value, int) else super().coerce(key, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counter) and self.count == other.count

    __hash__ = None  # type: ignore[assignment]


@dataclasses.dataclass
class Point(MutableComposite):
    x: int
    y: int

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        self.changed()


class Page(Base):
    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    notes: Mapped[dict[str, Any] | None] = mapped_column(MutableDict.as_mutable(JSON()))
    tags: Mapped[list[Any] | None] = mapped_column(MutableList.as_mutable(JSON))
    words: Mapped[set[Any] | None] = mapped_column(MutableSet.as_mutable(PickleType))
    counter: Mapped[Any] = mapped_column(Counter.as_mutable(PickleType), nullable=True)
    other: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    made: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON), default={"a": 1})
    at: Mapped[Point | None] = composite(
        mapped_column("x", nullable=True), mapped_column("y", nullable=True)
    )

    __mapper_args__ = {"polymorphic_on": "title", "polymorphic_identity": "page"}


class Below(Page):
    __mapper_args__ = {"polymorphic_identity": "below"}


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(
            Page(
                id=1,
                notes={"a": 1, "deep": {"b": 2}},
                tags=[3, 1, 2],
                words={"x", "y"},
                counter=5,
                at=Point(1, 2),
            )
        )
        session.commit()
        yield session


def stored(session: Session, key: str) -> Any:
    """The value that a row of a new session has."""
    with Session(session.connection()) as other:
        return getattr(other.get_one(Page, 1), key)


CHANGES: list[tuple[str, Any, Any]] = [
    ("notes", lambda d: d.__setitem__("a", 9), {"a": 9, "deep": {"b": 2}}),
    ("notes", lambda d: d.__delitem__("a"), {"deep": {"b": 2}}),
    ("notes", lambda d: d.update({"c": 3}, e=4), {"a": 1, "deep": {"b": 2}, "c": 3, "e": 4}),
    ("notes", lambda d: d.setdefault("z", 0), {"a": 1, "deep": {"b": 2}, "z": 0}),
    ("notes", lambda d: d.pop("a"), {"deep": {"b": 2}}),
    ("notes", lambda d: d.popitem(), {"a": 1}),
    ("notes", lambda d: d.clear(), {}),
    ("notes", lambda d: d.__ior__({"a": 2}), {"a": 2, "deep": {"b": 2}}),
    ("tags", lambda v: v.__setitem__(0, 9), [9, 1, 2]),
    ("tags", lambda v: v.__setitem__(slice(0, 2), [7]), [7, 2]),
    ("tags", lambda v: v.__delitem__(0), [1, 2]),
    ("tags", lambda v: v.append(4), [3, 1, 2, 4]),
    ("tags", lambda v: v.extend([4, 5]), [3, 1, 2, 4, 5]),
    ("tags", lambda v: v.__iadd__([4]), [3, 1, 2, 4]),
    ("tags", lambda v: v.__imul__(2), [3, 1, 2, 3, 1, 2]),
    ("tags", lambda v: v.insert(0, 0), [0, 3, 1, 2]),
    ("tags", lambda v: v.pop(), [3, 1]),
    ("tags", lambda v: v.remove(1), [3, 2]),
    ("tags", lambda v: v.sort(reverse=True), [3, 2, 1]),
    ("tags", lambda v: v.reverse(), [2, 1, 3]),
    ("tags", lambda v: v.clear(), []),
    ("words", lambda v: v.add("z"), {"x", "y", "z"}),
    ("words", lambda v: v.remove("x"), {"y"}),
    ("words", lambda v: v.discard("x"), {"y"}),
    ("words", lambda v: v.update({"z"}), {"x", "y", "z"}),
    ("words", lambda v: v.intersection_update({"x"}), {"x"}),
    ("words", lambda v: v.difference_update({"x"}), {"y"}),
    ("words", lambda v: v.symmetric_difference_update({"x", "z"}), {"y", "z"}),
    ("words", lambda v: v.__ior__({"z"}), {"x", "y", "z"}),
    ("words", lambda v: v.__iand__({"x"}), {"x"}),
    ("words", lambda v: v.__isub__({"x"}), {"y"}),
    ("words", lambda v: v.__ixor__({"x"}), {"y"}),
    ("words", lambda v: v.clear(), set()),
    ("counter", lambda v: v.add(), Counter(6)),
    ("at", lambda v: setattr(v, "x", 8), Point(8, 2)),
]


@pytest.mark.rule("XT-40", "XT-43", "XT-44")
@pytest.mark.parametrize(("key", "change", "expected"), CHANGES)
def test_change_in_place_marks_the_object_and_is_written(
    session: Session, key: str, change: Any, expected: Any
) -> None:
    page = session.get_one(Page, 1)
    value = getattr(page, key)
    assert not session.is_modified(page)
    change(value)

    assert page in session.dirty
    assert session.is_modified(page)
    session.flush()
    assert not session.is_modified(page)
    assert getattr(page, key) == expected
    assert stored(session, key) == expected


@pytest.mark.rule("XT-40")
def test_value_of_set_is_popped(session: Session) -> None:
    page = session.get_one(Page, 1)
    assert page.words is not None
    gone = page.words.pop()
    session.flush()

    assert stored(session, "words") == {"x", "y"} - {gone}


@pytest.mark.rule("XT-40")
def test_column_with_the_plain_type_is_not_tracked(session: Session) -> None:
    page = session.get_one(Page, 1)
    page.other = {"a": 1}
    session.commit()
    page.other["a"] = 2

    assert not session.is_modified(page)
    assert type(page.other) is dict


@pytest.mark.rule("XT-41")
@pytest.mark.parametrize(
    ("key", "given", "kind"),
    [
        ("notes", {"b": 1}, MutableDict),
        ("tags", [1], MutableList),
        ("words", {1}, MutableSet),
        ("counter", 7, Counter),
    ],
)
def test_plain_value_is_converted_when_it_is_assigned(key: str, given: Any, kind: type) -> None:
    page = Page(**{key: given})
    assert type(getattr(page, key)) is kind
    setattr(page, key, None)
    assert getattr(page, key) is None
    setattr(page, key, given)
    assert type(getattr(page, key)) is kind
    kept = getattr(page, key)
    setattr(page, key, kept)
    assert getattr(page, key) is kept


@pytest.mark.rule("XT-41")
@pytest.mark.parametrize(
    ("key", "given"),
    [("notes", [1]), ("tags", "abc"), ("tags", {1}), ("words", [1]), ("counter", "x"), ("at", 5)],
)
def test_value_of_another_type_is_refused(key: str, given: Any) -> None:
    with pytest.raises(ValueError, match=f"Attribute '{key}' does not accept objects of type"):
        setattr(Page(), key, given)


@pytest.mark.rule("XT-42")
def test_change_inside_of_a_nested_value_is_not_noticed(session: Session) -> None:
    page = session.get_one(Page, 1)
    assert page.notes is not None
    page.notes["deep"]["b"] = 99

    assert not session.is_modified(page)
    page.notes["a"] = 2
    session.flush()
    assert stored(session, "notes") == {"a": 2, "deep": {"b": 99}}


@pytest.mark.rule("XT-43")
def test_changed_tells_listeners_and_history(session: Session) -> None:
    page = session.get_one(Page, 1)
    seen: list[Any] = []

    def note(target: Any, initiator: Any) -> None:
        seen.append(target)

    event.listen(Page.counter, "modified", note)
    page.counter.add()
    event.remove(Page.counter, "modified", note)

    assert seen == [page]
    assert get_history(page, "counter").added == [Counter(6)]


@pytest.mark.rule("XT-43")
def test_value_is_tracked_in_every_object_that_holds_it_and_in_no_other(session: Session) -> None:
    one, two = session.get_one(Page, 1), Page(id=2)
    session.add(two)
    two.counter = former = one.counter
    session.commit()
    assert one.counter == two.counter == Counter(5)
    two.counter = shared = one.counter
    session.commit()
    one.counter, two.counter = shared, shared
    session.flush()
    shared.add()
    assert {one, two} <= set(session.dirty)
    session.flush()
    one.counter = 1
    session.flush()
    shared.add()
    assert not session.is_modified(one)
    assert session.is_modified(two)
    session.flush()
    former.add()
    assert not session.dirty


@pytest.mark.rule("XT-43")
def test_all_columns_of_a_type_may_be_tracked(tables: Callable[[MetaData], Any]) -> None:
    class Packed(TypeDecorator[Any]):
        impl = LargeBinary
        cache_ok = True

        def process_bind_param(self, value: Any, dialect: Any) -> Any:
            return None if value is None else repr(dict(value)).encode()

        def process_result_value(self, value: Any, dialect: Any) -> Any:
            return None if value is None else eval(value)

    class Local(DeclarativeBase):
        pass

    MutableDict.associate_with(Packed)

    class One(Local):
        __tablename__ = "one"
        id: Mapped[int] = mapped_column(primary_key=True)
        data: Mapped[Any] = mapped_column(Packed)
        more: Mapped[Any] = mapped_column(Packed())

    with Session(tables(Local.metadata)) as session:
        one = One(id=1, data={"a": 1}, more={})
        session.add(one)
        session.commit()
        one.data["a"] = 2
        one.more["b"] = 3
        session.commit()
        assert (one.data, one.more) == ({"a": 2}, {"b": 3})


@pytest.mark.rule("XT-43")
def test_one_attribute_may_be_tracked_with_its_subclasses(
    tables: Callable[[MetaData], Any],
) -> None:
    class Local(DeclarativeBase):
        pass

    class One(Local):
        __tablename__ = "one"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str | None]
        data: Mapped[Any] = mapped_column(JSON)
        more: Mapped[Any] = mapped_column(JSON)
        __mapper_args__ = {"polymorphic_on": "kind"}

    class Two(One):
        __mapper_args__ = {"polymorphic_identity": "two"}

    MutableDict.associate_with_attribute(One.data)
    with Session(tables(Local.metadata)) as session:
        two = Two(id=1, data={"a": 1}, more={"a": 1})
        session.add(two)
        session.commit()
        two.data["a"] = 2
        two.more["a"] = 2
        session.commit()
        assert (two.data, two.more) == ({"a": 2}, {"a": 1})


@pytest.mark.rule("XT-43")
def test_listeners_of_a_base_are_not_doubled_in_its_subclasses() -> None:
    configure_mappers()

    for cls in (Page, Below):
        assert len(list(cls.notes.dispatch.set)) == 1
        assert len(list(cls.at.dispatch.set)) == 1
    assert event.contains(Mapper, "mapper_configured", None) is False


@pytest.mark.rule("XT-44")
def test_composite_sets_its_columns_when_a_part_changes(session: Session, sql: Any) -> None:
    page = session.get_one(Page, 1)
    assert page.at is not None
    page.at.y = 20
    sql.clear()
    session.flush()

    assert sql.emitted == ["UPDATE page SET y=? WHERE page.id = ?"]
    assert get_history(page, "at").unchanged == [Point(1, 20)]
    page.at = None
    session.flush()
    assert stored(session, "at") is None


@pytest.mark.rule("XT-44")
def test_composite_is_tracked_whenever_it_is_made(session: Session) -> None:
    page = session.get_one(Page, 1)
    former = page.at
    session.expire(page)
    assert page.at == former
    assert page.at is not former
    page.at.x = 7  # type: ignore[union-attr]
    assert session.is_modified(page)
    session.rollback()

    former.x = 100  # type: ignore[union-attr]
    assert not session.is_modified(page)
    fresh = Page(id=3, x=1, y=1)
    session.add(fresh)
    session.flush()
    assert fresh.at is not None
    fresh.at.x = 2
    session.flush()
    assert session.execute(select(Page.x).where(Page.id == 3)).scalar_one() == 2  # type: ignore[attr-defined]


@pytest.mark.rule("XT-45")
@pytest.mark.parametrize("way", ["expire", "refresh", "commit", "populate_existing"])
def test_value_is_tracked_after_it_was_read_again(session: Session, way: str) -> None:
    page = session.get_one(Page, 1)
    assert page.notes
    former = page.notes
    if way == "expire":
        session.expire(page)
    elif way == "refresh":
        session.refresh(page)
    elif way == "commit":
        session.commit()
    else:
        session.get_one(Page, 1, populate_existing=True)

    assert type(page.notes) is MutableDict
    page.notes["a"] = way
    session.flush()
    assert stored(session, "notes")["a"] == way
    former["a"] = "former"
    assert not session.is_modified(page)


@pytest.mark.rule("XT-45")
def test_value_that_a_default_made_is_tracked(session: Session) -> None:
    page = Page(id=2)
    session.add(page)
    session.flush()

    page.made["a"] = 2
    assert session.is_modified(page)


@pytest.mark.rule("XT-45")
@pytest.mark.parametrize("load", [True, False])
@pytest.mark.parametrize("is_present", [True, False])
def test_value_is_tracked_after_a_merge(session: Session, load: bool, is_present: bool) -> None:
    with Session(session.connection()) as other:
        given = other.get_one(Page, 1)
        assert given.notes
        assert given.at
    present = session.get_one(Page, 1) if is_present else None
    if not is_present:
        session.expunge_all()
    merged = session.merge(given, load=load)
    assert present in (None, merged)
    assert merged.notes is not None
    merged.notes["a"] = 8

    assert session.is_modified(merged)
    session.flush()
    assert stored(session, "notes")["a"] == 8


@pytest.mark.rule("XT-45")
@pytest.mark.parametrize("key", ["notes", "tags", "words", "counter", "at"])
def test_values_survive_pickling_with_their_object(session: Session, key: str) -> None:
    page = session.get_one(Page, 1)
    before = getattr(page, key)
    session.expunge_all()
    again = pickle.loads(pickle.dumps(page))
    session.add(again)
    value = getattr(again, key)

    assert value == before
    assert type(value) is type(before)
    assert not session.is_modified(again)
    change = next(change for name, change, _ in CHANGES if name == key)
    change(value)
    assert session.is_modified(again)


@pytest.mark.rule("XT-45")
@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test_copy_of_a_value_is_nobodys(session: Session, make: Any) -> None:
    page = session.get_one(Page, 1)
    for key in ("notes", "tags", "words", "counter"):
        value = getattr(page, key)
        other = make(value)
        assert other == value
        assert type(other) is type(value)
        next(change for name, change, _ in CHANGES if name == key)(other)

    assert not session.is_modified(page)
    assert not inspect(page).modified
