"""Version counters: each UPDATE and DELETE names the version that the row had when it was read."""

import pytest
from sqlalchemy import FetchedValue, ForeignKey, exc, text

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship
from holdfast.errors.flush import FlushError, StaleDataError


class Base(DeclarativeBase):
    pass


class Page(Base):
    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    text: Mapped[str | None]
    next_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))
    next: Mapped["Page | None"] = relationship(remote_side=[id], post_update=True)
    __mapper_args__ = {"version_id_col": version}


class ByHand(Base):
    __tablename__ = "by_hand"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int | None] = mapped_column()
    text: Mapped[str | None]
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class ByServer(Base):
    __tablename__ = "by_server"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default=text("1"), server_onupdate=FetchedValue())
    text: Mapped[str | None]
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


# What makes a server count the versions of rows.
COUNT_UP = {
    "sqlite": """
        CREATE TRIGGER count_up AFTER UPDATE OF text ON by_server BEGIN
        UPDATE by_server SET version = old.version + 1 WHERE id = old.id; END
    """,
    "postgresql": """
        CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.version = OLD.version + 1; RETURN NEW; END';
        CREATE TRIGGER count_up BEFORE UPDATE ON by_server FOR EACH ROW
        EXECUTE FUNCTION count_up()
    """,
    "mariadb": """
        CREATE TRIGGER count_up BEFORE UPDATE ON by_server FOR EACH ROW
        SET NEW.version = OLD.version + 1
    """,
}


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        session.add(Page(id=1, version=7, text="one"))
        session.commit()
        yield session


def change_elsewhere(session, version):
    session.execute(text(f"UPDATE page SET version = {version}"))


def test_versions_count_up_from_one_with_each_update(session, sql):
    page = session.get_one(Page, 1)
    assert page.version == 1
    sql.clear()
    page.text = "two"
    session.flush()
    page.text = "three"
    session.flush()

    assert page.version == 3
    assert (
        sql.emitted
        == ["UPDATE page SET version=?, text=? WHERE page.id = ? AND page.version = ?"] * 2
    )
    assert sql.parameters == [(2, "two", 1, 1), (3, "three", 1, 2)]


def test_an_object_without_net_change_keeps_its_version(session):
    page = session.get_one(Page, 1)
    page.text = "two"
    page.text = "one"
    session.flush()

    assert page.version == 1


def test_the_version_of_an_expired_object_is_loaded_first(session):
    page = session.get_one(Page, 1)
    session.expire(page)
    page.text = "two"
    session.commit()

    assert page.version == 2


def test_a_version_assigned_by_hand_is_written_and_the_former_one_named(session, sql):
    page = session.get_one(Page, 1)
    session.expire(page)
    page.version = 10
    sql.clear()
    session.flush()

    assert sql.parameters == [(10, 1, 1)]


def test_update_of_a_row_that_somebody_changed_fails_and_loses_nothing(session):
    page = session.get_one(Page, 1)
    change_elsewhere(session, 5)
    page.text = "two"

    with pytest.raises(StaleDataError, match=r"update 1 row\(s\); 0 were matched"):
        session.flush()
    session.rollback()

    assert (page.version, page.text) == (1, "one")


def test_delete_of_a_row_that_somebody_changed_fails(session):
    page = session.get_one(Page, 1)
    change_elsewhere(session, 5)
    session.delete(page)

    with pytest.raises(StaleDataError, match=r"delete 1 row\(s\); 0 were matched"):
        session.flush()
    session.rollback()

    assert page in session


def test_a_late_update_of_a_new_row_keeps_its_first_version(session):
    new = Page(text="new", next=session.get_one(Page, 1))
    session.add(new)
    session.commit()

    assert (new.version, new.next_id) == (1, 1)


def test_a_late_update_counts_and_the_delete_after_it_names_the_new_version(session, sql):
    page = session.get_one(Page, 1)
    page.next = page
    session.commit()
    assert page.version == 2
    sql.clear()
    session.delete(page)
    session.flush()

    assert sql.emitted == [
        "UPDATE page SET version=?, next_id=? WHERE page.id = ? AND page.version = ?",
        "DELETE FROM page WHERE page.id = ? AND page.version = ?",
    ]
    assert sql.parameters == [(3, None, 1, 2), (1, 3)]


def test_a_successor_of_a_deleted_row_goes_on_counting(session):
    session.delete(session.get_one(Page, 1))
    successor = Page(id=1, text="again")
    session.add(successor)
    session.commit()

    assert (successor.version, successor.text) == (2, "again")


@pytest.mark.parametrize("version", [None, "unset"])
def test_a_missing_version_is_refused_before_any_insert(session, version):
    page = ByHand(text="x") if version else ByHand(text="x", version=None)
    session.add(page)

    with pytest.raises(FlushError, match="non-NULL version value"):
        session.flush()
    session.rollback()

    page.version = 1
    session.add(page)
    session.commit()
    page.version = None
    with pytest.raises(FlushError, match="non-NULL version value"):
        session.flush()


def test_versions_made_by_hand_stay_unless_changed(session):
    page = ByHand(text="x", version=4)
    session.add(page)
    session.commit()
    page.text = "y"
    session.commit()
    assert page.version == 4
    page.version = 5
    session.commit()

    assert page.version == 5


def test_versions_made_by_the_server_are_read_back_at_once(session, sql):
    page = ByServer(text="x")
    session.add(page)
    session.flush()
    dialect = session.get_bind().dialect.name
    session.execute(text(COUNT_UP[dialect]))
    sql.clear()

    assert page.version == 1
    assert sql.emitted == []
    page.text = "y"
    session.flush()
    # SQLite's RETURNING does not see what a trigger does.
    assert vars(page)["version"] == (1 if dialect == "sqlite" else 2)


def test_a_driver_without_row_counts_is_warned_of(session, engine, monkeypatch):
    monkeypatch.setattr(engine.dialect, "supports_sane_rowcount", False)
    page = session.get_one(Page, 1)
    page.text = "two"

    with pytest.warns(exc.SAWarning, match="updated rowcount - versioning cannot be verified"):
        session.flush()
    session.delete(page)
    with pytest.warns(exc.SAWarning, match="deleted rowcount - versioning cannot be verified"):
        session.flush()
