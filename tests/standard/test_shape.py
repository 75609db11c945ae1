"""Files, functions and folders stay within the sizes of the house."""

import ast

from tree import FUNCTION_LINES, MODULES, SOURCE, functions_of

FILE_LINES = 600
FOLDER_ENTRIES = 15
# A class with many public methods is one idea.
FACADES = {"sessions/session.py": 900, "aio/session.py": 900, "queries/facade/query.py": 900}


def test_no_file_is_longer_than_its_limit():
    lengths = {path: len(text.splitlines()) for path, text in MODULES.items()}

    too_long = {p: n for p, n in lengths.items() if n > FACADES.get(p, FILE_LINES)}

    print(f"{len(lengths)} files, {sum(lengths.values())} lines, longest {max(lengths.values())}")
    assert too_long == {}


def test_no_function_is_longer_than_sixty_lines():
    too_long = [
        f"{path}:{function.name} {function.end_lineno - function.lineno + 1}"
        for path, text in MODULES.items()
        for function in functions_of(ast.parse(text))
        if function.end_lineno - function.lineno + 1 > FUNCTION_LINES
    ]

    assert too_long == []


def test_no_folder_below_the_root_has_more_than_fifteen_entries():
    folders = [p for p in SOURCE.rglob("*") if p.is_dir() and p.name != "__pycache__"]

    crowded = {
        str(folder.relative_to(SOURCE)): entries
        for folder in folders
        if (entries := len([p for p in folder.iterdir() if p.name != "__pycache__"]))
        > FOLDER_ENTRIES + 1
    }

    assert crowded == {}


def test_no_import_stands_inside_a_function():
    inside = [
        f"{path}:{node.lineno}"
        for path, text in MODULES.items()
        for function in functions_of(ast.parse(text))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert inside == []
