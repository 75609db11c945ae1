import gc
import pickle

import pytest
from sqlalchemy import ForeignKey, event, select
from sqlalchemy.exc import NoResultFound, SAWarning

from holdfast import (
    AppenderQuery,
    DeclarativeBase,
    Mapped,
    PassiveFlag,
    Query,
    Session,
    backref,
    dynamic_loader,
    mapped_column,
    relationship,
)
from holdfast.attributes import get_history
from holdfast.exc import DetachedInstanceError
from models.bank import Account, Note


def texts(notes):
    return [each.text for each in notes]


def history(account, *, load=False):
    with account.notes.session.no_autoflush:
        return (
            get_history(account, "notes")
            if load
            else get_history(account, "notes", PassiveFlag.PASSIVE_NO_FETCH)
        )


@pytest.mark.rule("RL-165")
def test_attribute_reads_as_a_query_of_the_members(session, account):
    session.add(Account(id=2, name="other", notes=[Note(text="z")]))
    assert isinstance(account.notes, AppenderQuery)
    assert isinstance(account.notes, Query)
    assert account.notes.session is session
    assert texts(account.notes) == ["a", "b", "c"]
    assert account.notes.count() == 3
    assert texts(account.notes.filter(Note.text > "a").order_by(None)) == ["b", "c"]
    assert account.notes.filter_by(text="b").one().text == "b"
    assert account.notes.first().text == "a"
    assert account.notes[1].text == "b"
    assert texts(account.notes[1:]) == ["b", "c"]
    assert session.scalars(account.notes.statement).all() == account.notes.all()


@pytest.mark.rule("RL-165")
def test_reads_flush_first(session, account):
    account.notes.append(Note(text="d"))
    account.notes.add(Note(text="e"))
    account.notes.extend([Note(text="f")])
    account.notes.add_all([Note(text="g")])
    account.notes.remove(account.notes.first())
    assert texts(account.notes) == ["b", "c", "d", "e", "f", "g"]
    account.notes.append(Note(text="h"))
    assert account.notes.count() == 7


@pytest.mark.rule("RL-165")
def test_changes_are_written_without_loading_a_member(session, account, sql):
    account.name
    sql.clear()
    account.notes.append(Note(text="d"))
    session.flush()
    assert [each.split()[0] for each in sql.emitted] == ["INSERT"]


@pytest.mark.rule("RL-166")
def test_new_object_reads_its_pending_members():
    account = Account(name="new")
    assert account.notes.all() == []
    assert account.notes.first() is None
    assert account.notes.one_or_none() is None
    with pytest.raises(NoResultFound):
        account.notes.one()
    one, two = Note(text="1"), Note(text="2")
    account.notes = [one, two]
    assert list(account.notes) == [one, two]
    assert account.notes.count() == 2
    assert account.notes[1] is two
    assert account.notes[:1] == [one]
    assert account.notes.first() is one


@pytest.mark.rule("RL-166")
def test_pending_object_without_autoflush_reads_its_pending_members(session):
    account = Account(name="new", notes=[Note(text="1")])
    session.add(account)
    with session.no_autoflush:
        assert texts(account.notes) == ["1"]
        assert account in session.new
    assert texts(account.notes) == ["1"]
    assert account not in session.new


@pytest.mark.rule("RL-166")
def test_detached_object_warns_and_reads_what_memory_holds(session, account):
    session.expunge(account)
    account.notes.append(Note(text="d"))
    with pytest.warns(SAWarning, match="is detached, dynamic relationship cannot return"):
        assert texts(account.notes) == ["d"]
    with pytest.raises(DetachedInstanceError, match="is not bound to a Session"):
        account.notes.filter_by(text="a")


def test_history_against_the_database(session, account):
    first, second = account.notes[:2]
    new = Note(text="d")
    account.notes.append(new)
    account.notes.append(first)
    account.notes.remove(second)
    assert history(account) == ([new, first], [], [second])
    added, unchanged, deleted = history(account, load=True)
    assert (list(added), texts(unchanged), list(deleted)) == ([new], ["a", "c"], [second])


def test_replacing_members_adds_and_removes_what_differs(session, account, sql):
    first, second, third = account.notes
    new = Note(text="d")
    account.notes = [new, third, first]
    assert history(account) == ([new], [], [second])
    session.flush()
    assert second.account is None
    assert texts(account.notes) == ["a", "c", "d"]
    del account.notes
    assert texts(account.notes) == []


def test_deleting_the_owner_releases_its_members(session, account):
    session.delete(account)
    session.commit()
    assert account not in session
    assert session.scalars(select(Note.account_id)).all() == [None, None, None]


