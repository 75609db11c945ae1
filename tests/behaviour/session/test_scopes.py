"""One session per thread, or per another scope, and the registry that stands for it."""

import gc
import threading
import weakref

import pytest
from sqlalchemy import event, exc, select
from sqlalchemy.util import ScopedRegistry, ThreadLocalRegistry

from holdfast import (
    DeclarativeBase,
    Mapped,
    Query,
    Session,
    mapped_column,
    object_session,
    scoped_session,
    sessionmaker,
)
from models.library import Author, Base


@pytest.fixture
def sessions(engine, tables):
    tables(Base.metadata)
    registry = scoped_session(sessionmaker(engine))
    yield registry
    registry.remove()


class Scope:
    """Names the scope that a test is in."""

    def __init__(self):
        self.now = "first"
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return self.now


@pytest.fixture
def scope():
    return Scope()


@pytest.fixture
def scoped(engine, tables, scope):
    tables(Base.metadata)
    return scoped_session(sessionmaker(engine), scopefunc=scope)


def in_thread(function):
    """What a function returns in a thread of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


# -- the registry ----------------------------------------------------------------------------------


@pytest.mark.rule("SC-1", "SC-2")
def test_registry_makes_one_session_when_it_is_first_called(engine):
    made = []
    factory = sessionmaker(engine)

    def make():
        made.append(factory())
        return made[-1]

    sessions = scoped_session(make)
    assert made == []

    assert sessions() is sessions()
    assert made == [sessions()]


@pytest.mark.rule("SC-3")
def test_arguments_are_for_making_the_session(sessions):
    session = sessions(autoflush=False)

    assert sessions() is session
    assert not session.autoflush
    with pytest.raises(
        exc.InvalidRequestError,
        match=r"Scoped session is already present; no new arguments may be specified\.",
    ):
        sessions(autoflush=True)


@pytest.mark.rule("SC-4")
def test_factory_and_registry_are_attributes(engine):
    factory = sessionmaker(engine)

    by_thread, by_scope = scoped_session(factory), scoped_session(factory, scopefunc=lambda: 1)

    assert by_thread.session_factory is factory
    assert isinstance(by_thread.registry, ThreadLocalRegistry)
    assert type(by_scope.registry) is ScopedRegistry


@pytest.mark.rule("SC-5", "SC-6")
def test_remove_closes_and_forgets_the_session(sessions):
    sessions.remove()
    session = sessions()
    ann = Author(name="Ann")
    session.add(ann)
    session.flush()

    sessions.remove()

    assert not session.in_transaction()
    assert ann not in session
    assert sessions() is not session
    assert sessions.scalars(select(Author)).all() == []


@pytest.mark.rule("SC-7")
def test_configure_is_for_sessions_made_from_now_on(sessions):
    sessions.configure(autoflush=False)
    session = sessions()
    assert not session.autoflush

    with pytest.warns(exc.SAWarning, match="At least one scoped session is already present"):
        sessions.configure(autoflush=True)

    assert not session.autoflush
    sessions.remove()
    assert sessions.autoflush


@pytest.mark.rule("SC-8")
def test_remove_leaves_other_scopes_alone(scoped, scope):
    first = scoped()
    scope.now = "second"
    second = scoped()

    scoped.remove()

    assert scoped() is not second
    scope.now = "first"
    assert scoped() is first


# -- access through the registry -------------------------------------------------------------------

METHODS = """
    add add_all begin begin_nested bulk_insert_mappings bulk_save_objects bulk_update_mappings close
    commit connection delete delete_all execute expire expire_all expunge expunge_all flush get
    get_bind get_one is_modified merge merge_all query refresh reset rollback scalar scalars
"""
ATTRIBUTES = """
    autoflush bind binds deleted dirty execution_options identity_map info is_active new
    no_autoflush
"""
ELSEWHERE = """
    bind_mapper bind_table enable_relationship_loading get_nested_transaction get_transaction
    in_nested_transaction in_transaction invalidate prepare
