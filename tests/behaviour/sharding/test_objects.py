"""Objects of several shards in one session."""

import pickle

import pytest
from sqlalchemy import delete, func, inspect, select, update

from holdfast import joinedload, selectinload
from models.harbour import Pier, Port, Ship, port_ship


@pytest.fixture
def ports(session, sent):
    """Bodo and Bari, with equal keys."""
    bodo, bari = (session.get(Port, 1, identity_token=token) for token in ("north", "south"))
    sent.clear()
    return bodo, bari


@pytest.mark.rule("XT-83")
def test_equal_keys_of_two_shards_coexist(session, ports):
    bodo, bari = ports

    assert (bodo.name, bari.name) == ("Bodo", "Bari")
    assert inspect(bodo).key == (Port, (1,), "north")
    assert inspect(bari).identity_key == (Port, (1,), "south")
    assert session.identity_map[(Port, (1,), "south")] is bari
    found = session.scalars(select(Port).where(Port.id == 1)).all()
    assert found == [bodo, bari]


@pytest.mark.rule("XT-83")
def test_new_object_has_its_shard_in_its_key_after_the_flush(session):
    brest = Port(id=5, sea="south", name="Brest")
    session.add(brest)
    session.flush()

    assert inspect(brest).identity_token == "south"
    assert inspect(brest).key == (Port, (5,), "south")
    assert session.get(Port, 5) is brest


@pytest.mark.rule("XT-83")
def test_keys_that_a_database_makes_are_taken_from_each_shard(session, shards):
    new = [Port(sea=sea, name=sea) for sea in ("north", "south", "north", "south")]
    session.add_all(new)
    session.flush()

    assert [port.id for port in new] == [3, 2, 4, 3]
    session.commit()
    assert {port.name for port in session.scalars(select(Port).where(Port.id > 2))} == {
        "north",
        "south",
    }


@pytest.mark.rule("XT-83")
def test_lazy_collection_loads_from_the_objects_shard(ports, sent):
    bodo, bari = ports

    assert [len(port.piers) for port in (bari, bodo)] == [2, 1]
    assert sent == [("south", "SELECT"), ("north", "SELECT")]


@pytest.mark.rule("XT-83")
def test_lazy_reference_is_found_in_memory_under_the_objects_shard(session, ports, sent):
    piers = session.scalars(select(Pier)).all()
    sent.clear()

    assert [pier.port.name for pier in piers] == ["Bodo", "Bari", "Bari"]
    assert sent == []


@pytest.mark.rule("XT-83")
def test_lazy_reference_loads_from_the_objects_shard(session, sent):
    pier = session.get(Pier, 1, identity_token="south")
    sent.clear()

    assert pier.port.name == "Bari"
    assert sent == [("south", "SELECT")]


@pytest.mark.rule("XT-81", "XT-83")
def test_choosers_are_told_for_which_object_something_loads(make, session):
    asked = []

    def shards_of_key(mapper, key, *, lazy_loaded_from, **how):
        asked.append(lazy_loaded_from)
        return ["south"]

    def shards_of_statement(state):
        asked.append(state.lazy_loaded_from)
        return ["south"]

    choosers = {"identity_chooser": shards_of_key, "execute_chooser": shards_of_statement}
    with make(**choosers) as session:
        pier = session.get(Pier, 1)
        asked.clear()
        bari = pier.port
        assert {*asked} == {inspect(pier)}
        asked.clear()
        bari.piers
        assert asked == [inspect(bari)]


@pytest.mark.rule("XT-83")
def test_columns_load_from_the_objects_shard_whatever_choosers_say(make, session, sent):
    with make(execute_chooser=lambda _: ["north"]) as session:
        bari = session.get(Port, 1, identity_token="south")
        sent.clear()

        assert bari.depth == 5
        session.refresh(bari)
        session.expire(bari)
        assert bari.name == "Bari"
        session.expire(bari, ["name"])
        assert bari.name == "Bari"
        session.refresh(bari, ["name", "depth"])

    assert sent == [("south", "SELECT")] * 5


@pytest.mark.rule("XT-83")
def test_flush_writes_to_the_objects_shard(session, ports, shards, sent):
    bodo, bari = ports
    bodo.name, bari.name = "Bergen", "Barletta"
    session.flush()
    assert sorted(sent) == [("north", "UPDATE"), ("south", "UPDATE")]

    session.commit()
    names = select(Port.name).order_by(Port.id)
    assert session.scalars(names).all() == ["Bergen", "Bude", "Barletta"]


@pytest.mark.rule("XT-83")
def test_delete_reaches_one_shard(session, ports):
    bodo, bari = ports
    session.delete(bari)
    session.commit()

    assert bodo in session
    assert bari not in session
    assert session.scalars(select(Port.name).where(Port.id == 1)).all() == ["Bodo"]
    assert session.scalars(select(Pier.port_id).order_by(Pier.id)).all() == [1, None, None]


@pytest.mark.rule("XT-83")
def test_association_rows_go_to_the_parents_shard(session, ports, shards):
    for port in ports:
        port.ships = [Ship(id=1, sea=port.sea), Ship(id=2, sea=port.sea)]
    session.commit()
    ports[1].ships.pop()
    session.commit()

    def count(engine):
        with engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(port_ship))

    assert (count(shards["north"]), count(shards["south"])) == (2, 1)


@pytest.mark.rule("XT-83")
@pytest.mark.parametrize("load", [selectinload, joinedload])
def test_eager_loads_give_objects_the_shard_they_come_from(make, session, load):
    statement = select(Pier).options(load(Pier.port))
    for shard in ("north", "south"):
        found = session.scalars(statement, bind_arguments={"shard_id": shard}).all()
        assert {inspect(pier.port).identity_token for pier in found} == {shard}


@pytest.mark.rule("XT-82", "XT-83")
@pytest.mark.parametrize("synchronize", ["auto", "evaluate", "fetch"])
def test_statement_that_writes_reaches_the_objects_of_every_shard(session, ports, synchronize):
    how = {"synchronize_session": synchronize}
    bodo, bari = ports

    result = session.execute(update(Port).values(name="B."), execution_options=how)
    assert result.rowcount == 3
    assert (bodo.name, bari.name) == ("B.", "B.")

    session.execute(delete(Port).where(Port.id == 2), execution_options=how)
    assert session.scalars(select(func.count(Port.id))).all() == [1, 1]
    session.execute(
        update(Port).values(name="south"),
        execution_options=how,
        bind_arguments={"shard_id": "south"},
    )
    assert (bodo.name, bari.name) == ("B.", "south")


@pytest.mark.rule("XT-83")
def test_rollback_restores_the_objects_of_every_shard(session, ports):
    bodo, bari = ports
    session.delete(bari)
    brest = Port(id=5, sea="south", name="Brest")
    session.add(brest)
    session.flush()

    session.rollback()

    assert bari in session
    assert brest not in session
    assert (bodo.name, bari.name) == ("Bodo", "Bari")


@pytest.mark.rule("XT-83")
def test_merge_finds_the_member_of_the_same_shard(session, ports):
    bodo, bari = ports
    copy = pickle.loads(pickle.dumps(bari))
    copy.name = "Barletta"

    assert session.merge(copy) is bari
    assert (bodo.name, bari.name) == ("Bodo", "Barletta")
