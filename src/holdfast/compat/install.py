"""Put the stand-in modules where programs look for sqlalchemy.orm."""

from __future__ import annotations

import importlib
import inspect
import linecache
import sys
import weakref
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pkgutil import resolve_name
from types import ModuleType
from typing import Any, NoReturn

import sqlalchemy

from holdfast import errors
from holdfast.compat.private_members import put_members_in_place
from holdfast.compat.private_names import PRIVATE_NAMES
from holdfast.foundation.sqlalchemy_core import immutabledict, take_name
from holdfast.instrument.manager import init_wrapper, wrap_init

# ------------------------------------------------------------------------------
# Let programs import the names of `sqlalchemy.orm` that Holdfast does not have yet.
#
# A program seldom uses every name that it imports. So that it runs as far as it can, each name
# below stands in the stand-in modules as an `AbsentName`, and the first use of one says which it
# is. The list gets shorter as Holdfast grows; a name that is neither there nor here fails at its
# import.


class AbsentName:
    """Stands for one name; every use of it raises `AbsentNameError`."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = name

    def __repr__(self) -> str:
        return f"<absent: {self.__dict__['name']}>"

    def _refuse(self, *arguments: Any, **keywords: Any) -> NoReturn:
        raise errors.AbsentNameError.used(self.__dict__["name"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def __instancecheck__(self, instance: object) -> bool:
        # Nothing can be of a class that does not exist, so the question has an answer.
        return False

    __subclasscheck__ = __instancecheck__
    __call__: Any = _refuse
    __getitem__: Any = _refuse
    __mro_entries__: Any = _refuse
    __setattr__: Any = _refuse
    __enter__: Any = _refuse
    __iter__: Any = _refuse


# Module of SQLAlchemy, below `sqlalchemy.orm` -> names in it.
ABSENT_NAMES: dict[str, str] = {
    "": """
        SQLORMExpression
    """,
    "decl_base": "_DeferredDeclarativeConfig",
    "interfaces": "MapperOption",
}


# ------------------------------------------------------------------------------
# Say which object of Holdfast stands under which name in which module of `sqlalchemy.orm`.
#
# Modules of SQLAlchemy that have a public face in Holdfast are that face; the other modules have a
# table here. Keys are modules below `sqlalchemy.orm` ("" is the package itself). A table maps a
# module of Holdfast to the names taken from it, separated by blanks; `theirs=ours` renames.

FACES: dict[str, str] = {
    "": "holdfast",
    "attributes": "holdfast.attributes",
    "collections": "holdfast.collections",
    "events": "holdfast.events",
    "exc": "holdfast.exc",
    "identity": "holdfast.identity",
    "instrumentation": "holdfast.instrumentation",
    "interfaces": "holdfast.interfaces",
    "query": "holdfast.query",
    "session": "holdfast.session",
    "state": "holdfast.state",
    "strategy_options": "holdfast.strategy_options",
    "util": "holdfast.util",
}

NAMES: dict[str, dict[str, str]] = {
    "base": {
        "holdfast.attributes": """
            ATTR_EMPTY ATTR_WAS_SET CALLABLES_OK INIT_OK LoaderCallableStatus NEVER_SET NO_AUTOFLUSH
            NO_CHANGE NO_KEY NO_RAISE NO_VALUE PASSIVE_CLASS_MISMATCH PASSIVE_MERGE PASSIVE_NO_FETCH
            PASSIVE_NO_FETCH_RELATED PASSIVE_NO_INITIALIZE PASSIVE_NO_RESULT PASSIVE_OFF
            PASSIVE_ONLY_PERSISTENT PASSIVE_RETURN_NO_VALUE PassiveFlag RELATED_OBJECT_OK SQL_OK
            instance_dict instance_state manager_of_class
        """,
        "holdfast.interfaces": """
            InspectionAttr InspectionAttrExtensionType InspectionAttrInfo MANYTOMANY MANYTOONE
            NotExtension ONETOMANY ORMDescriptor RelationshipDirection
        """,
        "holdfast": "DynamicMapped Mapped WriteOnlyMapped class_mapper object_mapper",
        "holdfast.instrument.manager": "opt_manager_of_class=find_manager",
        "holdfast.foundation.describe": "instance_str=object_text state_str=state_text",
        "holdfast.sessions.membership": "object_state",
    },
    "clsregistry": {},
    "context": {},
    "decl_api": {
        "holdfast": """
            DeclarativeBase DeclarativeBaseNoMeta DeclarativeMeta MappedAsDataclass
            add_mapped_attribute as_declarative as_typed_table declarative_base declarative_mixin
            declared_attr has_inherited_table mapped_as_dataclass registry synonym_for
            unmapped_dataclass
        """,
    },
    "decl_base": {},
    "dependency": {},
    "descriptor_props": {
        "holdfast": "SynonymProperty",
    },
    "dynamic": {
        "holdfast": "AppenderQuery DynamicMapped",
    },
    "evaluator": {},
    "loading": {
        "holdfast": "merge_frozen_result",
    },
    "mapper": {
        "holdfast": "Mapper class_mapper configure_mappers reconstructor validates",
    },
    "path_registry": {},
    "persistence": {},
    "properties": {
        "holdfast": "ColumnProperty MappedColumn MappedSQLExpression",
    },
    "relationships": {
        "holdfast": "Relationship RelationshipProperty foreign remote",
    },
    "scoping": {
        "holdfast": "QueryPropertyDescriptor scoped_session",
    },
    "state_changes": {},
    "strategies": {},
    "sync": {},
    "unitofwork": {},
    "writeonly": {
        "holdfast": "WriteOnlyCollection",
    },
}


# ------------------------------------------------------------------------------
# Let the parts of `sqlalchemy.ext` that work with a session be Holdfast's too.
#
# The stand-in modules take their names from `holdfast.ext` when they are first asked for one, so
# that nothing of asyncio is imported for a program without it. Core's own modules in
# `sqlalchemy.ext.asyncio` stay what they are.

ASYNCIO = "sqlalchemy.ext.asyncio"

# Module of SQLAlchemy -> module of Holdfast.
EXTENSION_FACES: dict[str, str] = {
    ASYNCIO: "holdfast.ext.asyncio",
    f"{ASYNCIO}.scoping": "holdfast.ext.asyncio",
    f"{ASYNCIO}.session": "holdfast.ext.asyncio",
    "sqlalchemy.ext.declarative": "holdfast",
    "sqlalchemy.ext.associationproxy": "holdfast.ext.associationproxy",
    "sqlalchemy.ext.automap": "holdfast.ext.automap",
    "sqlalchemy.ext.baked": "holdfast.ext.baked",
    "sqlalchemy.ext.horizontal_shard": "holdfast.ext.horizontal_shard",
    "sqlalchemy.ext.hybrid": "holdfast.ext.hybrid",
    "sqlalchemy.ext.indexable": "holdfast.ext.indexable",
    "sqlalchemy.ext.instrumentation": "holdfast.ext.instrumentation",
    "sqlalchemy.ext.mutable": "holdfast.ext.mutable",
    "sqlalchemy.ext.orderinglist": "holdfast.ext.orderinglist",
}

PREBUFFERED = immutabledict({"prebuffer_rows": True})
"""Options with which the asynchronous sessions of other libraries run a statement."""

# Module of Holdfast -> what SQLAlchemy's tests and other libraries call something in it, or, with
# its module, elsewhere.
RENAMED: dict[str, dict[str, str]] = {
    "holdfast.ext.associationproxy": {
        "_AssociationDict": "AssociationDict",
        "_AssociationList": "AssociationList",
        "_AssociationSet": "AssociationSet",
    },
    "holdfast.ext.asyncio": {"_EXECUTE_OPTIONS": f"{__name__}:PREBUFFERED"},
    "holdfast.ext.instrumentation": {
        "_reinstall_default_lookups": "restore_default_finders",
        "opt_manager_of_class": "find_manager",
    },
    "holdfast.ext.mutable": {"_setup_composite_listener": "listen_to_mappers"},
}


class Extension(ModuleType):
    """A module whose names are those of another, which is imported when it is needed."""

    def __init__(self, name: str, face: str) -> None:
        super().__init__(name, f"Holdfast, standing in for `{name}`.")
        self.face: str = face
        self.__spec__: ModuleSpec | None = ModuleSpec(name, None, origin="holdfast")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        name = RENAMED.get(self.face, {}).get(name, name)
        return resolve_name(name) if ":" in name else getattr(import_module(self.face), name)


def put_extensions_in_place() -> None:
    """Put the stand-in modules into `sys.modules`."""
    package: Any = find_spec(ASYNCIO)
    for name, face in EXTENSION_FACES.items():
        module = Extension(name, face)
        parent, _, last = name.rpartition(".")
        sys.modules[name] = module
        setattr(sys.modules[parent], last, module)
    sys.modules[ASYNCIO].__path__ = package.submodule_search_locations


# ------------------------------------------------------------------------------
# Show the `__init__` of instrumented classes as SQLAlchemy does: as text made for each class.
#
# Under the stand-in, tracebacks and debuggers name the class whose object is being made, and
# listeners of `init` are given the parameters that were left out with their defaults.

_TEXT = """\
def __init__{parameters}:
    new_state = class_manager._new_state_if_none({owner})
    if new_state:
        return new_state._initialize_instance({arguments})
    else:
        return original_init({arguments})
