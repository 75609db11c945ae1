"""What a mapped attribute says of itself on the class, and its constructor to `inspect`."""

import inspect

import pytest
import sqlalchemy as sa

from holdfast import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    mapped_column,
    relationship,
    synonym,
    validates,
)


class Base(DeclarativeBase):
    pass


class Parent(Base):
    """The class."""

    __tablename__ = "parent"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(doc="What it is called.")
    nick = synonym("name", doc="Another name.")
    children: Mapped[list["Child"]] = relationship(doc="The young.", backref="parent")

    def __init__(self, name: str, *, loud: bool = False) -> None:
        self.name = name.upper() if loud else name


class Child(Base):
    __tablename__ = "child"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("parent.id"))
    seen: list

    __allow_unmapped__ = True

    @validates("parent", include_backrefs=True)
    def check_parent(self, key, value):
        vars(self).setdefault("seen", []).append(value)
        return value


@pytest.mark.parametrize(
    ("name", "doc"),
    [
        ("id", None),
        ("name", "What it is called."),
        ("nick", "Another name."),
        ("children", "The young."),
    ],
)
def test_documentation_is_that_of_the_property(name, doc):
    Parent("x")

    assert getattr(Parent, name).__doc__ == doc


def test_constructor_shows_the_parameters_of_the_users_own():
    signature = inspect.signature(Parent)
    full = inspect.getfullargspec(Parent.__init__)

    assert str(signature) == "(name: str, *, loud: bool = False) -> None"
    assert (full.args, full.kwonlyargs, full.kwonlydefaults) == (
        ["self", "name"],
        ["loud"],
        {"loud": False},
    )
    assert Parent("a", loud=True).name == "A"


def test_validator_of_an_attribute_that_a_backref_makes():
    parent = Parent("x")
    first, second = Child(), Child()

    parent.children.append(first)
    second.parent = parent
    parent.children.remove(first)

    assert first.seen == [parent, None]
    assert second.seen == [parent]


class DataclassBase(MappedAsDataclass, DeclarativeBase):
    pass


class Chained(DataclassBase):
    __tablename__ = "chained"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    second: Mapped[int] = synonym("first", default=7)
    value: Mapped[int] = mapped_column(default=7, init=False)
    first: Mapped[int] = synonym("value", default=7)


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, 7), ({"second": 10}, 10), ({"first": 9}, 9), ({"second": 10, "first": 9}, 9)],
)
def test_default_does_not_hide_what_a_synonym_was_given(given, expected):
    made = Chained(**given)

    assert (made.value, made.first, made.second) == (expected,) * 3


def test_object_state_says_what_it_is():
    state = sa.inspect(Parent("x"))

    assert state.is_instance
    assert not state.is_mapper
    assert not state.is_attribute
    assert dict(state.callables) == {}


def test_class_with_a_finalizer_is_warned_of():
    class LocalBase(DeclarativeBase):
        pass

    with pytest.warns(sa.exc.SAWarning, match=r"__del__\(\) method on class .*Closing"):

        class Closing(LocalBase):
            __tablename__ = "closing"
            id: Mapped[int] = mapped_column(primary_key=True)

            def __del__(self):
                pass
