"""`insert()` over a class: rows in bulk, and one statement."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, event, exc, func, insert, inspect, literal, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, orm_insert_sentinel
from models import company, library
from models.team import Home, Player


def rows_of(session, *columns):
    return [tuple(row) for row in session.execute(select(*columns).order_by(columns[0]))]


@pytest.fixture
def staff(tables, sql):
    """A session over the tables of companies."""
    with Session(tables(company.Base.metadata)) as session:
        sql.clear()
        yield session


@pytest.fixture
def books(tables, sql):
    """A session over the tables of authors and books."""
    with Session(tables(library.Base.metadata)) as session:
        sql.clear()
        yield session


@pytest.mark.rule("QY-130")
def test_dictionaries_by_attribute_name_become_rows_in_one_statement(session, sql):
    session.execute(insert(Player), [{"id": 8, "score": 1}, {"id": 9, "score": 2}])

    assert sql.emitted == ["INSERT INTO player (id, points) VALUES (?, ?)"]
    assert sql.parameters == [[(8, 1), (9, 2)]]


@pytest.mark.rule("QY-130")
def test_a_composite_is_given_as_its_value(session):
    rows = [{"id": 8, "home": Home("Oslo", None)}]
    session.execute(insert(Player), rows)

    assert session.get(Player, 8).home == Home("Oslo", None)
    assert rows == [{"id": 8, "home": Home("Oslo", None)}]


@pytest.mark.rule("QY-130")
def test_a_synonym_names_the_attribute_behind_it(session):
    session.execute(insert(Player), [{"id": 8, "title": "x"}])

    assert session.get(Player, 8).name == "x"


@pytest.mark.rule("QY-130")
def test_consecutive_dictionaries_with_the_same_keys_share_a_statement(session, sql):
    session.execute(
        insert(Player),
        [
            {"id": 6, "name": "a"},
            {"id": 7, "name": "b"},
            {"id": 8},
            {"id": 9, "name": "c", "bonus": 2},
            {"id": 10, "name": "d"},
        ],
    )

    assert sql.emitted == [
        "INSERT INTO player (id, name) VALUES (?, ?)",
        "INSERT INTO player (id) VALUES (?)",
        "INSERT INTO player (id, name, bonus) VALUES (?, ?, ?)",
        "INSERT INTO player (id, name) VALUES (?, ?)",
    ]
    assert sql.parameters[0] == [(6, "a"), (7, "b")]


@pytest.mark.rule("QY-130")
def test_dictionaries_of_one_size_with_other_keys_do_not_share_a_statement(session, sql):
    session.execute(insert(Player), [{"id": 8, "other": 1}, {"id": 9, "name": "x"}])

    assert rows_of(session, Player.id, Player.name)[-2:] == [(8, None), (9, "x")]


@pytest.mark.rule("QY-131")
def test_a_single_dictionary_is_a_bulk_insert_too(session, sql):
    result = session.execute(insert(Player), {"id": 8, "score": 5})

    assert sql.emitted == ["INSERT INTO player (id, points) VALUES (?, ?)"]
    assert not hasattr(result, "inserted_primary_key")
    assert result.all() == []


@pytest.mark.rule("QY-132")
def test_none_leaves_its_column_out_and_splits_the_statement(session, sql):
    session.execute(insert(Player), [{"id": 8, "name": "a"}, {"id": 9, "name": None}])

    assert sql.emitted == [
        "INSERT INTO player (id, name) VALUES (?, ?)",
        "INSERT INTO player (id) VALUES (?)",
    ]


@pytest.mark.rule("QY-132")
def test_render_nulls_sends_none_as_null(session, sql):
    session.execute(
        insert(Player),
        [{"id": 8, "name": "a"}, {"id": 9, "name": None}],
        execution_options={"render_nulls": True},
    )

    assert sql.emitted == ["INSERT INTO player (id, name) VALUES (?, ?)"]
    assert sql.parameters == [[(8, "a"), (9, None)]]


class Base(DeclarativeBase):
    pass


class Ticket(Base):
    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    rank: Mapped[int] = mapped_column(default=3)
    code: Mapped[str] = mapped_column(default=lambda: "made")
    state: Mapped[str | None] = mapped_column(server_default="open")


@pytest.mark.rule("QY-133")
def test_defaults_apply_and_unknown_keys_are_ignored(tables):
    with Session(tables(Base.metadata)) as session:
        session.execute(insert(Ticket), [{"id": 1, "text": "a", "colour": "red"}, {"id": 2}])
        found = rows_of(session, Ticket.id, Ticket.text, Ticket.rank, Ticket.code, Ticket.state)

    assert found == [(1, "a", 3, "made", "open"), (2, None, 3, "made", "open")]


@pytest.mark.rule("QY-135")
def test_values_of_the_statement_hold_for_every_row(session):
    statement = insert(Player).values(name=func.upper("ab"), score=literal(2) * bindparam("factor"))
    session.execute(statement, [{"id": 8, "factor": 2}, {"id": 9, "factor": 5}])

    found = rows_of(session, Player.id, Player.name, Player.score)
    assert found[-2:] == [(8, "AB", 4), (9, "AB", 10)]


@pytest.mark.rule("QY-136")
def test_a_list_in_values_renders_one_statement_with_expressions_per_row(session, sql):
    session.execute(
        insert(Player).values(
            [{"id": 8, Player.score: 1 + literal(1)}, {"id": 9, Player.score: func.abs(-3)}]
        )
    )

    assert len(sql) == 1
    assert sql.emitted[0].startswith("INSERT INTO player (id, points) VALUES (?, ")
    assert rows_of(session, Player.id, Player.score)[-2:] == [(8, 2), (9, 3)]


@pytest.mark.rule("QY-136")
def test_a_list_in_values_needs_the_same_keys_in_all_rows(session):
    with pytest.raises(exc.CompileError, match=r"player\.name"):
        session.execute(insert(Player).values([{"id": 8, "name": "x"}, {"id": 9}]))


@pytest.mark.rule("QY-137")
def test_joined_inheritance_inserts_into_each_table_in_turn(staff, sql):
    rows = [{"name": "ann", "level": 1, "car": "Fiat"}, {"name": "ben", "level": 2}]
    staff.execute(insert(company.Boss), rows)

    assert [text.split(" (")[0] for text in sql.emitted][-3:] == [
        "INSERT INTO manager",
        "INSERT INTO boss",
        "INSERT INTO boss",
    ]
    bosses = staff.scalars(select(company.Boss).order_by(company.Boss.name)).all()
    assert [(each.name, each.kind, each.level, each.car) for each in bosses] == [
        ("ann", "boss", 1, "Fiat"),
        ("ben", "boss", 2, None),
    ]
    assert rows[1] == {"name": "ben", "level": 2}


@pytest.mark.rule("QY-137", "QY-135")
def test_joined_inheritance_takes_expressions_to_the_table_of_their_column(staff):
    statement = insert(company.Engineer).values(name=func.upper("x"), language=func.lower("C"))
    staff.execute(statement, [{"manager_id": None}, {}])

    found = staff.execute(select(company.Engineer.name, company.Engineer.language)).all()
    assert found == [("X", "c"), ("X", "c")]


@pytest.mark.rule("QY-137")
def test_single_table_inheritance_fills_in_the_discriminator(staff, sql):
    rows = [{"name": "ann", "school": "A"}, {"name": "ben", "school": "B"}]
    staff.execute(insert(company.Intern), rows)

    assert sql.emitted == ["INSERT INTO person (kind, name, school) VALUES (?, ?, ?)"]
    assert staff.scalars(select(company.Intern.kind)).all() == ["intern", "intern"]


@pytest.mark.rule("QY-138")
@pytest.mark.parametrize("strategy", ["bulk", "orm"])
def test_a_strategy_forces_a_form(session, strategy):
    session.execute(
        insert(Player),
        [{"id": 8, "score": 1, "name": None}, {"id": 9, "score": 2, "name": "x"}],
        execution_options={"dml_strategy": strategy},
    )

    assert rows_of(session, Player.id, Player.score, Player.name)[-2:] == [
        (8, 1, None),
        (9, 2, "x"),
    ]


@pytest.mark.rule("QY-138")
def test_strategy_orm_sends_all_rows_with_one_statement(session, sql):
    session.execute(
        insert(Player),
        [{"id": 8, "name": "x"}, {"id": 9, "name": None}],
        execution_options={"dml_strategy": "orm"},
    )

    assert sql.emitted == ["INSERT INTO player (id, name) VALUES (?, ?)"]


@pytest.mark.rule("QY-138")
def test_strategy_raw_takes_the_names_of_columns_and_gives_cores_result(session):
    result = session.execute(
        insert(Player), {"id": 8, "points": 4}, execution_options={"dml_strategy": "raw"}
    )

    assert result.inserted_primary_key == (8,)
    assert session.get(Player, 8).score == 4


@pytest.mark.rule("QY-138")
def test_another_strategy_is_refused(session):
    with pytest.raises(exc.ArgumentError, match="Valid strategies for ORM insert strategy"):
        session.execute(insert(Player), {"id": 8}, execution_options={"dml_strategy": "fast"})


@pytest.mark.rule("QY-139")
def test_no_events_no_relationships_and_no_objects(books):
    def forbidden(*arguments: Any) -> None:
        raise AssertionError(arguments)

    heard = [
        (library.Author, "before_insert"),
        (library.Author, "after_insert"),
        (library.Author, "init"),
        (library.Author, "load"),
        (library.Author.name, "set"),
    ]
    for target, name in heard:
        event.listen(target, name, forbidden)
    try:
        books.execute(insert(library.Author), [{"name": "a", "books": [library.Book()]}])
    finally:
        for target, name in heard:
            event.remove(target, name, forbidden)

    assert not books.identity_map
    assert not books.new
    assert books.scalar(select(func.count(library.Book.id))) == 0


@pytest.mark.rule("QY-182")
@pytest.mark.parametrize("flushes", [True, False])
def test_autoflush_comes_first_unless_an_option_prevents_it(session, flushes):
    player = Player(id=8)
    session.add(player)
    session.execute(insert(Player), [{"id": 9}], execution_options={"autoflush": flushes})

    assert inspect(player).persistent is flushes


def test_an_option_of_core_reaches_the_statement(session, sql):
    session.execute(
        insert(Player).prefix_with("/* first */"),
        [{"id": 8}, {"id": 9}],
        execution_options={"insertmanyvalues_page_size": 1},
    )

    assert sql.emitted == ["INSERT /* first */ INTO player (id) VALUES (?)"]


def test_a_statement_over_a_table_is_cores_whatever_its_criteria_name(books):
    table = library.Tag.__table__
    source = select(library.Author.name).where(library.Author.id == 1)
    books.execute(insert(library.Author), [{"id": 1, "name": "ann"}])
    books.execute(insert(table).from_select(["name"], source))

    assert books.scalar(select(library.Tag.name)) == "ann"


def test_no_rows_insert_nothing(session, sql):
    assert session.execute(insert(Player), []).all() == []
    assert session.scalars(insert(Player).returning(Player), []).all() == []
    assert not sql.emitted


def test_rows_may_come_from_any_iterable_and_are_dictionaries(session):
    session.execute(insert(Player), ({"id": number} for number in (8, 9)))

    assert session.get(Player, 9) is not None
    with pytest.raises(exc.InvalidRequestError, match="Can't take a row from tuple"):
        session.execute(insert(Player), [(1, "x")])


class Parcel(DeclarativeBase):
    pass


class Sent(Parcel):
    __tablename__ = "sent"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    _order: Mapped[int] = orm_insert_sentinel()


@pytest.mark.rule("QY-134")
def test_a_sentinel_column_keeps_order_and_stays_out_of_sight(tables, engine, sql):
    if not engine.dialect.insert_executemany_returning_sort_by_parameter_order:
        pytest.skip("no RETURNING in order")
    with Session(tables(Parcel.metadata)) as session:
        sql.clear()
        statement = insert(Sent).returning(Sent, sort_by_parameter_order=True)
        sent = session.scalars(statement, [{"text": each} for each in "xyz"]).all()
        session.add(Sent(text="w"))
        session.flush()

        assert [each.text for each in sent] == ["x", "y", "z"]
        assert "_order" not in sent[0].__dict__
        assert "_order" not in str(select(Sent))
        session.expire(sent[0])
        assert sent[0]._order == session.scalar(select(Sent._order).where(Sent.text == "x"))
