"""Classes that say how they are instrumented, and where their values are kept."""

import pickle

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, inspect, select

from holdfast import (
    Session,
    attributes,
    configure_mappers,
    joinedload,
    registry,
    relationship,
    selectinload,
)
from holdfast.errors import InstrumentationError, UnmappedClassError
from holdfast.ext import instrumentation
from holdfast.ext.instrumentation import (
    INSTRUMENTATION_MANAGER,
    InstrumentationManager,
    instrumentation_finders,
)
from holdfast.instrumentation import (
    ClassManager,
    is_instrumented,
    manager_of_class,
    register_class,
    unregister_class,
)


class ValuesManager(InstrumentationManager):
    """Values are kept in a dictionary of the object, and the state beside it."""

    def initialize_instance_dict(self, class_, instance):
        instance.__dict__["kept"] = {}

    def get_instance_dict(self, class_, instance):
        return instance.kept

    def install_state(self, class_, instance, state):
        instance.__dict__["state"] = state

    def remove_state(self, class_, instance):
        del instance.__dict__["state"]

    def state_getter(self, class_):
        return lambda instance: instance.state


class Kept:
    """Asks for attributes in a way of its own."""

    __sa_instrumentation_manager__ = ValuesManager

    def __init__(self, **values):
        for key, value in values.items():
            setattr(self, key, value)

    def __setattr__(self, key, value):
        if is_instrumented(self, key):
            attributes.set_attribute(self, key, value)
        else:
            self.kept[key] = value


class Author(Kept):
    pass


class Novelist(Author):
    pass


class Book(Kept):
    pass


@pytest.fixture
def model():
    """The classes, mapped for one test."""
    made = registry()
    number = {"primary_key": True}
    author = Table(
        "author",
        made.metadata,
        Column("id", Integer, **number),
        Column("name", String(20)),
        Column("kind", String(20)),
    )
    book = Table(
        "book",
        made.metadata,
        Column("id", Integer, **number),
        Column("title", String(20)),
        Column("author_id", ForeignKey("author.id")),
    )
    books = relationship(Book, back_populates="author", cascade="all", order_by=book.c.id)
    made.map_imperatively(
        Author,
        author,
        properties={"books": books},
        polymorphic_on="kind",
        polymorphic_identity="author",
    )
    made.map_imperatively(Novelist, inherits=Author, polymorphic_identity="novelist")
    made.map_imperatively(
        Book, book, properties={"author": relationship(Author, back_populates="books")}
    )
    yield made
    made.dispose()


@pytest.fixture
def session(model, engine):
    model.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


@pytest.fixture
def finders():
    yield instrumentation_finders
    instrumentation.restore_default_finders()


def kept_by(obj):
    return {key for key in obj.kept if key != "_sa_instance_state"}


@pytest.mark.rule("XT-123")
def test_values_are_kept_where_the_class_says(session):
    author = Author(name="Ann", books=[Book(title="Ice")])
    session.add(author)
    session.commit()
    session.expunge_all()

    found = session.scalars(select(Author)).one()

    assert found.name == "Ann"
    assert found.kept["name"] == "Ann"
    assert found.state is inspect(found)
    assert found.__dict__ is found.kept
    assert [book.title for book in found.books] == ["Ice"]
    assert kept_by(found) == {"id", "name", "kind", "books"}


@pytest.mark.rule("XT-123")
def test_changes_are_written(session):
    author = Author(name="Ann", books=[Book(title="Ice"), Book(title="Fog")])
    session.add_all([author, Author(name="Bob")])
    session.commit()

    author.name = "Bea"
    author.books[0].title = "Sun"
    author.books[1].author = session.scalars(select(Author).filter_by(name="Bob")).one()
    author.note = "not mapped"
    session.commit()

    assert author.kept["note"] == "not mapped"
    assert session.execute(select(Author.name, Book.title).join(Author.books)).all() == [
        ("Bea", "Sun"),
        ("Bob", "Fog"),
    ]
    session.delete(author)
    session.commit()
    assert session.scalars(select(Book.title)).all() == ["Fog"]


@pytest.mark.rule("XT-123")
@pytest.mark.parametrize("load", [joinedload, selectinload])
def test_subclasses_and_eager_loads(session, load):
    session.add_all([Author(books=[Book(title="Ice")]), Novelist(name="Bob", books=[Book()])])
    session.commit()
    session.expunge_all()

    statement = select(Author).options(load(Author.books)).order_by(Author.id)
    first, second = session.scalars(statement).unique().all()

    assert type(second) is Novelist
    assert "books" in first.kept
    assert second.kept["books"][0].author is second


