"""Objects that one process pickles and another one goes on with."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import InvalidRequestError, SAWarning

from holdfast import (
    Session,
    aliased,
    joinedload,
    lazyload,
    load_only,
    raiseload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    with_polymorphic,
)
from holdfast.exc import ObjectDeletedError, UnmappedClassError, UnmappedInstanceError
from models import company, library, shop

TESTS = Path(__file__).parents[2]

# What the other process does: it gets (address of a database, what was pickled, code), runs the
# code with the unpickled `given` and an empty `session`, and sends back `answer`.
OTHER_PROCESS = """
import pickle, sys
from sqlalchemy import create_engine, inspect
from holdfast import Session
url, content, code = pickle.load(sys.stdin.buffer)
given = pickle.loads(content)
with Session(create_engine(url), expire_on_commit=False) as session:
    names = {"session": session, "given": given, "inspect": inspect, "answer": None}
    exec(code, names)
    sys.stdout.buffer.write(pickle.dumps(names["answer"]))
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'shared.db'}"


@pytest.fixture
def session(url: str) -> Any:
    engine = create_engine(url)
    for model in (library, company, shop):
        model.Base.metadata.create_all(engine)
    with Session(engine) as session:
        ann = library.Author(id=1, name="Ann", email="ann@x")
        ann.books = [library.Book(id=1, title="one"), library.Book(id=2, title="two")]
        firm = company.Company(id=1, name="Firm")
        firm.staff = [
            company.Engineer(id=1, name="Eve", language="c"),
            company.Manager(id=2, name="Max", level=3),
        ]
        session.add_all([ann, firm])
        session.commit()
        yield session
    engine.dispose()


@pytest.fixture
def elsewhere(url: str) -> Any:
    """Run code on something in another process, and give back its answer."""

    def run(given: object, code: str) -> Any:
        path = os.pathsep.join([str(TESTS), *filter(None, sys.path)])
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", OTHER_PROCESS],
            input=pickle.dumps((url, pickle.dumps(given), code)),
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return pickle.loads(done.stdout)

    return run


@pytest.mark.rule("SM-178")
def test_a_persistent_object_goes_on_in_another_process(session, elsewhere):
    ann = session.get_one(library.Author, 1)

    states, loaded, answer = elsewhere(
        ann,
        """
states = [inspect(given).detached, inspect(given).key[1:], "books" in vars(given)]
session.add(given)
states.append(inspect(given).persistent)
loaded = [book.title for book in given.books]
given.name = "Anna"
session.commit()
answer = states, loaded, given
""",
    )

    assert states == [True, ((1,), None), False, True]
    assert loaded == ["one", "two"]
    assert (answer.name, [book.title for book in answer.books]) == ("Anna", ["one", "two"])
    assert inspect(answer).key == inspect(ann).key
    session.rollback()
    assert ann.name == "Anna"
    assert session.merge(answer) is ann


@pytest.mark.rule("SM-178")
def test_a_transient_graph_is_saved_by_another_process(session, elsewhere):
    author = library.Author(id=5, name="Cy", books=[library.Book(title="first")])
    author.books[0].tags.add(library.Tag(name="new"))

    transient, answer = elsewhere(
        author,
        """
transient = inspect(given).transient and inspect(given.books[0]).transient
session.add(given)
session.commit()
answer = transient, given
""",
    )

    assert transient
    assert inspect(answer).detached
    saved = session.get_one(library.Author, 5)
    assert [[tag.name for tag in book.tags] for book in saved.books] == [["new"]]


@pytest.mark.rule("SM-178")
def test_all_that_a_session_holds_goes_on_with_its_changes(session, elsewhere):
    session.autoflush = False
    one, two = session.get_one(library.Author, 1).books
    one.title = "changed"
    session.expire(two, ["title"])
    new = library.Book(id=3, title="three", author=one.author)
    session.add(new)
    assert set(session) >= {one, two, new}

    answer = elsewhere(
        sorted((each for each in session if isinstance(each, type(one))), key=lambda book: book.id),
        """
one, two, new = given
history = inspect(one).attrs.title.history
session.add_all(given)
kinds = [one in session.dirty, two in session.dirty, new in session.new]
titles = [two.title, one.author.books[2] is new]
session.commit()
answer = history.added, history.deleted, kinds, titles
""",
    )

    assert answer == (["changed"], ["one"], [True, False, True], ["two", True])
    session.rollback()
    session.expunge_all()
    assert session.scalars(select(library.Book.title)).all() == ["changed", "two", "three"]


@pytest.mark.rule("SM-178")
def test_claims_of_parents_go_along(session, elsewhere):
    order = shop.Order(customer="Ann", lines=[shop.Line(number=1, product="pen")])

    answer = elsewhere(
        (order, order.lines[0]),
        """
order, line = given
session.add(order)
session.flush()
order.lines.remove(line)
session.flush()
answer = inspect(line).was_deleted
""",
    )

    assert answer is True


