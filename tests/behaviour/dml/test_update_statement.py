"""`update()` over a class."""

import pytest
from sqlalchemy import Integer, String, column, event, exc, func, literal_column, select, update
from sqlalchemy.sql import Update

from holdfast import (
    ColumnProperty,
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    column_property,
    mapped_column,
    selectinload,
    with_loader_criteria,
)
from holdfast.errors.dml import BulkError
from models import company, library
from models.team import Home, Player


def scores(session):
    return list(session.scalars(select(Player.score).order_by(Player.id)))


@pytest.mark.rule("QY-180", "QY-187")
def test_update_emits_one_statement_and_tells_its_rows(session, sql):
    result = session.execute(update(Player).where(Player.score > 10).values(name="x"))

    assert result.rowcount == 2
    assert sql.emitted == ["UPDATE player SET name=? WHERE player.points > ?"]


@pytest.mark.rule("QY-180")
@pytest.mark.parametrize(
    "values",
    [
        {"score": 7},
        {Player.score: 7},
        {Player.__table__.c.points: 7},
        {"score": func.abs(-7)},
        {Player.score: Player.score - 3},
    ],
    ids=["name", "attribute", "column", "function", "expression"],
)
def test_values_are_keyed_by_what_stands_for_a_column(session, players, values):
    session.execute(update(Player).where(Player.id == 1).values(values))

    assert players[0].score == 7
    assert scores(session) == [7, 20, 30, None]


@pytest.mark.rule("QY-180")
@pytest.mark.parametrize("key", ["title", Player.title], ids=["name", "attribute"])
def test_values_may_name_a_synonym(session, players, key):
    session.execute(update(Player).where(Player.id == 1).values({key: "eve"}))

    assert players[0].name == "eve"
    assert session.scalar(select(Player.name).where(Player.id == 1)) == "eve"


@pytest.mark.rule("QY-180")
@pytest.mark.parametrize("key", ["home", Player.home], ids=["name", "attribute"])
def test_values_may_name_a_composite(session, players, key):
    assert players[0].home == Home("Rom", None)

    session.execute(update(Player).where(Player.id == 1).values({key: Home("Ulm", "B")}))

    assert players[0].home == Home("Ulm", "B")
    stored = select(Player.town, Player.street).where(Player.id == 1)
    assert session.execute(stored).one() == ("Ulm", "B")


@pytest.mark.rule("QY-180")
@pytest.mark.parametrize("key", ["name", "attribute"])
def test_comparator_decides_which_columns_its_attribute_sets(tables, key):
    class Split(ColumnProperty.Comparator):
        def assigned_columns(self, value):
            first, last = value.split()
            return [(Person.first, first), (Person.last, last)]

    class People(DeclarativeBase):
        pass

    class Person(People):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        first = mapped_column(String(20))
        last = mapped_column(String(20))
        whole = column_property(first + " " + last, comparator_factory=Split)

    with Session(tables(People.metadata)) as session:
        ann = Person(first="Ann", last="Lee")
        session.add(ann)
        session.commit()
        assert ann.whole == "Ann Lee"

        values = {"whole" if key == "name" else Person.whole: "Eve Ray"}
        session.execute(update(Person).values(values))

        assert (ann.first, ann.last, ann.whole) == ("Eve", "Ray", "Eve Ray")


@pytest.mark.rule("QY-180")
def test_ordered_values_keep_their_order(session, sql):
    session.execute(update(Player).ordered_values(("score", 1), ("name", "x")))

    assert sql.emitted == ["UPDATE player SET points=?, name=?"]


@pytest.mark.rule("QY-181")
def test_unknown_attribute_is_refused(session):
    with pytest.raises(exc.CompileError, match="Unconsumed column names: height"):
        session.execute(update(Player).values(height=3))


@pytest.mark.rule("QY-181")
@pytest.mark.parametrize("key", ["author", library.Book.author], ids=["name", "attribute"])
def test_relationship_is_no_column(tables, key):
    with (
        Session(tables(library.Base.metadata)) as session,
        pytest.raises(exc.CompileError, match="Unconsumed column names: author"),
    ):
        session.execute(update(library.Book).values({key: library.Author()}))


def test_name_of_a_column_cannot_be_carried_to_objects(session, sql):
    with pytest.raises(exc.InvalidRequestError, match=r"Attribute name not found.*'points'"):
        session.execute(update(Player).values(points=3))

    assert not sql.emitted


