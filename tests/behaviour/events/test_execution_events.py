"""`do_orm_execute`: which executions it hears of, what it is shown, and what it may answer."""

from collections import Counter

import pytest
from sqlalchemy import Result, delete, event, exc, insert, inspect, select, text, update

from holdfast import (
    ORMExecuteState,
    UserDefinedOption,
    defer,
    immediateload,
    joinedload,
    lazyload,
    merge_frozen_result,
    selectinload,
    sessionmaker,
    subqueryload,
    with_loader_criteria,
)
from models.library import Author, Book, Tag

author_table = Author.__table__


@pytest.fixture
def states(session):
    """Every state that a listener of the session was given."""
    states = []
    event.listen(session, "do_orm_execute", states.append)
    return states


def kept(session, **options):
    author = session.get(Author, 1, **options)
    session.commit()
    return author


def lazy(session):
    return kept(session).books


def deferred(session):
    return session.scalars(select(Book).options(defer(Book.title))).first().title


def eager(option):
    return lambda session: session.scalars(select(Author).options(option)).unique().all()


# What an application does: how often the listener hears of it.
HEARD = {
    "execute": (lambda session: session.execute(select(Author)), 1),
    "scalar": (lambda session: session.scalar(select(Author.id)), 1),
    "scalars": (lambda session: session.scalars(select(Author)), 1),
    "textual": (lambda session: session.execute(text("SELECT 1")), 1),
    "query": (lambda session: session.query(Author).all(), 1),
    "count": (lambda session: session.query(Author).count(), 1),
    "get": (lambda session: session.get(Author, 1), 1),
    "get of nothing": (lambda session: session.get(Author, 9), 1),
    "expired attribute": (lambda session: kept(session).name, 2),
    "expired attribute and lazy load": (lazy, 3),
    "deferred column": (deferred, 2),
    "select-in load": (eager(selectinload(Author.books)), 2),
    "subquery load": (eager(subqueryload(Author.books)), 2),
    "joined load": (eager(joinedload(Author.books)), 1),
    "refresh": (lambda session: session.refresh(kept(session)), 2),
    "insert": (lambda session: session.execute(insert(Tag), [{"id": 1, "name": "t"}]), 1),
    "update": (lambda session: session.execute(update(Author).values(name="B")), 1),
    "delete": (lambda session: session.execute(delete(Book)), 1),
    "insert of Core": (
        lambda session: session.execute(Tag.__table__.insert().values(id=1, name="t")),
        1,
    ),
    "query that writes": (lambda session: session.query(Book).delete(), 1),
    "flush": (lambda session: (session.add(Tag(name="t")), session.flush()), 0),
    "statement on a connection": (lambda session: session.connection().execute(select(Author)), 0),
}


@pytest.mark.rule("EV-20")
@pytest.mark.parametrize("action", HEARD)
def test_executions_through_the_session_are_heard(session, states, action):
    act, count = HEARD[action]

    act(session)

    assert len(states) == count
    assert all(isinstance(state, ORMExecuteState) for state in states)
    assert all(state.session is session for state in states)


KINDS = ("is_select", "is_insert", "is_update", "is_delete", "is_from_statement")
STATEMENTS = {
    "select": (lambda: select(Author), None, {"is_select"}, True),
    "select of Core": (lambda: author_table.select(), None, {"is_select"}, False),
    "text": (lambda: text("SELECT 1"), None, set(), False),
    "insert": (lambda: insert(Tag), [{"id": 1, "name": "t"}], {"is_insert"}, True),
    "insert of Core": (
        lambda: Tag.__table__.insert(),
        {"id": 1, "name": "t"},
        {"is_insert"},
        False,
    ),
    "update": (lambda: update(Book).values(pages=1), None, {"is_update"}, True),
    "delete": (lambda: delete(Book), None, {"is_delete"}, True),
    "from a select": (
        lambda: select(Author).from_statement(author_table.select()),
        None,
        {"is_select", "is_from_statement"},
        True,
    ),
    "from text": (
        lambda: select(Author).from_statement(text("SELECT * FROM author")),
        None,
        {"is_from_statement"},
        True,
    ),
}


