"""Version counters: each UPDATE and DELETE names the version that the row had when it was read."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    exc,
    inspect,
    select,
    text,
    update,
)

from holdfast import Session, registry
from holdfast.errors.flush import FlushError
from holdfast.exc import StaleDataError
from models.wiki import Article, ByHand, ByServer, ByTrigger, Note, Page, Stamped
from watching import listening

COUNTED_UPDATE = "UPDATE page SET version=?, text=? WHERE page.id = ? AND page.version = ?"

# What makes the database count up the versions of `ByTrigger`.
TRIGGER = {
    "sqlite": """
        CREATE TRIGGER count_up AFTER UPDATE OF text ON by_trigger BEGIN
            UPDATE by_trigger SET version = old.version + 1 WHERE id = old.id;
        END
    """,
    "postgresql": """
        CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN NEW.version := OLD.version + 1; RETURN NEW; END';
        CREATE TRIGGER count_up BEFORE UPDATE ON by_trigger
            FOR EACH ROW EXECUTE FUNCTION count_up()
    """,
    "mariadb": """
        CREATE TRIGGER count_up BEFORE UPDATE ON by_trigger
            FOR EACH ROW SET NEW.version = OLD.version + 1
    """,
}


def change_elsewhere(session, version):
    """Another version in the row, past the session's objects."""
    session.execute(text(f"UPDATE page SET version = {version}"))


def row_of(session, table, key="id"):
    return session.execute(text(f"SELECT * FROM {table} ORDER BY {key}")).mappings().first()


@pytest.mark.rule("VC-1", "VC-2", "VC-3", "VC-7")
def test_versions_count_up_from_one_with_each_update(session, sql):
    page = session.get_one(Page, 1)
    assert page.version == 1
    sql.clear()
    page.text = "two"
    session.flush()
    page.text = "three"
    session.flush()

    assert page.version == 3
    assert sql.emitted == [COUNTED_UPDATE] * 2
    assert sql.parameters == [(2, "two", 1, 1), (3, "three", 1, 2)]
    assert row_of(session, "page")["version"] == 3


@pytest.mark.rule("VC-2")
def test_a_version_that_the_application_gives_a_new_object_is_overwritten(session):
    session.add(Page(id=2, version=40))
    session.commit()

    assert session.get_one(Page, 2).version == 1


@pytest.mark.rule("VC-6")
def test_an_object_without_net_change_keeps_its_version(session, sql):
    page = session.get_one(Page, 1)
    sql.clear()
    page.text = "two"
    page.text = "one"
    session.flush()

    assert page.version == 1
    assert not sql.emitted


@pytest.mark.rule("VC-3")
def test_the_version_of_an_expired_object_is_loaded_first(session, sql):
    page = session.get_one(Page, 1)
    session.expire(page)
    page.text = "two"
    sql.clear()
    session.commit()

    assert sql.emitted[-1] == COUNTED_UPDATE
    assert page.version == 2


@pytest.mark.rule("VC-11")
def test_a_version_assigned_by_hand_is_written_and_the_former_one_named(session, sql):
    page = session.get_one(Page, 1)
    session.expire(page)
    page.version = 10
    sql.clear()
    session.flush()

    assert sql.parameters == [(10, 1, 1)]
    assert page.version == 10


@pytest.mark.rule("VC-4", "VC-5", "VC-30 UPDATE")
def test_update_of_a_row_that_somebody_changed_fails_until_rollback_and_loses_nothing(session):
    page = session.get_one(Page, 1)
    change_elsewhere(session, 5)
    page.text = "two"

    with pytest.raises(StaleDataError, match=r"update 1 row\(s\); 0 were matched"):
        session.flush()
    with pytest.raises(exc.PendingRollbackError):
        session.scalars(select(Page)).all()
    session.rollback()

    assert (page.version, page.text) == (1, "one")


@pytest.mark.rule("VC-4", "VC-30 DELETE, version counter")
def test_delete_of_a_row_that_somebody_changed_fails(session):
    page = session.get_one(Page, 1)
    change_elsewhere(session, 5)
    session.delete(page)

    with pytest.raises(StaleDataError, match=r"delete 1 row\(s\); 0 were matched"):
        session.flush()
    session.rollback()

    assert page in session