def test_merge_replaces_members(session, account):
    first = account.notes.first()
    merged = session.merge(Account(id=1, notes=[Note(id=first.id), Note(text="new")]))
    session.flush()
    assert merged is account
    assert texts(account.notes) == ["a", "new"]


@pytest.fixture
def made(tables):
    """Owners whose things are set up as each test wants them."""
    bases = []

    def make(**settings):
        class Base(DeclarativeBase):
            pass

        class Owner(Base):
            __tablename__ = "owner"
            id: Mapped[int] = mapped_column(primary_key=True)
            things = dynamic_loader("Thing", **settings)

        class Thing(Base):
            __tablename__ = "thing"
            id: Mapped[int] = mapped_column(primary_key=True)
            owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))

        bases.append(Base)
        return Owner, Thing, tables(Base.metadata)

    yield make
    for base in bases:
        base.registry.dispose()


@pytest.mark.rule("RL-20 query_class")
def test_query_class_gives_its_methods(made):
    class Counting(Query):
        def total(self):
            return self.count()

    Owner, Thing, engine = made(query_class=Counting)
    with Session(engine) as session:
        owner = Owner(things=[Thing(), Thing()])
        session.add(owner)
        assert isinstance(owner.things, Counting)
        assert isinstance(owner.things, AppenderQuery)
        assert owner.things.total() == 2
        assert type(owner.things.filter_by(id=1)) is Counting
        assert owner.things.filter_by(id=1).total() == 1


def test_delete_cascade_loads_and_keeps_the_members(made):
    Owner, Thing, engine = made(cascade="all, delete-orphan")
    with Session(engine) as session:
        owner = Owner(things=[Thing(), Thing()])
        session.add(owner)
        session.commit()
        session.expunge_all()
        owner = session.get_one(Owner, 1)
        session.delete(owner)
        gc.collect()
        session.commit()
        assert session.scalars(select(Thing)).all() == []


def test_view_only_collection_is_read_and_not_written(made):
    Owner, Thing, engine = made(viewonly=True)
    with Session(engine) as session:
        session.add_all([Owner(id=1), Thing(id=1, owner_id=1), Thing(id=2)])
        session.flush()
        owner = session.get_one(Owner, 1)
        assert [each.id for each in owner.things] == [1]
        owner.things.append(session.get_one(Thing, 2))
        session.commit()
        assert [each.id for each in owner.things] == [1]


def test_backref_may_be_dynamic(tables):
    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))
        owner = relationship("Owner", backref=backref("things", lazy="dynamic"))

    class Owner(Base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)

    with Session(tables(Base.metadata)) as session:
        owner, thing = Owner(), Thing()
        thing.owner = owner
        session.add(thing)
        assert owner.things.all() == [thing]
        thing.owner = None
        assert owner.things.all() == []
    Base.registry.dispose()


def test_class_level_operators_serve_as_for_other_collections(session, account):
    found = account.notes.filter_by(text="b").one()
    assert session.scalars(select(Account).where(Account.notes.contains(found))).all() == [account]
    assert session.scalars(select(Account).where(Account.notes.any(text="z"))).all() == []
    assert session.scalars(select(Note).join(Account.notes).where(Account.id == 2)).all() == []


def test_queued_members_survive_pickling(session, account):
    session.expunge(account)
    account.notes.append(Note(text="d"))
    copy = pickle.loads(pickle.dumps(account))
    session.add(copy)
    assert texts(copy.notes) == ["a", "b", "c", "d"]


def test_refresh_of_the_attribute_forgets_what_was_queued(session, account):
    account.notes.append(Note(text="d"))
    with session.no_autoflush:
        session.refresh(account, ["name", "notes"])
        assert history(account) == ([], [], [])


def test_members_are_reported_to_listeners(made):
    Owner, Thing, _ = made()
    heard = []
    for name in ("append", "remove"):
        event.listen(
            Owner.things, name, lambda owner, value, _, name=name: heard.append((name, value))
        )
    one, two = Thing(), Thing()
    owner = Owner(things=[one])
    owner.things.append(two)
    owner.things.remove(one)
    assert heard == [("append", one), ("append", two), ("remove", one)]


@pytest.mark.rule("RL-165")
@pytest.mark.parametrize("is_new", [False, True])
def test_member_that_is_added_after_its_removal_is_one_though_it_was_none(session, is_new):
    note = Note(text="n")
    account = Account(id=2, name="new")
    if not is_new:
        session.add_all([account, note])
        session.commit()
    account.notes.remove(note)
    account.notes.add(note)
    session.add(account)
    session.commit()

    assert account.notes.all() == [note]