@pytest.mark.rule("EV-21")
@pytest.mark.parametrize("name", STATEMENTS)
def test_state_tells_the_kind_of_statement(session, states, name):
    make, parameters, kinds, is_orm = STATEMENTS[name]
    statement = make()

    session.execute(statement, parameters)

    (state,) = states
    assert state.statement is statement
    assert {kind for kind in KINDS if getattr(state, kind)} == kinds
    assert state.is_orm_statement is is_orm
    assert state.all_mappers == ([] if not is_orm else [state.bind_mapper])
    assert (state.bind_mapper is None) is not is_orm
    assert (state.is_column_load, state.is_relationship_load) == (False, False)
    if state.is_select:
        assert state.lazy_loaded_from is None


@pytest.mark.rule("EV-21")
def test_state_tells_of_insert_by_rows_that_are_returned(session, states, engine):
    if not engine.dialect.insert_returning:
        pytest.skip("the database returns no rows of an INSERT")
    returned = insert(Tag).values(id=1, name="t").returning(Tag)

    session.execute(select(Tag).from_statement(returned)).all()

    assert (states[0].is_insert, states[0].is_select) == (True, False)


@pytest.mark.rule("EV-21")
def test_state_tells_one_set_of_parameters_from_several(session, states):
    session.execute(insert(Tag), {"id": 1, "name": "t"})
    session.execute(insert(Tag), [{"id": 2, "name": "t"}, {"id": 3, "name": "t"}])
    session.execute(select(Tag))

    assert [state.is_executemany for state in states] == [False, True, False]
    assert states[0].parameters == {"id": 1, "name": "t"}


class Tenant(UserDefinedOption):
    """An option of the application."""


@pytest.mark.rule("EV-21")
def test_state_shows_the_options(session, states):
    tenant = Tenant("ours")
    statement = select(Author).options(tenant).execution_options(of_statement=1)

    session.execute(
        statement,
        execution_options={"of_call": 2},
        bind_arguments={"bind": session.get_bind()},
    )

    (state,) = states
    assert state.local_execution_options == {"of_call": 2}
    assert state.execution_options == {"of_statement": 1, "of_call": 2}
    assert state.bind_arguments["bind"] is session.get_bind()
    assert state.user_defined_options == [tenant]


@pytest.mark.rule("EV-21")
def test_state_shows_all_mappers_of_the_top_level(session, states):
    inner = select(Tag.id).scalar_subquery()

    session.execute(select(Author, Book.id).join(Author.books).where(Author.id != inner))

    assert states[0].all_mappers == [inspect(Author), inspect(Book)]
    assert states[0].bind_mapper is inspect(Author)


@pytest.mark.rule("EV-21")
def test_parameters_may_be_changed_in_place(session):
    @event.listens_for(session, "do_orm_execute")
    def rename(state):
        if state.is_insert:
            state.parameters["name"] += "!"

    session.execute(insert(Tag), {"id": 1, "name": "t"})

    assert session.scalars(select(Tag.name)).all() == ["t!"]


@pytest.mark.rule("EV-21")
def test_statement_and_parameters_may_be_replaced(session):
    @event.listens_for(session, "do_orm_execute")
    def other(state):
        state.statement = select(Book.title).where(Book.id == text(":number"))
        state.parameters = {"number": 2}

    assert session.execute(select(Author)).all() == [("y",)]


@pytest.mark.rule("EV-21")
def test_options_that_are_added_count_for_the_execution(session):
    ann = session.get(Author, 1)
    session.connection().execute(update(author_table).values(name="Bo"))

    @event.listens_for(session, "do_orm_execute")
    def anew(state):
        state.update_execution_options(populate_existing=True)

    session.scalars(select(Author)).all()

    assert ann.name == "Bo"