@pytest.mark.rule("VC-8")
def test_a_generator_of_the_application_is_called_for_each_insert_and_update(session):
    stamped = Stamped(text="a")
    session.add(stamped)
    session.flush()
    first = stamped.stamp
    stamped.text = "b"
    session.flush()
    second = stamped.stamp
    session.delete(stamped)
    session.flush()

    assert first.startswith("first")
    assert second.startswith("later")


@pytest.mark.rule("VC-9")
def test_versions_made_by_hand_stay_unless_changed(session, sql):
    page = ByHand(id=1, text="x", version=4)
    session.add(page)
    session.flush()
    sql.clear()
    page.text = "y"
    session.flush()
    assert page.version == 4
    page.version = 5
    session.flush()

    assert page.version == 5
    assert sql.emitted == [
        "UPDATE by_hand SET text=? WHERE by_hand.id = ? AND by_hand.version = ?",
        "UPDATE by_hand SET version=? WHERE by_hand.id = ? AND by_hand.version = ?",
    ]
    assert sql.parameters == [("y", 1, 4), (5, 1, 4)]


@pytest.mark.rule("VC-10")
def test_versions_made_by_the_server_come_back_with_the_statement_or_right_after_it(session, sql):
    page = ByServer(text="x")
    session.add(page)
    session.flush()
    assert vars(page)["version"] == 1
    sql.clear()
    page.text = "y"
    session.flush()
    page.text = "z"
    session.flush()

    assert vars(page)["version"] == 3
    if session.connection().dialect.update_returning:
        assert len(sql) == 2
        assert all("RETURNING" in each for each in sql.emitted)
    else:
        assert [each.split()[0] for each in sql.emitted] == ["UPDATE", "SELECT"] * 2


@pytest.mark.rule("VC-10")
def test_versions_made_by_a_trigger_are_read_after_each_statement(session, sql):
    connection = session.connection()
    connection.exec_driver_sql(TRIGGER[connection.dialect.name])
    page = ByTrigger(text="x")
    session.add(page)
    session.flush()
    assert vars(page)["version"] == 1
    for expected in (2, 3):
        page.text = f"version {expected}"
        sql.clear()
        session.flush()

        assert vars(page)["version"] == expected
        assert [each.split()[0] for each in sql.emitted] == ["UPDATE", "SELECT"]


@pytest.mark.rule("VC-12")
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


@pytest.mark.rule("VC-14")
def test_a_query_that_meets_another_version_changes_nothing_and_does_not_fail(session):
    page = session.get_one(Page, 1)
    session.execute(text("UPDATE page SET version = 5, text = 'elsewhere'"))

    assert session.scalars(select(Page)).one() is page
    assert (page.version, page.text) == (1, "one")


@pytest.mark.rule("VC-15")
def test_merging_an_object_with_another_version_fails(session):
    session.get_one(Page, 1)

    with pytest.raises(StaleDataError, match="Version id '6' on merged state"):
        session.merge(Page(id=1, version=6, text="two"))
    assert session.merge(Page(id=1, version=1, text="two")).text == "two"
    session.flush()
    assert session.merge(Page(id=1, text="three")).version == 2


@pytest.mark.rule("VC-16")
def test_statements_over_classes_neither_check_nor_count_versions(session):
    page = session.get_one(Page, 1)
    session.execute(update(Page).where(Page.id == 1).values(text="two"))
    session.refresh(page)

    assert (page.version, page.text) == (1, "two")


@pytest.mark.rule("VC-17")
def test_a_change_in_the_table_of_a_subclass_counts_in_that_of_the_base(session, sql):
    article = Article(id=2, title="a")
    session.add(article)
    session.flush()
    sql.clear()
    article.title = "b"
    session.flush()

    assert article.version == 2
    assert sql.emitted == [
        "UPDATE page SET version=? WHERE page.id = ? AND page.version = ?",
        "UPDATE article SET title=? WHERE article.id = ?",
    ]
    session.execute(text("UPDATE page SET version = 9 WHERE id = 2"))
    article.title = "c"
    with pytest.raises(StaleDataError):
        session.flush()