"""


@pytest.mark.rule("SC-20")
@pytest.mark.parametrize("name", METHODS.split())
def test_registry_has_the_method_and_passes_arguments_on(name):
    calls = []

    class Recorder:
        def __getattr__(self, method):
            return lambda *args, **kw: calls.append((method, args, kw)) or "answer"

    sessions = scoped_session(Recorder)
    needed = {
        "add": ("a",),
        "add_all": (["a"],),
        "bulk_insert_mappings": ("a", ["b"]),
        "bulk_save_objects": (["a"],),
        "bulk_update_mappings": ("a", ["b"]),
        "delete": ("a",),
        "delete_all": (["a"],),
        "execute": ("a",),
        "expire": ("a",),
        "expunge": ("a",),
        "get": ("a", 1),
        "get_one": ("a", 1),
        "is_modified": ("a",),
        "merge": ("a",),
        "merge_all": (["a"],),
        "query": ("a", "b"),
        "refresh": ("a",),
        "scalar": ("a",),
        "scalars": ("a",),
    }.get(name, ())

    assert getattr(sessions, name)(*needed) == "answer"

    ((called, given, _),) = calls
    assert (called, given) == (name, needed)


@pytest.mark.rule("SC-20")
def test_methods_of_the_registry_act_on_the_scopes_session(sessions):
    sessions.add(Author(id=1, name="Ann"))
    sessions.commit()

    ann = sessions.get(Author, 1)

    assert object_session(ann) is sessions()
    assert sessions.scalars(select(Author.name)).all() == ["Ann"]
    assert sessions.query(Author).one() is ann


@pytest.mark.rule("SC-21")
@pytest.mark.parametrize(
    "name",
    ATTRIBUTES.split(),
)
def test_attribute_is_that_of_the_scopes_session(name):
    class Marks:
        def __init__(self):
            setattr(self, name, self)

    sessions = scoped_session(Marks)

    assert getattr(sessions, name) is sessions()


@pytest.mark.rule("SC-21")
def test_autoflush_and_bind_can_be_set_and_others_cannot(sessions, engine):
    sessions.autoflush = False
    sessions.bind = None

    assert not sessions().autoflush
    assert sessions().bind is None
    with pytest.raises(AttributeError):
        sessions.info = {}


@pytest.mark.rule("SC-22")
def test_membership_and_iteration_are_those_of_the_scopes_session(sessions):
    ann = Author(name="Ann")
    assert ann not in sessions

    sessions.add(ann)

    assert ann in sessions
    assert list(sessions) == [ann]


@pytest.mark.rule("SC-23")
def test_functions_of_session_classes_are_there_too(sessions):
    ann = Author(id=1, name="Ann")
    sessions.add(ann)

    assert sessions.object_session(ann) is sessions()
    assert sessions.identity_key(Author, 1) == (Author, (1,), None)


@pytest.mark.rule("SC-24")
def test_each_access_makes_a_session_where_there_is_none(sessions):
    for use in (lambda: sessions.new, lambda: sessions.flush(), lambda: list(sessions)):
        sessions.remove()
        assert not sessions.registry.has()
        use()
        assert sessions.registry.has()


@pytest.mark.rule("SC-25")
@pytest.mark.parametrize(
    "name",
    ELSEWHERE.split(),
)
def test_rare_method_is_reached_through_the_session_only(sessions, name):
    assert not hasattr(sessions, name)
    assert callable(getattr(sessions(), name))


@pytest.mark.rule("SC-26")
def test_block_of_the_session_closes_it_and_leaves_it_in_the_registry(sessions):
    assert not hasattr(scoped_session, "__enter__")

    with sessions() as session:
        session.add(Author(name="Ann"))
        session.flush()

    assert not session.in_transaction()
    assert sessions() is session


@pytest.mark.rule("SC-27")
def test_block_of_begin_frames_a_transaction(sessions):
    with sessions.begin():
        sessions.add(Author(name="Ann"))
    assert not sessions().in_transaction()

    def fail():
        with sessions.begin():
            sessions.add(Author(name="Bob"))
            sessions.flush()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert sessions.scalars(select(Author.name)).all() == ["Ann"]


@pytest.mark.rule("SC-28")
def test_listeners_of_the_registry_are_those_of_its_session_class(sessions, engine):
    heard = []
    event.listen(sessions, "before_flush", lambda session, *_: heard.append(session))

    sessions.add(Author(name="Ann"))
    sessions.flush()
    with Session(engine) as other:
        other.add(Author(name="Bob"))
        sessions.rollback()
        other.flush()

    assert heard == [sessions()]


@pytest.mark.rule("SC-28")
def test_registry_of_a_plain_function_takes_no_listeners(engine):
    with pytest.raises(exc.ArgumentError):
        event.listen(scoped_session(lambda: Session(engine)), "before_flush", print)


# -- scopes ----------------------------------------------------------------------------------------


@pytest.mark.rule("SC-40")
def test_threads_have_sessions_of_their_own(engine):
    sessions = scoped_session(sessionmaker(engine))
    mine = sessions()

    other, again = in_thread(lambda: (sessions(), sessions()))

    assert other is again
    assert other is not mine
    assert sessions() is mine


@pytest.mark.rule("SC-41")
def test_session_of_a_thread_that_ended_is_collected(engine):
    sessions = scoped_session(sessionmaker(engine))

    reference = in_thread(lambda: weakref.ref(sessions()))
    gc.collect()

    assert reference() is None


@pytest.mark.rule("SC-42")
def test_registry_tells_whether_the_scope_has_a_session(sessions):
    assert not sessions.registry.has()
    sessions()
    assert sessions.registry.has()
    assert not in_thread(sessions.registry.has)


@pytest.mark.rule("SC-60", "SC-62")
def test_session_is_kept_under_what_the_scope_function_returns(scoped, scope):
    first = scoped()
    scope.now = ("second", 2)
    second = scoped()

    assert scoped.registry.registry == {"first": first, ("second", 2): second}
    scoped.remove()
    assert scoped.registry.registry == {"first": first}
    assert scoped() is not second


@pytest.mark.rule("SC-61")
def test_session_of_a_custom_scope_is_held_until_it_is_removed(scoped, scope):
    reference = weakref.ref(scoped())
    scope.now = "second"
    gc.collect()
    assert reference() is not None

    scope.now = "first"
    scoped.remove()
    gc.collect()
    assert reference() is None


@pytest.mark.rule("SC-63")
def test_scope_function_is_called_at_every_access(scoped, scope):
    scoped()
    before = scope.asked

    scoped.new
    scoped.flush()

    assert scope.asked == before + 2


# -- registries ------------------------------------------------------------------------------------


@pytest.mark.rule("SC-80", "SC-81", "SC-82")
@pytest.mark.parametrize(
    "make",
    [ThreadLocalRegistry, lambda create: ScopedRegistry(create, lambda: 1)],
    ids=["thread", "scope"],
)
def test_registry_returns_or_creates(make):
    registry = make(object)
    registry.clear()
    assert not registry.has()

    made = registry()
    assert registry() is made
    assert registry.has()

    registry.set("other")
    assert registry() == "other"
    registry.clear()
    assert not registry.has()
    assert registry() is not made


# -- queries on classes ----------------------------------------------------------------------------


@pytest.mark.rule("SC-100", "SC-102", "SC-103")
def test_query_property_gives_a_query_of_the_class_in_the_scopes_session(engine):
    sessions = scoped_session(sessionmaker(engine))

    class Parent(DeclarativeBase):
        query = sessions.query_property()

    class Child(Parent):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)

    Parent.metadata.create_all(engine)
    sessions.add(Child(id=1))
    sessions.commit()

    assert type(Child.query) is Query
    assert Child.query.session is sessions()
    child = Child.query.one()
    assert child.id == 1
    assert child.query.one() is child
    sessions.remove()


@pytest.mark.rule("SC-101")
def test_query_property_has_the_class_it_is_given_or_else_that_of_the_session(engine):
    class Mine(Query):
        pass

    class Theirs(Query):
        pass

    sessions = scoped_session(sessionmaker(engine, query_cls=Theirs))

    class Parent(DeclarativeBase):
        given = sessions.query_property(Mine)
        other = sessions.query_property()

    class Child(Parent):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert type(Child.given) is Mine
    assert type(Child.other) is Theirs
    sessions.remove()
