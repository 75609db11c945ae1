"""Pages made from the code are those that the code makes now."""

import runpy

import pytest

from tree import DOCS


@pytest.mark.parametrize(
    ("generator", "page"),
    [
        ("generate_lifecycle.py", "architecture/lifecycle.md"),
        ("generate_errors.py", "errors.md"),
        ("generate_failed_flush.py", "failed-flush.md"),
        ("generate_rules.py", "rules.md"),
    ],
)
def test_generated_page_is_up_to_date(generator, page):
    made = runpy.run_path(str(DOCS / generator))["page"]()

    assert (DOCS / page).read_text(encoding="utf8") == made
