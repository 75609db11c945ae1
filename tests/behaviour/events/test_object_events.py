"""Events of objects: construction, loading, refreshing, expiry and pickling."""

import pickle

import pytest
from sqlalchemy import event, inspect, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, reconstructor
from models.library import Author, Book
from watching import listening


class Base(DeclarativeBase):
    pass


class Counter(Base):
    """A class with a default, a value of the server, and one that every UPDATE sets."""

    __tablename__ = "counter"
    __mapper_args__ = {"eager_defaults": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    made: Mapped[int] = mapped_column(default=lambda: 7)
    started: Mapped[int] = mapped_column(server_default="5")
    changed: Mapped[int] = mapped_column(default=0, onupdate=lambda: 9)


@pytest.fixture
def heard():
    """What a listener of the test is to fill."""
    return []


@pytest.mark.rule("EV-80")
def test_construction_is_told_of_before_it_happens(heard):
    def listener(target, args, kwargs):
        heard.append((vars(target).get("name"), args, dict(kwargs)))
        kwargs["name"] = kwargs["name"].title()

    with listening(Author, "init", listener):
        author = Author(name="ann")

    assert heard == [(None, (), {"name": "ann"})]
    assert author.name == "Ann"


@pytest.mark.rule("EV-80")
def test_loading_is_no_construction(session, heard):
    with listening(Author, "init", lambda *_: heard.append("init")):
        assert session.get(Author, 1).name == "Ann"

    assert heard == []


@pytest.mark.rule("EV-81")
def test_failed_construction_is_told_of_and_raised(heard):
    def listener(target, args, kwargs):
        heard.append((type(target), args, kwargs))

    with (
        listening(Author, "init_failure", listener),
        pytest.raises(TypeError, match="colour"),
    ):
        Author(colour="red")
    with listening(Author, "init_failure", listener):
        Author(name="Ann")

    assert heard == [(Author, (), {"colour": "red"})]


@pytest.mark.rule("EV-82")
def test_object_made_from_a_row_is_told_of_once_it_is_filled(session, heard):
    def load(author, context):
        heard.append(("load", author.id, author.name, context.session is session))

    def loaded_as_persistent(session, author):
        heard.append(("loaded_as_persistent", author.id))

    event.listen(session, "loaded_as_persistent", loaded_as_persistent)
    with listening(Author, "load", load):
        kept = session.scalars(select(Author)).all()
        assert session.scalars(select(Author)).all() == kept
        session.get(Author, 1, populate_existing=True)

    assert heard == [("load", 1, "Ann", True), ("loaded_as_persistent", 1)]


@pytest.mark.rule("EV-82")
def test_copy_without_loading_is_told_of_as_loaded(session, heard):
    given = session.get(Author, 1)
    session.expunge_all()
    event.listen(session, "loaded_as_persistent", lambda *_: heard.append("persistent"))

    with listening(Author, "load", lambda author, context: heard.append((author, context))):
        copy = session.merge(given, load=False)

    assert heard == [(copy, None)]


@pytest.mark.rule("EV-83")
def test_attributes_that_are_read_again_are_told_by_name(session, heard):
    ann = session.get(Author, 1)

    with listening(Author, "refresh", lambda author, context, attrs: heard.append(attrs)):
        session.refresh(ann)
        session.scalars(select(Author).execution_options(populate_existing=True)).all()
        session.expire(ann, ["name"])
        assert ann.name == "Ann"
        session.expire(ann, ["email"])
        session.scalars(select(Author)).all()
        session.scalars(select(Author)).all()

    assert [names and set(names) for names in heard] == [None, None, {"name"}, {"email"}]


@pytest.mark.rule("EV-84")
def test_values_that_a_flush_has_made_are_told_by_name(engine, heard):
    Base.metadata.create_all(engine)
    returning = engine.dialect.insert_returning
    with (
        Session(engine) as session,
        listening(Counter, "refresh_flush", lambda *arguments: heard.append(arguments)),
    ):
        counter = Counter(name="a")
        session.add(counter)
        session.flush()
        inserted = {name for _, _, names in heard for name in names}
        assert all(target is counter for target, _, _ in heard)
        heard.clear()
        counter.name = "b"
        session.flush()

        assert inserted >= {"made", "changed"}
        assert ("started" in inserted) is returning
        assert "id" not in inserted
        assert [set(names) for _, _, names in heard] == [{"changed"}]


@pytest.mark.rule("EV-85")
def test_expiry_is_told_of_with_its_names(session, heard):
    ann = session.get(Author, 1)

    with listening(Author, "expire", lambda author, attrs: heard.append((author, attrs))):
        session.expire(ann, ["name", "email"])
        session.expire(ann)

    assert [(author, names and set(names)) for author, names in heard] == [
        (ann, {"name", "email"}),
        (ann, None),
    ]


@pytest.mark.rule("EV-85")
@pytest.mark.parametrize("method", ["commit", "rollback", "expire_all"])
def test_expiry_at_the_end_of_a_transaction_is_told_of_for_each_object(session, heard, method):
    objects = session.scalars(select(Book)).all()

    with listening(Book, "expire", lambda book, attrs: heard.append((book, attrs))):
        getattr(session, method)()

    assert sorted(heard, key=lambda each: id(each[0])) == sorted(
        ((each, None) for each in objects), key=lambda each: id(each[0])
    )


@pytest.mark.rule("EV-86")
def test_pickling_is_told_of_at_both_ends(session, heard):
    ann = session.get(Author, 1)

    def put(target, state_dict):
        heard.append(target)
        state_dict["ours"] = "kept"

    def take(target, state_dict):
        heard.append(state_dict["ours"])

    with listening(Author, "pickle", put), listening(Author, "unpickle", take):
        copy = pickle.loads(pickle.dumps(ann))

    assert heard == [ann, "kept"]
    assert copy.name == "Ann"


@pytest.mark.rule("EV-87")
def test_reconstructor_runs_on_loading_only(engine):
    class OwnBase(DeclarativeBase):
        pass

    class Note(OwnBase):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str]

        @reconstructor
        def rebuild(self):
            self.rebuilt = [*getattr(self, "rebuilt", ()), self.text]

    OwnBase.metadata.create_all(engine)
    with Session(engine) as session:
        note = Note(text="x")
        session.add(note)
        session.commit()
        assert note.text == "x"
        assert not hasattr(note, "rebuilt")
        session.expunge_all()

        note = session.get(Note, 1)
        session.refresh(note)
        assert note.rebuilt == ["x"]
        assert inspect(Note).attrs.keys() == ["id", "text"]
