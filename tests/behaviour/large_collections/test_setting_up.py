import pytest
from sqlalchemy import ForeignKey, select
from sqlalchemy.exc import InvalidRequestError

from holdfast import (
    DeclarativeBase,
    DynamicMapped,
    Load,
    Mapped,
    Session,
    WriteOnlyMapped,
    contains_eager,
    defaultload,
    immediateload,
    joinedload,
    lazyload,
    mapped_column,
    raiseload,
    relationship,
    selectinload,
    subqueryload,
)
from models.bank import Account


@pytest.mark.rule("RL-164", "RL-167")
@pytest.mark.parametrize("attribute", [Account.transfers, Account.notes], ids=str)
@pytest.mark.parametrize(
    "option", [joinedload, selectinload, subqueryload, immediateload, contains_eager]
)
def test_eager_option_is_refused(session, option, attribute):
    with pytest.raises(
        InvalidRequestError,
        match=rf"'{attribute}' does not support object population - eager loading cannot be",
    ):
        session.scalars(select(Account).options(option(attribute)))


@pytest.mark.rule("RL-167")
@pytest.mark.parametrize("option", [lazyload, raiseload, defaultload])
def test_option_that_loads_nothing_has_no_effect(session, option):
    account = session.scalars(select(Account).options(option(Account.notes))).one()
    assert account.notes.count() == 3


@pytest.mark.rule("LD-87 It does not affect `write_only` and `dynamic`")
@pytest.mark.parametrize(
    "option", [raiseload("*"), joinedload("*"), Load(Account).selectinload("*")], ids=str
)
def test_wildcard_does_not_reach_them(session, option):
    account = session.scalars(select(Account).options(option)).unique().one()
    assert account.notes.count() == 3
    assert len(session.scalars(account.transfers.select()).all()) == 3


@pytest.fixture
def base():
    class Base(DeclarativeBase):
        pass

    yield Base
    Base.registry.dispose()


def map_owner_and_thing(Base, *, owner=None, thing=None):
    """Two classes with the relationships given."""
    namespace = {
        "__tablename__": "owner",
        "__annotations__": {"id": Mapped[int]},
        "id": mapped_column(primary_key=True),
    }
    Owner = type("Owner", (Base,), {**namespace, **(owner or {})})

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))
        if thing:
            owner = thing["owner"]

    return Owner, Thing


@pytest.mark.rule("RL-168")
@pytest.mark.parametrize("lazy", ["write_only", "dynamic"])
def test_scalar_one_to_many_is_refused(base, lazy):
    map_owner_and_thing(base, owner={"thing": relationship("Thing", lazy=lazy, uselist=False)})
    with pytest.raises(
        InvalidRequestError,
        match=rf"On relationship Owner\.thing, '{lazy}' loaders cannot be used with",
    ):
        base.registry.configure()


@pytest.mark.rule("RL-168")
@pytest.mark.parametrize("uselist", [None, True])
@pytest.mark.parametrize("lazy", ["write_only", "dynamic"])
def test_many_to_one_is_refused(base, lazy, uselist):
    map_owner_and_thing(base, thing={"owner": relationship("Owner", lazy=lazy, uselist=uselist)})
    with pytest.raises(InvalidRequestError, match=r"On relationship Thing\.owner"):
        base.registry.configure()


@pytest.mark.rule("RL-160", "RL-165", "LD-1 write_only dynamic")
@pytest.mark.parametrize(
    ("annotation", "lazy"),
    [
        (WriteOnlyMapped["Thing"], "write_only"),
        (WriteOnlyMapped["list[Thing]"], "write_only"),
        (DynamicMapped["Thing"], "dynamic"),
        (DynamicMapped["list[Thing]"], "dynamic"),
    ],
    ids=str,
)
def test_annotation_sets_the_way_of_loading(base, annotation, lazy):
    Owner, _ = map_owner_and_thing(
        base,
        owner={
            "__annotations__": {"id": Mapped[int], "things": annotation},
            "things": relationship(),
        },
    )
    assert Owner.things.property.lazy == lazy
    assert Owner.things.property.uselist


@pytest.mark.rule("RL-163")
@pytest.mark.parametrize("cascade", ["save-update", "all"])
def test_deletion_without_passive_deletes_is_refused_for_write_only(base, tables, cascade):
    Owner, Thing = map_owner_and_thing(
        base, owner={"things": relationship("Thing", lazy="write_only", cascade=cascade)}
    )
    with Session(tables(base.metadata)) as session:
        owner = Owner(things=[Thing()])
        session.add(owner)
        session.commit()

        def delete():
            session.delete(owner)
            session.flush()

        with pytest.raises(
            InvalidRequestError,
            match=r"Owner\.things can't load the existing state .* full iteration is not permitted",
        ):
            delete()
