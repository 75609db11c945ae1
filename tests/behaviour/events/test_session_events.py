"""Events of sessions: their order, their arguments, and what listeners may do."""

import contextlib
import re

import pytest
from sqlalchemy import event, exc, inspect, select

from holdfast import Mapper, Session, UserDefinedOption, object_session, sessionmaker
from models import library

LIFECYCLE = (
    "before_attach",
    "after_attach",
    "transient_to_pending",
    "pending_to_transient",
    "persistent_to_transient",
    "pending_to_persistent",
    "detached_to_persistent",
    "persistent_to_deleted",
    "deleted_to_persistent",
    "deleted_to_detached",
    "persistent_to_detached",
    "loaded_as_persistent",
)
OTHERS = (
    "after_transaction_create",
    "after_transaction_end",
    "before_commit",
    "after_commit",
    "after_rollback",
    "after_soft_rollback",
    "after_begin",
    "before_flush",
    "after_flush",
    "after_flush_postexec",
)


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    with Session(engine) as session:
        yield session


def record(session, names):
    heard = []
    for name in names:
        event.listen(session, name, lambda *arguments, name=name: heard.append(name))
    return heard


@pytest.mark.rule("SM-20")
def test_lifecycle_events_follow_the_object(session):
    heard = record(session, LIFECYCLE)
    author = library.Author(name="Ann")

    session.add(author)
    session.commit()
    session.expunge(author)
    session.delete(author)
    session.commit()

    assert heard == [
        "before_attach",
        "after_attach",
        "transient_to_pending",
        "pending_to_persistent",
        "persistent_to_detached",
        "before_attach",
        "after_attach",
        "detached_to_persistent",
        "persistent_to_deleted",
        "deleted_to_detached",
    ]


def test_object_joins_the_session_between_the_two_attach_events(session):
    author = library.Author(name="Ann")
    seen = []
    for name in ("before_attach", "after_attach"):
        event.listen(session, name, lambda s, each: seen.append(each in s))

    session.add(author)
    session.add(author)

    assert seen == [False, True]


def test_refused_object_is_not_attached(session):
    @event.listens_for(session, "before_attach")
    def refuse(session, instance):
        raise ZeroDivisionError

    author = library.Author(name="Ann")
    with pytest.raises(ZeroDivisionError):
        session.add(author)

    assert inspect(author).transient
    assert author not in session


@pytest.mark.rule("SM-23")
def test_rollback_events_come_in_order(session):
    bo = library.Author(name="Bo")
    session.add(bo)
    session.commit()
    ann = library.Author(name="Ann")
    session.add(ann)
    session.delete(bo)
    session.flush()
    heard = record(session, (*LIFECYCLE, *OTHERS))

    session.rollback()

    assert heard == [
        "after_rollback",
        "persistent_to_transient",
        "deleted_to_persistent",
        "after_transaction_end",
        "after_soft_rollback",
    ]


def test_commit_events_come_in_order(session):
    heard = record(session, OTHERS)
    session.add(library.Author(name="Ann"))

    session.commit()

    assert heard == [
        "after_transaction_create",
        "before_commit",
        "before_flush",
        "after_transaction_create",
        "after_begin",
        "after_flush",
        "after_flush_postexec",
        "after_transaction_end",
        "after_commit",
        "after_transaction_end",
    ]


def test_commit_without_work_has_events_and_no_sql(session, sql):
    heard = record(session, OTHERS)
    sql.clear()

    session.commit()

    assert heard == [
        "after_transaction_create",
        "before_commit",
        "after_commit",
        "after_transaction_end",
    ]
    assert sql.emitted == []


def test_flush_without_work_has_no_events(session):
    heard = record(session, OTHERS)

    session.flush()

    assert heard == []


def test_objects_added_before_a_flush_take_part(session):
    @event.listens_for(session, "before_flush")
    def audit(session, context, instances):
        for author in list(session.new):
            session.add(library.Tag(name=f"made {author.name}"))

    session.add(library.Author(name="Ann"))
    session.flush()

    assert session.scalars(select(library.Tag.name)).all() == ["made Ann"]


def test_objects_added_after_a_flush_are_flushed_by_the_commit(session):
    left = ["Bo", "Cy"]

    @event.listens_for(session, "after_flush_postexec")
    def more(session, context):
        if left:
            session.add(library.Author(name=left.pop()))

    session.add(library.Author(name="Ann"))
    session.commit()

    assert len(session.scalars(select(library.Author)).all()) == 3


def test_endless_flushing_is_stopped(session):
    event.listen(session, "after_flush_postexec", lambda s, _: s.add(library.Author(name="again")))
    session.add(library.Author(name="Ann"))

    with pytest.raises(exc.SQLAlchemyError, match="Over 100 subsequent flushes"):
        session.commit()


def test_flush_inside_a_flush_is_refused(session):
    event.listen(session, "after_flush", lambda s, _: s.flush())
    session.add(library.Author(name="Ann"))

    with pytest.raises(exc.InvalidRequestError, match="already flushing"):
        session.flush()


def test_membership_changes_while_rows_are_written_warn(session):
    def add_more(mapper, connection, author):
        inspect(author).session.add(library.Tag(name="late"))

    event.listen(library.Author, "before_insert", add_more)
    session.add(library.Author(name="Ann"))

    try:
        with pytest.warns(exc.SAWarning, match=r"Usage of the 'Session.add\(\)' operation"):
            session.flush()
    finally:
        event.remove(library.Author, "before_insert", add_more)


