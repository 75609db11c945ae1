"""The page of object states is the one generated from the table of moves."""

import runpy

from tree import DOCS


def test_page_equals_the_table_of_moves():
    folder = DOCS / "architecture"
    page = runpy.run_path(str(folder / "generate_lifecycle.py"))["page"]()

    assert (folder / "lifecycle.md").read_text(encoding="utf8") == page
