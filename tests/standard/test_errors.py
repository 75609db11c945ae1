"""Raise sites give each message its fields, and each message ends with its slug."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator

import pytest

from holdfast.errors.base import CONVERSIONS, HoldfastError, cause, fields_of, parsed, wording
from tree import MODULES

DECLARED = {
    name: value
    for path in MODULES
    if path.startswith("errors/")
    for name, value in vars(
        importlib.import_module(f"holdfast.{path[:-3].replace('/', '.')}")
    ).items()
    if isinstance(value, wording) or (isinstance(value, type) and issubclass(value, HoldfastError))
}
CAUSES = {
    f"{owner.__name__}.{key}": value
    for owner in DECLARED.values()
    if isinstance(owner, type)
    for key, value in vars(owner).items()
    if isinstance(value, cause)
}
WARNINGS = {name: value for name, value in DECLARED.items() if isinstance(value, wording)}
SLUG = re.compile(r"\S \[[a-z][a-z0-9]*(-[a-z0-9]+)*\]$")
# Something that Holdfast promises itself holds, as far as is known.
UNUSED = ["HoldfastBug.broken"]
# Their phrases are SQLAlchemy's, to the last letter.
WITHOUT_SLUG = {"alias_made_warning", "option_in_dml_warning"}


def name_in(expression: ast.expr) -> str:
    """`X` for `errors.X`, and for `X` alone."""
    if isinstance(expression, ast.Attribute) and ast.unparse(expression.value) == "errors":
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def fields_wanted(expression: ast.expr) -> tuple[str, ...] | None:
    """The fields of the message that an expression names, or None when it names none."""
    if name_in(expression) in WARNINGS:
        return fields_of(WARNINGS[name_in(expression)].text)
    if isinstance(expression, ast.Attribute):
        owner = DECLARED.get(name_in(expression.value))
        if isinstance(owner, type):
            # Fails for a cause that the class does not declare.
            found = inspect.getattr_static(owner, expression.attr)
            return found.fields if isinstance(found, cause) else None
    return None


def faults_in(path: str) -> Iterator[str]:
    tree = ast.parse(MODULES[path])
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (wanted := fields_wanted(node.func)) is not None:
            given = [*wanted[: len(node.args)], *(keyword.arg for keyword in node.keywords)]
            starred = any(isinstance(each, ast.Starred) for each in node.args)
            if starred or len(node.args) > len(wanted) or sorted(map(str, given)) != sorted(wanted):
                yield f"{path}:{node.lineno} {ast.unparse(node)} has to give {', '.join(wanted)}"
        elif isinstance(node, ast.Attribute) and id(node) not in called and fields_wanted(node):
            yield f"{path}:{node.lineno} {ast.unparse(node)} is called elsewhere"


@pytest.mark.parametrize("path", MODULES)
def test_raise_site_gives_exactly_the_fields_of_the_message(path):
    assert list(faults_in(path)) == []


@pytest.mark.parametrize(("name", "declared"), {**CAUSES, **WARNINGS}.items())
def test_message_ends_with_its_slug(name, declared):
    text = getattr(declared, "note", "") or declared.text

    assert SLUG.search(text) or name in WITHOUT_SLUG


@pytest.mark.parametrize("declared", {**CAUSES, **WARNINGS}.values(), ids={**CAUSES, **WARNINGS})
def test_fields_have_conversions_that_there_are_and_no_formats(declared):
    texts = [declared.text, getattr(declared, "note", ""), *getattr(declared, "parts", {}).values()]

    for _, name, form, conversion in (each for text in texts for each in parsed(text)):
        assert name is None or re.fullmatch(r"[a-z]\w*(\.\w+)*", name)
        assert not form
        assert conversion in (None, "r", "s", *CONVERSIONS)


def test_every_message_is_used():
    used = {
        ast.unparse(node).removeprefix("errors.")
        for path, text in MODULES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load)
    }

    assert [name for name in (*CAUSES, *WARNINGS) if name not in used] == UNUSED