@pytest.mark.rule("VC-18")
def test_only_the_object_whose_foreign_key_changes_counts(session):
    page, note = session.get_one(Page, 1), Note(id=1)
    session.add(note)
    session.flush()
    page.notes.append(note)
    session.flush()

    assert (page.version, note.version) == (1, 2)


@pytest.mark.rule("VC-19")
def test_a_late_update_counts_and_the_delete_after_it_names_the_new_version(session, sql):
    page = session.get_one(Page, 1)
    page.next = page
    session.commit()
    assert page.version == 2
    sql.clear()
    session.delete(page)
    session.flush()

    assert [each for each in sql.emitted if "SELECT" not in each] == [
        "UPDATE page SET version=?, next_id=? WHERE page.id = ? AND page.version = ?",
        "DELETE FROM page WHERE page.id = ? AND page.version = ?",
    ]
    assert sql.parameters[-2:] == [(3, None, 1, 2), (1, 3)]


@pytest.mark.rule("VC-19")
def test_a_late_update_of_a_new_row_keeps_its_first_version(session):
    new = Page(text="new", next=session.get_one(Page, 1))
    session.add(new)
    session.commit()

    assert (new.version, new.next_id) == (1, 1)


def test_a_successor_of_a_deleted_row_goes_on_counting(session):
    session.delete(session.get_one(Page, 1))
    successor = Page(id=1, text="again")
    session.add(successor)
    session.commit()

    assert (successor.version, successor.text) == (2, "again")


def test_a_second_counter_in_a_hierarchy_is_warned_of():
    base, sub, mapped = hierarchy()

    class Base:
        pass

    class Sub(Base):
        pass

    mapped.map_imperatively(Base, base, version_id_col=base.c.version)
    with pytest.warns(exc.SAWarning, match="'version' does not match inherited version_id_col"):
        mapped.map_imperatively(Sub, sub, inherits=Base, version_id_col=sub.c.version)


def test_a_column_of_the_counters_name_in_a_subclass_table_gets_the_first_version(engine):
    base, sub, mapped = hierarchy()

    class Base:
        pass

    class Sub(Base):
        pass

    mapped.map_imperatively(Base, base, version_id_col=base.c.version)
    mapped.map_imperatively(Sub, sub, inherits=Base)
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Sub())
        session.flush()

        assert session.scalar(select(base.c.version)) == 1
        assert session.scalar(select(sub.c.version)) == 1
    assert inspect(Sub).version_id_col is base.c.version


def hierarchy():
    """Two tables that both have a column `version`."""
    metadata = MetaData()
    base = Table(
        "base", metadata, Column("id", Integer, primary_key=True), Column("version", Integer)
    )
    sub = Table(
        "sub",
        metadata,
        Column("id", ForeignKey("base.id"), primary_key=True),
        Column("version", Integer),
        Column("text", String(20)),
    )
    return base, sub, registry()


def test_a_class_mapped_to_a_subquery_counts_in_its_table(session, sql):
    class Recent:
        pass

    recent = select(Page.__table__).where(Page.__table__.c.id > 0).subquery("recent")
    registry().map_imperatively(Recent, recent, version_id_col=Page.__table__.c.version)
    found = session.get_one(Recent, 1)
    sql.clear()
    found.text = "two"
    session.flush()

    assert sql.emitted == [COUNTED_UPDATE]
    assert found.version == 2
    change_elsewhere(session, 5)
    session.delete(found)
    with pytest.raises(StaleDataError):
        session.flush()


@pytest.mark.rule("EV-84", "VC-2", "VC-3")
@pytest.mark.parametrize(
    ("kind", "name", "counted"),
    [
        (Note, "version", True),
        (Article, "version", True),
        (Stamped, "stamp", True),
        (ByHand, "version", False),
    ],
)
def test_listeners_hear_of_the_version_that_a_flush_has_counted(session, kind, name, counted):
    heard = []

    def hear(target, context, names):
        heard.append((list(names), getattr(target, name)))

    counting = kind()
    if not counted:
        counting.version = 1
    with listening(kind, "refresh_flush", hear):
        session.add(counting)
        session.flush()
        first = getattr(counting, name)
        if kind is Note:
            counting.page_id = 1
        else:
            counting.text = "changed"
        session.flush()

    assert heard == ([([name], first), ([name], getattr(counting, name))] if counted else [])