@pytest.mark.rule("XT-123")
def test_expiry_refresh_and_merge(session):
    author = Author(id=1, name="Ann")
    session.add(author)
    session.commit()
    assert "name" not in author.kept

    session.refresh(author)
    assert author.kept["name"] == "Ann"

    merged = session.merge(Author(id=1, name="Bea"))
    assert merged is author
    session.rollback()
    assert author.name == "Ann"
    assert session.merge(Author(id=2, name="New")).kept["name"] == "New"


@pytest.mark.rule("XT-123")
def test_object_travels(session):
    author = Author(id=1, name="Ann", books=[Book(id=1)])
    session.add(author)
    session.commit()
    assert author.name
    assert author.books

    other = pickle.loads(pickle.dumps(author))

    assert other.name == "Ann"
    assert inspect(other).detached
    assert other.kept is other.__dict__
    assert session.merge(other) is author


@pytest.mark.rule("XT-123")
def test_former_state_of_the_class_comes_back():
    heard = []

    class Heard(ValuesManager):
        def manage(self, class_, manager):
            heard.append(("manage", manager))

        def unregister(self, class_, manager):
            heard.append(("unregister", manager))

    class Plain:
        __sa_instrumentation_manager__ = Heard

    before = set(vars(Plain))
    made = registry()
    table = Table("plain", made.metadata, Column("name", String(9), primary_key=True))
    made.map_imperatively(Plain, table)
    manager = manager_of_class(Plain)
    assert Plain(name="x").kept["name"] == "x"

    made.dispose()

    assert heard == [("manage", manager), ("unregister", manager)]
    assert set(vars(Plain)) - before <= {"__table__", "__mapper__"}
    assert vars(Plain()) == {}
    with pytest.raises(UnmappedClassError):
        manager_of_class(Plain)


@pytest.mark.rule("XT-123")
def test_application_puts_attributes_where_it_wants():
    heard = []

    class Silent(InstrumentationManager):
        def instrument_attribute(self, class_, key, inst):
            heard.append(("instrument", key))

        def install_descriptor(self, class_, key, inst):
            heard.append(("install", key))

        def uninstall_descriptor(self, class_, key):
            heard.append(("uninstall", key))

        def post_configure_attribute(self, class_, key, inst):
            heard.append(("complete", key))

        def instrument_collection_class(self, class_, key, collection_class):
            return set

    class Part:
        __sa_instrumentation_manager__ = Silent

    made = registry()
    columns = Column("id", Integer, primary_key=True), Column("up", ForeignKey("part.id"))
    table = Table("part", made.metadata, *columns)
    made.map_imperatively(Part, table, properties={"parts": relationship(Part)})
    configure_mappers()

    part = Part()
    attributes.set_attribute(part, "id", 5)

    assert not hasattr(Part, "id")
    assert attributes.get_attribute(part, "id") == 5
    assert attributes.get_attribute(part, "parts") == set()
    made.dispose()
    for step in ("instrument", "install", "complete", "uninstall"):
        assert {key for each, key in heard if each == step} == {"id", "up", "parts"}, step


@pytest.mark.rule("XT-123")
def test_usual_manager_keeps_what_it_is_told():
    class Thing:
        __sa_instrumentation_manager__ = InstrumentationManager

    manager = register_class(Thing)
    thing = Thing()
    usual = manager.user

    assert isinstance(usual, InstrumentationManager)
    assert usual.state_getter(Thing)(thing) is attributes.instance_state(thing)
    assert usual.dict_getter(Thing)(thing) is thing.__dict__
    assert usual.manager_getter(Thing)(Thing) is manager is Thing._default_class_manager
    usual.remove_state(Thing, thing)
    assert not hasattr(thing, "_default_state")
    usual.install_member(Thing, "extra", 1)
    assert Thing.extra == 1
    usual.uninstall_member(Thing, "extra")
    usual.uninstall_descriptor(Thing, "extra")
    unregister_class(Thing)
    assert not hasattr(Thing, "_default_class_manager")


@pytest.mark.rule("XT-123")
def test_finders_are_asked_in_order(finders):
    class Own(ClassManager):
        pass

    class Found:
        pass

    class Other:
        pass

    class Named:
        __sa_instrumentation_manager__ = staticmethod(lambda class_: Own(class_))

    finders.insert(0, lambda class_: Own if class_ is Found else None)

    assert type(register_class(Found)) is type(register_class(Named)) is Own
    assert type(register_class(Other)) is ClassManager
    assert register_class(Found).factory is Own
    assert getattr(Named, INSTRUMENTATION_MANAGER) is register_class(Named).factory


@pytest.mark.rule("XT-123")
def test_classes_with_a_common_base_are_instrumented_in_one_way():
    class Base:
        pass

    class Usual(Base):
        pass

    class Special(Base):
        __sa_instrumentation_manager__ = InstrumentationManager

    class Below(Special):
        pass

    register_class(Special)
    register_class(Below)

    with pytest.raises(InstrumentationError, match="multiple instrumentation implementations"):
        register_class(Usual)
