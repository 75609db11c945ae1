"""The surface of sessions and of their transactions: names, signatures, what is not there."""

from __future__ import annotations

import gc
import inspect as python_inspect
import weakref

import pytest

import holdfast
from holdfast import Session, SessionTransaction, SessionTransactionOrigin
from models import library
from watching import author, listening, record_control

EXECUTE = "statement, params=None, *, execution_options={}, bind_arguments=None"
GET = (
    "entity, ident, *, options=None, populate_existing=None, with_for_update=None, "
    "identity_token=None, execution_options={}, bind_arguments=None"
)
METHODS = {
    "add": "instance, *, _warn=True",
    "add_all": "instances",
    "begin": "nested=False",
    "begin_nested": "",
    "bind_mapper": "mapper, bind",
    "bind_table": "table, bind",
    "bulk_insert_mappings": "mapper, mappings, return_defaults=False, render_nulls=False",
    "bulk_save_objects": (
        "objects, return_defaults=False, update_changed_only=True, preserve_order=True"
    ),
    "bulk_update_mappings": "mapper, mappings",
    "close": "",
    "commit": "",
    "connection": "bind_arguments=None, execution_options=None",
    "delete": "instance",
    "delete_all": "instances",
    "enable_relationship_loading": "obj",
    "execute": EXECUTE,
    "expire": "instance, attribute_names=None",
    "expire_all": "",
    "expunge": "instance",
    "expunge_all": "",
    "flush": "objects=None",
    "get": GET,
    "get_one": GET,
    "get_bind": "mapper=None, *, clause=None, bind=None, **kw",
    "get_nested_transaction": "",
    "get_transaction": "",
    "in_nested_transaction": "",
    "in_transaction": "",
    "invalidate": "",
    "is_modified": "instance, include_collections=True",
    "merge": "instance, *, load=True, options=None",
    "merge_all": "instances, *, load=True, options=None",
    "prepare": "",
    "query": "*entities, **kw",
    "refresh": "instance, attribute_names=None, with_for_update=None",
    "reset": "",
    "rollback": "",
    "scalar": EXECUTE,
    "scalars": EXECUTE,
    "identity_key": "class_=None, ident=None, *, instance=None, row=None, identity_token=None",
    "object_session": "instance",
}
CONSTRUCTOR = (
    "bind=None, *, autoflush=True, future=True, expire_on_commit=True, autobegin=True, "
    "twophase=False, binds=None, enable_baked_queries=True, info=None, query_cls=None, "
    "autocommit=False, join_transaction_mode='conditional_savepoint', close_resets_only=None, "
    "execution_options={}"
)


def signature_of(function):
    """Names, order, defaults and marks of the parameters."""
    signature = python_inspect.signature(function)
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    return text[1:-1].replace("immutabledict({})", "{}")


@pytest.mark.rule("API-10")
@pytest.mark.parametrize("name", METHODS)
def test_method_of_a_session_has_the_parameters_of_the_specification(name):
    assert signature_of(getattr(Session(), name)) == METHODS[name]


@pytest.mark.rule("API-10", "API-1")
def test_constructor_of_a_session_has_the_parameters_of_the_specification():
    assert signature_of(Session) == CONSTRUCTOR


@pytest.mark.rule("API-1")
def test_constructor_touches_no_database(bound):
    control = []
    record_control(bound, control)
    began = []

    with listening(Session, "after_transaction_create", lambda *_: began.append(1)):
        session = Session(bound)

    assert (control, began) == ([], [])
    assert not session.in_transaction()


@pytest.mark.rule("API-2", "API-3")
def test_sessions_are_numbered_and_compare_by_identity(bound):
    first, second = Session(bound), Session(bound)

    assert first.hash_key < second.hash_key
    assert first == first
    assert first != second
    assert {first: 1, second: 2}[first] == 1
    seen = weakref.ref(first)
    del first
    gc.collect()
    assert seen() is None


@pytest.mark.rule("API-4")
def test_methods_that_a_subclass_overrides_are_called_from_within(bound):
    called = []

    class Watched(Session):
        def get_bind(self, *arguments, **keywords):
            called.append("get_bind")
            return super().get_bind(*arguments, **keywords)

        def flush(self, objects=None):
            called.append("flush")
            super().flush(objects)

    with Watched(bound) as session:
        session.add(author(2))
        session.commit()

    assert {"flush", "get_bind"} <= set(called)


@pytest.mark.rule("API-11")
@pytest.mark.parametrize("name", ["close_all", "prune", "transaction", "clear", "autocommit"])
def test_what_sessions_once_had_is_gone(session, name):
    with pytest.raises(AttributeError):
        getattr(session, name)


TRANSACTION_METHODS = {
    "commit": "",
    # The cause is given by a flush that failed.
    "rollback": "cause=None",
    "close": "invalidate=False",
    "prepare": "",
    "connection": "bindkey, execution_options=None, **kw",
    "bound_connection": "bindkey=None, **kw",
}


@pytest.mark.rule("API-20", "TX-2")
@pytest.mark.parametrize("name", TRANSACTION_METHODS)
def test_method_of_a_transaction_has_the_parameters_of_the_specification(session, name):
    expected = TRANSACTION_METHODS[name]

    assert signature_of(getattr(session.begin(), name)) == expected


@pytest.mark.rule("API-20", "TX-2", "TX-3", "TX-4")
def test_transaction_has_the_members_of_the_specification(session):
    root = session.begin()
    nested = session.begin_nested()

    for level, parent in ((root, None), (nested, root)):
        assert level.session is session
        assert level.parent is parent
        assert level.nested is (parent is not None)
        assert isinstance(level.origin, SessionTransactionOrigin)
        assert level.is_active
        assert level.connections == frozenset()
    connection = nested.connection(library.Author)
    assert connection is nested.bound_connection(library.Author) is session.connection()
    assert [each.name for each in SessionTransactionOrigin] == [
        "AUTOBEGIN",
        "BEGIN",
        "BEGIN_NESTED",
        "SUBTRANSACTION",
    ]


@pytest.mark.rule("API-20")
def test_close_of_a_transaction_ends_it_without_commit(session):
    transaction = session.begin()
    session.add(author(2))
    session.flush()

    transaction.close()

    assert not session.in_transaction()
    assert not transaction.is_active
    session.expunge_all()
    assert session.get(library.Author, 2) is None


@pytest.mark.rule("API-21")
def test_transaction_comes_from_the_session_and_from_its_events(session):
    heard = []
    with listening(session, "after_transaction_create", lambda _, level: heard.append(level)):
        root = session.begin()
        nested = session.begin_nested()

    assert heard == [root, nested]
    assert isinstance(root, SessionTransaction)
    assert session.get_transaction() is root
    assert session.get_nested_transaction() is nested
    assert holdfast.SessionTransaction is SessionTransaction
