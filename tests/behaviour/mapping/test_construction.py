"""How objects come to be: by their constructor, or by being loaded."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import MetaData, inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    class_mapper,
    make_transient,
    mapped_column,
    reconstructor,
)
from holdfast.exc import UnmappedClassError


class Base(DeclarativeBase):
    pass


class Plain(Base):
    """Without a constructor."""

    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    shout: str = "!"

    __allow_unmapped__ = True


class Own(Base):
    """With one."""

    __tablename__ = "own"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]

    def __new__(cls, *args: Any, **kw: Any) -> Own:
        made = super().__new__(cls)
        made.calls = ["new"]
        return made

    def __init__(self, first: str, last: str = "-") -> None:
        self.early = first
        self.name = f"{first} {last}"
        super().__init__()
        self.calls.append("init")

    @reconstructor
    def on_load(self) -> None:
        self.calls.append(f"load {self.name}")


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        yield session


@pytest.mark.rule("MP-190")
def test_loaded_object_is_made_by_new_and_its_reconstructor_without_init(session: Session) -> None:
    session.add(Own("Ada", "L"))
    session.commit()
    session.expunge_all()

    own = session.scalars(select(Own)).one()
    assert own.calls == ["new", "load Ada L"]
    assert not hasattr(own, "early")
    session.refresh(own)
    session.expire(own)
    assert own.name == "Ada L"
    assert own.calls == ["new", "load Ada L"]


@pytest.mark.rule("MP-190")
def test_reconstructor_is_not_called_for_new_objects() -> None:
    assert Own("Ada").calls == ["new", "init"]


@pytest.mark.rule("MP-191")
def test_class_without_a_constructor_takes_keywords(session: Session) -> None:
    plain = Plain(id=1, name="x", shout="?")

    assert (plain.id, plain.name, plain.shout) == (1, "x", "?")
    with pytest.raises(TypeError, match="'other' is an invalid keyword argument for Plain"):
        Plain(other=1)


@pytest.mark.rule("MP-191")
def test_constructor_of_the_class_is_called_as_it_is_written(session: Session) -> None:
    own = Own("Ada", last="L")
    own.id = 5
    own.extra = object()

    assert own.name == "Ada L"
    assert (own.early, inspect(own).transient) == ("Ada", True)
    session.add(own)
    session.flush()
    assert session.scalars(select(Own.name)).all() == ["Ada L"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'name'"):
        Own("Ada", name="x")  # type: ignore[call-arg]


@pytest.mark.rule("MP-191")
def test_attributes_may_be_set_before_the_constructor_is_called(session: Session) -> None:
    plain = Plain.__new__(Plain)
    Plain.__init__(plain, name="x")
    session.add(plain)
    session.flush()

    assert session.scalars(select(Plain.name)).one() == "x"


@pytest.mark.rule("MP-192")
def test_unmapped_subclass_of_a_mapped_class_is_refused(session: Session) -> None:
    class Below(Plain):
        __abstract__ = True

    below = Below(name="x")
    assert below.name == "x"
    for use in (session.add, session.delete, session.merge, session.refresh, session.expunge):
        with pytest.raises(UnmappedClassError, match="Below"):
            use(below)
    with pytest.raises(UnmappedClassError, match="Below"):
        class_mapper(Below)
    session.add(Plain(name="x"))
    session.flush()
    assert type(session.scalars(select(Plain)).one()) is Plain


@pytest.mark.rule("MP-193")
def test_copy_shares_the_state_of_its_original(session: Session) -> None:
    plain = Plain(id=1, name="x")
    session.add(plain)
    session.commit()
    assert plain.name == "x"
    twin = copy.copy(plain)

    assert inspect(twin) is inspect(plain)
    assert inspect(twin).obj() is plain


@pytest.mark.rule("MP-193")
@pytest.mark.parametrize("way", ["constructor", "merge", "make_transient"])
def test_clone_is_made_otherwise(session: Session, way: str) -> None:
    plain = Plain(id=1, name="x")
    session.add(plain)
    session.commit()

    if way == "constructor":
        clone = Plain(name=plain.name)
        session.add(clone)
    elif way == "merge":
        clone = session.merge(Plain(id=2, name=plain.name))
    else:
        session.expunge(plain)
        clone = session.get_one(Plain, 1)
        session.expunge(clone)
        make_transient(clone)
        clone.id = None  # type: ignore[assignment]
        session.add(clone)
    session.commit()

    assert session.execute(select(Plain.id, Plain.name).order_by(Plain.id)).all() == [
        (1, "x"),
        (2, "x"),
    ]
    assert inspect(clone) is not inspect(plain)
