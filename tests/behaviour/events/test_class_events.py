"""Events of mappers, objects and attributes, on classes mapped before and after listening."""

import gc
import weakref

import pytest
from sqlalchemy import event

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, reconstructor, validates


def make_classes(prepare=None):
    class Base(DeclarativeBase):
        pass

    if prepare is not None:
        prepare(Base)

    class Author(Base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

        @validates("name")
        def strip(self, key, value):
            return value.strip()

        @reconstructor
        def rebuilt(self):
            self.was_loaded = True

    return Base, Author


@pytest.fixture
def saved(engine):
    with Session(engine) as session:

        def save(base, author):
            base.metadata.create_all(engine)
            session.add(author)
            session.commit()
            return session

        yield save


def test_row_events_see_and_change_the_object(saved):
    base, author_class = make_classes()
    heard = []

    @event.listens_for(author_class, "before_insert")
    def capitalise(mapper, connection, target):
        target.name = target.name.title()

    event.listen(author_class, "after_insert", lambda m, c, target: heard.append(target.id))

    author = author_class(name="ann")
    saved(base, author)

    assert author.name == "Ann"
    assert heard == [1]


def test_listeners_on_an_unmapped_base_reach_classes_mapped_later(saved):
    heard = []

    def prepare(base):
        event.listen(
            base, "before_insert", lambda m, c, target: heard.append("insert"), propagate=True
        )
        event.listen(base, "load", lambda target, context: heard.append("load"), propagate=True)

    base, author_class = make_classes(prepare)
    session = saved(base, author_class(name="Ann"))
    session.expunge_all()
    session.get(author_class, 1)

    assert heard == ["insert", "load"]


def test_construction_expiry_and_refresh_are_heard(saved):
    base, author_class = make_classes()
    heard = []
    event.listen(author_class, "init", lambda target, args, kwargs: heard.append(kwargs))
    event.listen(author_class, "expire", lambda target, attrs: heard.append(("expire", attrs)))
    event.listen(author_class, "refresh", lambda target, ctx, attrs: heard.append("refresh"))

    author = author_class(name="Ann")
    saved(base, author)
    assert author.name == "Ann"

    assert heard == [{"name": "Ann"}, ("expire", None), "refresh"]


def test_refresh_listeners_get_the_names_of_what_was_read(saved):
    base, author_class = make_classes()
    author = author_class(name="Ann")
    session = saved(base, author)
    session.refresh(author)
    heard = []
    event.listen(author_class, "refresh", lambda target, context, attrs: heard.append(attrs))

    session.expire(author, ["name"])
    assert author.name == "Ann"
    session.refresh(author, ["name"])
    session.get(author_class, 1, populate_existing=True)

    assert heard == [{"name"}, {"name"}, None]


@pytest.mark.parametrize("name", ["init", "set"])
def test_listener_of_a_class_that_was_constructed_before_is_heard(name):
    _, author_class = make_classes()
    for _ in range(3):
        author_class(name="Ann")
    heard = []
    target = author_class if name == "init" else author_class.name

    event.listen(target, name, lambda *arguments: heard.append(name))
    author_class(name="Bo")

    assert heard == [name]


def test_attribute_listeners_may_replace_the_value():
    _, author_class = make_classes()
    heard = []

    @event.listens_for(author_class.name, "set", retval=True)
    def upper(target, value, oldvalue, initiator):
        heard.append(initiator.key)
        return value.upper()

    author = author_class(name="ann")
    author.name = "bo"

    assert author.name == "BO"
    assert heard == ["name", "name"]


def test_removed_attribute_listener_is_not_called():
    _, author_class = make_classes()
    heard = []

    def listen(target, value, oldvalue, initiator):
        heard.append(value)

    event.listen(author_class.name, "set", listen)
    assert event.contains(author_class.name, "set", listen)
    event.remove(author_class.name, "set", listen)
    author_class(name="ann")

    assert heard == []


def test_validator_and_reconstructor_run_where_they_should(saved):
    base, author_class = make_classes()
    author = author_class(name="  Ann ")
    session = saved(base, author)
    assert author.name == "Ann"
    assert not hasattr(author, "was_loaded")
    session.expunge_all()

    assert session.get(author_class, 1).was_loaded


def test_a_listener_of_a_class_goes_with_the_class():
    class Gone:
        pass

    def listener(class_):
        """Never called."""

    event.listen(Gone, "class_instrument", listener)
    alive = weakref.ref(listener)
    del Gone, listener
    # Once for the class, once for the wrapper around its listener.
    gc.collect()
    gc.collect()

    assert alive() is None


def test_columns_that_a_load_listener_sets_are_not_written_back(saved, sql):
    base, author_class = make_classes()
    session = saved(base, author_class(name="ann"))
    session.close()

    @event.listens_for(author_class, "load")
    def read(target, context):
        target.name = target.name.upper()

    author = session.get(author_class, 1)
    sql.clear()
    session.flush()

    assert author.name == "ANN"
    assert author not in session.dirty
    assert sql.emitted == []


def test_columns_that_a_refresh_listener_sets_are_not_written_back(saved, sql):
    base, author_class = make_classes()
    session = saved(base, author_class(name="ann"))
    author = session.get(author_class, 1)

    @event.listens_for(author_class, "refresh")
    def read(target, context, attrs):
        target.name = target.name.upper()

    session.refresh(author)
    sql.clear()
    session.flush()

    assert author.name == "ANN"
    assert sql.emitted == []


def test_class_is_shown_before_it_is_instrumented():
    class Base(DeclarativeBase):
        pass

    heard = []
    event.listen(
        Base, "instrument_class", lambda mapper, cls: heard.append("mapped"), propagate=True
    )
    event.listen(Base, "class_instrument", lambda cls: heard.append("instrumented"))

    class Author(Base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert heard == ["mapped", "instrumented"]
