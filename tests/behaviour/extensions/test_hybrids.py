"""Hybrids: attributes that are Python on objects and SQL on the class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest
from sqlalchemy import (
    ForeignKey,
    MetaData,
    delete,
    from_dml_column,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import InvalidRequestError

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    mapped_column,
    relationship,
    synonym,
)
from holdfast.attributes import get_history
from holdfast.ext.hybrid import Comparator, HybridExtensionType, hybrid_method, hybrid_property


class Base(DeclarativeBase):
    pass


class CaseBlind(Comparator[str]):
    def __eq__(self, other: object) -> Any:
        return func.lower(self.__clause_element__()) == func.lower(other)

    def operate(self, op: Any, *other: Any, **kw: Any) -> Any:
        return op(self.__clause_element__(), *other, **kw)


class Point:
    """A value of two columns."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y


class Span(Base):
    __tablename__ = "span"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    start: Mapped[int]
    end: Mapped[int]
    label: Mapped[str | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))

    @hybrid_property
    def length(self) -> int:
        """How long it is."""
        return self.end - self.start

    @length.inplace.setter
    def _set_length(self, value: int) -> None:
        self.end = self.start + value

    @length.inplace.update_expression
    @classmethod
    def _update_length(cls, value: Any) -> list[tuple[Any, Any]]:
        return [(cls.end, from_dml_column(cls.start) + value)]

    @length.inplace.bulk_dml
    @classmethod
    def _bulk_length(cls, mapping: MutableMapping[str, Any], value: int) -> None:
        mapping["end"] = mapping["start"] + value

    @hybrid_property
    def shown(self) -> str:
        return self.label or "-"

    @shown.expression
    def shown(cls) -> Any:
        return func.coalesce(cls.label, "-")

    @shown.setter
    def shown(self, value: str) -> None:
        self.label = None if value == "-" else value

    @shown.deleter
    def shown(self) -> None:
        self.label = None

    @hybrid_property
    def sort(self) -> str:
        return self.kind

    @sort.comparator
    def sort(cls) -> CaseBlind:
        return CaseBlind(cls.kind)

    @hybrid_property
    def plain(self) -> str:
        return self.kind

    @hybrid_property
    def wrong(self) -> bool:
        return self.kind is None

    @hybrid_method
    def holds(self, place: int) -> bool:
        return (self.start <= place) & (place < self.end)

    @hybrid_method
    def label_with(self, text: str) -> str:
        return f"{self.label}{text}"

    @label_with.expression
    def label_with(cls, text: str) -> Any:
        return cls.label.concat(text)

    size = synonym("length")


class Owner(Base):
    __tablename__ = "owner"
    id: Mapped[int] = mapped_column(primary_key=True)
    spans: Mapped[list[Span]] = relationship(order_by=Span.id)

    @hybrid_property
    def total(self) -> int:
        return sum(span.length for span in self.spans)

    @total.expression
    def total(cls) -> Any:
        found = select(func.sum(Span.length)).where(Span.owner_id == cls.id)
        return found.correlate_except(Span).scalar_subquery()


class Long(Span):
    @Span.length.overrides.expression
    def length(cls) -> Any:
        return func.abs(cls.end - cls.start)

    @Span.plain.getter
    def plain(self) -> str:
        return f"long {self.kind}"


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(
            Owner(
                id=1,
                spans=[
                    Span(id=1, kind="A", start=2, end=5, label="x"),
                    Span(id=2, kind="b", start=3, end=13),
                ],
            )
        )
        session.commit()
        yield session


def ids(session: Session, *criteria: Any) -> Any:
    return session.scalars(select(Span.id).where(*criteria).order_by(Span.id)).all()


def rows(session: Session) -> Any:
    columns = (Span.__table__.c[name] for name in ("id", "start", "end"))
    return session.execute(select(*columns).order_by(Span.__table__.c.id)).all()


@pytest.mark.rule("XT-1")
def test_property_is_a_value_on_objects_and_an_expression_on_the_class(session: Session) -> None:
    span = session.get_one(Span, 1)

    assert span.length == 3
    assert Span(start=1, end=8).length == 7
    assert str(Span.length) == "Span.length"
    assert " ".join(str(select(Span.length)).split()) == (
        'SELECT span."end" - span.start AS length FROM span'
    )
    assert Span.length.__doc__ == "How long it is."


@pytest.mark.rule("XT-1", "XT-9")
def test_property_stands_in_every_part_of_a_statement(session: Session) -> None:
    span = session.get_one(Span, 2)

    assert ids(session, Span.length > 5) == [2]
    assert ids(session, Span.length.in_([3])) == [1]
    statement = select(Span.id, Span.length).order_by(Span.length.desc())
    assert session.execute(statement).all() == [(2, 10), (1, 3)]
    assert list(session.execute(statement).keys()) == ["id", "length"]
    assert statement.subquery().c.keys() == ["id", "length"]
    assert session.scalars(select(Span).filter_by(length=10)).one() is span
    assert session.query(Span).filter_by(length=10, shown="-").one() is span
    counted = select(Span.length).group_by(Span.length).having(func.count(Span.id) == 1)
    assert sorted(session.scalars(counted)) == [3, 10]
    session.execute(delete(Span).where(Span.length == 3))
    assert ids(session) == [2]


