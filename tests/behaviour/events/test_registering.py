"""How listeners of every family are attached, found, removed and called."""

from types import SimpleNamespace

import pytest
from sqlalchemy import event, exc, inspect

from holdfast import (
    DeclarativeBase,
    Mapped,
    Mapper,
    Query,
    Session,
    configure_mappers,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from models import library


def new_classes():
    """A base with a class and one below it."""

    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        name: Mapped[str | None]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "thing"}

    class Special(Thing):
        __mapper_args__ = {"polymorphic_identity": "special"}

    configure_mappers()
    return SimpleNamespace(base=Base, thing=Thing, special=Special)


@pytest.fixture
def world(engine):
    """Classes of its own, and sessions of every kind."""
    world = new_classes()
    world.base.metadata.create_all(engine)
    world.session_class = type("OurSession", (Session,), {})
    world.session = world.session_class(engine)
    world.make = sessionmaker(engine)
    world.scoped = scoped_session(sessionmaker(engine))
    yield world
    world.session.close()
    world.scoped.remove()


def save(world):
    world.session.add(world.thing(name="x"))
    world.session.flush()


def map_another(world):
    """Map a class of any name that is not taken yet."""
    name = f"other{len(world.base.metadata.tables)}"
    id_ = mapped_column(primary_key=True, type_=world.thing.__table__.c.id.type)
    type(name, (world.base,), {"__tablename__": name, "id": id_})
    configure_mappers()


# Kind of target: the target, an event, and what makes it happen.
TARGETS = {
    "session": (lambda w: w.session, "before_commit", lambda w: w.session.commit()),
    "Session": (lambda w: Session, "before_commit", lambda w: w.session.commit()),
    "class of sessions": (
        lambda w: w.session_class,
        "before_commit",
        lambda w: w.session.commit(),
    ),
    "sessionmaker": (lambda w: w.make, "before_commit", lambda w: w.make().commit()),
    "scoped_session": (lambda w: w.scoped, "before_commit", lambda w: w.scoped.commit()),
    "mapped class": (lambda w: w.thing, "init", lambda w: w.thing()),
    "class of rows": (lambda w: w.thing, "before_insert", save),
    "mapper": (lambda w: inspect(w.thing), "before_insert", save),
    "mapper of objects": (lambda w: inspect(w.thing), "init", lambda w: w.thing()),
    "Mapper": (lambda w: Mapper, "after_insert", save),
    "attribute": (lambda w: w.thing.name, "set", lambda w: w.thing(name="x")),
    "Query": (lambda w: Query, "before_compile", lambda w: w.session.query(w.thing).all()),
    "registry": (lambda w: w.base.registry, "before_configured", map_another),
    "declarative base": (lambda w: w.base, "after_configured", map_another),
}


@pytest.mark.rule("EV-1")
@pytest.mark.parametrize("kind", TARGETS)
def test_listener_is_heard_until_it_is_removed(world, kind):
    find, name, act = TARGETS[kind]
    target = find(world)
    heard = []

    def listener(*arguments):
        heard.append(arguments)

    assert not event.contains(target, name, listener)
    event.listen(target, name, listener)
    assert event.contains(target, name, listener)
    act(world)
    event.remove(target, name, listener)
    assert not event.contains(target, name, listener)
    act(world)

    assert len(heard) == 1


@pytest.mark.rule("EV-1")
@pytest.mark.parametrize("kind", TARGETS)
def test_listener_is_attached_by_a_decorator(world, kind):
    find, name, act = TARGETS[kind]
    target = find(world)
    heard = []

    @event.listens_for(target, name)
    def listener(*arguments):
        heard.append(arguments)

    act(world)
    event.remove(target, name, listener)

    assert len(heard) == 1


@pytest.mark.rule("EV-1", "EV-7")
def test_listener_of_an_unmapped_base_is_removed_as_others_are(world):
    heard = []

    def listener(target, args, kwargs):
        heard.append(type(target))

    event.listen(world.base, "init", listener, propagate=True)
    assert event.contains(world.base, "init", listener)
    world.special()
    event.remove(world.base, "init", listener)
    world.special()

    assert heard == [world.special]


@pytest.mark.rule("EV-2")
@pytest.mark.parametrize("kind", TARGETS)
def test_event_that_the_target_does_not_have_is_refused(world, kind):
    target = TARGETS[kind][0](world)

    with pytest.raises(exc.InvalidRequestError, match="No such event 'nothing' for target"):
        event.listen(target, "nothing", print)


@pytest.mark.rule("EV-3")
@pytest.mark.parametrize("kind", ["session", "mapped class", "mapper", "attribute", "Session"])
def test_listener_may_be_heard_once_or_first_or_by_name(world, kind):
    find, name, act = TARGETS[kind]
    target = find(world)
    heard = []

    def once(*arguments):
        heard.append("once")

    def first(*arguments):
        heard.append("first")

    def named(**arguments):
        heard.append(sorted(arguments))

    event.listen(target, name, once, once=True)
    event.listen(target, name, first, insert=True)
    event.listen(target, name, named, named=True)
    act(world)
    act(world)
    for listener in (first, named):
        event.remove(target, name, listener)
    if event.contains(target, name, once):
        event.remove(target, name, once)

    arguments = {
        "before_commit": ["session"],
        "init": ["args", "kwargs", "target"],
        "before_insert": ["connection", "mapper", "target"],
        "set": ["initiator", "oldvalue", "target", "value"],
    }[name]
    assert heard == ["first", "once", arguments, "first", arguments]


