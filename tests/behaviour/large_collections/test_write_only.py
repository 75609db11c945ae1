import pytest
from sqlalchemy import func, inspect, select
from sqlalchemy.exc import InvalidRequestError

from holdfast import PassiveFlag, Session, WriteOnlyCollection, make_transient
from holdfast.attributes import get_history, set_committed_value
from models.bank import Account, Holder, Transfer


def amounts(session):
    return sorted(session.scalars(select(Transfer.amount)))


@pytest.mark.rule("RL-160")
def test_attribute_reads_as_a_write_only_collection(account, sql):
    sql.clear()
    assert type(account.transfers) is WriteOnlyCollection
    assert account.transfers.instance is account
    assert not len(sql)


@pytest.mark.rule("RL-160")
def test_iteration_names_select(account):
    with pytest.raises(TypeError, match=r"don't support iteration in-place; .* select\(\)"):
        list(account.transfers)


@pytest.mark.rule("RL-160")
def test_changes_are_written_without_loading_a_member(session, account, sql):
    first = session.scalars(account.transfers.select().limit(1)).one()
    sql.clear()
    account.transfers.add(Transfer(amount=1))
    account.transfers.add_all([Transfer(amount=2), Transfer(amount=3)])
    account.transfers.remove(first)
    session.flush()
    assert not any(each.startswith("SELECT") for each in sql.emitted)
    assert amounts(session) == [1, 2, 3, 20, 30]


@pytest.mark.rule("RL-161", "RL-164")
def test_select_has_the_criterion_and_the_order_of_the_relationship(session, account):
    session.add(Account(id=2, name="other", transfers=[Transfer(amount=5)]))
    statement = account.transfers.select()
    assert "WHERE :param_1 = transfer.account_id ORDER BY transfer.amount" in " ".join(
        str(statement).split()
    )
    found = session.scalars(statement).all()
    assert [each.amount for each in found] == [10, 20, 30]
    few = session.scalars(statement.where(Transfer.amount > 10).limit(1)).all()
    assert [each.amount for each in few] == [20]


@pytest.mark.rule("RL-161")
def test_insert_presets_the_foreign_key_for_all_parameter_sets(session, account):
    session.execute(account.transfers.insert(), [{"amount": 1}, {"amount": 2}])
    rows = session.execute(select(Transfer.amount, Transfer.account_id).order_by(Transfer.amount))
    assert list(rows) == [(1, 1), (2, 1), (10, 1), (20, 1), (30, 1)]


@pytest.mark.rule("RL-161")
def test_update_and_delete_reach_members_only(session, account):
    other = Account(id=2, name="other", transfers=[Transfer(amount=5)])
    session.add(other)
    session.flush()
    session.execute(account.transfers.update().values(amount=Transfer.amount + 1))
    assert amounts(session) == [5, 11, 21, 31]
    session.execute(account.transfers.delete().where(Transfer.amount < 30))
    assert amounts(session) == [5, 31]


@pytest.mark.rule("RL-161")
def test_statement_for_a_pending_object_waits_for_its_key(session):
    account = Account(name="new")
    session.add(account)
    statement = account.transfers.insert()
    session.execute(statement, [{"amount": 7}])
    assert session.scalars(select(Transfer.amount).where(Transfer.account == account)).all() == [7]


@pytest.mark.rule("RL-161")
def test_insert_is_refused_where_an_association_table_links(account):
    with pytest.raises(InvalidRequestError, match=r"Account\.holders.*association table"):
        account.holders.insert()


@pytest.mark.rule("RL-162")
def test_new_object_may_be_assigned_members(session):
    one, two = Transfer(amount=1), Transfer(amount=2)
    account = Account(name="new", transfers=[one])
    account.transfers = iter([two])
    assert get_history(account, "transfers") == ([two], [], [])
    assert one.account is None
    session.add(account)
    account.transfers = [one, two]
    session.flush()
    assert session.scalars(account.transfers.select()).all() == [one, two]


@pytest.mark.rule("RL-162")
def test_replacing_members_of_a_persistent_object_is_refused(account):
    with pytest.raises(
        InvalidRequestError, match=r'"Account\.transfers" does not support implicit iteration'
    ):
        account.transfers = []


@pytest.mark.rule("RL-162")
def test_what_cannot_be_iterated_is_refused():
    with pytest.raises(TypeError, match="Incompatible collection type"):
        Account(transfers=5)


@pytest.mark.rule("RL-163")
def test_deleting_the_owner_loads_nothing_with_passive_deletes(session, account, sql):
    assert account.name
    sql.clear()
    session.delete(account)
    session.flush()
    assert not any("transfer" in each for each in sql.emitted)
    assert session.scalar(select(func.count()).select_from(Transfer)) == 0


