"""SQL through sessions of 1.x: text, bind arguments, and where the engine is found."""

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    exc,
    insert,
    inspect,
    select,
    update,
)

import databases
import holdfast
from holdfast import legacy, registry
from models.library import Author, Base, Book, Tag
from models.team import Player


@pytest.fixture
def engines(tmp_path):
    """Three databases with the tables of the library."""
    made = [databases.sqlite_engine(str(tmp_path / name)) for name in "abc"]
    for engine in made:
        Base.metadata.create_all(engine)
    yield made
    databases.close_sessions()
    for engine in made:
        engine.dispose()


@pytest.mark.rule("LG-140")
def test_text_of_sql_is_executed(session):
    sql = "SELECT name FROM author WHERE id = :number"

    assert session.execute(sql, {"number": 1}).all() == [("Ann",)]
    assert session.scalar(sql, {"number": 1}) == "Ann"


@pytest.mark.rule("LG-141")
def test_execute_does_not_flush_and_queries_do(session):
    session.add(Tag(id=1, name="t"))

    assert session.execute(select(Tag)).all() == []
    assert session.scalar("SELECT count(*) FROM tag") == 0
    assert session.new
    assert session.query(Tag).count() == 1
    session.add(Tag(id=2, name="u"))
    assert len(session.query(Tag).autoflush(False).all()) == 1
    assert len(session.query(Tag).all()) == 2


@pytest.mark.rule("LG-142", "LG-143")
def test_bind_arguments_choose_the_engine(engines):
    first, second, third = engines
    session = legacy.Session(binds={Author: first, Tag.__table__: second})
    session.bind = None
    by_clause = select(Tag.__table__)

    assert session.execute(by_clause).context.engine is second
    assert session.execute(by_clause, mapper=Author).context.engine is first
    assert session.execute(by_clause, mapper=Author, bind=third).context.engine is third
    assert session.execute(by_clause, None, Author, third).context.engine is third
    assert session.scalar("SELECT 1", mapper=inspect(Author)) == 1
    assert session.connection(Author).engine is first
    assert session.connection(inspect(Author)).engine is first
    assert session.connection(mapper=Author).engine is first
    assert session.connection(clause=by_clause).engine is second
    assert session.connection(Author, bind=third).engine is third
    session.close()


@pytest.mark.rule("LG-142")
def test_further_bind_arguments_reach_get_bind(bound):
    seen = []

    class Routing(legacy.Session):
        def get_bind(self, mapper=None, clause=None, **kw):
            seen.append(kw)
            return bound

    with Routing() as session:
        session.execute("SELECT 1", shard="one")
        session.connection(shard="two")

    assert seen == [{"shard": "one"}, {"shard": "two"}]


@pytest.mark.rule("LG-144")
def test_options_of_an_acquired_connection_are_ignored_with_a_warning(session):
    connection = session.connection(execution_options={"mine": 1})
    assert connection.get_execution_options()["mine"] == 1

    with pytest.warns(exc.SAWarning, match="already established"):
        assert session.connection(execution_options={"mine": 2}) is connection

    assert connection.get_execution_options()["mine"] == 1


@pytest.mark.rule("LG-145")
def test_engine_is_found_step_by_step(engines):
    first, second, third = engines
    metadata = MetaData()
    mine = registry(metadata=metadata)
    note_table = Table("note", metadata, Column("id", Integer, primary_key=True))
    other_table = Table("other", MetaData(), Column("id", Integer, primary_key=True))

    class Note:
        pass

    class Below(Note):
        pass

    mine.map_imperatively(Note, note_table)
    mine.map_imperatively(Below, inherits=Note)
    session = legacy.Session()
    for asked in ((Note,), (None, select(note_table)), ()):
        with pytest.raises(exc.UnboundExecutionError):
            session.get_bind(*asked)

    metadata.bind = third
    assert session.get_bind(Note) is third
    assert session.get_bind(Below, select(other_table)) is third
    assert session.get_bind(None, select(note_table)) is third
    session.bind = second
    assert session.get_bind(Note) is second
    session.bind_table(other_table, first)
    assert session.get_bind(None, select(other_table)) is first
    assert session.get_bind(None, select(note_table)) is second
    session.bind_mapper(Note, first)
    assert session.get_bind(Below) is first
    mine.dispose()


@pytest.mark.rule("LG-146")
def test_binds_are_added_as_in_the_default(engines):
    first, second, _ = engines
    session = legacy.Session(bind=first)

    session.bind_mapper(Author, second)
    session.bind_table(Tag.__table__, second)

    assert session.get_bind(Author) is second
    assert session.get_bind(None, select(Tag.__table__)) is second
    assert session.get_bind(Book) is first


@pytest.mark.rule("LG-147")
def test_insert_of_one_row_tells_its_key(session):
    for number, statement in ((7, insert(Tag.__table__)), (8, insert(Tag))):
        result = session.execute(statement, {"id": number, "name": "t"})
        assert tuple(result.inserted_primary_key) == (number,)


@pytest.mark.rule("LG-148")
def test_statements_over_classes_take_names_of_columns(session, tables):
    tables(Player.metadata)

    session.execute(insert(Player), {"id": 1, "name": "a", "points": 5})
    session.execute(insert(Player).values(id=2, points=6))
    held = session.query(Player).get(1)
    session.execute(update(Player).where(Player.id == 1).values(points=9))

    assert held.score == 5
    assert session.execute("SELECT points FROM player ORDER BY id").all() == [(9,), (6,)]
    session.execute(insert(Player), {"id": 3, "score": 5})
    assert session.execute("SELECT points FROM player WHERE id = 3").scalar() is None


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.rule("LG-166")
@pytest.mark.parametrize("holder", [legacy.Session, legacy.sessionmaker])
def test_identity_keys_have_three_parts(session, holder):
    ann = session.get(Author, 1)
    row = session.execute(select(Author.__table__)).one()
    key = holdfast.Session.identity_key(Author, 1)

    assert len(key) == 3
    assert holder.identity_key(Author, 1) == key
    assert holder.identity_key(instance=ann) == key
    assert holder.identity_key(Author, row=row) == key
    assert session.identity_map[key] is ann
    with pytest.raises(exc.ArgumentError, match="unknown keyword arguments: colour"):
        holder.identity_key(Author, 1, colour="red")
