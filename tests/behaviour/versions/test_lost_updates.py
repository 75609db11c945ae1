"""Two sessions and one row: what is lost, and what the isolation level shows."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from holdfast.exc import StaleDataError
from models.wiki import Draft, Page


@pytest.fixture
def rivals(maker):
    """Two sessions that have loaded the page and the draft, and hold no transaction."""
    with maker(expire_on_commit=False) as one, maker(expire_on_commit=False) as other:
        kept = []
        for session in (one, other):
            kept += [session.get_one(Page, 1), session.get_one(Draft, 1)]
            session.commit()
        yield one, other
        del kept


def in_database(maker, *columns):
    with maker() as session:
        return session.execute(select(*columns)).one()


@pytest.mark.rule("VC-40")
def test_sessions_that_change_different_columns_of_a_row_both_succeed(rivals, maker):
    one, other = rivals
    one.get_one(Draft, 1).text = "two"
    one.commit()
    other.get_one(Draft, 1).length = 9
    other.commit()

    assert in_database(maker, Draft.text, Draft.length) == ("two", 9)


@pytest.mark.rule("VC-41")
def test_of_two_sessions_that_change_the_same_column_the_last_wins(rivals, maker):
    one, other = rivals
    one.get_one(Draft, 1).text = "two"
    one.commit()
    other.get_one(Draft, 1).text = "three"
    other.commit()

    assert in_database(maker, Draft.text) == ("three",)


@pytest.mark.rule("VC-42", "VC-43")
def test_with_a_counter_the_second_session_fails_and_may_try_again(rivals, maker):
    one, other = rivals
    one.get_one(Page, 1).text = "two"
    one.commit()
    page = other.get_one(Page, 1)
    page.text = "three"
    with pytest.raises(StaleDataError, match="1 has version 2 and not 1"):
        other.commit()
    other.rollback()
    assert page.text == "two"
    page.text = "three"
    other.commit()

    assert in_database(maker, Page.text, Page.version) == ("three", 3)


@pytest.mark.rule("VC-42")
def test_with_a_counter_a_transaction_that_is_under_way_fails_as_well(maker):
    if maker.kw["bind"].dialect.name == "sqlite":
        pytest.skip("SQLite itself refuses to write from a snapshot that is out of date")
    with maker() as one, maker.begin() as other:
        page = one.get_one(Page, 1)
        other.get_one(Page, 1).text = "two"
        other.commit()
        page.text = "three"

        with pytest.raises(StaleDataError, match="1 has version 2 and not 1"):
            one.commit()


@pytest.mark.rule("VC-43")
def test_stale_attributes_survive_a_commit_that_does_not_expire(rivals):
    one, other = rivals
    one.get_one(Page, 1).text = "two"
    one.commit()
    page = other.get_one(Page, 1)
    other.commit()

    assert (page.text, page.version) == ("one", 1)


@pytest.mark.rule("VC-45")
def test_an_increment_by_expression_loses_nothing(rivals, maker):
    for session in rivals:
        draft = session.get_one(Draft, 1)
        draft.length = Draft.length + 1
        session.commit()

    assert in_database(maker, Draft.length) == (5,)


@pytest.mark.rule("VC-60", "VC-61")
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_what_is_loaded_stays_until_the_transaction_ends(maker, end):
    with maker() as one, maker() as other:
        draft = one.get_one(Draft, 1)
        other.get_one(Draft, 1).text = "two"
        other.commit()
        assert one.scalars(select(Draft)).one() is draft
        assert draft.text == "one"
        getattr(one, end)()

        assert draft.text == "two"


@pytest.mark.rule("VC-61")
def test_within_a_transaction_a_refresh_shows_what_the_isolation_level_shows(maker):
    with maker() as one, maker() as other:
        draft = one.get_one(Draft, 1)
        other.get_one(Draft, 1).text = "two"
        other.commit()
        seen = one.connection().scalar(text("SELECT text FROM draft"))
        assert seen == ("two" if one.bind.dialect.name == "postgresql" else "one")

        one.refresh(draft)
        assert draft.text == seen
        one.expire(draft)
        assert draft.text == seen
        again = select(Draft).execution_options(populate_existing=True)
        assert one.scalars(again).one().text == seen


@pytest.mark.rule("VC-62")
def test_the_isolation_level_of_a_transaction_decides_what_it_shows(maker):
    if maker.kw["bind"].dialect.name == "sqlite":
        pytest.skip("SQLite has no READ COMMITTED")
    with maker() as one, maker() as other:
        one.connection(execution_options={"isolation_level": "READ COMMITTED"})
        draft = one.get_one(Draft, 1)
        other.get_one(Draft, 1).text = "two"
        other.commit()
        one.refresh(draft)
        assert draft.text == "two"

        one.commit()
        one.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        assert draft.text == "two"
        other.get_one(Draft, 1).text = "three"
        other.commit()
        one.refresh(draft)
        assert draft.text == "two"
