"""No fault loses anything: the error is clear, the pool is clean, the session goes on."""

import pytest

from faults import campaign, contention


@pytest.fixture
def server(database):
    if database is None:
        pytest.skip("HOLDFAST_TEST_URLS names no server")
    return database


@pytest.mark.parametrize("fault", campaign.FAULTS)
def test_every_fault_at_every_boundary_is_survived(server, fault):
    outcomes = list(campaign.outcomes(server, (fault,)))

    assert [outcome for outcome in outcomes if outcome.problems] == []
    assert len(outcomes) > 20


def test_sessions_in_each_others_way_are_survived(server):
    outcomes = list(contention.on_server(server))

    assert [outcome for outcome in outcomes if outcome.problems] == []


def test_a_full_disk_is_survived():
    outcomes = list(contention.on_sqlite())

    assert [outcome for outcome in outcomes if outcome.problems] == []
    assert len(outcomes) == 3