@pytest.mark.parametrize(
    ("name", "message"),
    [("after_commit", "in 'committed' state"), ("after_rollback", "in 'inactive' state")],
)
def test_sql_is_refused_where_the_transaction_is_over(session, name, message):
    event.listen(session, name, lambda s: s.execute(select(1)))
    session.add(library.Author(name="Ann"))
    session.flush()

    with pytest.raises(exc.InvalidRequestError, match=message):
        session.commit() if name == "after_commit" else session.rollback()


def test_ending_a_transaction_from_inside_its_commit_is_refused(session):
    event.listen(session, "before_commit", lambda s: s.commit())

    with pytest.raises(exc.IllegalStateChangeError, match=r"'commit\(\)' can't be called here"):
        session.commit()


def test_listeners_reach_the_sessions_of_their_target(engine, tables):
    tables(library.Base.metadata)
    heard = []
    make, other = sessionmaker(engine), sessionmaker(engine)
    event.listen(make, "before_commit", lambda session: heard.append("maker"))
    event.listen(Session, "before_commit", every := lambda session: heard.append("all"))

    try:
        make().commit()
        other().commit()
    finally:
        event.remove(Session, "before_commit", every)

    assert heard == ["all", "maker", "all"] or heard == ["maker", "all", "all"]


def test_raw_listeners_get_states(session):
    heard = []
    event.listen(session, "transient_to_pending", lambda s, state: heard.append(state), raw=True)
    author = library.Author(name="Ann")

    session.add(author)

    assert heard == [inspect(author)]


def test_unknown_event_is_refused(session):
    with pytest.raises(exc.InvalidRequestError, match="No such event 'nothing'"):
        event.listen(session, "nothing", print)


def test_execution_is_shown_before_it_happens(session):
    session.add(library.Author(name="Ann"))
    shown = []

    @event.listens_for(session, "do_orm_execute")
    def show(state):
        shown.append((state.is_select, state.is_orm_statement, len(session.new)))

    session.scalars(select(library.Author)).all()
    session.execute(select(1))

    assert shown == [(True, True, 1), (True, False, 0)]


def test_options_that_a_listener_adds_are_local(session):
    @event.listens_for(session, "do_orm_execute")
    def add(state):
        state.update_execution_options(populate_existing=True)
        shown.append((dict(state.execution_options), state.load_options.populate_existing))

    shown = []
    session.scalars(select(library.Author).execution_options(tag="a")).all()

    assert shown == [({"tag": "a"}, True)]


def test_options_of_the_application_stay_when_columns_are_replaced(session):
    class Tenant(UserDefinedOption):
        pass

    shown = []
    event.listen(session, "do_orm_execute", lambda state: shown.extend(state.user_defined_options))
    tenant = Tenant(7)

    session.execute(select(library.Author).options(tenant).with_only_columns(library.Author.id))

    assert shown == [tenant]


def test_execution_can_be_answered_or_changed(session):
    session.add_all([library.Author(name="Ann"), library.Author(name="Bo")])
    session.commit()

    @event.listens_for(session, "do_orm_execute")
    def narrow(state):
        if state.is_select and state.is_orm_statement and not state.is_column_load:
            return state.invoke_statement(state.statement.where(library.Author.name == "Bo"))
        return None

    assert [each.name for each in session.scalars(select(library.Author))] == ["Bo"]


def test_mapper_wide_listeners_hear_of_every_class(session):
    heard = []

    def before(mapper, connection, target):
        heard.append((mapper.class_, target.name))

    event.listen(Mapper, "before_insert", before)
    try:
        session.add_all([library.Author(name="Ann"), library.Tag(name="winter")])
        session.flush()
    finally:
        event.remove(Mapper, "before_insert", before)

    assert sorted(heard, key=str) == sorted(
        [(library.Author, "Ann"), (library.Tag, "winter")], key=str
    )


@pytest.mark.parametrize(
    ("change", "operations"),
    [
        (lambda a: a.books.append(library.Book()), ["collection append", "related attribute set"]),
        (lambda a: a.books.pop(), ["collection remove", "related attribute set"]),
        (
            lambda a: setattr(a.books[0], "author", library.Author(name="z")),
            ["related attribute set", "collection append", "collection remove"],
        ),
        (
            lambda a: delattr(a.books[0], "author"),
            ["related attribute delete", "collection remove"],
        ),
        (lambda a: object_session(a).add(library.Tag()), [r"Session.add\(\)"]),
        (lambda a: object_session(a).delete(a), [r"Session.delete\(\)"]),
    ],
)
def test_changes_while_rows_are_written_are_warned_of_at_both_ends(session, change, operations):
    def after_insert(mapper, connection, author):
        if author.name == "u":
            with contextlib.suppress(exc.InvalidRequestError):
                change(author)

    event.listen(library.Author, "after_insert", after_insert)
    session.add(library.Author(name="u", books=[library.Book(title="a")]))
    try:
        with pytest.warns(exc.SAWarning) as seen:
            session.flush()
    finally:
        event.remove(library.Author, "after_insert", after_insert)

    texts = [str(each.message) for each in seen]
    for operation in operations:
        assert any(re.search(f"Usage of the '{operation}' operation", text) for text in texts)
