"""The generated functions: their text, and that they show in tracebacks."""

from __future__ import annotations

import traceback

import pytest
from sqlalchemy import inspect

from holdfast.foundation.codegen import source_of
from holdfast.queries.load_plan import ColumnStep, EntityLoad, LoadPath
from holdfast.reading.row_loader import dict_setter, functions_of, key_expression
from models.library import Author


def load(pk_indexes: tuple[int, ...] = (0,)) -> EntityLoad:
    mapper = inspect(Author)
    mapper.ensure_configured()
    steps = (ColumnStep("id", 0), ColumnStep("name", 1))
    return EntityLoad(mapper, mapper, LoadPath((mapper,)), pk_indexes, steps)


def test_rows_used_whole_are_unpacked() -> None:
    assert "(c0, c1,)" in (source_of(functions_of(load(), 2).values_of) or "")
    assert "row[1]" in (source_of(functions_of(load(), 3).values_of) or "")


def test_functions_are_made_once_for_a_shape() -> None:
    assert functions_of(load(), 2) is functions_of(load(), 2)


def test_composite_key_is_absent_when_all_of_it_is_null() -> None:
    key_of = eval("lambda row: " + key_expression(load((0, 1))))

    assert key_of((None, None)) is None
    assert key_of((1, None)) == (1, None)


def test_generated_lines_show_in_tracebacks() -> None:
    with pytest.raises(IndexError) as caught:
        functions_of(load(), 3).overwrite((1,), {})

    assert "values['name'] = row[1]" in "".join(traceback.format_exception(caught.value))


def test_class_without_dict_is_refused() -> None:
    class Bare:
        __slots__ = ()

    with pytest.raises(TypeError, match="Bare has no __dict__"):
        dict_setter(Bare)
