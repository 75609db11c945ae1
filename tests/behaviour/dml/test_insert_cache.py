"""Statements that write are compiled once, whatever their values.

A list in `values()` is the exception: Core keeps no statement that has one.
"""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, literal, select, update

from holdfast import Session
from models import company
from models.team import Player

STATEMENTS = {
    "values": lambda n: (insert(Player).values(name=f"p{n}").returning(Player), None),
    "rows": lambda n: (insert(Player).returning(Player), [{"name": f"p{n}"}, {"name": "x"}]),
    "one row": lambda n: (insert(Player).returning(Player), {"name": f"p{n}"}),
    "rows and an expression": lambda n: (
        insert(Player).values(name=func.lower(f"P{n}")),
        [{"score": n}, {"score": n}],
    ),
    "keys": lambda n: (
        update(Player).values(name=literal("p") + f"{n}"),
        [{"id": 1, "score": n}, {"id": 2, "score": n}],
    ),
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_statement_built_anew_is_compiled_once_and_writes_its_own_values(session, engine, kind):
    if "RETURNING" in str(STATEMENTS[kind](1)[0]) and not engine.dialect.insert_returning:
        pytest.skip("no INSERT ... RETURNING")
    cache = {}
    session.connection(execution_options={"compiled_cache": cache})
    session.execute(*STATEMENTS[kind](1))
    after_first = len(cache)
    session.execute(*STATEMENTS[kind](2))
    session.execute(*STATEMENTS[kind](3))

    assert after_first > 0
    assert len(cache) == after_first
    session.expire_all()
    assert "p3" in session.scalars(select(Player.name)).all()


def test_parts_of_a_statement_over_several_tables_are_compiled_once(tables, engine):
    if not engine.dialect.insert_executemany_returning_sort_by_parameter_order:
        pytest.skip("no RETURNING in order")
    with Session(tables(company.Base.metadata)) as session:
        cache = {}
        session.connection(execution_options={"compiled_cache": cache})
        sizes, names = [], []
        for name in ("ann", "ben", "cid"):
            statement = insert(company.Engineer).values(language=func.upper(name[0]))
            found = session.scalars(statement.returning(company.Engineer), [{"name": name}]).all()
            names += [(each.name, each.language) for each in found]
            sizes.append(len(cache))

        assert names == [("ann", "A"), ("ben", "B"), ("cid", "C")]
        assert sizes == [2, 2, 2]
