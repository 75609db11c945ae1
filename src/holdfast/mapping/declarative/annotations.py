"""Read annotations of class bodies into Python types and SQL types."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import (
    Annotated,
    Any,
    ClassVar,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import typing_extensions
from typing_extensions import TypeAliasType

from holdfast import errors
from holdfast.foundation.codegen import record
from holdfast.foundation.sqlalchemy_core import TypeEngine, python_type_map, type_for_python_type
from holdfast.mapping.mapped import AnnotationMarker, Unmapped
from holdfast.mapping.properties import MapperProperty

# ------------------------------------------------------------------------------
# Evaluate what an annotation says, also where it names what does not exist yet.
#
# Annotations may be strings as a whole (`from __future__ import annotations`) or in part
# (`Mapped[List["Book"]]`). They are evaluated in the module of the class that wrote them. A name
# that is not known there becomes an `UnresolvedName`: a relationship takes it as the name of a
# class to look up later, for a column it is an error.

# `type x = ...` of Python and of typing_extensions
_ALIASES = tuple({TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType)})
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
        self.class_names: dict[str, Any] = {**owner.__dict__, owner.__name__: owner}
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
            raise errors.MappedAnnotationError.names_unknown(text) from error
        return self.evaluate_tree(tree, text)

    def evaluate_tree(self, tree: ast.expr, whole: str) -> Any:
        """The value of a piece of an annotation; `whole` is the annotation for messages."""
        try:
            tree = _StringsResolved().visit(tree)
        except _CallError as error:
            raise errors.MappedAnnotationError.names_unknown(whole) from error
        code = compile(ast.fix_missing_locations(ast.Expression(tree)), "<annotation>", "eval")
        try:
            return eval(code, {"__builtins__": {}}, self.names)
        except Exception as error:
            raise errors.MappedAnnotationError.names_unknown(whole) from error

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


# ------------------------------------------------------------------------------
# Find the SQL type for a Python type: which forms of it to try, and in which type map.
#
# A Python type may be wrapped: optional, in `Annotated[]`, behind a `type x = ...` alias or a
# `NewType`. `columns` asks `sql_type_for`; the messages list the forms that were tried.

_LITERALS = (Literal, typing_extensions.Literal)


def without_none(value: Any) -> Any:
    """`X` for `Optional[X]`; anything else as it is."""
    if not is_union(value):
        return value
    kept = tuple(each for each in get_args(value) if each is not types.NoneType)
    if len(kept) == len(get_args(value)):
        return value
    return Union[kept] if kept else None  # noqa: UP007 - the arguments are a tuple


def includes_none(value: Any) -> bool:
    """Whether a value of this type may be None, seen through aliases and `NewType`."""
    if value is None or value is types.NoneType:
        return True
    if is_union(value):
        return any(includes_none(each) for each in get_args(value))
    if get_origin(value) is Annotated:
        return includes_none(value.__origin__)
    if isinstance(value, NewType):
        return includes_none(value.__supertype__)
    aliased = alias_value(value)
    return aliased is not value and includes_none(aliased)


def alias_value(value: Any) -> Any:
    """What a `type x = ...` alias stands for, its parameters filled in; anything else as it is."""
    if is_alias(value):
        return value.__value__
    origin = get_origin(value)
    if is_alias(origin):
        return origin.__value__[get_args(value)]
    return value


def annotated_of(value: Any) -> Any:
    """The `Annotated[...]` in a type, optional or one alias away, or None."""
    bare = alias_value(without_none(value))
    return bare if get_origin(bare) is Annotated else None


def candidates(value: Any) -> list[Any]:
    """The forms of a type to look for, the one that was written first."""
    found = [without_none(value)]
    aliased = alias_value(found[-1])
    if aliased is not found[-1]:
        found.append(without_none(aliased))
    if get_origin(found[-1]) is Annotated:
        found.append(without_none(found[-1].__origin__))
    return found


@record
class TypeResolve:
    """What listeners of `resolve_type_annotation` are given: a Python type and its wrappings."""

    registry: Any
    # The class that is being mapped.
    cls: type
    # The type without its wrappings.
    resolved_type: Any
    # `Annotated[...]`, and the type in it; None when there is none.
    raw_pep_593_type: Any
    pep_593_resolved_argument: Any
    # The `type x = ...` alias, and what it stands for; None when there is none.
    raw_pep_695_type: Any
    pep_695_resolved_value: Any

    def resolve(self, python_type: Any) -> TypeEngine[Any] | None:
        """The SQL type that the registry's type map has for another Python type, or None."""
        return _look_up(python_type, self.registry.type_annotation_map)


def sql_type_from_listeners(value: Any, registry: Any, cls: type) -> TypeEngine[Any] | None:
    """The SQL type that a listener of the registry chooses, or None."""
    listeners = getattr(getattr(registry, "dispatch", None), "resolve_type_annotation", ())
    if not listeners:
        return None
    bare = without_none(value)
    aliased = alias_value(bare)
    annotated = annotated_of(value)
    question = TypeResolve(
        registry=registry,
        cls=cls,
        resolved_type=candidates(value)[-1],
        raw_pep_593_type=annotated,
        pep_593_resolved_argument=None if annotated is None else annotated.__origin__,
        raw_pep_695_type=None if aliased is bare else bare,
        pep_695_resolved_value=None if aliased is bare else aliased,
    )
    for listener in listeners:
        found: TypeEngine[Any] | type[TypeEngine[Any]] | None = listener(question)
        if found is not None:
            return found() if isinstance(found, type) else found
    return None


