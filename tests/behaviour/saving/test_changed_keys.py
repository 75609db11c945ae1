"""A changed primary key: rows that refer to it follow, where the database does not see to it."""

import pytest
from sqlalchemy import ForeignKey, create_engine, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    name: Mapped[str] = mapped_column(primary_key=True)


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str | None] = mapped_column(ForeignKey("user.name"))
    user: Mapped[User | None] = relationship(passive_updates=False)


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str | None] = mapped_column(ForeignKey("user.name"))
    users: Mapped[list[User]] = relationship(passive_updates=False)


class Zone(Base):
    __tablename__ = "zone"
    code: Mapped[str] = mapped_column(primary_key=True)
    cities: Mapped[list["City"]] = relationship(back_populates="zone", order_by="City.code")


class City(Base):
    __tablename__ = "city"
    zone_code: Mapped[str] = mapped_column(
        ForeignKey("zone.code", onupdate="CASCADE"), primary_key=True
    )
    code: Mapped[str] = mapped_column(primary_key=True)
    zone: Mapped[Zone] = relationship(back_populates="cities")


@pytest.fixture
def session():
    # Foreign keys are not enforced: the flush alone keeps them right.
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(name="ann"), User(name="bo")])
        session.add_all([Post(id=1, user_name="ann"), Post(id=2, user_name="bo")])
        session.add(Note(id=1, user_name="ann"))
        session.add_all([Zone(code="north", cities=[City(code="n")]), Zone(code="south")])
        session.commit()
        yield session
    engine.dispose()


@pytest.mark.parametrize("loaded", [True, False])
def test_holders_of_a_reference_follow_whether_it_is_loaded_or_not(session, loaded):
    posts = session.scalars(select(Post).order_by(Post.id)).all()
    if loaded:
        assert [post.user.name for post in posts] == ["ann", "bo"]
    session.get_one(User, "ann").name = "anna"
    session.commit()

    assert session.scalars(select(Post.user_name).order_by(Post.id)).all() == ["anna", "bo"]


def test_holders_of_a_reference_that_is_a_list_follow(session):
    note = session.get_one(Note, 1)
    assert [user.name for user in note.users] == ["ann"]
    session.get_one(User, "ann").name = "anna"
    session.commit()

    assert note.user_name == "anna"


def test_a_key_changed_back_moves_nobody(session):
    session.scalars(select(Post)).all()
    ann = session.get_one(User, "ann")
    ann.name = "anna"
    ann.name = "ann"
    session.commit()

    assert session.scalars(select(Post.user_name).order_by(Post.id)).all() == ["ann", "bo"]


def city_rows(session):
    table = City.__table__
    return session.execute(select(table.c.zone_code, table.c.code)).all()


@pytest.mark.rule("RL-96")
def test_a_key_that_is_a_foreign_key_is_written_when_its_holder_goes_to_a_target_with_a_new_key(
    session,
):
    city = session.scalars(select(City)).one()
    south = session.get_one(Zone, "south")
    with session.no_autoflush:
        south.code = "deep south"
        south.cities.append(city)
    session.flush()

    assert city_rows(session) == [("deep south", "n")]


@pytest.mark.rule("RL-96")
def test_a_key_that_is_a_foreign_key_is_written_when_its_holder_goes_to_a_merged_target(session):
    merged = session.merge(Zone(code="south", cities=[City(zone_code="north", code="n")]))
    session.flush()

    assert [city.zone_code for city in merged.cities] == ["south"]
    assert city_rows(session) == [("south", "n")]
