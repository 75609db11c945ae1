import operator

import pytest

from holdfast.foundation.load_policy import NO_VALUE
from holdfast.states.changes import (
    HISTORY_BLANK,
    History,
    collection_history,
    reference_history,
    value_history,
)


@pytest.mark.parametrize(
    ("current", "committed", "expected"),
    [
        (NO_VALUE, NO_VALUE, ((), (), ())),
        ("new", NO_VALUE, (["new"], (), ())),
        ("new", "old", (["new"], (), ["old"])),
        ("same", "same", ((), ["same"], ())),
        (None, "old", ([None], (), ["old"])),
        (NO_VALUE, "old", ((), (), ["old"])),
    ],
)
def test_value_history_follows_the_table(current, committed, expected):
    assert value_history(current, committed, operator.eq) == expected


def test_value_history_treats_a_comparison_without_truth_value_as_a_change():
    incomparable = value_history(1, 2, lambda a, b: NotImplemented)

    assert incomparable.added == [1]


def test_reference_history_does_not_list_none_as_taken_away():
    one = object()

    assert reference_history(one, None) == ([one], (), ())
    assert reference_history(None, one) == ([None], (), [one])
    assert reference_history(one, one) == ((), [one], ())


def test_collection_history_compares_members_by_identity():
    first, second, third = [1], [1], [1]

    history = collection_history([second, third], [first, second])

    assert history.added == [third]
    assert history.unchanged[0] is second
    assert history.deleted[0] is first


def test_history_sums_and_truth():
    history = History([1], [2], [3])

    assert history.sum() == [1, 2, 3]
    assert history.non_added() == [2, 3]
    assert history.non_deleted() == [1, 2]
    assert history.has_changes()
    assert History((), [2], ())
    assert not History((), [2], ()).has_changes()
    assert not HISTORY_BLANK
    assert HISTORY_BLANK.empty()