def test_column_that_is_not_mapped_reaches_the_database_alone(session, players):
    session.execute(update(Player).where(Player.id == 1).values({column("name"): "eve"}))

    assert players[0].name == "ann"
    session.refresh(players[0])
    assert players[0].name == "eve"


@pytest.mark.rule("QY-182")
def test_pending_objects_are_flushed_first(session, sql):
    session.add(Player(id=9, name="new"))

    session.execute(update(Player).values(bonus=2))

    assert [each.split()[0] for each in sql.emitted] == ["INSERT", "UPDATE"]


@pytest.mark.rule("QY-182")
@pytest.mark.parametrize("on_statement", [True, False], ids=["statement", "call"])
def test_autoflush_is_prevented_by_an_option(session, sql, on_statement):
    session.add(Player(id=9, name="new"))
    statement = update(Player).values(bonus=2)

    if on_statement:
        session.execute(statement.execution_options(autoflush=False))
    else:
        session.execute(statement, execution_options={"autoflush": False})

    assert [each.split()[0] for each in sql.emitted] == ["UPDATE"]


@pytest.mark.rule("QY-183")
def test_update_fires_no_events_of_mappers(session, players):
    heard = []
    for name in ("before_update", "after_update"):
        event.listen(Player, name, lambda *_: heard.append("called"))

    session.execute(update(Player).values(score=5))

    assert players[0].score == 5
    assert not heard


@pytest.mark.rule("QY-184")
def test_single_table_subclass_updates_its_own_rows(tables, sql):
    with Session(tables(company.Base.metadata)) as session:
        session.add_all([company.Person(name="p"), company.Intern(name="i")])
        session.commit()
        sql.clear()

        session.execute(update(company.Intern).values(name="x"))

        assert "WHERE person.kind IN" in sql.emitted[0]
        assert set(session.scalars(select(company.Person.name))) == {"p", "x"}


@pytest.mark.rule("QY-184")
def test_joined_subclass_updates_its_own_table(tables, sql):
    with Session(tables(company.Base.metadata)) as session:
        ada = company.Engineer(name="ada", language="c")
        session.add(ada)
        session.commit()
        assert ada.language == "c"
        sql.clear()

        session.execute(update(company.Engineer).values(language="ml"))

        assert sql.emitted == ["UPDATE engineer SET language=?"]
        assert ada.language == "ml"


@pytest.mark.rule("QY-184")
def test_column_of_the_base_is_refused_in_set_where_the_database_cannot(tables, engine):
    if engine.dialect.name in ("mysql", "mariadb"):
        pytest.skip("sets columns of several tables")
    with (
        Session(tables(company.Base.metadata)) as session,
        pytest.raises(exc.CompileError, match=r"cannot include columns from table.*person"),
    ):
        session.execute(update(company.Engineer).values(name="x"))


@pytest.mark.rule("QY-184")
def test_criteria_may_name_the_base_of_a_joined_class(tables):
    with Session(tables(company.Base.metadata)) as session:
        ada, bob = (company.Engineer(name=name, language="c") for name in ("ada", "bob"))
        session.add_all([ada, bob])
        session.commit()

        session.execute(
            update(company.Engineer)
            .where(company.Engineer.id == company.Person.id, company.Person.name == "ada")
            .values(language="ml")
        )

        assert (ada.language, bob.language) == ("ml", "c")


@pytest.mark.rule("QY-184")
def test_table_whose_key_has_another_name_than_the_bases_is_updated(tables):
    with Session(tables(company.Base.metadata)) as session:
        bob, zed = (company.Boss(name=name, car="red") for name in ("bob", "zed"))
        session.add_all([bob, zed])
        session.commit()
        assert (bob.car, zed.car) == ("red", "red")

        session.execute(
            update(company.Boss)
            .where(company.Boss.boss_id == company.Person.id, company.Person.name == "bob")
            .values(car="blue")
            .execution_options(synchronize_session="fetch")
        )

        assert (bob.car, zed.car) == ("blue", "red")


@pytest.mark.rule("QY-183")
def test_update_ignores_the_version_counter(tables):
    class Numbered(DeclarativeBase):
        pass

    class Page(Numbered):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str]
        version = mapped_column(Integer)
        __mapper_args__ = {"version_id_col": version}

    with Session(tables(Numbered.metadata)) as session:
        page = Page(text="a")
        session.add(page)
        session.flush()

        session.execute(update(Page).values(text="b"))

        assert (page.text, page.version) == ("b", 1)
        session.refresh(page)
        assert page.version == 1


