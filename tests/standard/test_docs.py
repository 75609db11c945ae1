"""Every file has a caption, every folder lists its files, and the pages' code runs."""

import ast
import re

import pytest

from tree import DOCS, MODULES, SOURCE

PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)
README = DOCS.parent / "README.md"


@pytest.mark.parametrize("path", MODULES)
def test_every_module_begins_with_a_caption(path):
    caption = ast.get_docstring(ast.parse(MODULES[path]))

    assert caption
    assert caption.splitlines()[0].endswith((".", ":"))


FOLDERS = sorted(
    path.parent.relative_to(SOURCE) for path in SOURCE.rglob("__init__.py") if path.parent != SOURCE
)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_folder_lists_exactly_its_files(folder):
    caption = ast.get_docstring(ast.parse((SOURCE / folder / "__init__.py").read_text())) or ""

    listed = set(re.findall(r"^- `(\w+)`", caption, re.MULTILINE))

    there = {
        path.stem if path.is_file() else path.name
        for path in (SOURCE / folder).iterdir()
        if path.name not in ("__init__.py", "__pycache__")
    }
    assert listed == there


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.name)
def test_code_on_the_page_runs(page):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf8"), re.DOTALL)
    names: dict[str, object] = {"__name__": f"page_{page.stem}"}

    # The blocks of a page are one program, read from top to bottom.
    exec(compile("\n".join(blocks), str(page), "exec"), names)


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf8")

    named = re.findall(r"`((?:\w+/)+(?:\w+\.py|\*)?)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)", text) if ":" not in link]

    roots = (SOURCE, SOURCE.parent, DOCS.parent)
    missing = [n for n in named if not any((root / n.rstrip("*")).exists() for root in roots)]
    assert missing == []
    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_page_of_layers_lists_the_folders_and_single_files_there_are():
    rows = re.findall(r"^\| \d+ \|(.*?)\|", (DOCS / "architecture/layers.md").read_text(), re.M)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}

    # Public faces are given by examples.
    assert {name for name in listed if not (SOURCE / f"{name}.py").exists()} == folders
