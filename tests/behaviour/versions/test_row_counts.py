"""A flush counts the rows that it meets, as far as the driver tells."""

from __future__ import annotations

import pickle
import warnings

import pytest
from sqlalchemy import ForeignKey, exc, select, text

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from holdfast.errors.flush import StaleRow
from holdfast.exc import ObjectDeletedError, StaleDataError
from models.wiki import Draft, Page


def elsewhere(session, statement):
    """Change rows past the session's objects, which are not flushed first."""
    session.connection().execute(text(statement))


@pytest.fixture
def no_row_counts(session, engine, monkeypatch):
    """A driver that cannot tell how many rows were met."""
    monkeypatch.setattr(engine.dialect, "supports_sane_rowcount", False)
    monkeypatch.setattr(engine.dialect, "supports_sane_multi_rowcount", False)


@pytest.fixture
def pages(session):
    session.add_all(Page(id=n, text=str(n)) for n in range(2, 6))
    session.commit()
    return session.scalars(select(Page).order_by(Page.id)).all()


@pytest.fixture(params=[True, False], ids=["confirmed", "unconfirmed"])
def counted(request, engine):
    """Classes with this `confirm_deleted_rows`: with a counter, without one, and with links."""

    class Base(DeclarativeBase):
        pass

    confirm = {"confirm_deleted_rows": request.param}

    class Counted(Base):
        __tablename__ = "counted"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str | None]
        version: Mapped[int] = mapped_column()
        __mapper_args__ = {"version_id_col": version, **confirm}

    class Link(Base):
        __tablename__ = "link"
        left_id: Mapped[int] = mapped_column(
            ForeignKey("plain.id", onupdate="no action"), primary_key=True
        )
        right_id: Mapped[int] = mapped_column(primary_key=True)

    class Plain(Base):
        __tablename__ = "plain"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str | None]
        others: Mapped[list[Plain]] = relationship(
            secondary="link",
            primaryjoin="Plain.id == Link.left_id",
            secondaryjoin="Plain.id == foreign(Link.right_id)",
            passive_updates=False,
        )
        __mapper_args__ = confirm

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Counted(id=1), Plain(id=1, others=[Plain(id=2)])])
        session.commit()
        yield session, Counted, Plain, request.param


@pytest.mark.rule("VC-30 UPDATE")
@pytest.mark.parametrize("has_counter", [True, False])
def test_update_of_a_row_that_is_gone_is_an_error(counted, has_counter):
    session, with_counter, plain, _ = counted
    kind = with_counter if has_counter else plain
    found = session.get_one(kind, 1)
    found.text = "two"
    elsewhere(session, "DELETE FROM link")
    elsewhere(session, f"DELETE FROM {kind.__tablename__}")

    with pytest.raises(StaleDataError, match=r"update 1 row\(s\); 0 were matched") as caught:
        session.flush()
    expected = 1 if has_counter else None
    assert caught.value.rows == (StaleRow((1,), expected, None),)
    assert "1 is gone" in str(caught.value)


@pytest.mark.rule("VC-30 DELETE, no version counter", "VC-30 DELETE, version counter", "VC-31")
@pytest.mark.parametrize("has_counter", [True, False])
def test_delete_of_a_row_that_is_gone_is_an_error_a_warning_or_nothing(counted, has_counter):
    session, with_counter, plain, confirms = counted
    kind = with_counter if has_counter else plain
    found = session.get_one(kind, 1)
    if not has_counter:
        found.others.clear()
        session.flush()
    session.delete(found)
    elsewhere(session, f"DELETE FROM {kind.__tablename__}")

    if confirms and has_counter:
        with pytest.raises(StaleDataError, match=r"delete 1 row\(s\); 0 were matched"):
            session.flush()
        return
    if confirms:
        with pytest.warns(exc.SAWarning, match=r"delete 1 row\(s\); 0 were matched"):
            session.flush()
    else:
        session.flush()
    assert found not in session
    session.commit()
    assert session.get(kind, 1) is None


@pytest.mark.rule("VC-30 DELETE from association table")
def test_delete_of_a_link_that_is_gone_is_an_error(counted):
    session, _, plain, _ = counted
    one = session.get_one(plain, 1)
    one.others.clear()
    elsewhere(session, "DELETE FROM link")

    with pytest.raises(StaleDataError, match=r"'link' expected to delete 1 row\(s\); Only 0"):
        session.flush()


