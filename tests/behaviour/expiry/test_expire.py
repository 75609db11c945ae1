"""Values forgotten on request: `expire` and `expire_all`."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey, inspect, text
from sqlalchemy.exc import InvalidRequestError

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    make_transient_to_detached,
    mapped_column,
    relationship,
)
from holdfast.exc import UnmappedInstanceError
from models.library import Author


class Base(DeclarativeBase):
    pass


class Folder(Base):
    __tablename__ = "folder"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    # "all" contains refresh-expire.
    files: Mapped[list[File]] = relationship(cascade="all, delete-orphan", order_by="File.id")
    links: Mapped[list[Link]] = relationship(order_by="Link.id")


class File(Base):
    __tablename__ = "file"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folder_id: Mapped[int] = mapped_column(ForeignKey("folder.id"))


class Link(Base):
    __tablename__ = "link"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folder_id: Mapped[int] = mapped_column(ForeignKey("folder.id"))


@pytest.fixture
def folder(session: Session, tables: Any) -> Folder:
    tables(Base.metadata)
    folder = Folder(id=1, name="in", files=[File(name="a")], links=[Link(name="l")])
    session.add(folder)
    session.commit()
    assert [folder.name, folder.files[0].name, folder.links[0].name] == ["in", "a", "l"]
    return folder


@pytest.mark.rule("SM-110")
def test_expire_forgets_all_values_and_changes_without_sql(session, ann, sql):
    ann.name = "Anna"
    ann.books[0].title = "new"
    ann.books.reverse()
    ann.seen = "not mapped"

    session.expire(ann)

    assert vars(ann).keys() == {"_sa_instance_state", "seen"}
    assert ann not in session.dirty
    assert len(sql) == 0
    assert ann.name == "Ann"
    assert [book.title for book in ann.books] == ["new", "two"]


@pytest.mark.rule("SM-111")
def test_expire_of_named_attributes_forgets_only_these(session, ann, sql):
    ann.name, ann.email = "Anna", "anna@x"

    session.expire(ann, ["name", "books"])

    assert "name" not in vars(ann)
    assert "books" not in vars(ann)
    assert ann.email == "anna@x"
    assert ann in session.dirty
    assert len(sql) == 0
    assert ann.name == "Ann"
    session.commit()
    assert (ann.name, ann.email) == ("Ann", "anna@x")


@pytest.mark.rule("SM-111")
@pytest.mark.parametrize("names", [["nothing"], ["name", "nothing"], "name"])
def test_expire_refuses_unknown_names_and_takes_a_string_apart(session, ann, names):
    with pytest.raises(KeyError):
        session.expire(ann, names)


@pytest.mark.rule("SM-111")
def test_expire_takes_a_string_of_one_letter_names(session, tables):
    class Letters(DeclarativeBase):
        pass

    class Point(Letters):
        __tablename__ = "point"

        x: Mapped[int] = mapped_column(primary_key=True)
        y: Mapped[int]
        z: Mapped[int]

    tables(Letters.metadata)
    point = Point(x=1, y=2, z=3)
    session.add(point)
    session.flush()

    session.expire(point, "yz")

    assert inspect(point).expired_attributes == {"y", "z"}


@pytest.mark.rule("SM-112")
def test_expire_refuses_what_is_not_persistent_here(session, ann, engine):
    pending, transient = Author(name="new"), Author(name="newer")
    session.add(pending)
    foreign = Author(id=9)
    make_transient_to_detached(foreign)
    with Session(engine) as other:
        other.add(foreign)
        for stranger in (pending, transient, foreign):
            with pytest.raises(InvalidRequestError, match="is not persistent within this Session"):
                session.expire(stranger)
    session.expunge(ann)
    with pytest.raises(InvalidRequestError, match="is not persistent within this Session"):
        session.expire(ann, ["name"])
    with pytest.raises(UnmappedInstanceError):
        session.expire(object())


@pytest.mark.rule("SM-112")
def test_expire_refuses_a_deleted_object(session, ann):
    book = ann.books[1]
    session.delete(book)
    session.flush()

    with pytest.raises(InvalidRequestError, match="is not persistent within this Session"):
        session.expire(book)


@pytest.mark.rule("SM-113")
def test_expire_goes_along_refresh_expire_cascades_only(session, folder):
    file, link = folder.files[0], folder.links[0]
    file.name = "changed"

    session.expire(folder)

    assert inspect(file).expired
    assert not inspect(link).expired
    assert file not in session.dirty
    assert file.name == "a"


@pytest.mark.rule("SM-113")
def test_expire_of_names_reaches_no_other_object(session, folder):
    file = folder.files[0]

    session.expire(folder, ["files", "name"])

    assert not inspect(file).expired


@pytest.mark.rule("SM-113")
def test_expire_puts_a_pending_child_of_the_forgotten_collection_out(session, folder):
    added = File(name="b")
    folder.files.append(added)
    assert added in session.new

    session.expire(folder)

    assert added not in session
    assert inspect(added).transient
    assert [file.name for file in folder.files] == ["a"]


@pytest.mark.rule("SM-114")
def test_expire_all_spares_pending_objects(session, ann, sql):
    books = list(ann.books)
    pending = Author(name="new")
    session.add(pending)
    ann.name = "Anna"

    session.expire_all()

    assert all(inspect(each).expired for each in (ann, *books))
    assert pending.name == "new"
    assert pending in session.new
    assert not session.dirty
    assert len(sql) == 0


@pytest.mark.rule("SM-115")
def test_inspection_names_what_is_expired_and_what_is_unloaded(session, ann):
    state = inspect(ann)
    assert (state.expired, state.expired_attributes, state.unloaded) == (False, set(), set())

    session.expire(ann, ["email"])
    assert (state.expired, state.expired_attributes, state.unloaded) == (
        False,
        {"email"},
        {"email"},
    )

    session.expire(ann)
    assert state.expired
    assert state.expired_attributes >= {"id", "name", "email"}
    assert state.unloaded == {"id", "name", "email", "books"}

    assert ann.name == "Ann"
    assert (state.expired, state.expired_attributes) == (False, set())
    assert state.unloaded == {"books"}


@pytest.mark.rule("SM-115")
def test_an_object_of_which_every_column_was_set_is_not_expired(session, ann):
    ann.id, ann.name, ann.email = 20, "Anna", "anna@example.org"
    assert not inspect(ann).expired

    session.rollback()
    ann.name = "Anna"
    assert inspect(ann).expired


@pytest.mark.rule("SM-115")
def test_a_merged_object_is_not_expired(session, ann):
    session.expunge(ann)
    assert not inspect(session.merge(ann)).expired


@pytest.mark.rule("SM-116")
def test_setting_an_expired_attribute_leaves_the_others_expired(session, ann, sql):
    session.expire(ann)

    ann.name = "Anna"

    assert len(sql) == 0
    assert inspect(ann).expired_attributes >= {"id", "email"}
    assert "name" not in inspect(ann).expired_attributes
    assert ann.email == "ann@x"
    assert ann.name == "Anna"
    session.commit()
    assert session.scalar(text("SELECT name FROM author")) == "Anna"


@pytest.mark.rule("SM-117")
def test_a_change_of_the_dictionary_is_not_recorded(session, ann, sql):
    vars(ann)["name"] = "Anna"

    assert ann.name == "Anna"
    assert ann not in session.dirty
    session.commit()
    assert not any(each.startswith("UPDATE") for each in sql.emitted)
    assert ann.name == "Ann"
