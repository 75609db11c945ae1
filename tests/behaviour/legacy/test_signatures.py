"""The names and signatures of 1.x, how they are asked for, and what they warn of."""

import inspect as python
import warnings

import pytest
from sqlalchemy import event, exc, inspect, select

import holdfast
from holdfast import legacy, make_transient, make_transient_to_detached, was_deleted
from holdfast.attributes import History, get_history, set_committed_value
from models.library import Author, Book, Tag

# What is called -> its parameters in 1.1, with their defaults.
SIGNATURES = {
    legacy.Session: "bind=None, autoflush=True, expire_on_commit=True, "
    "_enable_transaction_accounting=True, autocommit=False, twophase=False, "
    "weak_identity_map=True, binds=None, extension=None, info=None, query_cls=Query",
    legacy.sessionmaker: "bind=None, class_=Session, autoflush=True, autocommit=False, "
    "expire_on_commit=True, info=None",
    legacy.SessionTransaction: "session, parent=None, nested=False",
    legacy.Session.begin: "self, subtransactions=False, nested=False",
    legacy.Session.connection: "self, mapper=None, clause=None, bind=None, "
    "close_with_result=False, execution_options=None",
    legacy.Session.execute: "self, clause, params=None, mapper=None, bind=None",
    legacy.Session.scalar: "self, clause, params=None, mapper=None, bind=None",
    legacy.Session.get_bind: "self, mapper=None, clause=None",
    legacy.Session.refresh: "self, instance, attribute_names=None, lockmode=None",
    legacy.Session.is_modified: "self, instance, include_collections=True, passive=True",
    legacy.Session.merge: "self, instance, load=True",
    legacy.Session.add: "self, instance, _warn=True",
    legacy.Session.prune: "self",
    legacy.Session.clear: "self",
    legacy.Session.close_all: "",
    legacy.Query.get: "self, ident",
}


@pytest.mark.rule("LG-10")
@pytest.mark.parametrize("called", SIGNATURES, ids=lambda called: called.__qualname__)
def test_parameters_are_those_of_1x_in_their_order(called):
    parameters = python.signature(called).parameters.values()

    places = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    shown = [
        each.name
        if each.default is each.empty
        else f"{each.name}={getattr(each.default, '__name__', each.default)}"
        for each in places
    ]
    assert ", ".join(shown).startswith(SIGNATURES[called])


@pytest.mark.rule("LG-10")
def test_arguments_are_accepted_by_place(bound):
    session = legacy.Session(
        bound, False, False, True, False, False, True, {Tag: bound}, None, {"a": 1}, legacy.Query
    )
    assert session.bind is bound
    assert (session.autoflush, session.expire_on_commit) == (False, False)
    assert session.info == {"a": 1}
    maker = legacy.sessionmaker(bound, legacy.Session, False, True, False, {"b": 2})
    made = maker()
    assert (made.autoflush, made.autocommit, made.expire_on_commit) == (False, True, False)
    assert made.info == {"b": 2}
    session.close()


@pytest.mark.rule("LG-11", "LG-3")
def test_arguments_of_the_default_are_accepted_by_name(bound):
    session = legacy.Session(
        bound, join_transaction_mode="control_fully", execution_options={"mine": 1}
    )
    session.add(Author(id=1, name="Ann"))
    session.flush()
    result = session.execute(
        select(Author), execution_options={"of_call": 1}, bind_arguments={"mapper": Author}
    )
    ann = result.scalar_one()
    session.refresh(ann, with_for_update={"read": True})
    assert session.merge(ann, options=[]) is ann
    assert session.connection(bind_arguments={"mapper": Author}).get_execution_options()["mine"]
    assert session.get(Author, 1) is ann
    assert session.scalars(select(Author.name)).all() == ["Ann"]
    session.close()


@pytest.mark.rule("LG-1", "LG-2")
def test_session_is_one_like_all_others(session, bound):
    assert isinstance(session, holdfast.Session)
    ann = session.get(Author, 1)
    assert holdfast.object_session(ann) is session
    assert inspect(ann).session is session
    heard = []

    def listener(its):
        heard.append(its)

    event.listen(holdfast.Session, "before_commit", listener)
    try:
        session.commit()
    finally:
        event.remove(holdfast.Session, "before_commit", listener)

    assert heard == [session]
    with holdfast.Session(bound) as default:
        assert not default.in_transaction()
        assert type(default.query(Author)) is holdfast.Query
        with pytest.raises(exc.ArgumentError):
            default.execute("SELECT 1")


