from holdfast.states.changes import claim_child, has_parent, is_claimed_by, release_child
from unit.states.doubles import author

SLOT = object()


def test_unheard_of_object_gets_the_optimistic_answer():
    _held, state = author()

    assert has_parent(state, SLOT, optimistic=True)
    assert not has_parent(state, SLOT, optimistic=False)


def test_claimed_object_has_a_parent_until_released():
    (_a, parent), (_b, child) = author(1), author(2)

    claim_child(child, SLOT, parent)
    assert has_parent(child, SLOT, optimistic=False)
    assert is_claimed_by(child, SLOT) is parent

    assert release_child(child, SLOT, parent)
    assert not has_parent(child, SLOT, optimistic=True)


def test_release_by_a_former_parent_leaves_the_new_claim():
    (_a, former), (_b, new), (_c, child) = author(1), author(2), author(3)
    claim_child(child, SLOT, former)
    claim_child(child, SLOT, new)

    assert not release_child(child, SLOT, former)

    assert has_parent(child, SLOT, optimistic=False)