@pytest.mark.rule("XT-1", "XT-9")
def test_property_of_an_alias_speaks_of_the_alias(session: Session) -> None:
    alias = aliased(Span)
    statement = select(Span.id, alias.id).where(alias.length > Span.length, alias.holds(4))

    assert session.execute(statement).all() == [(1, 2)]
    assert session.scalars(select(alias.shown).order_by(alias.shown)).all() == ["-", "x"]
    assert session.scalars(select(alias.size).where(alias.size == 3)).all() == [3]


@pytest.mark.rule("XT-1")
def test_property_may_reach_along_relationships(session: Session) -> None:
    owner = session.get_one(Owner, 1)

    assert owner.total == 13
    assert session.execute(select(Owner.id, Owner.total)).all() == [(1, 13)]
    assert session.scalars(select(Owner).where(Owner.spans.any(length=10))).all() == [owner]
    assert session.scalars(select(Owner).where(Owner.spans.any(Span.shown == "x"))).all() == [owner]


@pytest.mark.rule("XT-2")
def test_setter_and_deleter_act_on_objects(session: Session) -> None:
    span = session.get_one(Span, 1)
    span.length = 8
    span.shown = "-"
    session.commit()
    assert (span.end, span.label) == (10, None)

    span.shown = "y"
    del span.shown
    assert span.label is None
    assert Span(start=1, length=4).end == 5  # the constructor takes hybrids too


@pytest.mark.rule("XT-2")
def test_property_without_setter_or_deleter_refuses() -> None:
    span = Span(kind="a")

    with pytest.raises(AttributeError, match=r"can't set attribute Span\.plain"):
        span.plain = "b"
    with pytest.raises(AttributeError, match=r"can't delete attribute Span\.plain"):
        del span.plain


@pytest.mark.rule("XT-2")
def test_decorators_answer_a_copy_and_inplace_ones_the_hybrid_itself() -> None:
    def read(self: Any) -> int:
        return 1

    def act(*arguments: Any) -> Any:
        return None

    hybrid = hybrid_property(read)
    for name in (
        "getter",
        "setter",
        "deleter",
        "expression",
        "comparator",
        "update_expression",
        "bulk_dml",
    ):
        assert getattr(hybrid, name)(act) is not hybrid
        assert getattr(hybrid.inplace, name)(act) is hybrid
    assert (hybrid.fget, hybrid.fset, hybrid.fdel) == (act, act, act)
    assert (hybrid.update_expr, hybrid.bulk_dml_setter) == (act, act)


@pytest.mark.rule("XT-3")
def test_expression_gives_another_sql_form(session: Session) -> None:
    assert session.scalars(select(Span.shown).order_by(Span.id)).all() == ["x", "-"]
    assert [session.get_one(Span, key).shown for key in (1, 2)] == ["x", "-"]
    assert ids(session, Span.shown == "-") == [2]


@pytest.mark.rule("XT-3")
def test_comparator_gives_other_operators(session: Session) -> None:
    assert ids(session, Span.sort == "B") == [2]
    alias = aliased(Span)
    assert session.scalars(select(alias.id).where(alias.sort == "a")).all() == [1]
    assert session.scalars(select(Span.sort).order_by(Span.sort.desc())).all() == ["b", "A"]
    assert isinstance(Span.sort.comparator, CaseBlind)


def test_function_that_gives_no_sql_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r'attribute "Span\.wrong".*got: False'):
        select(Span).where(Span.wrong)


@pytest.mark.rule("XT-4")
@pytest.mark.parametrize("key", ["length", Span.length])
def test_update_expression_says_what_values_sets(session: Session, key: Any) -> None:
    session.execute(update(Span).where(Span.id == 1).values({key: 7}))
    assert rows(session) == [(1, 2, 9), (2, 3, 13)]

    # The start that is set in the same statement counts.
    session.execute(update(Span).where(Span.id == 2).values({key: 7, "start": 100}))
    assert rows(session) == [(1, 2, 9), (2, 100, 107)]
    session.execute(insert(Span).values({"id": 3, "kind": "c", "start": 1, key: 4}))
    assert rows(session)[2] == (3, 1, 5)


@pytest.mark.rule("XT-4")
@pytest.mark.parametrize("synchronize", ["evaluate", "fetch"])
def test_objects_follow_an_update_of_a_hybrid(session: Session, synchronize: Any) -> None:
    span = session.get_one(Span, 1)
    statement = update(Span).where(Span.plain == "A").values({Span.plain: "Z"})
    session.execute(statement, execution_options={"synchronize_session": synchronize})

    assert span.kind == span.plain == "Z"