@pytest.mark.rule("QY-185", "LD-135")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_loader_criteria_apply_to_rows_and_objects(session, players, choice):
    session.execute(
        update(Player)
        .options(with_loader_criteria(Player, Player.name.in_(["ben", "dot"])))
        .where(Player.score > 10)
        .values(score=0),
        execution_options={"synchronize_session": choice},
    )

    assert [each.score for each in players] == [10, 0, 30, None]
    assert scores(session) == [10, 0, 30, None]


@pytest.mark.rule("QY-186")
@pytest.mark.parametrize("choice", ["auto", "evaluate", "fetch", False])
def test_returning_gives_what_was_asked(session, players, engine, choice):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")

    result = session.execute(
        update(Player).where(Player.id == 2).values(score=5).returning(Player, Player.bonus),
        execution_options={"synchronize_session": choice},
    )

    assert result.all() == [(players[1], 1)]
    assert players[1].score == (20 if choice is False else 5)


@pytest.mark.rule("QY-186")
def test_fetch_adds_keys_that_are_not_returned_anyway(session, engine, sql):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    for asked in (Player.name, Player.id):
        statement = update(Player).where(func.abs(Player.id) == 1).values(score=5)
        assert len(session.execute(statement.returning(asked)).one()) == 1

    returned = [each.split("RETURNING ")[1].replace("player.", "") for each in sql.emitted]
    assert returned == ["name, id", "id"]


@pytest.mark.rule("QY-186", "QY-184")
@pytest.mark.parametrize("is_loaded", [True, False])
def test_joined_subclass_is_returned_with_the_columns_of_its_own_table(
    session, tables, engine, sql, is_loaded
):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    tables(company.Base.metadata)
    session.add(company.Engineer(id=1, name="ann", language="c"))
    session.commit()
    held = session.get(company.Engineer, 1) if is_loaded else None
    statement = update(company.Engineer).values(language="sql").returning(company.Engineer)
    sql.clear()

    found = session.scalars(statement, execution_options={"populate_existing": True}).one()

    assert len(sql) == 1
    assert found.__dict__["language"] == "sql"
    assert (found is held) == is_loaded
    assert type(found) is company.Engineer
    assert found.name == "ann"
    assert session.get(company.Engineer, 1) is found


@pytest.mark.rule("QY-186")
def test_joined_class_with_subclasses_is_returned_by_its_columns_alone(session, tables, engine):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    tables(company.Base.metadata)
    session.add(company.Boss(id=1, name="ann", level=1, car="red"))
    session.commit()
    statement = update(company.Manager).values(level=2)

    with pytest.raises(BulkError, match="which subclass a row is of"):
        session.scalars(statement.returning(company.Manager))
    returned = session.scalars(statement.returning(company.Manager.level))
    assert returned.all() == [2]


@pytest.mark.rule("QY-186")
def test_returned_rows_leave_no_cursor_open(session, engine):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    statement = update(Player).values(score=Player.id).returning(Player.id, Player.score)

    first = session.execute(statement)
    second = session.execute(statement)

    assert sorted(first) == sorted(second) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_star_is_returned_as_it_is(session, engine):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    statement = update(Player).values(score=5).returning(literal_column("*"))

    rows = session.execute(statement.where(func.abs(Player.id) == 1)).all()

    assert rows == [(1, "ann", 5, 1, "Rom", None, True, None)]


def test_returned_objects_follow_the_options_of_the_statement(tables, engine, sql):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    with Session(tables(library.Base.metadata)) as session:
        session.add(library.Author(name="Ann", books=[library.Book(), library.Book()]))
        session.commit()

        ann = session.scalars(
            update(library.Author)
            .values(name="Eve")
            .returning(library.Author)
            .options(selectinload(library.Author.books))
        ).one()

        sql.clear()
        assert len(ann.books) == 2
        assert not sql.emitted


def test_returned_objects_keep_what_they_have_without_populate_existing(session, players, engine):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    table = Player.__table__
    for populate, expected in ((False, 1), (True, 8)):
        session.connection().execute(table.update().values(bonus=8))
        found = session.scalars(
            update(Player).where(Player.id == 1).values(score=5).returning(Player),
            execution_options={"populate_existing": populate},
        )
        assert found.one() is players[0]
        assert players[0].bonus == expected


