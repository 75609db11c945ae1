"""Which shard holds an object, a key, or the answer to a statement."""

import pytest
from sqlalchemy import exc, func, insert, inspect, select, text

import holdfast
from holdfast import sessionmaker
from holdfast.errors import BulkError, ShardArgumentError, ShardError
from holdfast.ext.horizontal_shard import ShardedQuery, ShardedSession, set_shard_id
from models.harbour import Pier, Port


def names(engine):
    with engine.connect() as connection:
        return connection.scalars(text("SELECT name FROM port ORDER BY id")).all()


@pytest.mark.rule("XT-80", "PT-114")
def test_rows_of_one_table_are_spread_over_the_shards(session, shards):
    session.add_all([Port(id=3, sea="south", name="Brest"), Port(id=4, sea="north", name="Burg")])
    session.commit()

    assert names(shards["north"]) == ["Bodo", "Bude", "Burg"]
    assert names(shards["south"]) == ["Bari", "Brest"]


@pytest.mark.rule("XT-80")
def test_factory_makes_sharded_sessions(shards):
    make = sessionmaker(class_=ShardedSession, shards=shards, shard_chooser=lambda *_: "north")
    make.configure(identity_chooser=lambda *_, **__: ["north"], execute_chooser=lambda _: ["north"])

    with make.begin() as session:
        session.add(Port(id=1, sea="south", name="Bodo"))

    assert names(shards["north"]) == ["Bodo"]


@pytest.mark.rule("XT-81")
def test_shard_chooser_is_asked_once_for_a_new_object(make, sent):
    asked = []

    def choose(mapper, instance, clause=None):
        asked.append((mapper.class_, instance))
        return instance.sea

    with make(shard_chooser=choose) as session:
        bodo = Port(id=1, sea="north", name="Bodo")
        session.add(bodo)
        session.flush()
        bodo.sea = "south"
        session.commit()
        session.delete(bodo)
        session.flush()

    assert asked == [(Port, bodo)]
    assert {shard for shard, _ in sent} == {"north"}


@pytest.mark.rule("XT-81")
def test_identity_chooser_names_the_shards_to_try_for_a_key(make, session, sent):
    asked = []

    def choose(mapper, primary_key, **how):
        asked.append((mapper.class_, primary_key, how))
        return ["south", "north"]

    with make(identity_chooser=choose) as session:
        options = {"a": 1}
        assert session.get(Port, 2, execution_options=options).name == "Bude"
        assert session.get(Port, 9) is None

    how = {"lazy_loaded_from": None, "bind_arguments": {}, "execution_options": options}
    assert asked[0] == (Port, (2,), how)
    assert [shard for shard, _ in sent] == ["south", "north", "south", "north"]


@pytest.mark.rule("XT-81")
def test_key_is_looked_for_in_memory_first(session, sent):
    bari = session.get(Port, 1, identity_token="south")
    sent.clear()

    assert session.get(Port, 1) is bari
    assert session.get_one(Port, 1) is bari
    assert sent == []


@pytest.mark.rule("XT-81")
def test_execute_chooser_names_the_shards_of_a_statement(make, session, sent):
    asked = []

    def choose(state):
        asked.append(state)
        return ["south"]

    with make(execute_chooser=choose) as session:
        statement = select(Port)
        assert [port.name for port in session.scalars(statement)] == ["Bari"]

    (state,) = asked
    assert state.statement is statement
    assert state.is_select
    assert [shard for shard, _ in sent] == ["south"]


@pytest.mark.rule("XT-81")
def test_statement_over_tables_is_chosen_for_too(session, sent):
    found = session.execute(select(Port.__table__.c.name).order_by(text("name"))).scalars().all()

    assert found == ["Bodo", "Bude", "Bari"]
    assert session.scalars(text("SELECT name FROM port WHERE id = 2")).all() == ["Bude"]


@pytest.mark.rule("XT-81")
def test_deprecated_choosers_take_a_query_and_a_statement(shards, session):
    asked = []

    def id_chooser(query, primary_key):
        asked.append((type(query), primary_key))
        return ["north"]

    def query_chooser(statement):
        asked.append(statement)
        return ["south"]

    with pytest.warns(exc.SADeprecationWarning) as caught:
        session = ShardedSession(
            lambda *_: "north",
            shards=shards,
            id_chooser=id_chooser,
            query_chooser=query_chooser,
        )
    statement = select(Port)

    assert [str(each.message).split()[1] for each in caught] == [
        "``id_chooser``",
        "``query_chooser``",
    ]
    assert session.get(Port, 1).name == "Bodo"
    assert session.scalars(statement).one().name == "Bari"
    assert asked == [(ShardedQuery, (1,)), statement]
    session.close()


def test_chooser_that_is_missing_or_given_twice_is_an_error(shards):
    choosers = {"identity_chooser": print, "execute_chooser": print}

    with pytest.raises(ShardArgumentError, match=r"execute_chooser.*\[shard-choosers\]"):
        ShardedSession(print, identity_chooser=print)
    with pytest.raises(exc.ArgumentError, match="id_chooser"):
        ShardedSession(print, id_chooser=print, **choosers)


@pytest.mark.rule("XT-82")
def test_results_follow_each_other_shard_by_shard(session, sent):
    found = session.scalars(select(Port).order_by(Port.name.desc())).all()

    assert [port.name for port in found] == ["Bude", "Bodo", "Bari"]
    assert sent == [("north", "SELECT"), ("south", "SELECT")]


@pytest.mark.rule("XT-82")
def test_limit_counts_in_each_shard(session):
    found = session.scalars(select(Port.name).order_by(Port.name).limit(1)).all()

    assert found == ["Bodo", "Bari"]
    assert session.scalars(select(func.count(Port.id))).all() == [2, 1]


