"""The constructor, and what objects have before and after it (MP-34, MP-190, MP-191)."""

import gc
import inspect as python_inspect

import pytest
from sqlalchemy import inspect

from holdfast.errors.attributes import ConstructorError
from holdfast.foundation.load_policy import NO_VALUE
from holdfast.instrument.manager import ClassManager, default_constructor, register_class


@pytest.fixture
def user_class(instrument):
    class_ = instrument.new_class("User", nickname="none")
    instrument.value(class_, "id")
    instrument.value(class_, "name")
    return class_


def test_keywords_are_set_and_counted_as_changes(user_class):
    for user in (user_class(id=1, name="a"), user_class(id=1, name="a")):
        assert (user.id, user.name) == (1, "a")
        assert inspect(user).committed_state == {"id": NO_VALUE, "name": NO_VALUE}


def test_objects_made_from_one_dictionary_share_nothing(user_class):
    given = {"name": "a"}
    one, two = user_class(**given), user_class(**given)
    one.name = "b"

    assert (two.name, given) == ("a", {"name": "a"})


def test_attribute_that_is_not_mapped_may_be_given(user_class):
    user = user_class(nickname="n", name="a")

    assert user.nickname == "n"
    assert set(inspect(user).committed_state) == {"name"}


def test_unknown_keyword_is_refused(user_class):
    with pytest.raises(ConstructorError, match="'x' is an invalid keyword argument for User"):
        user_class(x=1)


def test_property_in_place_of_an_attribute_is_called(user_class, instrument):
    class Sub(user_class):
        @property
        def name(self):
            return self.__dict__["name"].upper()

        @name.setter
        def name(self, value):
            self.__dict__["name"] = value

    register_class(Sub)

    assert Sub(name="a").name == "A"


def test_own_setattr_sees_every_keyword(instrument):
    seen = []

    def set_attribute(self, key, value):
        seen.append(key)
        object.__setattr__(self, key, value)

    class_ = instrument.new_class("User", __setattr__=set_attribute)
    instrument.value(class_, "name")
    class_(name="a")

    assert seen == ["name"]


def test_constructor_called_again_keeps_the_state(user_class):
    user = user_class(name="a")
    state = inspect(user)
    user.__init__(name="b")

    assert inspect(user) is state
    assert user.name == "b"


def test_own_constructor_runs_with_a_state_and_keeps_its_signature(instrument):
    class User:
        def __init__(self, name, *, size=1):
            self.name = name
            self.size = size

    instrument.value(User, "name")

    assert inspect(User("a")).committed_state == {"name": NO_VALUE}
    assert list(python_inspect.signature(User).parameters) == ["name", "size"]


def test_state_is_made_once_along_a_chain_of_constructors(instrument):
    class Base:
        def __init__(self, name):
            self.state_in_base = inspect(self)
            self.name = name

    class Sub(Base):
        def __init__(self, name):
            self.state_in_sub = inspect(self)
            super().__init__(name)

    instrument.value(Base, "name")
    register_class(Sub)
    sub = Sub("a")

    assert sub.state_in_base is sub.state_in_sub is inspect(sub)
    assert inspect(sub).manager is register_class(Sub)


def test_subclass_that_is_not_mapped_has_a_manager_of_its_own(user_class):
    class Sub(user_class):
        pass

    sub = Sub(name="a")

    assert inspect(sub).manager.class_ is Sub
    assert not inspect(sub).manager.is_mapped


def test_new_instance_skips_the_constructor(instrument):
    class User:
        def __init__(self):
            raise AssertionError

    instrument.value(User, "name")
    user = register_class(User).new_instance()

    assert inspect(user).transient
    assert user.name is None


def test_preparation_runs_before_the_first_object(user_class):
    manager = register_class(user_class)
    calls = []

    def prepare():
        calls.append(1)
        manager.prepare = None

    manager.prepare = prepare
    manager.refresh_construction()
    user_class(name="a")
    user_class(name="a")

    assert calls == [1]


def test_initial_values_are_set_before_the_constructor(user_class):
    manager = register_class(user_class)
    manager.initial_values = {"id": 7}
    manager.refresh_construction()

    assert user_class(name="a").id == 7
    assert user_class(id=8).id == 8


class Listeners:
    def __init__(self):
        self.calls = []

    def init(self, state, args, kwargs):
        self.calls.append("init")
        kwargs["name"] = "from the listener"

    def init_failure(self, state, args, kwargs):
        self.calls.append("failure")


def test_listeners_of_init_may_change_keywords_and_hear_of_failures(user_class):
    manager = register_class(user_class)
    manager.__dict__["dispatch"] = Listeners()
    manager.has_init_listeners = True
    manager.refresh_construction()

    assert user_class(name="a").name == "from the listener"
    with pytest.raises(TypeError):
        user_class(x=1)
    assert manager.dispatch.calls == ["init", "init", "failure"]


def test_disposed_class_is_as_before():
    class User:
        def __init__(self, name):
            self.name = name

    before = dict(vars(User))
    manager = ClassManager(User)
    manager.dispose()

    assert dict(vars(User)) == before


def test_object_is_freed_without_the_collector(family):
    gc.disable()
    try:
        parent = family.Parent(name="a")
        parent.children.append(family.Child())
        state = inspect(parent)
        parent.children[0].parent = None
        del parent

        assert state.obj() is None
        assert state.dict == {}
    finally:
        gc.enable()


def test_default_constructor_serves_classes_that_are_not_instrumented():
    class Plain:
        name = None
        __init__ = default_constructor

    assert Plain(name="a").name == "a"
