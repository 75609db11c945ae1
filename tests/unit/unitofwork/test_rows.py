"""Objects as the parameters of statements: which columns take part, and which rows go together."""

import pytest
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, func, literal

from holdfast import registry
from holdfast.instrument.manager import instance_state
from holdfast.unitofwork.rows import TableRows, has_expressions, is_expression, table_rows


@pytest.fixture
def mapped():
    """A class with one column of each kind, and its `TableRows`."""

    class Thing:
        def __init__(self, **values):
            for key, value in values.items():
                setattr(self, key, value)

    table = Table(
        "thing",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", String),
        Column("size", Integer, default=5),
        Column("made", Integer, server_default="7"),
        Column("data", JSON),
        Column("touched", Integer, onupdate=lambda: 1),
    )
    own = registry()
    mapper = own.map_imperatively(Thing, table)
    own.configure()
    yield Thing, TableRows(mapper, table)
    own.dispose()


def runs(rows, *things):
    """(columns, rows, whether with expressions) of each run."""
    found = rows.insert_runs([instance_state(thing) for thing in things])
    return [(run.keys, run.rows, run.has_expressions) for run in found]


def test_a_column_without_default_always_takes_part(mapped):
    cls, rows = mapped

    assert runs(rows, cls(id=1)) == [
        (("id", "name", "size", "touched"), [(1, None, 5, None)], False)
    ]


def test_a_simple_default_takes_the_place_of_none_on_the_object(mapped):
    cls, rows = mapped
    thing = cls(id=1, size=None)
    runs(rows, thing)

    assert thing.size == 5


def test_a_server_default_takes_part_only_with_a_value(mapped):
    cls, rows = mapped

    (with_none,) = runs(rows, cls(id=1, made=None))
    (with_value,) = runs(rows, cls(id=1, made=3))

    assert "made" not in with_none[0]
    assert with_value[0] == ("id", "name", "size", "made", "touched")


def test_a_type_with_its_own_none_takes_part_once_it_was_set(mapped):
    cls, rows = mapped

    (unset,) = runs(rows, cls(id=1))
    (given,) = runs(rows, cls(id=1, data=None))

    assert "data" not in unset[0]
    assert "data" in given[0]


def test_consecutive_rows_with_the_same_columns_go_together_in_order(mapped):
    cls, rows = mapped
    found = runs(rows, cls(id=1), cls(id=2), cls(id=3, made=1), cls(id=4))

    assert [[row[0] for row in each[1]] for each in found] == [[1, 2], [3], [4]]


def test_a_row_with_an_expression_goes_alone(mapped):
    cls, rows = mapped
    found = runs(rows, cls(id=1), cls(id=2, name=func.upper("x")), cls(id=3))

    assert [(len(each[1]), each[2]) for each in found] == [(1, False), (1, True), (1, False)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, False), ("x", False), (None, False), (literal(1), True), (func.now(), True), ([], False)],
)
def test_is_expression_tells_sql_from_values(value, expected):
    assert is_expression(value) is expected
    assert has_expressions([(1, value)]) is expected


def test_differs_compares_in_the_sense_of_the_type(mapped):
    _, rows = mapped

    assert rows.differs("name", "a", {"name": "b"})
    assert not rows.differs("name", "a", {"name": "a"})
    assert rows.differs("name", "a", {})
    assert rows.differs("name", "a", {"name": func.upper("a")})
    assert not rows.differs("data", {"a": [1]}, {"data": {"a": [1]}})


def test_changed_keys_are_those_with_a_net_change_in_table_order(mapped):
    cls, rows = mapped
    thing = cls(id=1, name="a", size=1)
    state = instance_state(thing)
    state.pk, state.changes = 1, {"size": 2, "name": "a", "id": 1}

    assert rows.changed_keys(state, vars(thing)) == ("size",)


def test_row_key_is_the_key_that_the_database_has(mapped):
    cls, rows = mapped
    thing = cls(id=9)
    state = instance_state(thing)

    assert rows.row_key(state) == (9,)
    state.pk = 1
    assert rows.row_key(state) == (1,)
    assert rows.row_key(state, {(state, "id")}) == (9,)


def test_kinds_of_columns_are_known(mapped):
    _, rows = mapped

    assert rows.onupdate_keys == ("touched",)
    assert rows.pk_keys == ("id",)
    assert rows.version_key is None
    assert table_rows(rows.mapper, rows.table) is table_rows(rows.mapper, rows.table)