def sql_type_for(value: Any, type_map: Mapping[Any, Any], key: str) -> TypeEngine[Any]:
    """The SQL type for what stands in `Mapped[...]`."""
    tried = candidates(value)
    for python_type in tried:
        found = _look_up(python_type, type_map)
        if found is not None:
            return found
    last = tried[-1]
    if isinstance(last, type) and issubclass(last, TypeEngine):
        raise errors.MappedAnnotationError.sql_type_given(key, last)
    if not _is_type(last):
        raise errors.MappedAnnotationError.no_type_given(key, last)
    raise errors.MappedAnnotationError.no_sql_type(key, tried)


def _look_up(python_type: Any, type_map: Mapping[Any, Any]) -> TypeEngine[Any] | None:
    for matched, flattened in _entries_to_try(python_type):
        entry = _entry(matched, type_map)
        if entry is None:
            continue
        made = entry() if isinstance(entry, type) else entry
        found = type_for_python_type(made, python_type, matched, flattened)
        if found is not None:
            return found
    return None


def _entry(matched: Any, type_map: Mapping[Any, Any]) -> Any:
    try:
        return type_map.get(matched) or python_type_map.get(matched)
    except TypeError:
        # Not hashable: no key of a map.
        return None


def _entries_to_try(python_type: Any) -> Iterator[tuple[Any, Any]]:
    """Keys under which an entry may fit, and the class each comes down to."""
    if get_origin(python_type) in _LITERALS:
        yield python_type, python_type
        yield Literal, Literal
    elif isinstance(python_type, type) and get_origin(python_type) is None:
        # A type's own answer decides whether an entry for a base class fits: that for Enum does,
        # that for int does not.
        for base in python_type.__mro__:
            if base is not types.NoneType:
                yield base, base
    else:
        yield python_type, python_type


def _is_type(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, type | UnresolvedName | NewType | typing.TypeVar | typing.ForwardRef)
        or get_origin(value) is not None
        or is_alias(value)
        or type(value).__module__ in ("typing", "typing_extensions")
    )


def optional_free_map(type_map: Mapping[Any, Any]) -> dict[Any, Any]:
    """A type map with, for each optional key, the same entry for the key without None."""
    return {form: entry for key, entry in type_map.items() for form in (key, without_none(key))}


# ------------------------------------------------------------------------------
# Read the annotations of a class body: which attribute is mapped, and as what Python type.
#
# Called by `scan` for every annotated name. Says nothing of columns or relationships: `columns` and
# `targets` take the `AttributeAnnotation` from here.

if sys.version_info >= (3, 14):
    import annotationlib


@record
class AttributeAnnotation:
    """`Mapped[...]` of one attribute, taken apart."""

    # Mapped, WriteOnlyMapped, Unmapped ...: what stands before the brackets.
    container: type
    # What stands within them, its outermost string evaluated; Any when there are none.
    inner: Any
    # The whole as it was written, for messages.
    text: str
    # Evaluates further strings, as the class that wrote the annotation sees them.
    evaluator: Evaluator
    # Whether the annotation was a string, so that its class names stand for mapped classes.
    was_text: bool

    @property
    def is_unmapped(self) -> bool:
        """Whether it declares a column of the table only: `Unmapped[]`."""
        return issubclass(self.container, Unmapped)


if sys.version_info >= (3, 14):

    def annotations_of(cls: type) -> dict[str, Any]:
        """The annotations that the class itself wrote; names that do not exist are kept."""
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)

else:

    def annotations_of(cls: type) -> dict[str, Any]:
        """The annotations that the class itself wrote, as they are."""
        return inspect.get_annotations(cls)


def read_annotation(
    key: str, raw: Any, evaluator: Evaluator, *, required: bool
) -> AttributeAnnotation | None:
    """What an annotation says of a mapped attribute; None, unless `required`, of something else."""
    if isinstance(raw, ForwardRef):
        raw = raw.__forward_arg__
    inside: ast.expr | None = None
    if isinstance(raw, str):
        try:
            origin, inside = evaluator.outer_of(raw)
        except errors.MappedAnnotationError:
            if required:
                raise
            return None
    else:
        origin = get_origin(raw) or raw
    if is_container(origin):
        if inside is not None:
            inner = evaluator.evaluate_tree(inside, raw)
        else:
            inner = evaluator.resolved(get_args(raw)[0]) if get_args(raw) else Any
        was_text = isinstance(raw, str)
        return AttributeAnnotation(origin, inner, str(raw), evaluator, was_text)
    if not required or _declares_no_attribute(origin):
        return None
    if isinstance(origin, UnresolvedName) and inside is not None:
        raise errors.MappedAnnotationError.names_unknown(raw)
    raise errors.MappedAnnotationError.without_mapped(evaluator.owner, key)


def is_container(origin: Any) -> bool:
    """Whether it is `Mapped` or a kin of it, a class of property included."""
    return isinstance(origin, type) and issubclass(origin, AnnotationMarker | MapperProperty)


def _declares_no_attribute(origin: Any) -> bool:
    """Whether such an annotation says by itself that the attribute is not mapped."""
    if origin is ClassVar or origin is dataclasses.InitVar:
        return True
    # The type of a descriptor, such as AssociationProxy[...], says so too.
    is_descriptor = isinstance(origin, type) and hasattr(origin, "__get__")
    return is_descriptor or isinstance(origin, dataclasses.InitVar)
