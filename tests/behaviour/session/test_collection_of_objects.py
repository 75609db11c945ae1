"""A session as a collection: what is in it, new, dirty, deleted, and what counts as modified."""

import gc

import pytest
from sqlalchemy import inspect

from holdfast import DeclarativeBase, Mapped, Session, deferred, mapped_column
from holdfast.exc import UnmappedInstanceError
from models import library


class Base(DeclarativeBase):
    pass


class Setting(Base):
    __tablename__ = "setting"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str | None] = mapped_column()
    text: Mapped[str | None] = deferred(mapped_column())
    watched: Mapped[str | None] = mapped_column(active_history=True)


@pytest.fixture
def session(engine, tables):
    for base in (library.Base, Base):
        tables(base.metadata)
    with Session(engine) as session:
        session.add_all([library.Author(id=1, name="Ann"), library.Author(id=2, name="Bo")])
        session.commit()
        yield session


@pytest.mark.rule("SM-40")
def test_pending_and_persistent_objects_are_in_the_session_and_no_others(session):
    ann, bo = session.get(library.Author, 1), session.get(library.Author, 2)
    new, outside = library.Author(name="Cy"), library.Author(name="Di")
    session.add(new)
    session.delete(bo)

    assert new in session
    assert ann in session
    assert bo in session
    assert outside not in session
    session.flush()
    assert bo not in session
    session.expunge(ann)
    assert ann not in session
    with pytest.raises(UnmappedInstanceError):
        object() in session  # noqa: B015


@pytest.mark.rule("SM-41")
def test_iteration_yields_each_object_once_from_a_snapshot(session):
    ann, bo = session.get(library.Author, 1), session.get(library.Author, 2)
    new = library.Author(name="Cy")
    session.add(new)
    session.delete(bo)
    ann.name = "Anna"
    seen = []

    for each in session:
        seen.append(each)
        session.add(library.Author(name="more"))
        session.expunge(each)

    assert len(seen) == 3
    assert set(seen) == {ann, bo, new}


@pytest.mark.rule("SM-42")
def test_new_dirty_and_deleted_are_computed_afresh(session):
    ann, bo = session.get(library.Author, 1), session.get(library.Author, 2)
    first, second = library.Author(name="Cy"), library.Author(name="Di")
    session.add_all([first, second])
    ann.name = "Anna"
    session.delete(bo)

    for held, members in (
        (session.new, {first, second}),
        (session.dirty, {ann}),
        (session.deleted, {bo}),
    ):
        assert set(held) == members
        held.clear()
    assert (len(session.new), len(session.dirty), len(session.deleted)) == (2, 1, 1)
    assert session.new is not session.new


@pytest.mark.rule("SM-42")
def test_members_of_the_sets_are_compared_by_identity(session):
    class Local(DeclarativeBase):
        pass

    class Same(Local):
        __tablename__ = "same"
        __hash__ = None
        id: Mapped[int] = mapped_column(primary_key=True)

        def __eq__(self, other):
            return isinstance(other, Same)

    first, second = Same(), Same()
    session.add_all([first, second])

    assert first == second
    assert len(session.new) == 2
    assert Same() not in session.new
    session.expunge_all()


@pytest.mark.rule("SM-43")
def test_equal_value_makes_dirty_and_not_modified_and_writes_nothing(session, sql):
    ann = session.get(library.Author, 1)

    ann.name = "Ann"

    assert ann in session.dirty
    assert not session.is_modified(ann)
    sql.clear()
    session.flush()
    assert sql.emitted == []
    assert ann not in session.dirty


@pytest.mark.rule("SM-44")
def test_pending_and_marked_objects_are_never_dirty(session):
    ann = session.get(library.Author, 1)
    new = library.Author(name="Cy")
    session.add(new)
    new.name = "Cyd"
    ann.name = "Anna"
    session.delete(ann)
    ann.email = "a@x"

    assert list(session.dirty) == []


@pytest.mark.rule("SM-45")
def test_identity_map_is_a_read_only_mapping(session):
    ann, bo = session.get(library.Author, 1), session.get(library.Author, 2)
    keys = [inspect(each).key for each in (ann, bo)]
    other = Session.identity_key(library.Author, 99)
    held = session.identity_map

    assert set(held.keys()) == set(held) == set(keys)
    assert set(held.values()) == {ann, bo}
    assert dict(held.items()) == dict(zip(keys, (ann, bo), strict=True))
    assert held[keys[0]] is held.get(keys[0]) is ann
    assert (held.get(other), held.get(other, 5)) == (None, 5)
    assert keys[0] in held
    assert held.has_key(keys[0])
    assert other not in held
    assert not held.has_key(other)
    assert len(held) == 2
    assert not held.check_modified()
    ann.name = "Anna"
    assert held.check_modified()
    with pytest.raises(KeyError):
        held[other]
    with pytest.raises(TypeError):
        held[keys[0]] = bo
    with pytest.raises(TypeError):
        del held[keys[0]]


@pytest.mark.rule("SM-46")
def test_is_modified_compares_and_emits_nothing(session, sql):
    ann = session.get(library.Author, 1)
    sql.clear()

    assert not session.is_modified(ann)
    ann.name = "Anna"
    assert session.is_modified(ann)
    ann.name = "Ann"
    assert not session.is_modified(ann)
    assert not session.is_modified(library.Author())
    assert session.is_modified(library.Author(name="Cy"))
    assert sql.emitted == []


@pytest.mark.rule("SM-47")
def test_changed_collections_count_unless_they_are_left_out(session):
    ann = session.get(library.Author, 1)
    ann.books.append(library.Book(title="Ice"))

    assert session.is_modified(ann)
    assert not session.is_modified(ann, include_collections=False)
    ann.name = "Anna"
    assert session.is_modified(ann, include_collections=False)


@pytest.mark.rule("SM-48")
@pytest.mark.parametrize(
    ("name", "is_modified"), [("value", True), ("text", True), ("watched", False)]
)
def test_any_assignment_counts_where_the_former_value_was_not_loaded(session, name, is_modified):
    session.add(Setting(id=1, value="a", text="a", watched="a"))
    session.commit()
    session.expunge_all()
    setting = session.get(Setting, 1)
    session.expire(setting, ["value", "watched"])

    setattr(setting, name, "a")

    assert session.is_modified(setting) is is_modified


@pytest.mark.rule("SM-49")
def test_is_modified_refuses_an_unmapped_object(session):
    with pytest.raises(UnmappedInstanceError):
        session.is_modified(object())


@pytest.mark.rule("SM-42", "SM-60")
def test_sets_hold_their_members_while_they_are_held(session):
    session.get(library.Author, 1).name = "Anna"

    dirty = session.dirty
    session.flush()
    gc.collect()

    assert [each.name for each in dirty] == ["Anna"]
    assert len(session.identity_map) == 1
