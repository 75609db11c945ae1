"""The public list is what `__all__` says, and documented; the linter keeps it sorted."""

import inspect

import holdfast


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
