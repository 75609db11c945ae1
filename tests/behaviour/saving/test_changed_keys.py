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


@pytest.fixture
def session():
    # Foreign keys are not enforced: the flush alone keeps them right.
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(name="ann"), User(name="bo")])
        session.add_all([Post(id=1, user_name="ann"), Post(id=2, user_name="bo")])
        session.add(Note(id=1, user_name="ann"))
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
