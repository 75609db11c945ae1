import gc

import pytest

from holdfast.states.identity_map import SMALLEST_LIMIT, IdentityMap, IdentityMapView, Space
from holdfast.states.lifecycle import Move, move
from unit.states.doubles import Author, Session, author

MAPPER = Author._sa_class_manager.mapper


def test_object_is_found_under_its_key():
    one, state = author(7)
    identity_map = IdentityMap()

    identity_map.add(state)

    assert identity_map.find(MAPPER, 7) is one
    assert identity_map.find(MAPPER, 8) is None


def test_collected_object_is_absent_and_swept():
    one, state = author(7)
    identity_map = IdentityMap()
    identity_map.add(state)

    del one
    gc.collect()

    assert identity_map.find(MAPPER, 7) is None
    assert identity_map.find_state(MAPPER, 7) is None
    assert identity_map.states() == []


def test_rows_with_tokens_live_in_spaces_of_their_own():
    one, first = author(7)
    two, second = author(7)
    second.more().identity_token = "east"
    identity_map = IdentityMap()

    identity_map.add(first)
    identity_map.add(second)

    assert identity_map.find(MAPPER, 7) is one
    assert identity_map.find(MAPPER, 7, "east") is two


def test_discard_leaves_another_object_under_the_same_key():
    (_one, first), (two, second) = author(7), author(7)
    identity_map = IdentityMap()
    identity_map.add(second)

    identity_map.discard(first)

    assert identity_map.find(MAPPER, 7) is two


def test_space_sweeps_itself_when_it_has_doubled():
    space = Space()
    for number in range(SMALLEST_LIMIT):
        space[number] = author(number)[1]
    held, state = author(-1)
    space[-1] = state

    space.sweep_if_grown()

    assert list(space) == [-1]
    assert held is state()


def test_view_speaks_in_full_keys_and_cannot_be_written():
    session = Session()
    one, state = author(7)
    move(session.members, Move.ATTACHED, [state])
    view = IdentityMapView(session.members)
    key = (Author, (7,), None)

    assert view[key] is one
    assert view.get((Author, (8,), None)) is None
    assert (view.keys(), view.values(), view.items()) == ([key], [one], [(key, one)])
    assert key in view
    assert "nonsense" not in view
    assert len(view) == 1
    with pytest.raises(TypeError):
        view[key] = one
    with pytest.raises(KeyError):
        view[(Author, (8,), None)]