@pytest.mark.rule("XT-5")
def test_bulk_statements_ask_the_hybrid_for_columns(session: Session) -> None:
    given = [
        {"id": 3, "kind": "c", "start": 1, "length": 4},
        {"id": 4, "kind": "d", "start": 2, "length": 5},
    ]
    session.execute(insert(Span), given)
    session.execute(update(Span), [{"id": 1, "start": 10, "length": 1}])
    session.bulk_insert_mappings(Span, [{"id": 5, "kind": "e", "start": 0, "length": 3}])
    session.bulk_update_mappings(Span, [{"id": 4, "start": 0, "length": 9}])

    assert given[0] == {"id": 3, "kind": "c", "start": 1, "length": 4}
    assert rows(session) == [(1, 10, 11), (2, 3, 13), (3, 1, 5), (4, 0, 9), (5, 0, 3)]


@pytest.mark.rule("XT-5")
@pytest.mark.parametrize("make", [insert, update])
def test_bulk_statement_with_a_hybrid_that_does_not_say_how_is_refused(
    session: Session, make: Any
) -> None:
    with pytest.raises(InvalidRequestError, match="supply a bulk_dml decorated function"):
        session.execute(make(Span), [{"id": 7, "plain": "x"}, {"id": 8, "plain": "y"}])


@pytest.mark.rule("XT-6")
def test_method_works_on_objects_and_on_the_class_with_arguments(session: Session) -> None:
    span = session.get_one(Span, 1)

    assert (span.holds(4), span.holds(5)) == (True, False)
    assert ids(session, Span.holds(5)) == [2]
    assert span.label_with("!") == "x!"
    assert session.scalars(select(Span.label_with("!")).where(Span.id == 1)).one() == "x!"


@pytest.mark.rule("XT-7", "MP-175")
def test_hybrids_are_listed_among_the_descriptors_of_the_mapper() -> None:
    mapper = inspect(Span)
    found = mapper.all_orm_descriptors

    assert {"length", "shown", "sort", "holds", "label_with"} <= set(found.keys())
    assert "length" not in mapper.attrs
    assert found["length"].extension_type is HybridExtensionType.HYBRID_PROPERTY
    assert found["holds"].extension_type is HybridExtensionType.HYBRID_METHOD
    found["length"].info["unit"] = "m"
    assert Span.length.info == {"unit": "m"}


@pytest.mark.rule("XT-7")
def test_hybrid_is_inherited_and_may_be_overridden_in_parts() -> None:
    long = Long(kind="a", start=1, end=4)

    assert (long.length, long.plain, Span(kind="a").plain) == (3, "long a", "a")
    assert str(Long.length.expression) == 'abs(span."end" - span.start)'
    assert str(Span.length.expression) == 'span."end" - span.start'
    assert str(Long.shown.expression) == str(Span.shown.expression)
    long.length = 9
    assert long.end == 10


@pytest.mark.rule("XT-8")
def test_hybrid_holds_no_state(session: Session) -> None:
    span = session.get_one(Span, 1)
    assert span.length == 3
    assert "length" not in vars(span)
    assert "length" not in inspect(span).attrs
    span.length = 5

    assert inspect(span).attrs.end.history == ([7], (), [5])
    assert get_history(span, "end").added == [7]
    session.expire(span)
    assert span.length == 3


@pytest.mark.rule("XT-8")
def test_hybrid_of_one_attribute_shows_that_attributes_history() -> None:
    span = Span(kind="a")

    assert Span.plain.property is Span.kind.property
    assert Span.plain.get_history(span) == get_history(span, "kind")


def test_value_object_may_stand_for_several_columns(tables: Callable[[MetaData], Any]) -> None:
    class Local(DeclarativeBase):
        pass

    class At(Point):
        def __eq__(self, other: object) -> Any:
            assert isinstance(other, Point)
            return (self.x == other.x) & (self.y == other.y)

        __hash__ = None  # type: ignore[assignment]

    class Dot(Local):
        __tablename__ = "dot"
        id: Mapped[int] = mapped_column(primary_key=True)
        x: Mapped[int]
        y: Mapped[int]

        @hybrid_property
        def at(self) -> Any:
            return At(self.x, self.y)

        @at.inplace.update_expression
        @classmethod
        def _update_at(cls, value: Point) -> Any:
            return [(cls.x, value.x), (cls.y, value.y)]

    with Session(tables(Local.metadata)) as session:
        session.add_all([Dot(id=1, x=1, y=2), Dot(id=2, x=3, y=4)])
        session.flush()
        session.execute(update(Dot).where(Dot.at == At(3, 4)).values({Dot.at: At(5, 6)}))

        dot = session.scalars(select(Dot).where(Dot.at == At(5, 6))).one()
        assert (dot.id, dot.at == At(5, 6)) == (2, True)