"""

_PREFIX: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


class _Construction:
    """What the text calls class manager and new state."""

    def __init__(self, wrapped: Callable[..., None]) -> None:
        self.wrapped = wrapped

    def _new_state_if_none(self, instance: Any) -> _Construction | None:
        return None if "_sa_instance_state" in vars(instance) else self

    def _initialize_instance(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        self.wrapped(instance, *args, **kwargs)


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
        return f"{parameter.name}={parameter.name}"
    return _PREFIX.get(parameter.kind, "") + parameter.name


def show_init(manager: Any, original: Callable[..., Any]) -> Callable[..., None]:
    """The constructor of a class as a function whose text can be looked up."""
    wrapped = wrap_init(manager, original)
    code = getattr(original, "__code__", None)
    if code is None:
        return wrapped
    given = inspect.signature(original, follow_wrapped=False).parameters.values()
    # The defaults themselves have no text.
    bare = [
        each.replace(annotation=each.empty, default=each.empty if each.default is each.empty else 0)
        for each in given
    ]
    text = _TEXT.format(
        parameters=inspect.Signature(bare),
        owner=bare[0].name,
        arguments=", ".join(map(_argument, bare)),
    )
    class_ = manager.class_
    name = f"<sqlalchemy generated __init__ for class {class_.__module__}.{class_.__qualname__}>"
    names: dict[str, Any] = {"class_manager": _Construction(wrapped), "original_init": original}
    exec(compile(text, name, "exec"), names)
    init: Any = names["__init__"]
    vars(init).update(vars(wrapped))
    del init.__wrapped__
    for attribute in ("__defaults__", "__kwdefaults__", "__doc__", "__module__", "__qualname__"):
        setattr(init, attribute, getattr(original, attribute))
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    weakref.finalize(class_, linecache.cache.pop, name, None).atexit = False
    shown: Callable[..., None] = init
    return shown


def put_writer_in_place() -> None:
    """Have the constructors of classes that are instrumented from now on shown so."""
    init_wrapper.plug(show_init)


# ------------------------------------------------------------------------------
# Put modules into `sys.modules` that answer for `sqlalchemy.orm` with the names of Holdfast.
#
# Called once, by the program that wants it, before anything imports `sqlalchemy.orm`. The modules
# are built from the tables in `names`, `private_names` and `absent`; nothing of SQLAlchemy is
# changed but the attribute `orm` of its package.

_PACKAGE = "sqlalchemy.orm"


def install_as_sqlalchemy_orm() -> None:
    """Let `sqlalchemy.orm` and its modules be Holdfast from now on, in this process.

    Calling it again does nothing.

    Raises:
        StandInError: Something has imported SQLAlchemy's own `sqlalchemy.orm`.

    Example:
        >>> from holdfast.compat import install_as_sqlalchemy_orm
        >>> install_as_sqlalchemy_orm()
        >>> from sqlalchemy.orm import Session  # doctest: +SKIP
    """
    if isinstance(sys.modules.get(_PACKAGE), _StandIn):
        return
    for name in sorted(sys.modules):
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            raise errors.StandInError.too_late(name)
    modules = build_modules()
    put_members_in_place()
    take_name("orm")
    put_writer_in_place()
    sys.modules.update(modules)
    sqlalchemy.__dict__["orm"] = modules[_PACKAGE]
    put_extensions_in_place()


class _StandIn(ModuleType):
    """A module of names; what it is made from is written in the tables beside this file."""


def build_modules() -> dict[str, ModuleType]:
    """The stand-in modules by full name, the package first; nothing is put in place."""
    contents: dict[str, dict[str, Any]] = {"": {}}
    for module, face in FACES.items():
        public = importlib.import_module(face)
        contents.setdefault(module, {}).update(
            (name, getattr(public, name)) for name in public.__all__
        )
    for table in (NAMES, PRIVATE_NAMES):
        for module, sources in table.items():
            contents.setdefault(module, {}).update(_resolved(sources))
    for module, names in ABSENT_NAMES.items():
        for name in names.split():
            full_name = ".".join(filter(None, (_PACKAGE, module, name)))
            contents.setdefault(module, {}).setdefault(name, AbsentName(full_name))
    modules = {_full_name(module): _made(module, names) for module, names in contents.items()}
    for module in contents:
        if module:
            setattr(modules[_PACKAGE], module, modules[_full_name(module)])
    # The module has the name of a function, which comes first.
    modules[_PACKAGE].__dict__["mapperlib"] = modules[_full_name("mapper")]
    modules[_PACKAGE].__dict__["mapper"] = contents[""]["mapper"]
    return modules


def _full_name(module: str) -> str:
    return f"{_PACKAGE}.{module}" if module else _PACKAGE


def _resolved(sources: dict[str, str]) -> dict[str, Any]:
    """Names and objects of one table: `{"holdfast.x": "name theirs=ours"}`."""
    found = {}
    for source, names in sources.items():
        for entry in names.split():
            theirs, _, ours = entry.partition("=")
            found[theirs] = resolve_name(f"{source}:{ours or theirs}")
    return found


def _made(module: str, names: dict[str, Any]) -> ModuleType:
    name = _full_name(module)
    made = _StandIn(name, f"Holdfast, standing in for `{name}`.")
    made.__spec__ = ModuleSpec(name, None, origin="holdfast", is_package=not module)
    if not module:
        made.__path__ = []
    made.__dict__.update(names)
    return made