@pytest.mark.rule("EV-21", "EV-27")
def test_state_tells_on_whose_behalf_a_load_runs(session, states):
    ann = kept(session)
    states.clear()
    ann.name
    ann.books
    session.refresh(ann, ["name"])
    session.scalar(select(Book).options(defer(Book.title), defer(Book.pages)))
    session.get(Book, 9)
    session.scalars(select(Author).options(selectinload(Author.books))).all()

    told = [
        (state.is_column_load, state.is_relationship_load, state.lazy_loaded_from)
        for state in states
    ]
    assert told == [
        (True, False, None),
        (False, True, inspect(ann)),
        (True, False, None),
        (False, False, None),
        (False, False, None),
        (False, False, None),
        (False, True, None),
    ]
    for load in (states[1], states[6]):
        assert tuple(load.loader_strategy_path) == (inspect(Author), Author.books.property)


@pytest.mark.rule("EV-21")
def test_path_of_a_load_goes_on_from_the_first_statement(session, states):
    option = selectinload(Author.books).lazyload(Book.tags)
    (ann,) = session.scalars(select(Author).options(option))

    ann.books[0].tags

    assert tuple(states[2].loader_strategy_path) == (
        inspect(Author),
        Author.books.property,
        inspect(Book),
        Book.tags.property,
    )


@pytest.mark.rule("EV-20")
@pytest.mark.parametrize("load", [selectinload, subqueryload, immediateload, lazyload])
def test_joins_of_a_load_that_is_heard_repeat_no_object(session, states, load):
    book = session.get_one(Book, 1)
    book.tags.update([Tag(id=1, name="t"), Tag(id=2, name="u")])
    session.commit()
    session.expunge_all()

    option = load(Author.books).joinedload(Book.tags)
    (ann,) = session.scalars(select(Author).options(option)).unique()

    assert [book.title for book in ann.books] == ["x", "y"]
    assert {tag.name for tag in ann.books[0].tags} == {"t", "u"}


@pytest.mark.rule("EV-22")
def test_result_that_a_listener_returns_ends_the_execution(session, sql):
    heard = []

    @event.listens_for(session, "do_orm_execute")
    def answer(state):
        return answers.pop() if answers else None

    event.listen(session, "do_orm_execute", heard.append)
    answers = [session.connection().execute(text("SELECT 'mine'"))]
    sql.clear()

    assert session.scalar(select(Author)) == "mine"
    assert sql.emitted == []
    assert heard == []
    assert session.scalar(select(Author.name)) == "Ann"
    assert len(heard) == 1


@pytest.mark.rule("EV-23")
def test_invoking_runs_the_listeners_that_are_left(session):
    heard = []

    def listener(name, *, invokes):
        def listen(state):
            heard.append((name, dict(state.local_execution_options)))
            if invokes:
                result = state.invoke_statement(execution_options={name: True})
                assert isinstance(result, Result)
                return result
            return None

        return listen

    for name, invokes in (("a", False), ("b", True), ("c", True), ("d", False)):
        event.listen(session, "do_orm_execute", listener(name, invokes=invokes))

    assert session.scalar(select(Author.name)) == "Ann"
    assert heard == [("a", {}), ("b", {}), ("c", {"b": True}), ("d", {"b": True, "c": True})]


@pytest.mark.rule("EV-23")
def test_invoking_merges_what_it_is_given(session):
    inner = []

    @event.listens_for(session, "do_orm_execute")
    def more(state):
        return state.invoke_statement(
            statement=state.statement.where(Book.id == text(":number")),
            params={"number": 2},
            execution_options={"mine": 1},
            bind_arguments={"bind": session.get_bind()},
        )

    event.listen(session, "do_orm_execute", inner.append)
    found = session.scalars(
        select(Book).where(Book.id > text(":least")),
        {"least": 0},
        execution_options={"given": 1},
        bind_arguments={"mapper": Book},
    ).all()

    assert [book.id for book in found] == [2]
    assert inner[0].parameters == {"least": 0, "number": 2}
    assert inner[0].local_execution_options == {"given": 1, "mine": 1}
    assert {"bind", "mapper"} <= set(inner[0].bind_arguments)


