"""The public list is what `__all__` says, and documented; the linter keeps it sorted."""

import inspect
from pathlib import PurePath

import pytest

import holdfast
from tree import MODULES

PUBLIC = [
    path
    for path in MODULES
    if PurePath(path).parent.name in ("", "ext") and not PurePath(path).name.startswith("_")
]


def test_public_names_all_exist():
    assert [name for name in holdfast.__all__ if not hasattr(holdfast, name)] == []


def test_public_classes_and_functions_are_documented():
    undocumented = [
        name
        for name in holdfast.__all__
        if (inspect.isclass(found := getattr(holdfast, name)) or inspect.isfunction(found))
        and found.__module__.startswith("holdfast")
        and not inspect.getdoc(found)
    ]

    assert undocumented == []


@pytest.mark.parametrize("path", [path for path in PUBLIC if path != "exc.py"])
def test_public_module_fills_the_sockets_whoever_imports_it_first(path):
    assert "from holdfast import _wiring as _wiring\n" in MODULES[path]


def test_names_of_the_package_can_be_listed_and_a_wrong_one_is_an_error():
    assert set(holdfast.__all__) <= set(dir(holdfast))
    with pytest.raises(AttributeError, match="'holdfast' has no attribute 'Sessoin'"):
        holdfast.Sessoin
