"""Give the functions that class bodies are written with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast, overload

from sqlalchemy import Column, insert_sentinel, null
from sqlalchemy.sql.expression import Null

from holdfast import errors
from holdfast.foundation.codegen import Keywords, record
from holdfast.foundation.describe import warn_deprecated
from holdfast.foundation.sqlalchemy_core import NO_ARG, SchemaConst
from holdfast.mapping.mapped import Mapped, T_co
from holdfast.mapping.properties import (
    ColumnProperty,
    CompositeProperty,
    MappedSQLExpression,
    QueryExpression,
    SynonymProperty,
)
from holdfast.mapping.relationship import Relationship, RelationshipArguments
from holdfast.mapping.relationship_arguments import backref as backref

if TYPE_CHECKING:
    from sqlalchemy import FetchedValue
    from sqlalchemy.schema import SchemaItem
    from sqlalchemy.sql._typing import _ColumnExpressionArgument, _TypeEngineArgument


# ------------------------------------------------------------------------------
# Hold what an attribute of a mapped dataclass asks of `dataclasses.field()`.
#
# Made by the functions of `constructs`, kept on the property or column they return, read by
# `dataclasses` alone.


class FieldArguments(Keywords, total=False):
    """Keywords of the functions of `constructs` that concern the field of a mapped dataclass."""

    init: bool
    repr: bool
    default: Any
    default_factory: Callable[[], Any]
    compare: bool
    kw_only: bool
    hash: bool | None
    dataclass_metadata: Mapping[Any, Any]


@record
class DataclassArguments:
    """Arguments as the user gave them; `NO_ARG` where nothing was said."""

    init: Any = NO_ARG
    repr: Any = NO_ARG
    default: Any = NO_ARG
    default_factory: Callable[[], Any] | Any = NO_ARG
    compare: Any = NO_ARG
    kw_only: Any = NO_ARG
    hash: Any = NO_ARG
    dataclass_metadata: Mapping[Any, Any] | Any = NO_ARG

    def given(self) -> dict[str, Any]:
        """The arguments that were given, by name."""
        return {name: value for name, value in vars(self).items() if value is not NO_ARG}

    def field_arguments(self) -> dict[str, Any]:
        """The same, as `dataclasses.field()` names them."""
        found = self.given()
        if "dataclass_metadata" in found:
            found["metadata"] = found.pop("dataclass_metadata")
        return found


class ImpliedArguments(DataclassArguments):
    """What goes without saying for a construct; of no weight in a class that is no dataclass."""

    __slots__ = ()


NOTHING_GIVEN = DataclassArguments()


# ------------------------------------------------------------------------------
# Define `MappedColumn`, what `mapped_column()` returns until its class is mapped.
#
# It stands in the class body for the attribute to come: it can be used in SQL expressions there,
# and it keeps what the column and the attribute were told, apart. `columns` completes it with what
# the annotation says, and makes the property.


class MappedColumn(Mapped[T_co]):
    """A column, and what the attribute for it should be like."""

    def __init__(
        self,
        *args: Any,
        arguments: DataclassArguments = NOTHING_GIVEN,
        deferred: Any = NO_ARG,
        deferred_group: str | None = None,
        deferred_raiseload: bool | None = None,
        active_history: bool = False,
        use_existing_column: bool = False,
        sort_order: Any = NO_ARG,
        is_mapped: bool = True,
        column: Column[Any] | None = None,
        **kw: Any,
    ) -> None:
        self.dataclass_arguments = arguments
        self.deferred_given = deferred
        self.deferred_group = deferred_group
        self.deferred_raiseload = deferred_raiseload
        self.active_history = active_history
        self.use_existing_column = use_existing_column
        self.sort_order = sort_order
        # False for unmapped_column(): the table gets the column, the class no attribute.
        self.is_mapped = is_mapped
        if kw.get("nullable", True) is None:
            del kw["nullable"]
        # Also a default of None is one: it keeps that of Annotated[] away.
        self.has_default: bool = any(
            kw.get(name, NO_ARG) is not NO_ARG for name in ("insert_default", "default")
        )
        self.column: Column[Any] = Column(*args, **kw) if column is None else column

    @property
    def name(self) -> Any:
        """Name of the column; None until the attribute's name is known, unless given."""
        return self.column.name

    @property
    def key(self) -> Any:
        """Key of the column in its table."""
        return self.column.key

    @property
    def is_deferred(self) -> bool:
        """Whether the column is loaded on access only, said outright or by a further option."""
        if self.deferred_given is NO_ARG:
            return self.deferred_group is not None or self.deferred_raiseload is not None
        return bool(self.deferred_given)

    @property
    def attribute_options(self) -> tuple[str, ...]:
        """Names of the given options that only a mapped attribute can have."""
        values = {
            "deferred": self.deferred_given is not NO_ARG and self.deferred_given,
            "deferred_group": self.deferred_group,
            "deferred_raiseload": self.deferred_raiseload,
            "active_history": self.active_history,
        }
        return tuple(name for name, value in values.items() if value)

    @property
    def mapper_property_to_assign(self) -> ColumnProperty | None:
        """The property, when a bare column would not say enough."""
        if not self.is_deferred and not self.active_history:
            return None
        made = ColumnProperty(
            self.column,
            deferred=self.is_deferred,
            group=self.deferred_group,
            raiseload=bool(self.deferred_raiseload),
            active_history=self.active_history,
        )
        made.dataclass_arguments = self.dataclass_arguments
        return made

    @property
    def place(self) -> int:
        """Where the column stands in the table, relative to others."""
        return 0 if self.sort_order is NO_ARG else int(self.sort_order)

    def copy(self) -> MappedColumn[T_co]:
        """The same with a column of its own: mixins and `Annotated[]` serve many classes."""
        made: MappedColumn[T_co] = MappedColumn.__new__(MappedColumn)
        made.__dict__.update(self.__dict__)
        made.column = self.column._copy()
        return made

    def __clause_element__(self) -> Column[Any]:
        return self.column

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply an operator to the column."""
        return op(self.column, *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """The same with the column on the right."""
        return op(other, self.column, **kwargs)

    def __str__(self) -> str:
        return str(self.column)


# ------------------------------------------------------------------------------
# Offer the functions that a class body declares attributes with, under SQLAlchemy's signatures.
#
# `mapped_column()`, `relationship()`, `column_property()` and their siblings. Each makes the object
# that stands for the attribute until the class is mapped. Type checkers see `Mapped[...]`, so that
# what is returned fits any annotation; what is returned at run time is a property, or a
# `MappedColumn`.

T = TypeVar("T", bound=Any)


class DescribedArguments(FieldArguments, total=False):
    """Keywords of all functions below."""

    info: Any
    doc: str | None
    comparator_factory: type[Any] | None


class LoadingArguments(DescribedArguments, total=False):
    """Keywords of functions for attributes that columns are loaded for."""

    group: str | None
    raiseload: bool
    active_history: bool


class DeferredArguments(LoadingArguments, total=False):
    """Keywords of `deferred()`."""

    expire_on_flush: bool


class ColumnArguments(DeferredArguments, total=False):
    """Keywords of `column_property()`."""

    deferred: bool


class CompositeArguments(LoadingArguments, total=False):
    """Keywords of `composite()`."""

    deferred: bool
    return_none_on: Any
    column_template: str | None


class SynonymArguments(DescribedArguments, total=False):
    """Keywords of `synonym()`."""

    map_column: bool | None
    descriptor: Any | None


class DeclaredRelationshipArguments(RelationshipArguments, FieldArguments, total=False):
    """Keywords of `relationship()`."""


# fmt: off
def mapped_column(
    __name_pos: str | _TypeEngineArgument[Any] | SchemaItem | None = None,
    __type_pos: _TypeEngineArgument[Any] | SchemaItem | None = None,
    /,
    *args: SchemaItem,
    init: bool | Any = NO_ARG,
    repr: bool | Any = NO_ARG,
    default: Any = NO_ARG,
    default_factory: Callable[[], Any] | Any = NO_ARG,
    compare: bool | Any = NO_ARG,
    kw_only: bool | Any = NO_ARG,
    hash: bool | Any | None = NO_ARG,
    nullable: bool | SchemaConst | None = SchemaConst.NULL_UNSPECIFIED,
    primary_key: bool | None = False,
    deferred: bool | Any = NO_ARG,
    deferred_group: str | None = None, deferred_raiseload: bool | None = None,
    use_existing_column: bool = False, active_history: bool = False,
    name: str | None = None, key: str | None = None, quote: bool | None = None,
    type_: _TypeEngineArgument[Any] | None = None, autoincrement: Any = "auto",
    index: bool | None = None, unique: bool | None = None, system: bool = False,
    doc: str | None = None, comment: str | None = None, info: Any = None,
    onupdate: Any = None, insert_default: Any = NO_ARG,
    server_default: str | FetchedValue | Any | None = None,
    server_onupdate: FetchedValue | None = None,
    sort_order: int | Any = NO_ARG,
    dataclass_metadata: Mapping[Any, Any] | Any = NO_ARG,
    **kw: Any,
) -> MappedColumn[Any]:
    """Declare a column and the attribute for it.

    Takes what `Column` takes, and what concerns the attribute. Type and nullability come from the
    annotation where they are not given. Beside the parameters of `Column`:

    - `init`, `repr`, `default`, `default_factory`, `compare`, `kw_only`, `hash`,
      `dataclass_metadata`: for mapped dataclasses, as in `dataclasses.field()`; `default` is the
      column's default too;
    - `deferred`, `deferred_group`, `deferred_raiseload`: load the column on access only;
    - `use_existing_column`: take the column that a sibling class put into the shared table;
    - `active_history`: load the old value before it is overwritten;
    - `sort_order`: place in the table; lower comes first, 0 when not given.
    """
    arguments = DataclassArguments(
        init, repr, default, default_factory, compare, kw_only, hash, dataclass_metadata
    )
    return MappedColumn(
        __name_pos, __type_pos, *args, arguments=arguments,
        deferred=deferred, deferred_group=deferred_group, deferred_raiseload=deferred_raiseload,
        active_history=active_history, use_existing_column=use_existing_column,
        sort_order=sort_order, name=name, type_=type_, nullable=nullable, primary_key=primary_key,
        autoincrement=autoincrement, doc=doc, key=key, index=index, unique=unique, info=info,
        onupdate=onupdate, default=default, insert_default=insert_default,
        server_default=server_default, server_onupdate=server_onupdate, quote=quote, system=system,
        comment=comment, **kw,
    )
# fmt: on


def unmapped_column(
    __name_pos: str | _TypeEngineArgument[Any] | SchemaItem | None = None,
    __type_pos: _TypeEngineArgument[Any] | SchemaItem | None = None,
    /,
    *args: SchemaItem,
    sort_order: int | Any = NO_ARG,
    **kw: Any,
) -> Any:
    """Declare a column of the table that no attribute stands for; goes with `Unmapped[...]`.

    Takes what `Column` takes, and `sort_order`. Options of attributes are refused when the class
    is mapped, where the message can name the attribute.
    """
    return MappedColumn(__name_pos, __type_pos, *args, sort_order=sort_order, is_mapped=False, **kw)


def orm_insert_sentinel(
    name: str | None = None,
    type_: _TypeEngineArgument[Any] | None = None,
    *,
    default: Any = None,
    omit_from_statements: bool = True,
) -> MappedColumn[Any]:
    """Declare a column by which the rows of one INSERT are told apart (Core's insert sentinel)."""
    return MappedColumn(
        arguments=ImpliedArguments(init=False, repr=False, compare=False),
        column=insert_sentinel(
            name=name, type_=type_, default=default, omit_from_statements=omit_from_statements
        ),
    )


def declared(kind: Callable[..., Any], given: Sequence[Any], arguments: Any) -> Any:
    """A property of that kind; what concerns its field is kept beside it."""
    settings = dict(arguments)
    names = settings.keys() & FieldArguments.__annotations__.keys()
    field = DataclassArguments(**{name: settings.pop(name) for name in names})
    made = kind(*given, **settings)
    made.dataclass_arguments = field
    return made


def column_property(
    column: _ColumnExpressionArgument[T],
    *additional_columns: _ColumnExpressionArgument[Any],
    **arguments: Unpack[ColumnArguments],
) -> Mapped[T]:
    """Map a column, several equal columns, or a SQL expression, to an attribute.

    An expression is read with the row and never written.
    """
    for name in ("init", "kw_only", "default", "default_factory"):
        if name in arguments:
            warn_deprecated(
                f"The column_property.{name} parameter is deprecated for column_property(). "
                f"Declare the column with mapped_column({name}=...). [column-property-{name}]",
                version="2.1",
            )
    return _column_property((column, *additional_columns), arguments)


def _column_property(columns: Sequence[Any], arguments: Any) -> Mapped[Any]:
    made = declared(MappedSQLExpression, columns, arguments)
    # A column may be a mapped_column(), which the annotation still has to complete.
    made.declared_columns = columns
    return cast("Mapped[Any]", made)


def query_expression(
    default_expr: _ColumnExpressionArgument[Any] | None = None,
    *,
    expire_on_flush: bool = True,
    info: Any = None,
    doc: str | None = None,
    **field: Unpack[FieldArguments],
) -> Mapped[Any]:
    """Map an attribute whose value each statement gives, by `with_expression()`.

    Args:
        default_expr: What is read where a statement gives nothing; None, without SQL, when omitted.
        expire_on_flush: Forget the value when the row is updated.
        info: Data of the application.
        doc: Documentation of the attribute.
        field: Of the dataclass field.
    """
    expression = null() if default_expr is None else default_expr
    settings = {"expire_on_flush": expire_on_flush, "info": info, "doc": doc}
    is_deferred = isinstance(expression, Null)
    made = declared(QueryExpression, [expression], {**field, **settings, "deferred": is_deferred})
    return cast("Mapped[Any]", made)


def deferred(
    column: _ColumnExpressionArgument[T],
    *additional_columns: _ColumnExpressionArgument[Any],
    **arguments: Unpack[DeferredArguments],
) -> Mapped[T]:
    """Map a column that is loaded when it is first read."""
    return _column_property((column, *additional_columns), {**arguments, "deferred": True})


@overload
def composite(
    _class: Callable[..., T], /, *attrs: Any, **arguments: Unpack[CompositeArguments]
) -> Mapped[T]: ...


@overload
def composite(
    _class_or_attr: Any = None, /, *attrs: Any, **arguments: Unpack[CompositeArguments]
) -> Mapped[Any]: ...


def composite(
    _class_or_attr: Any = None, /, *attrs: Any, **arguments: Unpack[CompositeArguments]
) -> Mapped[Any]:
    """Map several columns to one attribute that holds a value object of them.

    The class may be left to the annotation; for a dataclass, so may the columns. `return_none_on`
    says for which column values the attribute is None: with `Mapped[X | None]`, when all are.
    `column_template` names the columns of a dataclass, as in `"home_%s"`.
    """
    settings: dict[str, Any] = dict(arguments)
    template = settings.pop("column_template", None)
    if template is not None and (
        template.count("%s") != 1 or template.replace("%%", "").count("%") != 1
    ):
        raise errors.DeclarationArgumentError.bad_template(template)
    made = declared(CompositeProperty, [_class_or_attr, *attrs], settings)
    made.return_none_on_default = "return_none_on" not in settings
    made.column_template = template
    return cast("Mapped[Any]", made)


def synonym(name: str, **arguments: Unpack[SynonymArguments]) -> Mapped[Any]:
    """Give a mapped attribute a second name."""
    return cast("Mapped[Any]", declared(SynonymProperty, [name], arguments))


def synonym_for(name: str, map_column: bool = False) -> Callable[[Callable[..., Any]], Any]:  # noqa: FBT001, FBT002 - the documented signature
    """Decorator: make a property of the class the reading and writing side of a synonym.

    ```python
    @synonym_for("_name")
    @property
    def name(self): ...
    ```
    """

    def decorate(fn: Callable[..., Any]) -> Any:
        return synonym(name, map_column=map_column, descriptor=fn)

    return decorate


def relationship(
    argument: Any | None = None,
    secondary: Any | None = None,
    **arguments: Unpack[DeclaredRelationshipArguments],
) -> Any:
    """Declare that objects of this class refer to objects of another, or of the same class.

    Target, scalar or collection, and the collection's type come from the annotation where they are
    not given. The parameters are described in the documentation of relationships.
    """
    if arguments.get("default", NO_ARG) not in (NO_ARG, None):
        raise errors.DeclarationArgumentError.relationship_default()
    return declared(Relationship, [argument, secondary], arguments)


def dynamic_loader(argument: Any | None = None, **kw: Any) -> Any:
    """`relationship()` with `lazy="dynamic"`."""
    return relationship(argument, **{**kw, "lazy": "dynamic"})