@pytest.mark.rule("EV-23")
def test_invoking_merges_parameters_into_each_set(session):
    @event.listens_for(session, "do_orm_execute")
    def name_them(state):
        return state.invoke_statement(params={"name": "same"}) if state.is_insert else None

    session.execute(insert(Tag), [{"id": 1}, {"id": 2}])

    assert session.scalars(select(Tag.name)).all() == ["same", "same"]


@pytest.mark.rule("EV-24")
def test_options_of_another_kind_of_statement_are_refused(session, states):
    session.execute(select(Author), execution_options={"populate_existing": True})
    session.execute(author_table.select())
    session.execute(update(Book).values(pages=1), execution_options={"synchronize_session": False})
    session.execute(delete(Book))
    session.execute(insert(Tag), {"id": 1, "name": "t"})

    loads, core, changes, deletes, inserts = states
    assert loads.load_options.populate_existing
    assert loads.loader_strategy_path is None
    assert changes.update_delete_options.synchronize_session is False
    assert deletes.update_delete_options.synchronize_session == "auto"
    for state in (core, changes, deletes, inserts):
        with pytest.raises(exc.InvalidRequestError, match="not against a SELECT"):
            state.load_options
        with pytest.raises(exc.InvalidRequestError, match="not against a SELECT"):
            state.loader_strategy_path
    for state in (loads, core, inserts):
        with pytest.raises(exc.InvalidRequestError, match="not against an UPDATE or DELETE"):
            state.update_delete_options


@pytest.mark.rule("EV-25", "EV-183")
def test_criteria_that_are_added_everywhere_hide_rows_everywhere(session):
    added = Counter()

    @event.listens_for(session, "do_orm_execute")
    def hide(state):
        if state.is_select and not state.is_column_load and not state.is_relationship_load:
            added["times"] += 1
            state.statement = state.statement.options(
                with_loader_criteria(Book, lambda cls: cls.title != "y", include_aliases=True)
            )

    assert [book.title for book in session.scalars(select(Book))] == ["x"]
    assert [book.title for book in session.query(Book)] == ["x"]
    assert session.scalars(select(Author.id).join(Author.books)).all() == [1]
    for option in ([], [selectinload(Author.books)], [joinedload(Author.books)]):
        session.expunge_all()
        (ann,) = session.scalars(select(Author).options(*option)).unique()
        assert [book.title for book in ann.books] == ["x"]
    assert added["times"] == 6


@pytest.mark.rule("EV-26")
def test_results_may_be_kept_for_other_sessions(session, sql):
    cache = {}
    make = sessionmaker(session.get_bind())

    @event.listens_for(make, "do_orm_execute")
    def from_cache(state):
        key = state.execution_options.get("cache")
        if key is None:
            return None
        if key not in cache:
            cache[key] = state.invoke_statement().freeze()
        return merge_frozen_result(state.session, state.statement, cache[key], load=False)()

    statement = select(Author, Book.title).join(Author.books).order_by(Book.id)
    options = {"cache": "authors"}
    with make() as one:
        first = one.execute(statement, execution_options=options).all()
    sql.clear()
    with make() as other:
        second = other.execute(statement, execution_options=options).all()
        again = other.execute(statement, execution_options=options).all()
        assert sql.emitted == []
        assert {author for author, _ in second} == set(other)

    assert [title for _, title in second] == [title for _, title in first] == ["x", "y"]
    assert second[0][0] is second[1][0] is again[0][0]
    assert second[0][0] is not first[0][0]
    assert second[0][0].name == "Ann"


@pytest.mark.rule("EV-28")
def test_listeners_run_before_the_autoflush(session):
    waiting = []
    event.listen(session, "do_orm_execute", lambda state: waiting.append(len(session.new)))
    session.add(Tag(id=1, name="t"))

    found = session.scalars(select(Tag)).all()

    assert waiting == [1]
    assert len(found) == 1
