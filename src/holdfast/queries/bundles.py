"""Group elements of a select list under one name: `Bundle`, `DictBundle`.

`reading` calls `create_row_processor` once per result and the function that it gives once per row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import result_tuple
from sqlalchemy.sql.expression import ClauseList
from typing_extensions import TypeVar

from holdfast import errors
from holdfast.foundation.codegen import SelectedAs
from holdfast.foundation.sqlalchemy_core import (
    HasCacheKey,
    WriteableColumnCollection,
    coercions,
    marks_of,
    proxy_key,
    roles,
    self_inspects,
)
from holdfast.instrument.descriptor import InspectionAttr

Reader = Callable[[Any], Any]
T = TypeVar("T", default=Any)


@self_inspects
class Bundle(HasCacheKey, InspectionAttr, SelectedAs[T]):
    """Several columns as one element of a row.

    Example:
        >>> name = Bundle("name", Person.first, Person.last)
        >>> for row in session.execute(select(name)):
        ...     print(row.name.first)
    """

    is_bundle = True
    _post_inspect = None
    # A legacy Query of this bundle alone gives it without a row around it.
    single_entity: bool = False
    proxy_set: frozenset[Any] = frozenset()

    def __init__(self, name: str, *exprs: Any, **kw: Any) -> None:
        self.name = name
        # What was given, coerced: clause elements, other bundles among them.
        self.exprs: list[Any] = [
            coercions.expect(
                roles.ColumnsClauseRole, expr, apply_propagate_attrs=None, post_inspect=True
            )
            for expr in exprs
        ]
        collection: Any = WriteableColumnCollection(
            (_key_of(element), _member(given, element))
            for given, element in zip(exprs, self.exprs, strict=True)
        )
        # The members by name, for criteria: `bundle.c.first`.
        self.columns: Any = collection.as_readonly()
        self.c: Any = self.columns
        self.single_entity = kw.pop("single_entity", self.single_entity)

    @property
    def elements(self) -> list[Any]:
        """The members as they stand in a select list."""
        return self.exprs

    @property
    def mapper(self) -> Any | None:
        """The mapper of the first member, or that of the class whose rows it comes from."""
        first = self.exprs[0]
        subject = first._propagate_attrs.get("plugin_subject")
        return first._annotations.get("parentmapper") or (subject and subject.mapper)

    @property
    def entity(self) -> Any | None:
        """The entity of the first member."""
        found = self.exprs[0]._annotations.get("parententity")
        return None if found is None else found.entity

    @property
    def entity_namespace(self) -> Any:
        """Where `filter_by()` looks names up."""
        return self.c

    def label(self, name: str) -> Bundle:
        """A copy under another name."""
        made = self._clone()
        made.name = name
        return made

    def over(self, elements: Sequence[Any]) -> Bundle:
        """A copy whose members are read from other columns."""
        made = self._clone()
        made.exprs = list(elements)
        return made

    def create_row_processor(
        self, query: Any, procs: Sequence[Reader], labels: Sequence[str]
    ) -> Reader:
        """The function that makes the bundle's value out of a row; subclasses may override.

        Args:
            query: The statement.
            procs: For each member, a function from the row to its value.
            labels: The names of the members.
        """
        make = result_tuple(labels)
        return lambda row: make([proc(row) for proc in procs])

    def _deannotate(self, *_: Any, **__: Any) -> Bundle:
        return self  # as a member of another bundle's columns

    def _clone(self, **_: Any) -> Bundle:
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __clause_element__(self) -> Any:
        element: Any = ClauseList(
            *self.exprs,
            group=False,
            group_contents=False,
            _literal_as_text_role=roles.ColumnsClauseRole,
        )
        annotations = {"bundle": self, "entity_namespace": self}
        return element._annotate(annotations)._set_propagate_attrs(marks_of(self))

    @property
    def clauses(self) -> Any:
        """The members as a list of expressions, for ORDER BY and GROUP BY."""
        return self.__clause_element__().clauses

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> Any:
        return (
            type(self),
            self.name,
            self.single_entity,
            *(expr._gen_cache_key(anon_map, bindparams) for expr in self.exprs),
        )

    def __repr__(self) -> str:
        return f"<Bundle {self.name}>"


class DictBundle(Bundle):
    """A bundle whose value is a dictionary.

    Raises:
        ArgumentError: Two members have one name.
    """

    def __init__(self, name: str, *exprs: Any, **kw: Any) -> None:
        super().__init__(name, *exprs, **kw)
        if len(set(self.c.keys())) < len(self.exprs):
            raise errors.BundleError.repeated_name(self.name)

    def create_row_processor(
        self, query: Any, procs: Sequence[Reader], labels: Sequence[str]
    ) -> Reader:
        """A function that makes a dictionary of each row."""
        return lambda row: dict(zip(labels, [proc(row) for proc in procs], strict=True))


def _key_of(element: Any) -> str:
    bundle = element._annotations.get("bundle")
    if bundle is not None:
        return str(bundle.name)
    return str(element._annotations.get("proxy_key") or proxy_key(element))


def _member(given: Any, element: Any) -> Any:
    """What `bundle.c.name` gives: the attribute or bundle that was passed in."""
    found = inspect(given, raiseerr=False)
    return given if found is not None and getattr(found, "is_bundle", False) else element
