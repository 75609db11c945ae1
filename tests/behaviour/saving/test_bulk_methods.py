"""The bulk methods of `Session`: rows without a unit of work."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pytest
from sqlalchemy import Column, Integer, String, event, exc, func, inspect, select

from holdfast import DeclarativeBase, Session, composite, scoped_session, sessionmaker
from holdfast.errors.flush import StaleDataError
from holdfast.errors.mapping import UnmappedClassError
from models.company import Base as Company
from models.company import Boss, Person
from models.library import Author, Base, Book, Tag


@pytest.fixture
def session(engine, tables):
    tables(Base.metadata)
    tables(Company.metadata)
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def authors(session):
    authors = [Author(name=name) for name in "abc"]
    session.add_all(authors)
    session.commit()
    return authors


def names(session):
    return session.scalars(select(Author.name).order_by(Author.id)).all()


@pytest.mark.rule("PT-120", "PT-121")
def test_saving_new_objects_inserts_them_and_leaves_them_transient(session, sql):
    authors = [Author(name="a"), Author(name="b")]
    session.bulk_save_objects(authors)

    assert sql.emitted == ["INSERT INTO author (name) VALUES (?)"]
    assert sql.parameters == [[("a",), ("b",)]]
    assert all(inspect(author).transient for author in authors)
    assert "id" not in authors[0].__dict__
    assert not list(session)


@pytest.mark.rule("PT-121")
def test_saving_with_return_defaults_gives_keys_and_detached_objects(session):
    authors = [Author(name="a"), Author(name="b")]
    session.bulk_save_objects(authors, return_defaults=True)

    assert [author.id for author in authors] == [1, 2]
    assert all(inspect(author).detached for author in authors)
    assert authors[0] not in session
    assert session.get(Author, 1) is not authors[0]


@pytest.mark.rule("PT-121", "PT-128 relationships wait for a flush")
def test_links_of_a_saved_object_are_written_by_the_flush_after_it_is_added(session, sql):
    author, book = Author(name="a"), Book(title="b", tags={Tag(name="t")})
    session.add(author)
    session.flush()
    book.author = author
    session.bulk_save_objects([book], return_defaults=True)
    assert not inspect(book).attrs.title.history.added
    assert inspect(book).attrs.author.history.added == [author]

    sql.clear()
    session.add(book)
    session.flush()
    assert book.author_id == author.id
    assert "UPDATE book SET author_id=? WHERE book.id = ?" in sql.emitted
    session.expire_all()
    assert [tag.name for tag in book.tags] == ["t"]


@pytest.mark.rule("PT-121", "PT-128 relationships wait for a flush")
def test_children_of_a_saved_object_are_written_by_the_flush_after_it_is_added(session):
    author = Author(name="a", books=[Book(title="b")])
    session.bulk_save_objects([author], return_defaults=True)
    assert [book.title for book in inspect(author).attrs.books.history.added] == ["b"]

    session.add(author)
    session.commit()
    session.expire_all()
    assert [book.title for book in author.books] == ["b"]


@pytest.mark.rule("PT-120", "PT-124")
def test_saving_objects_with_a_key_updates_what_changed_and_leaves_them_dirty(
    session, authors, sql
):
    authors[0].name = "x"
    sql.clear()
    session.bulk_save_objects(authors)

    assert sql.emitted == ["UPDATE author SET name=? WHERE author.id = ?"]
    assert sql.parameters == [("x", 1)]
    assert authors[0] in session.dirty


@pytest.mark.rule("PT-122")
def test_saving_all_that_is_loaded_sets_every_column_but_the_key(session, authors, sql):
    for author in authors:
        session.refresh(author)
    authors[0].name = "x"
    session.expire(authors[2], ["email"])
    sql.clear()
    session.bulk_save_objects(authors, update_changed_only=False)

    assert sql.emitted == [
        "UPDATE author SET name=?, email=? WHERE author.id = ?",
        "UPDATE author SET name=? WHERE author.id = ?",
    ]
    assert sql.parameters == [[("x", None, 1), ("b", None, 2)], ("c", 3)]


@pytest.mark.rule("PT-123")
@pytest.mark.parametrize(
    ("keeps_order", "expected"),
    [
        (True, ["UPDATE author", "INSERT book", "INSERT author", "UPDATE author"]),
        (False, ["INSERT author", "UPDATE author", "INSERT book"]),
    ],
)
def test_preserve_order_decides_whether_objects_are_grouped(
    session, authors, sql, keeps_order, expected
):
    authors[0].name, authors[1].name = "x", "y"
    objects = [authors[0], Book(title="t"), Author(name="z"), authors[1]]
    sql.clear()
    session.bulk_save_objects(objects, preserve_order=keeps_order)

    words = [each.replace("INTO ", "").split() for each in sql.emitted]
    assert [" ".join(each[:2]) for each in words] == expected


@pytest.mark.rule("PT-125")
def test_inserting_dictionaries_by_attribute_name(session, sql):
    mappings = [{"name": "a", "unknown": 1}, {"name": "b"}]
    session.bulk_insert_mappings(Author, mappings)

    assert sql.emitted == ["INSERT INTO author (name) VALUES (?)"]
    assert mappings == [{"name": "a", "unknown": 1}, {"name": "b"}]
    assert names(session) == ["a", "b"]


@pytest.mark.rule("PT-125")
def test_inserting_with_return_defaults_puts_keys_into_the_dictionaries(session):
    mappings = [{"name": "a"}, {"name": "b"}]
    session.bulk_insert_mappings(inspect(Author), iter(mappings), return_defaults=True)

    assert mappings == [{"name": "a", "id": 1}, {"name": "b", "id": 2}]


@pytest.mark.rule("PT-126")
@pytest.mark.parametrize(
    ("render_nulls", "expected"),
    [
        (
            False,
            [
                [("INSERT INTO author (name, email) VALUES (?, ?)", 1)],
                [("INSERT INTO author (name) VALUES (?)", 2)],
                [("INSERT INTO author (name, email) VALUES (?, ?)", 1)],
            ],
        ),
        (True, [[("INSERT INTO author (name, email) VALUES (?, ?)", 4)]]),
    ],
)
def test_none_splits_batches_unless_nulls_are_rendered(session, sql, render_nulls, expected):
    emails = ["1", None, None, "4"]
    session.bulk_insert_mappings(
        Author,
        [{"name": "n", "email": email} for email in emails],
        render_nulls=render_nulls,
    )

    sizes = [len(each) if isinstance(each, list) else 1 for each in sql.parameters]
    emitted = [each.removesuffix(" RETURNING author.id") for each in sql.emitted]
    assert list(zip(emitted, sizes, strict=True)) == [each for (each,) in expected]
    assert session.scalars(select(Author.email).order_by(Author.id)).all() == emails


@pytest.mark.rule("PT-127")
def test_updating_dictionaries_by_primary_key(session, authors, sql):
    sql.clear()
    session.bulk_update_mappings(
        Author, [{"id": 1, "name": "x"}, {"id": 3, "name": "z"}, {"id": 2, "email": None}]
    )

    assert sql.emitted == [
        "UPDATE author SET name=? WHERE author.id = ?",
        "UPDATE author SET email=? WHERE author.id = ?",
    ]
    assert names(session) == ["x", "b", "z"]


@pytest.mark.rule("PT-127")
@pytest.mark.parametrize("mapping", [{"name": "x"}, {"id": None, "name": "x"}])
def test_updating_without_the_key_names_the_column(session, authors, mapping):
    with pytest.raises(
        exc.InvalidRequestError,
        match=r"No primary key value supplied for column\(s\) author.id; per-row ORM Bulk UPDATE",
    ):
        session.bulk_update_mappings(Author, [mapping])


@pytest.mark.rule("PT-128")
def test_bulk_methods_fire_no_events(session):
    heard = []

    def hear(*_):
        heard.append(1)

    targets = [
        *((Author, name) for name in ("before_insert", "after_insert", "before_update")),
        *((session, name) for name in ("before_flush", "before_attach", "transient_to_pending")),
        (Author.name, "set"),
    ]
    author = Author(name="a")
    for target, name in targets:
        event.listen(target, name, hear)
    try:
        session.bulk_save_objects([author])
        session.bulk_insert_mappings(Author, [{"name": "b"}])
        session.bulk_update_mappings(Author, [{"id": 1, "name": "c"}])
    finally:
        for target, name in targets:
            event.remove(target, name, hear)

    assert heard == []
    assert names(session) == ["c", "b"]


@pytest.mark.rule("PT-128")
def test_bulk_methods_ignore_relationships(session):
    author = Author(name="a", books=[Book(title="t")])
    session.bulk_save_objects([author], return_defaults=True)

    assert session.scalar(select(func.count(Book.id))) == 0
    assert author.books[0] not in session


@pytest.mark.rule("PT-128")
def test_bulk_methods_run_in_the_transaction_of_the_session(session):
    session.bulk_save_objects([Author(name="a")])
    assert session.in_transaction()
    session.rollback()

    assert names(session) == []


@pytest.mark.rule("PT-129")
def test_inheritance_takes_values_of_all_tables_from_one_dictionary(session):
    mappings = [{"name": "b1", "level": 1, "car": "x"}, {"name": "b2", "level": 2, "car": "y"}]
    session.bulk_insert_mappings(Boss, mappings, return_defaults=True)
    bosses = session.scalars(select(Boss).order_by(Boss.id)).all()

    assert [(boss.name, boss.level, boss.car) for boss in bosses] == [
        ("b1", 1, "x"),
        ("b2", 2, "y"),
    ]
    assert [(each["id"], each["boss_id"]) for each in mappings] == [(1, 1), (2, 2)]


@pytest.mark.rule("PT-129")
@pytest.mark.parametrize("method", ["objects", "mappings"])
def test_rows_of_subclasses_have_the_keys_of_their_bases_though_nobody_wants_them(session, method):
    session.bulk_insert_mappings(Person, [{"name": "p"}])
    if method == "objects":
        session.bulk_save_objects([Boss(name="b", level=2, car="z")])
    else:
        session.bulk_insert_mappings(Boss, [{"name": "b", "level": 2, "car": "z"}])

    boss = session.scalars(select(Boss)).one()
    assert (boss.id, boss.boss_id, boss.level, boss.car) == (2, 2, 2, "z")


@pytest.mark.rule("PT-129")
def test_inheritance_updates_only_tables_that_something_is_given_for(session, sql):
    session.bulk_insert_mappings(Boss, [{"name": "b", "level": 1}], return_defaults=True)
    sql.clear()
    session.bulk_update_mappings(Boss, [{"id": 1, "name": "x", "car": "y"}])

    assert [each.split()[1] for each in sql.emitted] == ["person", "boss"]
    boss = session.scalars(select(Boss)).one()
    assert (boss.name, boss.level, boss.car) == ("x", 1, "y")


@pytest.mark.rule("PT-130")
@pytest.mark.parametrize("method", ["bulk_insert_mappings", "bulk_update_mappings"])
def test_an_unmapped_class_is_refused(session, method):
    with pytest.raises(UnmappedClassError):
        getattr(session, method)(object, [{}])


@pytest.mark.rule("PT-131")
@pytest.mark.parametrize("method", ["bulk_insert_mappings", "bulk_update_mappings"])
def test_an_expression_as_value_goes_to_the_driver(session, authors, sql, method):
    expression = func.upper("x")
    # Most drivers refuse it; PyMySQL sends its text.
    with suppress(exc.StatementError):
        getattr(session, method)(Author, [{"id": 1, "name": expression}])

    assert any(each is expression for each in sql.parameters[-1])


@dataclass
class Point:
    x: int
    y: int


@pytest.fixture
def detailed(tables):
    """A class with defaults, a version counter and a composite."""

    class Local(DeclarativeBase):
        pass

    class Detailed(Local):
        __tablename__ = "detailed"
        id = Column(Integer, primary_key=True)
        version = Column(Integer, nullable=False)
        colour = Column(String(10), default=lambda: "red")
        size = Column(Integer, default=7, onupdate=8)
        x = Column(Integer)
        y = Column(Integer)
        point = composite(Point, x, y)
        __mapper_args__ = {"version_id_col": version}

    tables(Local.metadata)
    yield Detailed
    Local.registry.dispose()


@pytest.mark.rule("PT-131")
def test_python_side_defaults_are_applied(session, detailed):
    session.bulk_insert_mappings(detailed, [{"x": 1}, {"x": 2, "colour": "blue"}])
    rows = session.execute(select(detailed.colour, detailed.size).order_by(detailed.id)).all()

    assert rows == [("red", 7), ("blue", 7)]


@pytest.mark.rule("PT-125", "PT-127")
def test_composites_stand_for_their_columns(session, detailed):
    session.bulk_insert_mappings(detailed, [{"id": 1, "point": Point(1, 2)}])
    one = session.scalars(select(detailed)).one()
    assert (one.x, one.y) == (1, 2)
    session.bulk_update_mappings(detailed, [{"id": 1, "version": 1, "point": None}])
    session.expire(one)

    assert (one.x, one.y) == (None, None)


@pytest.mark.rule("PT-120", "VC-16")
def test_versions_are_counted(session, detailed):
    session.bulk_insert_mappings(detailed, [{"id": 1}, {"id": 2}])
    session.bulk_update_mappings(detailed, [{"id": 1, "x": 3, "version": 1}])
    one, two = session.scalars(select(detailed).order_by(detailed.id)).all()
    assert (one.version, one.x, one.size) == (2, 3, 8)
    two.x = 4
    session.bulk_save_objects([two])
    session.expire(two)

    assert (two.version, two.x) == (2, 4)


@pytest.mark.rule("PT-132", "VC-16")
def test_an_update_by_key_needs_the_version_that_the_row_has(session, detailed):
    session.bulk_insert_mappings(detailed, [{"id": 1}])
    with pytest.raises(exc.InvalidRequestError, match=r"detailed\.version"):
        session.bulk_update_mappings(detailed, [{"id": 1, "x": 3}])
    session.rollback()
    session.bulk_insert_mappings(detailed, [{"id": 1}])
    with pytest.raises(StaleDataError):
        session.bulk_update_mappings(detailed, [{"id": 1, "x": 3, "version": 5}])


@pytest.mark.rule("PT-132")
def test_an_update_that_meets_no_row_is_an_error(session, authors):
    with pytest.raises(StaleDataError, match="expected to update 2 row"):
        session.bulk_update_mappings(Author, [{"id": 1, "name": "x"}, {"id": 9, "name": "x"}])


@pytest.mark.rule("PT-133")
def test_an_error_leaves_the_session_as_a_failed_flush_does(session, authors):
    session.add(Author(name="d"))
    session.flush()
    with pytest.raises(exc.IntegrityError):
        session.bulk_save_objects([Author(id=2, name="x")])
    with pytest.raises(exc.PendingRollbackError):
        session.bulk_save_objects([Author(name="x")])
    session.rollback()

    assert names(session) == ["a", "b", "c"]
    session.bulk_save_objects([Author(name="x")])
    assert names(session) == ["a", "b", "c", "x"]


@pytest.mark.rule("PT-133")
def test_a_bulk_write_within_a_flush_is_refused(session):
    @event.listens_for(session, "before_flush")
    def write(session, _context, _objects):
        session.bulk_save_objects([Author(name="b")])

    session.add(Author(name="a"))
    with pytest.raises(exc.InvalidRequestError, match="already flushing"):
        session.flush()


@pytest.mark.rule("SC-20")
def test_a_scoped_session_has_the_bulk_methods(engine, tables):
    tables(Base.metadata)
    sessions = scoped_session(sessionmaker(engine))
    sessions.bulk_insert_mappings(Author, [{"name": "a"}])
    sessions.bulk_update_mappings(Author, [{"id": 1, "name": "b"}])
    sessions.bulk_save_objects([Author(name="c")])

    assert names(sessions) == ["b", "c"]
    sessions.remove()
