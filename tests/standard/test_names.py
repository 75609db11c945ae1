"""Files and names follow docs/style.md."""

import ast
from pathlib import PurePath

import pytest

from tree import MODULES

FORBIDDEN = {"utils", "helpers", "common", "misc", "types", "impl", "core"}
# Names that are protocols between Core, its tools and mapped objects.
PROTOCOLS = {"_sa_adapter", "_sa_class_manager", "_sa_instance_state"}
# The public face of SQLAlchemy's module of that name.
FACES = {"util.py"}


def test_no_file_has_a_name_that_says_nothing():
    bad = [
        path
        for path in MODULES
        if (PurePath(path).stem in FORBIDDEN or PurePath(path).stem[-1].isdigit())
        and path not in FACES
    ]

    assert bad == []


def test_a_file_called_base_stands_in_a_subfolder_only():
    bad = [p for p in MODULES if PurePath(p).stem == "base" and len(PurePath(p).parts) < 2]

    assert bad == []


@pytest.mark.parametrize("path", MODULES)
def test_no_underscored_name_is_imported_from_another_module(path):
    imported = [
        alias.name
        for node in ast.walk(ast.parse(MODULES[path]))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("holdfast")
        for alias in node.names
        if alias.name.startswith("_") and alias.name != "_wiring"
    ]

    assert set(imported) - PROTOCOLS == set()