@pytest.mark.rule("RL-163")
def test_changes_before_the_deletion_of_the_owner_are_taken_into_account(session, account):
    session.add(Account(id=2, name="other"))
    moved, added = session.scalars(account.transfers.select()).first(), Transfer(amount=1)
    account.transfers.add(added)
    session.get_one(Account, 2).transfers.add(moved)
    session.delete(account)
    session.commit()
    assert amounts(session) == [10]


@pytest.mark.rule("RL-44")
def test_other_end_queues_its_change(session, account, sql):
    account.name
    sql.clear()
    new = Transfer(amount=1, account=account)
    assert not len(sql)
    session.add(new)
    assert get_history(account, "transfers", PassiveFlag.PASSIVE_NO_FETCH) == ([new], [], [])
    session.flush()
    assert session.scalars(account.transfers.select().limit(1)).one() is new


@pytest.mark.rule("RL-164 cascade")
def test_removed_orphan_is_deleted(session, account):
    account.transfers.remove(session.scalars(account.transfers.select()).first())
    session.commit()
    assert amounts(session) == [20, 30]


def test_many_to_many_members_come_and_go(session, account):
    one, two = Holder(name="one"), Holder(name="two")
    account.holders.add_all([one, two])
    session.flush()
    assert set(session.scalars(account.holders.select())) == {one, two}
    assert one.accounts.all() == [account]
    account.holders.remove(one)
    assert session.scalars(account.holders.select()).all() == [two]


def test_adding_and_removing_in_memory_leaves_nothing_to_write(session, account, sql):
    new = Transfer(amount=1)
    account.transfers.add(new)
    account.transfers.remove(new)
    assert new not in session
    assert get_history(account, "transfers", PassiveFlag.PASSIVE_NO_FETCH) == ([], [], [])


def test_members_cannot_be_stored_as_loaded():
    with pytest.raises(NotImplementedError, match="don't support collection population"):
        set_committed_value(Account(), "transfers", [])


def test_expiring_the_owner_forgets_what_was_queued(session, account):
    new = Transfer(amount=1)
    account.transfers.add(new)
    session.expire(account, ["transfers"])
    assert get_history(account, "transfers", PassiveFlag.PASSIVE_NO_FETCH) == ([], [], [])
    assert "transfers" in inspect(account).unloaded


def test_merge_adds_members_of_a_new_object_and_refuses_to_replace(session, account):
    merged = session.merge(Account(id=2, name="other", transfers=[Transfer(amount=5)]))
    session.flush()
    assert session.scalars(merged.transfers.select()).one().amount == 5
    session.merge(Account(id=1, name="same"))
    with pytest.raises(InvalidRequestError, match="does not support implicit iteration"):
        session.merge(Account(id=1, transfers=[]))


def test_merge_of_an_object_whose_changes_are_written_leaves_members_alone(session, account):
    account.transfers.add(Transfer(amount=1))
    session.flush()
    session.expunge(account)
    session.merge(account)
    session.flush()
    assert amounts(session) == [1, 10, 20, 30]


def test_expunging_the_owner_takes_new_members_along(session, account):
    new = Transfer(amount=1)
    account.transfers.add(new)
    assert new in session
    session.expunge(account)
    assert new not in session


def test_collection_keeps_its_object_alive(engine, session):
    session.expunge_all()
    with Session(engine) as other:
        transfers = other.get_one(Account, 1).transfers
        assert other.scalar(select(func.count()).select_from(transfers.select().subquery())) == 3


@pytest.mark.rule("SB-60", "CA-34")
@pytest.mark.parametrize("leaves", [False, True])
def test_owner_whose_members_were_written_may_be_added_again(session, account, leaves):
    account.transfers.add(Transfer(amount=1))
    session.flush()
    if leaves:
        session.expunge(account)
    session.add(account)

    assert account in session
    session.flush()
    assert amounts(session) == [1, 10, 20, 30]


@pytest.mark.rule("SM-170")
def test_new_members_stay_with_an_object_that_is_made_transient(session):
    account = Account(id=2, name="new")
    account.transfers.add(Transfer(amount=7))
    make_transient(account)
    session.add(account)
    session.commit()

    assert session.scalars(account.transfers.select()).one().amount == 7


@pytest.mark.rule("RL-160")
def test_member_that_is_added_after_its_removal_stays_one(session, account, sql):
    transfer = session.scalars(account.transfers.select()).first()
    holder = session.scalars(account.holders.select()).first() or Holder(name="h")
    account.holders.add(holder)
    session.flush()
    for members, member in ((account.transfers, transfer), (account.holders, holder)):
        members.remove(member)
        members.add(member)
    sql.clear()
    session.flush()

    assert not len(sql)
    assert transfer in session.scalars(account.transfers.select()).all()
    assert holder in session.scalars(account.holders.select()).all()
