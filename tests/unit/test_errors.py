"""Check the form, the hierarchy and the travelling of every exception."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
import string
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from holdfast import errors
from holdfast.errors import (
    DetachedInstanceError,
    FlushCycleError,
    HoldfastError,
    ObjectDeletedError,
    StaleDataError,
    UnmappedClassError,
    UnmappedInstanceError,
    aio,
)
from holdfast.errors.base import cause


class Author:
    def __repr__(self):
        raise AssertionError("the user's code was called")

    __str__ = __bool__ = __eq__ = __repr__
    __hash__ = None


class Thing(str):
    """Text that has every public attribute, and is mapped to a class."""

    __slots__ = ()
    class_ = Author

    def __getattr__(self, name):
        if name == "__name__":
            return "Thing"
        if name.startswith("__"):
            raise AttributeError(name)
        return Thing(name)


def state_of(obj):
    return SimpleNamespace(obj=lambda: obj, class_=type(obj), pk=7, mapper=None)


CLASSES = [
    value
    for value in {**vars(errors), **vars(aio)}.values()
    if isinstance(value, type) and issubclass(value, HoldfastError) and value is not HoldfastError
]
CONSTRUCTORS = [
    (cls, name)
    for cls in dict.fromkeys(CLASSES)
    for name, value in vars(cls).items()
    if isinstance(value, classmethod | cause) and name != "compose"
]


def argument_for(parameter):
    """Something of the kind that the parameter's name and annotation ask for."""
    name, kind = parameter.name, str(parameter.annotation)
    if kind == "type":
        return Author
    if name in ("state", "child", "parent", "existing"):
        return state_of(Author())
    if kind == "int":
        return 2
    if kind == "bool":
        return True
    if "tuple[str, str]" in kind:
        return [("a", "b")]
    if "Exception" in kind:
        return ValueError("cause")
    if "Iterable" in kind or "Sequence" in kind or name == "reverse":
        return ["one", "other"]
    return Thing("thing")


def argument_for_field(name, declared):
    """Something of the kind that the field's conversion asks for."""
    texts = (declared.text, declared.note, *declared.parts.values())
    parsed = [each for text in texts for each in string.Formatter().parse(text)]
    conversions = {conversion for _, field, _, conversion in parsed if field == name}
    if conversions & {"c", "d"}:
        return Author
    if conversions & {"i", "k"}:
        return state_of(Author())
    return ["one", "other"] if conversions & {"j", "l", "q"} else Thing("thing")


def build(cls, name):
    constructor = getattr(cls, name)
    declared = vars(cls)[name]
    if isinstance(declared, cause):
        return constructor(*[argument_for_field(each, declared) for each in declared.fields])
    positional, keywords = [], {}
    for parameter in inspect.signature(constructor).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            keywords[parameter.name] = argument_for(parameter)
        elif parameter.kind is not parameter.VAR_KEYWORD:
            positional.append(argument_for(parameter))
    return constructor(*positional, **keywords)


@pytest.mark.parametrize(
    ("cls", "name"), CONSTRUCTORS, ids=lambda value: getattr(value, "__name__", value)
)
def test_text_has_a_slug_at_its_end(cls, name):
    error = build(cls, name)

    text = "\n".join([str(error), *getattr(error, "__notes__", [])]).rstrip("'\"")
    slug = re.search(r"\[([a-z][a-z0-9-]+)\]$", text)
    assert slug, text
    assert error.slug in (slug.group(1), cls.slug)
    assert "please contact" not in text.lower()
    assert "!" not in text.replace("!=", "").replace("!r", "")


@pytest.mark.parametrize(
    ("cls", "name"), CONSTRUCTORS, ids=lambda value: getattr(value, "__name__", value)
)
def test_exception_travels_between_processes(cls, name):
    error = build(cls, name)
    vars(error).pop("__notes__", None)

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is cls
    assert str(copy) == str(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_exception_is_caught_as_core_exception_or_builtin(cls):
    builtins = (
        AssertionError,
        AttributeError,
        ImportError,
        KeyError,
        NameError,
        NotImplementedError,
        RuntimeError,
        TypeError,
        ValueError,
    )
    assert issubclass(cls, (exc.SQLAlchemyError, *builtins))
    assert cls.__doc__


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("StaleDataError", exc.SQLAlchemyError),
        ("ConcurrentModificationError", exc.SQLAlchemyError),
        ("FlushError", exc.SQLAlchemyError),
        ("DetachedInstanceError", exc.SQLAlchemyError),
        ("ObjectDeletedError", exc.InvalidRequestError),
        ("ObjectDereferencedError", exc.SQLAlchemyError),
        ("UnmappedError", exc.InvalidRequestError),
        ("UnmappedClassError", errors.UnmappedError),
        ("UnmappedInstanceError", errors.UnmappedError),
        ("UnmappedColumnError", exc.InvalidRequestError),
        ("LoaderStrategyException", exc.InvalidRequestError),
        ("MappedAnnotationError", exc.ArgumentError),
    ],
)
def test_hierarchy_is_the_documented_one(name, base):
    assert issubclass(getattr(errors, name), base)


def test_concurrent_modification_is_stale_data():
    assert errors.ConcurrentModificationError is StaleDataError


def test_every_class_is_offered_to_users():
    folder = pkgutil.iter_modules(errors.__path__, "holdfast.errors.")
    found = [vars(importlib.import_module(module.name)) for module in folder]

    assert {
        name
        for names in found
        for name, value in names.items()
        if isinstance(value, type) and issubclass(value, HoldfastError)
    } <= {*errors.__all__, *vars(aio)}


def test_unmapped_errors_name_class_and_pickle():
    error = UnmappedInstanceError(Author())
    copy = pickle.loads(pickle.dumps(error))

    assert str(error).startswith(f"Class '{__name__}.Author' is not mapped.")
    assert str(copy) == str(error)
    assert "was a class" in str(UnmappedInstanceError(Author))
    assert str(UnmappedClassError(Author)).startswith(f"Class '{__name__}.Author' is not mapped")
    assert (
        pickle.loads(pickle.dumps(UnmappedClassError(Author))).args
        == UnmappedClassError(Author).args
    )


def test_deleted_error_pickles():
    error = ObjectDeletedError(state_of(Author()))

    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert "has been deleted, or its row is otherwise not present." in str(error)


def test_detached_error_names_attribute_and_remedy():
    error = DetachedInstanceError.lazy_load(state_of(Author()), "books")

    assert re.match(
        r"Parent instance <Author at 0x\w+> is not bound to a Session; lazy load operation of "
        r"attribute 'books' cannot proceed\. .*selectinload\(Author\.books\)",
        str(error),
    )
    assert error.key == "books"
    assert error.slug == "detached-load"


def test_cycle_error_has_cycles_and_edges():
    error = FlushCycleError.among(["save A", "save B"], [("save A", "save B")])

    assert isinstance(error, exc.CircularDependencyError)
    assert error.cycles == {"save A", "save B"}
    assert error.edges == {("save A", "save B")}
    assert sa.exc.CircularDependencyError in type(error).__mro__
