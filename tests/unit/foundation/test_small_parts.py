"""Check the markers, load policies, generated functions, containers, names and warnings."""

from __future__ import annotations

import gc
import linecache
import pickle
import traceback

import pytest
from sqlalchemy import exc

from holdfast.foundation import describe, result_rows
from holdfast.foundation.codegen import build_function, source_of
from holdfast.foundation.load_policy import (
    NEVER_SET,
    NO_VALUE,
    PASSIVE_NO_FETCH,
    SQL_OK,
    LoaderCallableStatus,
    LoadPolicy,
    PassiveFlag,
    policy_of,
)
from holdfast.foundation.result_rows import (
    count_all_as_old,
    paused_collector,
    set_collector_pausing,
)


class Equal:
    """Equal to everything, and without hash."""

    def __eq__(self, other):
        return True

    __hash__ = None

    def __repr__(self):
        raise AssertionError("the user's code was called")

    __str__ = __bool__ = __repr__


def test_never_set_is_no_value_and_survives_pickling():
    assert NEVER_SET is NO_VALUE
    assert pickle.loads(pickle.dumps(NO_VALUE)) is LoaderCallableStatus.NO_VALUE


def test_policies_are_interned():
    assert policy_of(PASSIVE_NO_FETCH) is LoadPolicy.MEMORY_ONLY
    assert policy_of(LoadPolicy.LOAD) is LoadPolicy.LOAD
    assert LoadPolicy.LOAD.forbidding(SQL_OK) is LoadPolicy.MEMORY_ONLY
    assert LoadPolicy.MEMORY_ONLY.allowing(SQL_OK) is LoadPolicy.LOAD


def test_policies_say_what_the_flags_mean():
    memory = LoadPolicy.MEMORY_ONLY
    nothing = LoadPolicy.NO_INITIALIZE

    assert (memory.may_load, memory.may_fetch, memory.initializes) == (True, False, True)
    assert (nothing.may_load, nothing.may_fetch, nothing.initializes) == (False, False, False)
    assert LoadPolicy.RETURN_NO_VALUE.returns_no_value
    assert not LoadPolicy.NO_AUTOFLUSH.autoflushes
    assert not LoadPolicy.NO_RAISE.raise_on_missing
    assert int(PassiveFlag.PASSIVE_OFF) == 31


def test_generated_function_shows_its_source_in_tracebacks():
    function = build_function(
        "load",
        "def load(value):\n    return value / ZERO",
        {"ZERO": 0},
        filename_hint="load <User>",
    )

    with pytest.raises(ZeroDivisionError) as caught:
        function(1)

    assert "return value / ZERO" in "".join(traceback.format_tb(caught.tb))
    assert "load User" in function.__code__.co_filename
    assert source_of(function) == "def load(value):\n    return value / ZERO\n"
    assert source_of(len) is None


def test_generated_source_goes_with_its_function():
    function = build_function("f", "def f(): pass", {}, filename_hint="passing")
    filename = function.__code__.co_filename
    assert filename in linecache.cache

    del function
    gc.collect()

    assert filename not in linecache.cache


def test_objects_are_named_without_their_own_code():
    assert describe.object_text(Equal()).startswith("<Equal at 0x")
    assert describe.describe_class(Equal).endswith("test_small_parts.Equal")
    assert describe.listed(["a", "b", "c"]) == "a, b and c"


def test_count_all_as_old_empties_the_young_generations_and_freezes_nothing():
    held = [[] for _ in range(50)]

    count_all_as_old()

    assert gc.get_freeze_count() == 0
    assert not any(each is held for each in gc.get_objects(generation=0))


def test_count_all_as_old_leaves_frozen_objects_alone():
    gc.freeze()
    try:
        count_all_as_old()

        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_collector_is_paused_once_for_all():
    assert gc.isenabled()
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_collector_comes_back_after_an_error():
    with pytest.raises(RuntimeError), paused_collector():
        raise RuntimeError
    assert gc.isenabled()
    assert result_rows._pauses == 0


def test_pausing_can_be_switched_off_while_a_block_is_open():
    try:
        with paused_collector():
            set_collector_pausing(False)
            with paused_collector():
                assert not gc.isenabled()
        assert gc.isenabled()
        with paused_collector():
            assert gc.isenabled()
    finally:
        set_collector_pausing(True)


def test_warnings_point_at_the_caller():
    with pytest.warns(exc.SAWarning, match="odd") as caught:
        describe.warn("odd")
    assert caught[0].filename == __file__

    with pytest.warns(exc.SADeprecationWarning, match=r"old .*since: 2.0") as caught:
        describe.warn_deprecated("old")
    assert caught[0].message.deprecated_since == "2.0"
    assert caught[0].filename == __file__
