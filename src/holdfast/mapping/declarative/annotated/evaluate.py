"""Evaluate what an annotation says, also where it names what does not exist yet.

Annotations may be strings as a whole (`from __future__ import annotations`) or in part
(`Mapped[List["Book"]]`). They are evaluated in the module of the class that wrote them. A name that
is not known there becomes an `UnresolvedName`: a relationship takes it as the name of a class to
look up later, for a column it is an error.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any, ForwardRef, NewType, TypeVar, Union, get_args, get_origin

from typing_extensions import TypeAliasType

from holdfast.errors.declarative import MappedAnnotationError

_ALIASES = tuple(
    {TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType)}
)  # `type x = ...` of Python and of typing_extensions
_TYPE_LIKE = (
    type,
    types.ModuleType,
    types.GenericAlias,
    types.UnionType,
    NewType,
    TypeVar,
    *_ALIASES,
)
_UNIONS = (Union, types.UnionType)
_TYPING_MODULES = ("typing", "typing_extensions", "collections.abc")


class UnresolvedName:
    """A name, perhaps dotted, that the module of an annotation does not know."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = name

    def __getattr__(self, attribute: str) -> UnresolvedName:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return UnresolvedName(f"{self.name}.{attribute}")

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007 - one side is no type

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnresolvedName) and other.name == self.name

    def __hash__(self) -> int:
        return hash((UnresolvedName, self.name))

    def __repr__(self) -> str:
        return f"ForwardRef({self.name!r})"


class _Names(dict[str, Any]):
    """The local names of an evaluation: what is looked up is decided here, never by builtins."""

    def __init__(self, owner: type, module: str) -> None:
        self.class_names: dict[str, Any] = _class_names(owner)
        self.module_names: dict[str, Any] = (
            vars(sys.modules[module]) if module in sys.modules else {}
        )

    def __missing__(self, name: str) -> Any:
        # A name that a class attribute and a type of the module share (uuid: Mapped[uuid.UUID])
        # means the type; a class written within the class body means that one.
        spaces = (self.class_names, self.module_names, vars(builtins))
        for space in spaces:
            if name in space and _is_type_like(space[name]):
                return space[name]
        for space in spaces:
            if space.get(name) is not None:
                return space[name]
        return UnresolvedName(name)


def _class_names(owner: type) -> dict[str, Any]:
    return {**owner.__dict__, owner.__name__: owner}


def _is_type_like(value: Any) -> bool:
    return isinstance(value, _TYPE_LIKE) or type(value).__module__ in _TYPING_MODULES


class Evaluator:
    """Evaluates the annotations that one class wrote."""

    def __init__(self, owner: type, module: str | None = None) -> None:
        self.owner = owner
        self.names: _Names = _Names(owner, module or owner.__module__)

    def outer_of(self, text: str) -> tuple[Any, ast.expr | None]:
        """What stands before the brackets of an annotation, and the syntax within them.

        The inside is not looked at: it may name what does not exist.
        """
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError:
            return None, None
        if isinstance(tree, ast.Subscript):
            return self.evaluate_tree(tree.value, text), tree.slice
        return self.evaluate_tree(tree, text), None

    def evaluate(self, text: str) -> Any:
        """The value of a text, with `UnresolvedName` for names that are not known."""
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise MappedAnnotationError.names_unknown(text) from error
        return self.evaluate_tree(tree, text)

    def evaluate_tree(self, tree: ast.expr, whole: str) -> Any:
        """The value of a piece of an annotation; `whole` is the annotation for messages."""
        try:
            tree = _StringsResolved().visit(tree)
        except _CallError as error:
            raise MappedAnnotationError.names_unknown(whole) from error
        code = compile(ast.fix_missing_locations(ast.Expression(tree)), "<annotation>", "eval")
        try:
            return eval(code, {"__builtins__": {}}, self.names)
        except Exception as error:
            raise MappedAnnotationError.names_unknown(whole) from error

    def resolved(self, value: Any) -> Any:
        """A value whose outermost string or forward reference is evaluated, also within a union."""
        while isinstance(value, str | ForwardRef):
            value = self.evaluate(value if isinstance(value, str) else value.__forward_arg__)
        if is_union(value) and any(isinstance(each, ForwardRef) for each in get_args(value)):
            return Union[tuple(self.resolved(each) for each in get_args(value))]  # noqa: UP007
        return value


class _CallError(Exception):
    """A call stands where only a type may stand."""


class _StringsResolved(ast.NodeTransformer):
    """Writes strings within an annotation out as the expressions they hold.

    What `Literal` and `Annotated` hold beside types is left alone.
    """

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        name = ast.unparse(node.value).rpartition(".")[2]
        if name == "Literal":
            return node
        if name == "Annotated" and isinstance(node.slice, ast.Tuple) and node.slice.elts:
            node.slice.elts[0] = self.visit(node.slice.elts[0])
            return node
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        raise _CallError

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node
        try:
            found: ast.AST = self.visit(ast.parse(node.value.strip(), mode="eval").body)
        except SyntaxError:
            return node
        return found


def is_union(value: Any) -> bool:
    """Whether it is `Union[...]`, `Optional[...]` or `a | b`."""
    return get_origin(value) in _UNIONS


def is_alias(value: Any) -> bool:
    """Whether it is a `type x = ...` alias."""
    return isinstance(value, _ALIASES)


def unresolved_names(value: Any) -> Iterator[str]:
    """The names within a type that are not known."""
    if isinstance(value, UnresolvedName):
        yield value.name
    elif get_origin(value) is not typing.Literal:
        for argument in get_args(value):
            yield from unresolved_names(argument)