@pytest.mark.rule("EV-4")
@pytest.mark.parametrize("kind", ["session", "mapped class", "mapper", "attribute"])
def test_listeners_run_in_the_order_of_registration(world, kind):
    find, name, act = TARGETS[kind]
    heard = []
    for number in range(5):
        event.listen(find(world), name, lambda *_, number=number: heard.append(number))

    act(world)

    assert heard == [0, 1, 2, 3, 4]


@pytest.mark.rule("EV-4")
def test_listeners_of_the_class_run_before_those_of_the_session(world):
    heard = []
    event.listen(world.session, "before_commit", lambda _: heard.append("session"))
    event.listen(world.session_class, "before_commit", lambda _: heard.append("class"))

    world.session.commit()

    assert heard == ["class", "session"]


@pytest.mark.rule("EV-5")
@pytest.mark.parametrize("name", ["after_bulk_update", "after_bulk_delete"])
def test_listener_may_take_the_arguments_of_earlier_times(session, name):
    heard = []

    def listener(session, query, query_context, result):
        heard.append((session, query, result.rowcount))

    event.listen(session, name, listener)
    query = session.query(library.Book)
    with pytest.warns(exc.SADeprecationWarning, match=f'signature for the "SessionEvents.{name}"'):
        query.delete() if name == "after_bulk_delete" else query.update({"title": "z"})

    assert heard == [(session, query, 2)]


@pytest.mark.rule("EV-6")
@pytest.mark.parametrize("kind", [kind for kind in TARGETS if "registry" not in kind])
def test_what_a_listener_raises_reaches_the_caller(world, kind):
    find, name, act = TARGETS[kind]
    target = find(world)

    def listener(*arguments):
        raise ZeroDivisionError

    event.listen(target, name, listener)
    try:
        with pytest.raises(ZeroDivisionError):
            act(world)
    finally:
        event.remove(target, name, listener)


@pytest.mark.rule("EV-7")
@pytest.mark.parametrize("propagate", [True, False])
@pytest.mark.parametrize("name", ["init", "before_insert"])
def test_listener_of_a_class_applies_to_those_below_on_request(world, name, propagate):
    heard = []
    event.listen(
        world.thing,
        name,
        lambda *arguments: heard.append(
            type(arguments[0] if name == "init" else arguments[2]).__name__
        ),
        propagate=propagate,
    )

    class Later(world.special):
        __mapper_args__ = {"polymorphic_identity": "later"}

    for class_ in (world.thing, world.special, Later):
        world.session.add(class_())
        world.session.flush()

    assert heard == (["Thing", "Special", "Later"] if propagate else ["Thing"])


@pytest.mark.rule("EV-8")
def test_raw_listeners_are_given_states(world):
    heard = []
    for target, name, place in (
        (world.thing, "init", 0),
        (world.thing, "before_insert", 2),
        (world.thing.name, "set", 0),
        (world.session, "pending_to_persistent", 1),
        (world.session, "before_attach", 1),
    ):
        for raw in (True, False):
            event.listen(
                target, name, lambda *all_, place=place: heard.append(all_[place]), raw=raw
            )

    thing = world.thing(name="x")
    world.session.add(thing)
    world.session.flush()

    assert heard == [inspect(thing), thing] * 5


@pytest.mark.rule("EV-9")
@pytest.mark.parametrize("name", ["init", "before_insert", "instrument_class"])
def test_class_that_is_mapped_later_has_the_listeners_it_was_given(world, name):
    class Plain:
        registry = world.base.registry

    class Below(Plain):
        pass

    heard = []
    event.listen(Plain, name, lambda *arguments: heard.append(len(arguments)))
    plain_table = library.Tag.__table__.to_metadata(world.base.metadata)
    world.base.metadata.create_all(world.session.get_bind())
    world.base.registry.map_imperatively(Plain, plain_table)
    world.base.registry.map_imperatively(Below, inherits=Plain)
    for class_ in (Plain, Below):
        each = class_()
        each.name = "x"
        world.session.add(each)
        world.session.flush()

    assert heard == [2 if name == "instrument_class" else 3]


LOADS = {
    "load": (library.Author, lambda session: session.get(library.Author, 1)),
    "refresh": (
        library.Author,
        lambda session: session.get(library.Author, 1, populate_existing=True),
    ),
    "loaded_as_persistent": (None, lambda session: session.get(library.Author, 1)),
}


@pytest.mark.rule(
    "EV-10",
    differs="a load inside a listener never disturbs the load in progress, so none warns",
)
@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("name", LOADS)
def test_listener_may_load_more_of_the_object_that_is_being_loaded(session, name, restore):
    target, load = LOADS[name]
    kept = session.get(library.Author, 1) if name == "refresh" else None
    seen = []

    def listener(*arguments):
        author = arguments[1] if name == "loaded_as_persistent" else arguments[0]
        if isinstance(author, library.Author):
            seen.append([book.title for book in author.books])

    target = target or session
    event.listen(target, name, listener, restore_load_context=restore)
    try:
        author = load(session)
    finally:
        event.remove(target, name, listener)

    assert kept is None or author is kept
    assert seen == [["x", "y"]]
    assert (author.id, author.name) == (1, "Ann")
