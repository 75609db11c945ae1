"""Write `errors.md` from the messages and classes of `holdfast.errors`.

python docs/generate_errors.py
"""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import holdfast.errors
from holdfast.errors.base import HoldfastError, cause, parsed, wording

AT_THE_END = re.compile(r" ?\[([a-z][a-z0-9-]+)\]$")
# Ends of fields that say only how an object is named.
NAMING = re.compile(r"(\.(class_|__module__|__name__))+$")
WIDTH = 96
LONGEST = 60

HEAD = """# Errors

Every message of Holdfast says what cannot be done, the fact that prevents it and what to do instead.
It ends with a word in brackets, which is a heading on this page.
Where SQLAlchemy raises for the same cause, its phrase stands first, and the class derives from the one that SQLAlchemy raises.

The page is generated from `holdfast.errors`.
What stands in braces is filled in, and of long messages the page has the beginning and the end.
"""


class Message(NamedTuple):
    """One message: its slug, who raises it, and its text."""

    slug: str
    raised: str
    text: str


def readable(field: str) -> str:
    """The field as the page shows it: without the way its object is named."""
    return f"{{{NAMING.sub('', field).removesuffix('_')}}}"


def shown(template: str) -> str:
    """The text of a template with readable fields."""
    pieces = parsed(template)
    return "".join(text + (readable(field) if field else "") for text, field, _, _ in pieces)


def formatted(node: ast.expr) -> str:
    """The text of a literal in a function, with its expressions as fields."""
    if isinstance(node, ast.FormattedValue):
        value = node.value
        while isinstance(value, ast.Call) and value.args:
            value = value.args[0]
        return readable(ast.unparse(value))
    if isinstance(node, ast.JoinedStr):
        return "".join(map(formatted, node.values))
    return str(node.value) if isinstance(node, ast.Constant) else ""


def in_function(function: object, raised: str) -> Iterator[Message]:
    """The messages that a function composes."""
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    pieces = {id(each) for node in nodes if isinstance(node, ast.JoinedStr) for each in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in pieces:
            text = formatted(node)
            if slug := AT_THE_END.search(text):
                yield Message(slug[1], raised, AT_THE_END.sub("", text))


def declared(template: cause | wording, raised: str) -> Iterator[Message]:
    text, note = shown(template.text), shown(getattr(template, "note", ""))
    if slug := AT_THE_END.search(note or text):
        whole = "\n".join(AT_THE_END.sub("", part) for part in (text, note) if part)
        yield Message(slug[1], raised, whole)


def declared_in(module: ModuleType) -> dict[str, type[HoldfastError]]:
    """The classes of errors of one module, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, HoldfastError)
        and value.__module__ == module.__name__
        and value.__name__ == name != "HoldfastError"
    }


def messages(module: ModuleType) -> Iterator[Message]:
    """The messages of one module, in its order."""
    for name, value in vars(module).items():
        if isinstance(value, wording):
            yield from declared(value, "A warning")
        elif inspect.isfunction(value) and value.__module__ == module.__name__:
            yield from in_function(value, "A warning")
        elif name in declared_in(module):
            for each in vars(value).values():
                if isinstance(each, cause | wording):
                    yield from declared(each, f"`{name}`")
                elif inspect.isfunction(function := getattr(each, "__func__", each)):
                    yield from in_function(function, f"`{name}`")


def hierarchy(owner: type, indent: int = 0) -> Iterator[str]:
    """The lines of a class and its subclasses; in parentheses what else it derives from."""
    others = [
        f"{base.__module__}.{base.__name__}".removeprefix("builtins.")
        for base in owner.__bases__
        if not issubclass(base, HoldfastError)
    ]
    yield f"{' ' * indent}{owner.__name__}" + (f" ({', '.join(others)})" if others else "")
    for each in owner.__subclasses__():
        if each.__module__.startswith("holdfast."):
            yield from hierarchy(each, indent + 2)


def drawn_hierarchy() -> Iterator[str]:
    """The lines of all classes, by the names of those directly below `HoldfastError`."""
    yield "HoldfastError (Exception)"
    for each in sorted(HoldfastError.__subclasses__(), key=lambda each: each.__name__):
        if each.__module__.startswith("holdfast."):
            yield from hierarchy(each, 2)


def abridged(text: str) -> str:
    """The text; of one that would fill a paragraph, its beginning and its end."""
    words = text.split(" ")
    return text if len(words) <= LONGEST else " ".join((*words[:20], "...", *words[-30:]))


def block(text: str) -> str:
    """A block of text whose lines are not too long."""
    wrap = {"break_long_words": False, "break_on_hyphens": False}
    lines = [textwrap.fill(line, WIDTH, **wrap) for line in text.split("\n")]
    return "\n".join(("```text", *lines, "```\n"))


def page() -> str:
    """The whole page as text."""
    sections: dict[str, str] = {}
    by_slug: dict[str, list[Message]] = {}
    for path in sorted(Path(holdfast.errors.__file__).parent.glob("[!_]*.py")):
        module = importlib.import_module(f"holdfast.errors.{path.stem}")
        for message in dict.fromkeys(messages(module)):
            sections.setdefault(message.slug, path.stem.capitalize())
            by_slug.setdefault(message.slug, []).append(message)
    parts, last = [HEAD], ""
    for slug, found in by_slug.items():
        if sections[slug] != last:
            last = sections[slug]
            parts.append(f"\n## {last}\n")
        parts.append(f"\n### {slug}\n")
        for raised, group in groupby(found, key=lambda each: each.raised):
            texts = "\n\n".join(abridged(each.text) for each in group)
            parts.append(f"\n{raised}:\n\n{block(texts)}")
    tree = "\n".join(("```text", *drawn_hierarchy(), "```\n"))
    parts.append(f"\n## Hierarchy\n\nIn parentheses what else a class derives from.\n\n{tree}")
    return "".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("errors.md").write_text(page(), encoding="utf8")