@pytest.mark.rule("SM-178")
def test_options_reach_a_process_that_has_queried_nothing(session, elsewhere):
    author = library.Author
    options = [
        load_only(author.name),
        raiseload("*"),
        selectinload(author.books).raiseload("*"),
        joinedload("*"),
    ]
    sent = []
    for option in options:
        session.expunge_all()
        sent.append(session.scalars(select(author).options(option)).unique().one())

    unloaded, arrived = elsewhere(sent, "answer = [inspect(x).unloaded for x in given], given")

    assert unloaded == [{"email", "books"}, {"books"}, set(), set()]
    session.expunge_all()
    session.add(arrived[1])
    with pytest.raises(InvalidRequestError, match="lazy='raise'"):
        _ = arrived[1].books
    session.expunge_all()
    session.add(arrived[2])
    with pytest.raises(InvalidRequestError, match="lazy='raise'"):
        _ = arrived[2].books[0].tags


@pytest.mark.rule("SM-178")
def test_options_that_name_subclasses_and_aliases_go_along(session, elsewhere):
    firm, engineer, manager = company.Company, company.Engineer, company.Manager
    staff = with_polymorphic(company.Person, [engineer, manager], flat=True)
    options = [
        subqueryload(firm.staff.of_type(staff)),
        selectinload(firm.staff.of_type(engineer)),
        selectinload(firm.staff).selectin_polymorphic([engineer, manager]),
    ]
    sent = []
    for each in options:
        session.expunge_all()
        sent.append(session.scalars(select(firm).options(each)).one())
    person = aliased(company.Person)
    chosen = selectin_polymorphic(person, [engineer])
    session.expunge_all()
    eve = session.scalars(select(person).options(chosen).where(person.id == 1)).one()

    names = elsewhere(
        (sent, eve),
        """
firms, eve = given
answer = []
for firm in firms:
    session.expunge_all()
    session.add(firm)
    session.expire_all()
    answer.append([person.name for person in firm.staff])
session.expunge_all()
session.add(eve)
session.expire(eve)
answer.append(eve.name)
""",
    )

    assert names == [*[["Eve", "Max"]] * 3, "Eve"]


@pytest.mark.rule("SM-178")
def test_criteria_of_a_lazy_option_stay_behind_with_a_warning(session):
    author, book = library.Author, library.Book
    option = lazyload(author.books.and_(book.title == "one"))
    ann = session.scalars(select(author).options(option)).one()

    with pytest.warns(SAWarning, match="Can't reliably serialize a lazyload"):
        copied = pickle.loads(pickle.dumps(ann))
    again = pickle.loads(pickle.dumps(copied))

    assert len(ann.books) == 1
    session.expunge_all()
    session.add(again)
    assert len(again.books) == 2


@pytest.mark.rule("SM-178")
def test_criteria_of_an_eager_option_stay_behind_and_what_they_chose_goes_along(session):
    author, book = library.Author, library.Book
    option = selectinload(author.books.and_(book.title == "one"))
    ann = session.scalars(select(author).options(option)).one()

    copied = pickle.loads(pickle.dumps(ann))

    assert [each.title for each in copied.books] == ["one"]


@pytest.mark.rule("SM-178")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_serves(session, protocol):
    option = selectinload(library.Author.books).load_only(library.Book.title)
    ann = session.scalars(select(library.Author).options(option)).one()

    copied = pickle.loads(pickle.dumps(ann, protocol))

    assert [book.title for book in copied.books] == ["one", "two"]
    assert inspect(copied.books[0]).unloaded == inspect(ann.books[0]).unloaded


@pytest.mark.rule("SM-178")
def test_rows_with_objects_go_along(session, elsewhere):
    row = session.execute(select(library.Author, library.Author.name.label("label"))).one()

    answer = elsewhere(row, "answer = given._fields, given.Author.email, given.label")

    assert answer == (("Author", "label"), "ann@x", "Ann")


@pytest.mark.rule("SM-178")
def test_a_deleted_object_stays_deleted(session):
    book = session.get_one(library.Book, 1)
    session.delete(book)
    session.flush()

    copied = pickle.loads(pickle.dumps(book))

    assert inspect(copied).was_deleted
    assert inspect(copied).detached


def test_mappers_and_their_attributes_are_pickled_by_name(elsewhere, session):
    mapper = inspect(company.Manager)
    things = (mapper, mapper.attrs.level, mapper.attrs.name, inspect(library.Author).attrs.books)

    assert pickle.loads(pickle.dumps(things)) == things
    assert elsewhere(things, "answer = [str(each) for each in given]") == [str(x) for x in things]


def test_errors_are_pickled_with_their_message():
    author = library.Author(name="x")
    for error in (
        UnmappedInstanceError(object()),
        UnmappedClassError(object),
        ObjectDeletedError(inspect(author)),
    ):
        copied = pickle.loads(pickle.dumps(error))
        assert type(copied) is type(error)
        assert str(copied) == str(error)
