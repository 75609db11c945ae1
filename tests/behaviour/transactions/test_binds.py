"""Which engine a session uses for what, and transactions over several of them.

These tests have a SQLite database for each engine, whatever servers there are.
"""

import pytest
from sqlalchemy import MetaData, Table, event, exc, insert, inspect, select, text

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from holdfast.exc import UnmappedClassError
from models import library
from watching import author, names_in, record_control


class Base(DeclarativeBase):
    pass


class Audited:
    """A mixin that is not mapped."""


class Person(Audited, Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Manager(Person):
    pass


class Log(Base):
    __tablename__ = "log"

    id: Mapped[int] = mapped_column(primary_key=True)


class Plain:
    """Not mapped."""


@pytest.fixture
def engines(apart):
    """Three engines with all tables."""
    made = [apart(), apart(), apart()]
    for engine in made:
        Base.metadata.create_all(engine)
    return made


@pytest.mark.rule("PT-100", "PT-104", "PT-105")
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([Base], [0, 0, 0]),
        ([Audited], [0, 0, None]),
        ([Person], [0, 0, None]),
        ([inspect(Person)], [0, 0, None]),
        ([Person.__table__], [0, 0, None]),
        ([Log.__table__], [None, None, 0]),
        ([Base, Person], [1, 1, 0]),
        ([Person, Manager], [0, 1, None]),
        ([Audited, Base], [0, 0, 1]),
        ([Base, Audited], [1, 1, 0]),
        ([Person.__table__, Manager], [1, 1, None]),
    ],
)
def test_bind_of_a_class_is_the_one_named_most_exactly(engines, keys, expected):
    session = Session(binds=dict(zip(keys, engines, strict=False)))

    for cls, number in zip((Person, Manager, Log), expected, strict=True):
        if number is None:
            with pytest.raises(exc.UnboundExecutionError):
                session.get_bind(cls)
        else:
            assert session.get_bind(cls) is engines[number]
            assert session.get_bind(mapper=inspect(cls)) is engines[number]
            assert session.get_bind(clause=select(cls)) is engines[number]


@pytest.mark.rule("PT-100")
@pytest.mark.parametrize("key", ["person", 5, MetaData(), Person.name])
def test_bind_for_anything_else_is_refused(engines, key):
    with pytest.raises(exc.ArgumentError, match="Not an acceptable bind target"):
        Session(binds={key: engines[0]})


@pytest.mark.rule("PT-101")
@pytest.mark.parametrize("key", [Person, inspect(Person)])
def test_bind_of_a_class_is_the_one_of_its_tables_too(engines, key):
    session = Session(binds={key: engines[0]})

    assert dict(session.binds) == {Person: engines[0], Person.__table__: engines[0]}
    assert session.get_bind(clause=Person.__table__) is engines[0]
    assert session.get_bind(clause=insert(Person.__table__)) is engines[0]


@pytest.mark.rule("PT-102", "PT-103", "TX-124")
def test_binds_are_replaced_when_one_is_added(engines):
    one, two, three = engines
    session = Session(binds={Log: one})
    before = session.binds
    with pytest.raises(TypeError):
        before[Person] = two

    session.bind_mapper(Person, two)
    session.bind_table(Log.__table__, three)

    assert dict(before) == {Log: one, Log.__table__: one}
    assert session.get_bind(Person) is two
    assert session.get_bind(inspect(Manager)) is two
    assert session.get_bind(Log) is one
    assert session.get_bind(clause=Log.__table__) is three


@pytest.mark.rule("PT-104")
def test_bind_that_is_given_wins_and_the_default_comes_last(engines):
    one, two, three = engines
    session = Session(one, binds={Person: two})

    assert session.get_bind(Person, bind=three) is three
    assert session.get_bind(Person, clause=select(Log)) is two
    assert session.get_bind(clause=select(Log.__table__, Person.__table__)) is two
    assert session.get_bind(clause=text("SELECT 1")) is one
    assert session.get_bind(Log) is one
    assert session.get_bind() is one


@pytest.mark.rule("PT-106")
def test_single_bind_serves_everything(engines):
    session = Session(engines[0])

    for arguments in ({}, {"mapper": Person}, {"clause": text("SELECT 1")}):
        assert session.get_bind(**arguments) is engines[0]


@pytest.mark.rule("PT-108")
def test_session_without_bind_says_what_it_has_none_for(engines):
    session = Session()

    with pytest.raises(exc.UnboundExecutionError, match="not bound to a single Engine or Conn"):
        session.get_bind()
    with pytest.raises(exc.UnboundExecutionError, match=r"bind configured on mapper.*Person"):
        session.get_bind(Person)
    with pytest.raises(exc.UnboundExecutionError, match="bind configured on SQL expression"):
        session.execute(text("SELECT 1"))


@pytest.mark.rule("PT-109")
def test_class_without_mapping_has_no_bind(engines):
    session = Session(binds={Base: engines[0]})

    with pytest.raises(UnmappedClassError):
        session.get_bind(Plain)