def test_update_is_loaded_from_by_a_select(session, engine):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    statement = update(Player).where(Player.id == 1).values(score=5).returning(Player)

    found = session.scalars(select(Player).from_statement(statement)).all()

    assert [(each.name, each.score) for each in found] == [("ann", 5)]


def test_alias_is_updated_by_its_own_name(session, engine, players):
    if engine.dialect.name in ("mysql", "mariadb"):
        pytest.skip("names the table where SET and WHERE name the alias")
    other = aliased(Player)

    session.execute(update(other).where(other.name == "ann").values(score=99))

    assert players[0].score == 99


def test_alias_is_returned(session, engine, players):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    other = aliased(Player)
    statement = update(other).where(other.id == 1).values(score=99).returning(other, other.score)

    assert session.execute(statement).all() == [(players[0], 99)]


def test_listeners_see_what_kind_of_statement_it_is(session):
    seen = []

    @event.listens_for(session, "do_orm_execute")
    def listen(state):
        choice = state.update_delete_options.synchronize_session
        seen.append((state.is_update, state.is_delete, state.is_select, choice))

    session.execute(update(Player).values(score=1))

    assert seen == [(True, False, False, "auto")]


def test_statement_describes_its_class_and_what_it_returns():
    statement = update(Player).returning(Player, Player.score)

    assert isinstance(statement, Update)
    assert statement.entity_description["entity"] is Player
    assert [each["name"] for each in statement.returning_column_descriptions] == [
        "Player",
        "score",
    ]


def test_update_hits_the_cache_of_statements(session, engine):
    def run(number):
        return session.execute(
            update(Player).where(func.abs(Player.id) == number).values(score=number),
            execution_options={"synchronize_session": "fetch"},
        )

    run(1)
    before = len(engine._compiled_cache)
    assert run(2).rowcount == 1
    assert len(engine._compiled_cache) == before


@pytest.mark.rule("QY-185")
def test_loader_criteria_apply_within_subqueries_of_an_update(tables):
    with Session(tables(library.Base.metadata)) as session:
        session.add(library.Author(name="Ann", books=[library.Book(title="A")]))
        session.add(library.Author(name="Ben", books=[library.Book(title="B")]))
        session.commit()
        wanted = select(library.Book.author_id)

        session.execute(
            update(library.Author)
            .where(library.Author.id.in_(wanted), library.Author.books.any())
            .values(email="x")
            .options(with_loader_criteria(library.Book, library.Book.title == "B"))
        )

        assert session.scalars(select(library.Author.email).order_by("name")).all() == [None, "x"]


@pytest.mark.rule("QY-187")
def test_defaults_that_are_returned_come_with_the_result(session, engine):
    if not engine.dialect.update_returning:
        pytest.skip("no UPDATE ... RETURNING")
    statement = update(Player).where(Player.id < 3).values(score=Player.score + 1)

    result = session.execute(statement.return_defaults(Player.score))

    assert result.rowcount == 2
    assert sorted(row.points for row in result.returned_defaults_rows) == [11, 21]


@pytest.mark.rule("QY-187")
@pytest.mark.parametrize("choice", ["evaluate", "fetch"])
def test_result_without_returning_has_no_rows(session, choice):
    result = session.execute(
        update(Player).values(score=1), execution_options={"synchronize_session": choice}
    )

    assert (result.rowcount, result.returns_rows) == (4, False)
    with pytest.raises(exc.ResourceClosedError):
        result.all()


@pytest.mark.rule("QY-185")
def test_loader_criteria_of_a_cached_statement_have_their_own_values(session, players, engine):
    def run(name):
        option = with_loader_criteria(Player, Player.name == name)
        statement = update(Player).where(func.abs(Player.id) > 0).values(score=77)
        return session.execute(statement.options(option)).rowcount

    assert run("ann") == 1
    before = len(engine._compiled_cache)
    assert run("ben") == 1
    assert len(engine._compiled_cache) == before
    assert [each.score for each in players] == [77, 77, 30, None]


@pytest.mark.rule("QY-185")
def test_listeners_may_add_criteria(session, players):
    @event.listens_for(session, "do_orm_execute")
    def restrict(state):
        if state.is_update:
            state.statement = state.statement.options(
                with_loader_criteria(Player, Player.name == "ann")
            )

    session.execute(update(Player).values(score=77))

    assert [each.score for each in players] == [77, 20, 30, None]