@pytest.mark.rule("LG-5")
def test_default_session_refuses_what_is_of_1x(bound):
    with pytest.raises(exc.ArgumentError, match="autocommit=True is no longer supported"):
        holdfast.Session(bound, autocommit=True)
    for name in ("weak_identity_map", "extension", "_enable_transaction_accounting"):
        with pytest.raises(TypeError, match=name):
            holdfast.Session(bound, **{name: None})


@pytest.mark.rule("LG-6")
def test_objects_move_between_sessions(session, bound):
    ann, book = session.get(Author, 1), session.get(Book, 1)
    session.expunge(ann)
    session.expunge(book)
    session.rollback()
    with holdfast.Session(bound) as default:
        default.add(ann)
        ann.name = "Anna"
        default.commit()
        copy = default.merge(book)
        assert copy is not book
        assert copy.author is ann
        default.expunge(ann)
    session.add(ann)

    assert ann.name == "Anna"
    assert ann in session


# What the warning names -> how the form is used.
FORMS = {
    "autocommit=True": "legacy.Session(autocommit=True)",
    "weak_identity_map=False": "legacy.Session(weak_identity_map=False)",
    "_enable_transaction_accounting=False": "legacy.Session(_enable_transaction_accounting=False)",
    "extension=": "legacy.Session(extension=legacy.SessionExtension())",
    "begin(subtransactions=True)": "session.begin(subtransactions=True)",
    "close_with_result=True": "session.connection(close_with_result=True)",
    'execute("...")': "session.execute('SELECT 1')",
    "refresh(lockmode=...)": "session.refresh(session.get(Author, 1), None, 'read')",
    "is_modified(passive=...)": "session.is_modified(session.get(Author, 1), passive=False)",
    "clear()": "session.clear()",
    "prune()": "session.prune()",
    "close_all()": "legacy.sessionmaker.close_all()",
    'Query.join("...")': "session.query(Author).join('books').all()",
    "Query.with_lockmode()": "session.query(Author).with_lockmode('read').all()",
    "Query.from_self()": "session.query(Author).from_self().all()",
    'joinedload("...")': "session.query(Author).options(legacy.joinedload('books')).all()",
}


@pytest.mark.rule("LG-4", "LG-124")
@pytest.mark.parametrize("form", FORMS)
def test_deprecated_form_works_and_warns_once_for_each_place(session, form, request):
    # Two lines of a file that this run alone has.
    file = f"<{request.node.name}>"
    places = compile(f"{FORMS[form]}\n" * 2, file, "exec")

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            exec(places, {"legacy": legacy, "session": session, "Author": Author})

    found = [each for each in told if str(each.message).startswith(f"{form} is a form of")]
    assert [(each.filename, each.lineno) for each in found] == [(file, 1), (file, 2)]
    assert {each.category for each in found} == {exc.SADeprecationWarning}
    if form == "extension=":
        assert "SessionEvents" in str(found[0].message)


@pytest.mark.rule("LG-172")
def test_functions_on_objects_and_attributes_are_the_same(session):
    ann = session.get(Author, 1)
    set_committed_value(ann, "name", "Bo")
    assert get_history(ann, "name") == History((), ["Bo"], ())
    ann.name = "Cy"
    history = get_history(ann, "name")
    assert history.has_changes()
    assert not history.empty()
    assert history.sum() == ["Cy", "Bo"]
    assert (history.non_added(), history.non_deleted()) == (["Bo"], ["Cy"])
    session.expire(ann)
    book = session.get(Book, 1)
    session.delete(book)
    session.flush()
    assert was_deleted(book)
    make_transient(book)
    make_transient_to_detached(book)
    assert inspect(book).detached


@pytest.mark.rule("LG-173")
def test_rest_of_the_session_is_the_same(session):
    ann = session.get(Author, 1)
    tags = [Tag(id=1, name="t"), Tag(id=2, name="u")]
    with session.no_autoflush:
        session.add_all(tags)
        assert session.query(Tag).count() == 0
    ann.name = "Anna"
    assert set(session.new) == set(tags)
    assert set(session.dirty) == {ann}
    session.flush()
    session.delete(tags[0])
    assert set(session.deleted) == {tags[0]}
    assert set(session.identity_map.values()) == {ann, *tags}
    session.expunge(tags[1])
    session.expire(ann)
    session.expire_all()
    session.info["a"] = 1
    session.bulk_insert_mappings(Tag, [{"id": 3, "name": "v"}])

    session.commit()

    assert (ann.name, session.info) == ("Anna", {"a": 1})
    assert session.query(Tag.id).order_by(Tag.id).all() == [(2,), (3,)]
