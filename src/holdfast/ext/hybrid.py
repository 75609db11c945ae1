"""Define attributes that are Python on objects and SQL on the class: hybrids (XT-1 to XT-9).

Applications decorate methods with `hybrid_property` and `hybrid_method`. The class-level face of a
property is made anew by each access, from what the same function answers for the class; it is an
attribute like the mapped ones, so statements take it wherever they take those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, TypeVar, overload

from sqlalchemy import inspect
from sqlalchemy.sql.expression import ClauseElement, FromClause

from holdfast import errors
from holdfast.foundation.load_policy import LoadPolicy
from holdfast.foundation.sqlalchemy_core import marks_of, memoized_property
from holdfast.instrument.descriptor import (
    InspectionAttrExtensionType,
    InspectionAttrInfo,
    ORMDescriptor,
    QueryableAttribute,
    named,
)
from holdfast.queries.comparators import PropComparator
from holdfast.states.changes import HISTORY_BLANK, History
from holdfast.states.instance import InstanceState

if TYPE_CHECKING:
    from typing import Self

    from sqlalchemy import SQLColumnExpression
    from sqlalchemy.sql.elements import SQLCoreOperations

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


class HybridExtensionType(InspectionAttrExtensionType):
    """What `extension_type` of a hybrid says."""

    HYBRID_METHOD = "HYBRID_METHOD"
    HYBRID_PROPERTY = "HYBRID_PROPERTY"


HYBRID_METHOD: Final = HybridExtensionType.HYBRID_METHOD
HYBRID_PROPERTY: Final = HybridExtensionType.HYBRID_PROPERTY


class Comparator(PropComparator[T]):
    """Operators of a hybrid, around an expression; to be derived from."""

    def __init__(self, expression: Any) -> None:
        self.expression: Any = expression

    def __clause_element__(self) -> Any:
        return _element(self.expression)

    @property
    def property(self) -> Any:
        """The property that the expression comes from, if it comes from one."""
        return self.expression.property

    def adapt_to_entity(self, entity: Any) -> Comparator[T]:
        """Itself: a hybrid asks for another one for an alias."""
        return self


class ExprComparator(Comparator[T]):
    """Operators of a hybrid without a comparator of its own: those of its expression."""

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply the operator to what the hybrid gave for the class."""
        return op(self.expression, *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """Apply the operator with that on the right."""
        return op(other, self.expression, **kwargs)

    def of_type(self, class_: Any) -> Any:
        """What a relationship that the hybrid stands for answers."""
        return self.expression.of_type(class_)

    def and_(self, *criteria: Any) -> Any:
        """The same."""
        return self.expression.and_(*criteria)

    def any(self, criterion: Any = None, **kwargs: Any) -> Any:
        """The same."""
        return self.expression.any(criterion, **kwargs)

    def has(self, criterion: Any = None, **kwargs: Any) -> Any:
        """The same."""
        return self.expression.has(criterion, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.__dict__["expression"], name)


def _element(expression: Any) -> Any:
    """What an expression is in SQL; other things than expressions as they are."""
    while not isinstance(expression, ClauseElement) and hasattr(expression, "__clause_element__"):
        expression = expression.__clause_element__()
    return expression


class HybridAttribute(QueryableAttribute[T]):
    """What a hybrid property is on a class, or on an alias of one."""

    inherit_cache: bool = True

    def __init__(
        self, owner: Any, hybrid: hybrid_property[T], comparator: Any, *, is_named: bool
    ) -> None:
        self.descriptor: hybrid_property[T] = hybrid
        self.is_named: bool = is_named
        parent: Any = inspect(owner, raiseerr=False)
        super().__init__(owner, hybrid.__name__, parent, comparator=comparator)
        shown = None if hybrid.expr is None else hybrid.expr.__doc__
        self.__doc__ = shown or hybrid.__doc__
        del self.prop, self.property

    @memoized_property
    def property(self) -> Any:
        """The property that the expression comes from; also `prop`."""
        return self.comparator.property

    prop = property

    @memoized_property
    def expression(self) -> Any:
        """The SQL expression, called by the name of the hybrid where it is selected.

        Raises:
            InvalidRequestError: The function gave something else for the class.
        """
        element = _element(self.comparator)
        if not isinstance(element, ClauseElement):
            raise errors.HybridError.no_expression(self, element)
        if self.parent is None:
            return element
        # A function is a FROM element too, which marks would make the class itself.
        if element._annotations.keys().isdisjoint(("bundle", "parententity")) and not isinstance(
            element, FromClause
        ):
            marks = {"parententity": self.parent, "parentmapper": self.parent.mapper}
            element = element._annotate(marks)
        if not element._propagate_attrs:
            element = element._set_propagate_attrs(marks_of(self.parent))
        return named(element, self.key) if self.is_named else element

    @memoized_property
    def _annotations(self) -> Any:
        # Core asks it of elements; here it tells which entity is meant, and by which name.
        return self.expression._annotations

    @memoized_property
    def info(self) -> Any:
        """The notes of the hybrid, not those of what it stands for."""
        return self.descriptor.info

    def adapt_to_entity(self, entity: Any) -> HybridAttribute[T]:
        """What the hybrid is on an alias of the class."""
        return self.descriptor.attribute_of(entity.entity)

    def assigned_columns(self, value: Any) -> Iterable[tuple[Any, Any]]:
        """What `values()` of an INSERT or UPDATE sets (XT-4)."""
        update = self.descriptor.update_expr
        inner = getattr(self.comparator, "expression", None)
        if update is not None:
            for target, part in update(self.class_, value):
                if isinstance(target, QueryableAttribute):
                    yield from target.assigned_columns(part)
                else:
                    yield target, part
        elif isinstance(inner, QueryableAttribute):
            yield from inner.assigned_columns(value)
        else:
            yield _element(self.comparator), value

    def history_of(self, state: InstanceState, policy: LoadPolicy) -> History:
        """The history of the attribute that the hybrid stands for, if it is one (XT-8)."""
        inner = getattr(self.comparator, "expression", None)
        if isinstance(inner, QueryableAttribute):
            return inner.history_of(state, policy)
        return HISTORY_BLANK

    def __getattr__(self, name: str) -> Any:
        # `@Person.name.setter` in a subclass continues the hybrid of its base.
        if not name.startswith("_") and name in hybrid_property.__dict__:
            return getattr(self.descriptor, name)
        return super().__getattr__(name)


def _plain(function: Any) -> Any:
    """The function of a `@classmethod`, which hybrids call with the class themselves."""
    return function.__func__ if isinstance(function, classmethod) else function


class hybrid_method(InspectionAttrInfo, Generic[P, R]):  # noqa: N801  the public name
    """Decorator: a method that gives a value on objects and a SQL expression on the class (XT-6).

    ```python
    @hybrid_method
    def contains(self, point): ...
    ```
    """

    is_attribute = True
    extension_type: InspectionAttrExtensionType = HYBRID_METHOD

    def __init__(
        self,
        func: Callable[Concatenate[Any, P], R],
        expr: Callable[Concatenate[Any, P], SQLCoreOperations[R]] | None = None,
    ) -> None:
        self.func: Callable[..., Any] = func
        self.expr: Callable[..., Any] = func
        self.__name__: str = func.__name__
        self.__doc__ = func.__doc__
        if expr is not None:
            self.expression(expr)

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Callable[P, SQLCoreOperations[R]]: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Callable[P, R]: ...

    def __get__(self, instance: object | None, owner: type[Any]) -> Any:
        if instance is None:
            return self.expr.__get__(owner, owner)
        return self.func.__get__(instance, owner)

    @property
    def inplace(self) -> Self:
        """For decorated functions with names of their own: the hybrid itself changes."""
        return self

    def expression(self, expr: Callable[Concatenate[Any, P], SQLCoreOperations[R]]) -> Self:
        """Decorator: what the method is on the class."""
        self.expr = _plain(expr)
        if not self.expr.__doc__:
            self.expr.__doc__ = self.func.__doc__
        return self


class hybrid_property(InspectionAttrInfo, ORMDescriptor[T]):  # noqa: N801  the public name
    """Decorator: a property that is a value on objects and a SQL expression on the class (XT-1).

    ```python
    @hybrid_property
    def length(self):
        return self.end - self.start
    ```

    The other decorators (`setter`, `expression`, `comparator` ...) answer a copy, as those of
    `property` do; those of `inplace` change the hybrid, and their functions have other names.
    """

    is_attribute = True
    extension_type: InspectionAttrExtensionType = HYBRID_PROPERTY

    def __init__(
        self,
        fget: Callable[[Any], T],
        fset: Callable[[Any, T], None] | None = None,
        fdel: Callable[[Any], None] | None = None,
        expr: Callable[[Any], Any] | None = None,
        custom_comparator: Callable[[Any], Any] | None = None,
        update_expr: Callable[[Any, Any], Iterable[tuple[Any, Any]]] | None = None,
        bulk_dml_setter: Callable[[Any, MutableMapping[str, Any], Any], None] | None = None,
    ) -> None:
        self.fget: Callable[[Any], T] = fget
        self.fset: Callable[[Any, T], None] | None = fset
        self.fdel: Callable[[Any], None] | None = fdel
        self.expr: Callable[[Any], Any] | None = _plain(expr)
        self.custom_comparator: Callable[[Any], Any] | None = _plain(custom_comparator)
        self.update_expr: Callable[[Any, Any], Any] | None = _plain(update_expr)
        self.bulk_dml_setter: Callable[..., None] | None = _plain(bulk_dml_setter)
        self.__name__: str = fget.__name__
        self.__doc__ = fget.__doc__

    # -- on objects and classes ------------------------------------------------------------------

    @overload
    def __get__(self, instance: Any, owner: None) -> Self: ...

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> SQLColumnExpression[T]: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...

    def __get__(self, instance: object | None, owner: type[Any] | None) -> Any:
        if owner is None:
            return self
        return self.attribute_of(owner) if instance is None else self.fget(instance)

    def __set__(self, instance: object, value: SQLCoreOperations[T] | T) -> None:
        if self.fset is None:
            raise errors.HybridAccessError.not_settable(type(instance), self.__name__)
        self.fset(instance, value)  # type: ignore[arg-type]  # an expression is written by a flush

    def __delete__(self, instance: object) -> None:
        if self.fdel is None:
            raise errors.HybridAccessError.not_deletable(type(instance), self.__name__)
        self.fdel(instance)

    def attribute_of(self, owner: Any) -> HybridAttribute[T]:
        """What the hybrid is on a class, or on an alias of one."""
        if self.custom_comparator is not None:
            comparator = self.custom_comparator(owner)
        else:
            make = self.fget if self.expr is None else self.expr
            comparator = ExprComparator(make(owner))
        return HybridAttribute(owner, self, comparator, is_named=self._is_named_on(owner))

    def _is_named_on(self, owner: Any) -> bool:
        """Whether the class has the hybrid under the name of its function."""
        entity = inspect(owner, raiseerr=False)
        class_ = owner if entity is None else entity.mapper.class_
        found = (vars(base).get(self.__name__) for base in class_.__mro__)
        return next((each for each in found if each is not None), None) is self

    def set_in_bulk(self, class_: Any, mapping: MutableMapping[str, Any], value: Any) -> None:
        """Put the columns into a dictionary of a bulk INSERT or UPDATE, in place of the hybrid.

        Raises:
            InvalidRequestError: No function says how.
        """
        if self.bulk_dml_setter is None:
            raise errors.HybridError.no_bulk(class_, self.__name__)
        self.bulk_dml_setter(class_, mapping, value)

    # -- decorators --------------------------------------------------------------------------------

    @property
    def overrides(self) -> Self:
        """The hybrid itself, for `@Base.name.overrides.expression` in a subclass (XT-7)."""
        return self

    @property
    def inplace(self) -> InPlace[T]:
        """Decorators for functions with names of their own, which change this very hybrid."""
        return InPlace(self)

    def _with(self, **changes: Any) -> hybrid_property[T]:
        made: hybrid_property[T] = hybrid_property(self.fget)
        made.__dict__.update(self.__dict__)
        made.__dict__.update(changes)
        if "fget" in changes:
            made.__name__, made.__doc__ = made.fget.__name__, made.fget.__doc__
        return made

    def getter(self, fget: Callable[[Any], T]) -> hybrid_property[T]:
        """Decorator: another function for reading."""
        return self._with(fget=fget)

    def setter(self, fset: Callable[[Any, T], None]) -> hybrid_property[T]:
        """Decorator: what assigning to the attribute of an object does."""
        return self._with(fset=fset)

    def deleter(self, fdel: Callable[[Any], None]) -> hybrid_property[T]:
        """Decorator: what deleting it does."""
        return self._with(fdel=fdel)

    def expression(self, expr: Callable[[Any], Any]) -> hybrid_property[T]:
        """Decorator: another SQL expression than the one that `fget` gives (XT-3)."""
        return self._with(expr=_plain(expr))

    def comparator(self, comparator: Callable[[Any], Any]) -> hybrid_property[T]:
        """Decorator: gives a `Comparator` for a class (XT-3)."""
        return self._with(custom_comparator=_plain(comparator))

    def update_expression(
        self, meth: Callable[[Any, Any], Iterable[tuple[Any, Any]]]
    ) -> hybrid_property[T]:
        """Decorator: gives the columns and expressions that `values()` sets (XT-4)."""
        return self._with(update_expr=_plain(meth))

    def bulk_dml(
        self, meth: Callable[[Any, MutableMapping[str, Any], Any], None]
    ) -> hybrid_property[T]:
        """Decorator: changes the dictionary of a row in a bulk INSERT or UPDATE (XT-5)."""
        return self._with(bulk_dml_setter=_plain(meth))


class InPlace(Generic[T]):
    """The decorators of a hybrid property, as they are when they change it."""

    def __init__(self, hybrid: hybrid_property[T]) -> None:
        self.hybrid: hybrid_property[T] = hybrid

    def _set(self, name: str, function: Any) -> hybrid_property[T]:
        setattr(self.hybrid, name, _plain(function))
        return self.hybrid

    def getter(self, fget: Callable[[Any], T]) -> hybrid_property[T]:
        """As `hybrid_property.getter`."""
        return self._set("fget", fget)

    def setter(self, fset: Callable[[Any, T], None]) -> hybrid_property[T]:
        """As `hybrid_property.setter`."""
        return self._set("fset", fset)

    def deleter(self, fdel: Callable[[Any], None]) -> hybrid_property[T]:
        """As `hybrid_property.deleter`."""
        return self._set("fdel", fdel)

    def expression(self, expr: Callable[[Any], Any]) -> hybrid_property[T]:
        """As `hybrid_property.expression`."""
        return self._set("expr", expr)

    def comparator(self, comparator: Callable[[Any], Any]) -> hybrid_property[T]:
        """As `hybrid_property.comparator`."""
        return self._set("custom_comparator", comparator)

    def update_expression(
        self, meth: Callable[[Any, Any], Iterable[tuple[Any, Any]]]
    ) -> hybrid_property[T]:
        """As `hybrid_property.update_expression`."""
        return self._set("update_expr", meth)

    def bulk_dml(
        self, meth: Callable[[Any, MutableMapping[str, Any], Any], None]
    ) -> hybrid_property[T]:
        """As `hybrid_property.bulk_dml`."""
        return self._set("bulk_dml_setter", meth)


__all__ = [
    "HYBRID_METHOD",
    "HYBRID_PROPERTY",
    "Comparator",
    "ExprComparator",
    "HybridAttribute",
    "HybridExtensionType",
    "hybrid_method",
    "hybrid_property",
]
