"""Let a query select from a union of queries and still speak of its classes.

After `q1.union(q2)` the entities of the query are read from the union as a subquery; whatever is
said later about them, as `User.name == "x"`, is rewritten to the columns of that subquery.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.sql.expression import FromClause

from holdfast.foundation.sqlalchemy_core import ColumnAdapter
from holdfast.queries.adapt import rewritten
from holdfast.queries.aliases import AliasedClass
from holdfast.queries.joins import is_relationship_attribute


class CompoundSource:
    """A subquery that stands for the tables of the entities of a query."""

    def __init__(self, subquery: FromClause) -> None:
        self.subquery = subquery
        self.adapter: ColumnAdapter = ColumnAdapter(subquery)
        # Entity of the query -> its alias on the subquery, made once each.
        self.stand_ins: dict[Any, Any] = {}

    def applied(self, draft: Any) -> Any:
        """The draft as a SELECT from the subquery."""
        made = rewritten(draft, self._element, self._side)
        made._from_obj = (self.subquery, *draft._from_obj)
        return made

    def _stand_in(self, entity: Any) -> Any:
        found = self.stand_ins.get(entity)
        if found is None:
            found = AliasedClass(entity.entity, self.subquery, stands_for=entity)
            self.stand_ins[entity] = found
        return found

    def _holds(self, entity: Any) -> bool:
        return bool(self.subquery.is_derived_from(entity.selectable))

    def _element(self, element: Any) -> Any:
        annotations = element._annotations
        entity = annotations.get("parententity")
        if entity is not None and isinstance(element, FromClause):
            if not self._holds(entity):
                return element
            return inspect(self._stand_in(entity)).__clause_element__()
        adapted = self.adapter.traverse(element)
        if "proxy_key" in annotations and adapted is not element:
            adapted = adapted._annotate({"proxy_key": annotations["proxy_key"]})
        return adapted

    def _side(self, side: Any) -> Any:
        if not is_relationship_attribute(side):
            return self._element(side) if not isinstance(side, FromClause) else side
        if not self._holds(side.parent):
            return side
        made = getattr(self._stand_in(side.parent), side.key)
        if side.of_type_entity is not None:
            made = made.of_type(side.of_type_entity.entity)
        return made.and_(*side.extra_criteria) if side.extra_criteria else made