@pytest.mark.rule("VC-30 UPDATE of association key rows")
def test_update_of_a_link_that_is_gone_is_an_error(counted):
    session, _, plain, _ = counted
    one = session.get_one(plain, 1)
    assert len(one.others) == 1
    one.id = 3
    elsewhere(session, "DELETE FROM link")

    with pytest.raises(StaleDataError, match=r"'link' expected to update 1 row\(s\); Only 0"):
        session.flush()


@pytest.mark.rule("VC-30")
def test_a_driver_without_row_counts_is_warned_of_where_versions_count(session, no_row_counts):
    page, draft = session.get_one(Page, 1), Draft(id=1, text="x")
    session.add(draft)
    session.flush()
    page.text = "two"
    with pytest.warns(exc.SAWarning, match="updated rowcount - versioning cannot be verified"):
        session.flush()
    session.delete(page)
    with pytest.warns(exc.SAWarning, match="deleted rowcount - versioning cannot be verified"):
        session.flush()

    elsewhere(session, "DELETE FROM draft")
    draft.text = "y"
    session.flush()
    session.delete(draft)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.flush()
    assert page not in session


@pytest.mark.rule("VC-30")
def test_rows_are_written_one_by_one_where_only_single_counts_can_be_trusted(
    session, pages, engine, monkeypatch, sql
):
    monkeypatch.setattr(engine.dialect, "supports_sane_multi_rowcount", False)
    elsewhere(session, "UPDATE page SET version = 9 WHERE id = 3")
    for page in pages:
        page.text = "new"
    sql.clear()

    with pytest.raises(StaleDataError, match=r"update 5 row\(s\); 4 were matched"):
        session.flush()
    assert [each.split()[0] for each in sql.emitted][:5] == ["UPDATE"] * 5


@pytest.mark.rule("VC-4")
def test_the_error_lists_keys_with_expected_and_found_versions(session, pages):
    elsewhere(session, "UPDATE page SET version = 9 WHERE id = 3")
    elsewhere(session, "DELETE FROM page WHERE id = 4")
    # Counted as far as the flush will count, by somebody else.
    elsewhere(session, "UPDATE page SET version = 2, text = 'theirs' WHERE id = 5")
    for page in pages:
        page.text = "ours"

    with pytest.raises(StaleDataError) as caught:
        session.flush()
    error = pickle.loads(pickle.dumps(caught.value))
    if session.bind.dialect.supports_sane_multi_rowcount:
        assert set(error.rows) == {StaleRow((3,), 1, 9), StaleRow((4,), 1), StaleRow((5,), 1, 2)}
    assert "3 has version 9 and not 1" in str(error)
    assert "4 is gone" in str(error)
    session.rollback()
    assert pages[0].text == "one"


@pytest.mark.rule("VC-4")
def test_the_error_of_a_delete_lists_the_rows_that_are_still_there(session, pages):
    elsewhere(session, "UPDATE page SET version = 9 WHERE id = 3")
    for page in pages:
        session.delete(page)

    with pytest.raises(StaleDataError, match=r"delete 5 row\(s\); 4 were matched") as caught:
        session.flush()
    assert caught.value.rows == (StaleRow((3,), 1, 9),)


@pytest.mark.rule("VC-4")
def test_a_long_list_is_cut_in_the_text_and_whole_in_the_error(session):
    session.add_all(Page(id=n) for n in range(2, 122))
    session.commit()
    pages = session.scalars(select(Page).where(Page.id > 1)).all()
    elsewhere(session, "UPDATE page SET version = 9")
    for page in pages:
        session.delete(page)

    with pytest.raises(StaleDataError, match="and 115 more") as caught:
        session.flush()
    assert len(caught.value.rows) == 120


@pytest.mark.rule("VC-32")
def test_an_expired_object_whose_row_is_gone_is_named_when_the_flush_needs_it(session):
    page = session.get_one(Page, 1)
    session.expire(page)
    session.delete(page)
    elsewhere(session, "DELETE FROM page")

    with pytest.raises(ObjectDeletedError, match="Page"):
        session.flush()
