"""Threads: what they may share, what each needs for itself, and what is caught."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import ForeignKey, event, exc, select, text

from holdfast import (
    DeclarativeBase,
    Mapped,
    Mapper,
    mapped_column,
    object_session,
    relationship,
    scoped_session,
)
from holdfast.exc import StaleDataError
from models.wiki import Draft, Page

THREADS = 8


def in_threads(work, count=THREADS):
    """Run a function with the numbers of threads that start together; what each returned."""
    barrier = threading.Barrier(count)

    def started(number):
        barrier.wait(10)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(started, range(count)))


def in_thread(work):
    """Run a function in another thread, to its end."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.mark.rule("VC-80")
def test_nothing_in_a_session_waits_for_another_thread(session):
    page = session.get_one(Page, 1)
    page.text = "two"
    seen = []

    def look(*_):
        seen.append(in_thread(lambda: (page in session, page.text, list(session.dirty))))

    event.listen(session, "before_flush", look)
    session.flush()

    assert seen == [(True, "two", [page])]


@pytest.mark.rule("VC-81")
def test_a_second_thread_may_not_flush_what_the_first_is_flushing(session):
    session.get_one(Page, 1).text = "two"
    caught = []

    def flush():
        with pytest.raises(exc.InvalidRequestError, match="already flushing"):
            session.flush()
        caught.append(True)

    event.listen(session, "before_flush", lambda *_: in_thread(flush))
    session.flush()

    assert caught == [True]


@pytest.mark.rule("VC-81")
@pytest.mark.parametrize("method", ["commit", "rollback", "close"])
def test_a_second_thread_may_not_end_what_the_first_is_ending(session, method):
    caught = []

    def end():
        with pytest.raises(exc.IllegalStateChangeError, match=rf"'{method}\(\)'.*'commit\(\)'"):
            getattr(session, method)()
        caught.append(True)

    session.get_one(Page, 1)
    event.listen(session, "before_commit", lambda *_: in_thread(end))
    session.commit()

    assert caught == [True]


@pytest.mark.rule("VC-82")
@pytest.mark.parametrize("attempt", range(5))
def test_threads_that_use_new_classes_first_at_the_same_time_configure_them_once(attempt):
    class Base(DeclarativeBase):
        pass

    class Parent(Base):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)
        children: Mapped[list[Child]] = relationship("Child", back_populates="parent")

    class Child(Base):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("parent.id"))
        parent: Mapped[Parent | None] = relationship("Parent", back_populates="children")

    configured = []
    event.listen(Mapper, "mapper_configured", lambda mapper, _: configured.append(mapper))

    def use(number):
        if number % 2:
            return Parent(children=[Child()]).children[0].parent is not None
        return "JOIN parent" in str(select(Child).join(Child.parent))

    assert in_threads(use) == [True] * THREADS
    own = [mapper for mapper in configured if mapper.class_ in (Parent, Child)]
    assert len(own) == len(set(own)) == 2


@pytest.mark.rule("VC-82", "VC-84")
def test_threads_with_sessions_of_one_maker_do_not_disturb_each_other(maker):
    def work(number):
        dice, identities = random.Random(number), set()
        for round_ in range(5):
            with maker.begin() as session:
                draft = Draft(id=100 * number + round_ + 2, text=f"{number}", length=0)
                session.add(draft)
                session.flush()
                identities.add(id(session.get_one(Draft, 1)))
                draft.length = dice.randint(1, 9)
        return identities

    in_threads(work)

    with maker() as session:
        assert len(session.scalars(select(Draft)).all()) == 5 * THREADS + 1
        assert session.scalar(text("SELECT count(*) FROM draft WHERE length > 0")) == 41


@pytest.mark.rule("VC-42", "VC-82")
def test_threads_that_try_again_on_stale_rows_lose_no_change(maker):
    def work(_):
        failures, done = 0, 0
        while done < 5:
            with maker(expire_on_commit=False) as session:
                page = session.get_one(Page, 1)
                session.commit()
                page.text += "x"
                try:
                    session.commit()
                except (StaleDataError, exc.OperationalError):
                    failures += 1
                else:
                    done += 1
        return failures

    in_threads(work, 4)

    with maker() as session:
        page = session.get_one(Page, 1)
        assert (page.text, page.version) == ("one" + 20 * "x", 21)


@pytest.mark.rule("VC-84")
def test_each_session_has_an_object_of_its_own_for_a_row(maker):
    with maker() as one, maker() as other:
        mine = one.get_one(Draft, 1)
        theirs = in_thread(lambda: other.get_one(Draft, 1))
        mine.text = "two"

        assert theirs is not mine
        assert theirs.text == "one"
        assert object_session(theirs) is other


@pytest.mark.rule("VC-83")
def test_data_goes_to_another_thread_by_merging_or_by_detaching(maker):
    with maker() as one:
        draft = one.get_one(Draft, 1)
        draft.text = "two"

        def merge():
            with maker() as session:
                with pytest.raises(exc.InvalidRequestError, match="already attached to session"):
                    session.add(draft)
                copy = session.merge(draft)
                return copy is draft, copy.text, copy in session.dirty

        assert in_thread(merge) == (False, "two", True)
        one.expunge(draft)

        def adopt():
            with maker() as session:
                session.add(draft)
                session.commit()
                return draft.text

        assert in_thread(adopt) == "two"


@pytest.mark.rule("VC-85")
def test_a_scoped_session_is_another_one_in_each_thread(maker):
    scoped = scoped_session(maker)

    def work(number):
        draft = scoped.get_one(Draft, 1)
        draft.length = number
        found = (scoped(), object_session(draft), scoped() is scoped())
        scoped.remove()
        return found

    found = in_threads(work, 4)

    assert len({session for session, _, _ in found}) == 4
    assert all(session is own and same for session, own, same in found)
    assert not scoped.registry.has()


@pytest.mark.rule("VC-87")
def test_a_session_may_be_handed_from_thread_to_thread(maker):
    session = maker()
    session.add(Draft(id=50, text="here"))

    def go_on():
        session.flush()
        draft = session.get_one(Draft, 50)
        draft.text = "there"
        return draft

    draft = in_thread(go_on)
    session.commit()
    assert draft.text == "there"
    session.close()