@pytest.mark.rule("PT-107", "TX-162", "TX-160", "SB-150")
def test_flush_and_query_go_to_the_bind_of_each_mapper(engines):
    one, two, _ = engines
    session = Session(binds={library.Author: one, library.Tag: two})
    log = []
    for engine in (one, two):
        record_control(engine, log, lambda word, engine=engine: (engine, word))
    session.add_all([author(1), library.Tag(id=1, name="tag")])
    session.flush()

    assert session.scalars(select(library.Author)).one().id == 1
    assert session.query(library.Tag).one().name == "tag"
    session.commit()

    assert log == [(one, "BEGIN"), (two, "BEGIN"), (one, "COMMIT"), (two, "COMMIT")]
    for engine, table in ((one, "author"), (two, "tag")):
        with engine.connect() as connection:
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1
            other = {"author": "tag", "tag": "author"}[table]
            assert connection.scalar(text(f"SELECT count(*) FROM {other}")) == 0


@pytest.mark.rule("TX-160")
def test_connections_are_committed_in_the_order_in_which_they_were_acquired(engines):
    one, two, three = engines
    binds = {library.Author: one, library.Tag: two, library.Book: three}
    session = Session(binds=binds)
    log = []
    for engine in engines:
        record_control(engine, log, lambda word, engine=engine: (engine, word))
    for cls in (library.Book, library.Author, library.Tag):
        session.connection(bind_arguments={"mapper": cls})

    session.commit()

    assert log[3:] == [(three, "COMMIT"), (one, "COMMIT"), (two, "COMMIT")]


@pytest.mark.rule("TX-160", "SB-161")
def test_rollback_reaches_all_connections(engines):
    one, two, _ = engines
    session = Session(binds={library.Author: one, library.Tag: two})
    new, tag = author(1), library.Tag(id=1, name="tag")
    session.add_all([new, tag])
    session.flush()

    session.rollback()

    assert inspect(new).transient
    assert inspect(tag).transient
    assert session.scalars(select(library.Author.id)).all() == []
    assert session.scalars(select(library.Tag.id)).all() == []


@pytest.mark.rule("TX-160", "TX-31")
def test_savepoint_is_sent_to_the_engines_that_are_used_inside(engines):
    one, two, _ = engines
    session = Session(binds={library.Author: one, library.Tag: two})
    session.connection(bind_arguments={"mapper": library.Author})
    log = []
    for engine in (one, two):
        record_control(engine, log, lambda word, engine=engine: (engine, word))

    with session.begin_nested():
        session.add(library.Tag(id=1, name="tag"))

    assert log == [(two, "BEGIN"), (two, "SAVEPOINT"), (two, "RELEASE")]


@pytest.mark.rule("TX-163", "SB-154")
def test_without_two_phases_what_was_committed_first_stays(engines):
    one, two, _ = engines
    session = Session(binds={library.Author: one, library.Tag: two})
    new, tag = author(1), library.Tag(id=1, name="tag")
    session.add_all([new, tag])

    def fail(_):
        raise ConnectionError

    event.listen(two, "commit", fail)
    with pytest.raises(ConnectionError):
        session.commit()
    event.remove(two, "commit", fail)

    assert not session.is_active
    session.rollback()
    assert session.scalars(select(library.Author.id)).all() == [1]
    assert session.scalars(select(library.Tag.id)).all() == []


class Routing(Session):
    """Writes go to the leader, reads to a follower."""

    leader = follower = None

    def __init__(self, *arguments, **keywords):
        self.asked = []
        super().__init__(*arguments, **keywords)

    def get_bind(self, mapper=None, *, clause=None, bind=None, reader=None, **kw):
        self.asked.append((mapper, clause, reader))
        if reader is not None:
            return reader
        return self.leader if self._flushing else self.follower


@pytest.mark.rule("PT-110", "PT-111", "PT-112", "API-4")
def test_overridden_get_bind_routes_everything(engines):
    leader, follower, third = engines
    maker = sessionmaker(class_=Routing)
    session = maker()
    session.leader, session.follower = leader, follower
    session.add(author(1))
    session.flush()
    assert session.asked[-1][0] is inspect(library.Author)

    statement = select(library.Author)
    assert session.scalars(statement).all() == []
    mapper, clause, _ = session.asked[-1]
    assert mapper is inspect(library.Author)
    assert clause is statement
    session.execute(text("SELECT 1"), bind_arguments={"reader": third})
    assert session.asked[-1][2] is third
    assert session.get(library.Author, 7) is None

    assert session.get_transaction().connections == {
        session.connection(bind_arguments={"reader": engine}) for engine in engines
    }
    session.commit()
    with leader.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM author")) == 1


@pytest.mark.rule("PT-107")
def test_bulk_methods_go_to_the_bind_of_their_mapper(engines):
    one, two, _ = engines
    session = Session(one, binds={library.Author: two})

    session.bulk_insert_mappings(library.Author, [{"id": 1, "name": "Ann"}])
    session.commit()

    assert names_in(Session(two)) == ["Ann"]
    assert names_in(Session(one)) == []


def test_table_that_no_class_is_mapped_to_can_be_bound(engines):
    table = Table("plain", MetaData())
    session = Session(engines[0], binds={table: engines[1]})

    assert session.get_bind(clause=select(text("1")).select_from(table)) is engines[1]
