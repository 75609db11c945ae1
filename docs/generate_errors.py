"""Write `errors.md` from the named constructors of `holdfast.errors`.

python docs/generate_errors.py
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import holdfast.errors

AT_THE_END = re.compile(r"\[([a-z][a-z0-9-]+)\]$")

HEAD = """# Errors

Every message of Holdfast says what cannot be done, the fact that prevents it and what to do instead.
It ends with a word in brackets, which is a heading on this page.
Where SQLAlchemy raises for the same cause, its phrase stands first, and the class derives from the one that SQLAlchemy raises.

The page is generated from the named constructors in `holdfast.errors`.
"""


class Entry(NamedTuple):
    """One message: its slug, who raises it, and when."""

    slug: str
    raised: str
    cause: str


def slugs_in(function: ast.FunctionDef) -> list[str]:
    """Slugs that the texts of a constructor end with."""
    texts = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return list(dict.fromkeys(s for text in texts for s in AT_THE_END.findall(text)))


def entries(tree: ast.Module) -> Iterator[Entry]:
    """The messages of one module, in its order."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    for slug in slugs_in(each):
                        yield Entry(slug, f"`{node.name}`", ast.get_docstring(each) or "")
        elif isinstance(node, ast.FunctionDef):
            for slug in slugs_in(node):
                yield Entry(slug, "a warning or text", ast.get_docstring(node) or "")


def page() -> str:
    """The whole page as text."""
    parts = [HEAD]
    seen: set[str] = set()
    folder = Path(holdfast.errors.__file__).parent
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf8"))
        found = [entry for entry in entries(tree) if entry.slug not in seen]
        if not found or path.stem in ("__init__", "base"):
            continue
        parts.append(f"\n## {path.stem.capitalize()}\n")
        for entry in found:
            if entry.slug not in seen:
                seen.add(entry.slug)
                cause = " ".join(entry.cause.split("\n\n")[0].split())
                parts.append(f"\n### {entry.slug}\n\n{cause}\nRaised as {entry.raised}.\n")
    return "".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("errors.md").write_text(page(), encoding="utf8")
