"""The package's source as the tests of its shape see it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import holdfast

SOURCE = Path(holdfast.__file__).parent
MODULES = {
    str(path.relative_to(SOURCE)): path.read_text(encoding="utf8")
    for path in sorted(SOURCE.rglob("*.py"))
}
DOCS = Path(__file__).parent.parent / "docs"
FUNCTION_LINES = 60


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
