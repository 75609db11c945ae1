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