@pytest.mark.rule("XT-82")
def test_joined_collections_of_several_shards_are_made_unique(session):
    statement = select(Port).options(holdfast.joinedload(Port.piers)).order_by(Port.id)

    found = session.scalars(statement).unique().all()

    assert [len(port.piers) for port in found] == [1, 0, 2]


@pytest.mark.rule("XT-84")
def test_option_names_the_shard_of_a_statement_and_of_what_loads_later(make, session, sent):
    with make(execute_chooser=lambda _: ["north", "south"]) as session:
        statement = select(Port).where(Port.id == 1)
        bari = session.scalars(statement.options(set_shard_id("south"))).one()
        assert len(bari.piers) == 2
        assert {shard for shard, _ in sent} == {"south"}
        sent.clear()
        session.expunge_all()

        option = set_shard_id("south", propagate_to_loaders=False)
        assert (option.shard_id, option.propagate_to_loaders) == ("south", False)
        bari = session.scalars(statement.options(option)).one()
        sent.clear()
        bari.piers
        assert [shard for shard, _ in sent] == ["north", "south"]


@pytest.mark.rule("XT-84")
@pytest.mark.parametrize(
    "named",
    [
        {"execution_options": {"_sa_shard_id": "south"}},
        {"execution_options": {"identity_token": "south"}},
        {"bind_arguments": {"shard_id": "south"}},
    ],
    ids=["execution option", "identity token", "bind argument"],
)
def test_call_names_the_shard(session, sent, named):
    assert [port.name for port in session.scalars(select(Port), **named)] == ["Bari"]
    assert session.get(Port, 2, **named) is None
    assert {shard for shard, _ in sent} == {"south"}


@pytest.mark.rule("XT-84")
def test_query_names_the_shard(session, sent):
    assert session.query(Port).set_shard("south").one().name == "Bari"
    assert [shard for shard, _ in sent] == ["south"]


@pytest.mark.rule("XT-84")
@pytest.mark.parametrize(
    ("load", "counts"),
    [(holdfast.lazyload, (2, 1)), (holdfast.selectinload, (2, 0))],
    ids=["lazyload", "selectinload"],
)
def test_option_that_does_not_propagate_is_for_one_statement_and_its_eager_loads(
    make, session, sent, load, counts
):
    with make(execute_chooser=lambda _: ["north", "south"]) as session:
        option = set_shard_id("north", propagate_to_loaders=False)
        statement = select(Port).where(Port.id == 1).options(load(Port.piers), option)
        session.scalars(statement).one().piers

    found = [shard for shard, _ in sent]
    assert (found.count("north"), found.count("south")) == counts


@pytest.mark.rule("XT-81", "XT-84")
def test_eager_load_of_parents_that_were_chosen_is_chosen_for_again(make, session, sent):
    asked = []

    def choose(state):
        asked.append(state.execution_options.get("identity_token"))
        return ["north", "south"] if asked == [None] else ["south"]

    with make(execute_chooser=choose) as session:
        statement = select(Port).options(holdfast.selectinload(Port.piers))
        session.scalars(statement).all()

    assert asked == [None, "north", "south"]
    assert [shard for shard, _ in sent] == ["north", "south", "south", "south"]


@pytest.mark.rule("XT-85")
def test_connections_lead_to_a_shard(session, shards):
    bodo = session.get(Port, 1)

    south = session.connection(bind_arguments={"shard_id": "south"})

    assert south.engine is shards["south"]
    assert session.connection_callable(shard_id="south") is south
    assert session.connection_callable(inspect(Port), bodo).engine is shards["north"]
    new = Port(sea="south")
    assert session.connection_callable(inspect(Port), new) is south
    assert inspect(new).identity_token == "south"


@pytest.mark.rule("XT-85")
def test_bind_is_found_by_shard_object_or_statement(make, shards):
    asked = []

    def choose(mapper, instance, clause=None):
        asked.append((mapper, instance, clause))
        return "south"

    session = make(shard_chooser=choose)
    statement = select(Port)

    assert session.get_bind(shard_id="north") is shards["north"]
    assert session.get_bind(inspect(Port), clause=statement) is shards["south"]
    assert asked == [(inspect(Port), None, statement)]
    assert session.get_bind(bind=shards["north"]) is shards["north"]
    session.bind_shard("east", shards["north"])
    assert session.get_bind(shard_id="east") is shards["north"]


def test_shard_that_does_not_exist_is_an_error(make, session):
    with pytest.raises(ShardError, match=r"no shard 'east'.*north, south.*\[unknown-shard\]"):
        session.execute(select(Port), bind_arguments={"shard_id": "east"})
    session = make(execute_chooser=lambda _: [])
    with pytest.raises(exc.InvalidRequestError, match=r"\[no-shard-chosen\]"):
        session.execute(select(Port))


def test_bulk_methods_do_not_ask_where_a_row_belongs(session, shards):
    with pytest.raises(BulkError, match=r"\[bulk-by-row\]"):
        session.bulk_save_objects([Port(id=7, sea="north", name="Bonn")])
    with pytest.raises(BulkError):
        session.bulk_insert_mappings(Port, [{"id": 7, "sea": "north", "name": "Bonn"}])

    rows = [{"id": 7, "sea": "south", "name": "Bonn"}, {"id": 8, "sea": "south", "name": "Brugg"}]
    session.execute(insert(Port), rows, bind_arguments={"shard_id": "south"})
    session.commit()

    assert names(shards["south"]) == ["Bari", "Bonn", "Brugg"]


def test_piers_follow_their_port(session):
    assert [inspect(pier).identity_token for pier in session.scalars(select(Pier))] == [
        "north",
        "south",
        "south",
    ]
