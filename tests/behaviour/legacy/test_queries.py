"""Queries of 1.x: joins and options by name, locks by mode, and `from_self()`."""

import pytest
from sqlalchemy import exc, func, inspect

import holdfast
from holdfast import aliased, legacy
from models.library import Author, Book, Tag


@pytest.fixture
def tagged(session):
    """The session; book x has the tag "red"."""
    book = session.get(Book, 1)
    book.tags.add(Tag(id=1, name="red"))
    session.add(Author(id=2, name="Bo"))
    session.commit()
    return session


@pytest.mark.rule("LG-190")
def test_join_follows_the_named_relationship(tagged):
    query = tagged.query(Author.name, Book.title).join("books").order_by(Book.id)

    assert query.all() == [("Ann", "x"), ("Ann", "y")]
    assert tagged.query(Author).join("books").filter_by(title="y").one().name == "Ann"
    assert tagged.query(Author).outerjoin("books").filter(Book.id.is_(None)).one().name == "Bo"


@pytest.mark.rule("LG-190")
def test_join_follows_a_chain_of_names(tagged):
    query = tagged.query(Author).join("books", "tags")

    assert query.filter(Tag.name == "red").one().name == "Ann"
    assert query.filter_by(name="red").one().name == "Ann"
    assert tagged.query(Author).join("books").join("tags", from_joinpoint=True).count() == 1
    assert tagged.query(Author).join(Author.books, "tags").count() == 1


@pytest.mark.rule("LG-190")
def test_join_to_a_target_takes_a_name_as_its_on_clause(tagged):
    other = aliased(Book)

    assert tagged.query(Author).join(other, "books").filter(other.title == "x").count() == 1


@pytest.mark.rule("LG-190")
def test_unknown_name_is_refused(session):
    for names in (("colours",), ("name",), ("books", "colours")):
        with pytest.raises(exc.InvalidRequestError, match=f"has no property '{names[-1]}'"):
            session.query(Author).join(*names)


@pytest.mark.rule("LG-191")
def test_rows_are_locked_by_mode(session, sql, engine):
    locks = {"postgresql": "FOR UPDATE NOWAIT", "mariadb": "FOR UPDATE NOWAIT"}
    query = session.query(Author)

    sql.clear()
    query.with_lockmode("update_nowait").all()
    assert sql.emitted[0].endswith(locks.get(engine.dialect.name, "FROM author"))
    assert "FOR UPDATE" in str(query.with_lockmode("update").statement)
    assert "FOR UPDATE" not in str(query.with_lockmode("update").with_lockmode(None).statement)
    assert query.with_lockmode("read").one().name == "Ann"
    with pytest.raises(exc.ArgumentError, match="Unknown with_lockmode argument"):
        query.with_lockmode("sideways")


@pytest.mark.rule("LG-192")
def test_query_selects_from_itself(tagged, sql):
    inner = tagged.query(Book).order_by(Book.id.desc()).limit(1)
    sql.clear()

    found = inner.from_self().filter(Book.title != "z").all()

    assert [book.title for book in found] == ["y"]
    assert sql.emitted[0].count("SELECT") == 2
    assert inner.from_self().filter(Book.title == "x").all() == []
    assert inner.from_self(Book.title, Author.name).join(Book.author).all() == [("y", "Ann")]
    assert inner.from_self(func.count(Book.id)).scalar() == 1
    assert inner.from_self().join("tags").all() == []
    assert tagged.query(Book).from_self().from_self().filter(Book.id == 1).one().title == "x"


@pytest.mark.rule("LG-193")
@pytest.mark.parametrize(
    "load", [legacy.joinedload, legacy.selectinload, legacy.subqueryload, legacy.immediateload]
)
def test_relationship_is_loaded_by_name(tagged, sql, load):
    ann = tagged.query(Author).options(load("books")).order_by(Author.id).first()
    sql.clear()

    assert [book.title for book in ann.books] == ["x", "y"]
    assert sql.emitted == []
    tagged.expunge_all()
    ann = tagged.query(Author).options(load("books"), load("books.tags")).get(1)
    sql.clear()
    assert [tag.name for book in ann.books for tag in book.tags] == ["red"]
    assert sql.emitted == []


@pytest.mark.rule("LG-193")
def test_path_of_names_may_be_a_chain(tagged, sql):
    ann = tagged.query(Author).options(legacy.selectinload("books").selectinload("tags")).get(1)
    sql.clear()

    assert [tag.name for book in ann.books for tag in book.tags] == ["red"]
    assert sql.emitted == []


@pytest.mark.rule("LG-193")
def test_columns_are_deferred_by_name(tagged):
    ann = tagged.query(Author).options(legacy.defer("name"), legacy.raiseload("books")).get(1)
    assert inspect(ann).unloaded == {"name", "books"}
    with pytest.raises(exc.InvalidRequestError):
        ann.books
    tagged.expunge_all()
    book = tagged.query(Book).options(legacy.load_only("title", "pages")).get(1)
    assert {"author_id"} <= inspect(book).unloaded
    assert {"title", "pages"}.isdisjoint(inspect(book).unloaded)
    tagged.expunge_all()
    options = [legacy.joinedload("author"), legacy.defer("author.email")]
    book = tagged.query(Book).options(options).get(1)
    assert "email" in inspect(book.author).unloaded


@pytest.mark.rule("LG-193")
def test_option_finds_the_entity_that_has_the_name(tagged):
    rows = tagged.query(Tag, Book).join(Tag.books).options(legacy.joinedload("author")).all()

    assert "author" not in inspect(rows[0][1]).unloaded
    with pytest.raises(exc.InvalidRequestError, match="Can't find property named 'colours'"):
        tagged.query(Tag, Book).options(legacy.joinedload("colours"))


@pytest.mark.rule("LG-193")
def test_options_with_attributes_are_those_of_the_default(session):
    option = legacy.joinedload(Author.books)

    assert isinstance(option, holdfast.Load)
    assert "books" not in inspect(session.query(Author).options(option).first()).unloaded


@pytest.mark.rule("LG-194")
def test_get_of_a_query_does_not_warn(session):
    assert session.query(Author).get(1).name == "Ann"
    assert session.query(Author).get(9) is None


@pytest.mark.rule("LG-195")
def test_changes_of_a_query_are_evaluated(session, sql):
    books = session.query(Book).order_by(Book.id).all()
    assert len(books) == 2
    sql.clear()

    assert session.query(Book).filter(Book.title == "x").update({"title": "z"}) == 1
    assert books[0].title == "z"
    assert session.query(Book).filter(Book.title == "z").delete() == 1
    assert inspect(books[0]).deleted or inspect(books[0]).detached

    assert [each.split()[0] for each in sql.emitted] == ["UPDATE", "DELETE"]
    with pytest.raises(exc.InvalidRequestError, match="valuate"):
        session.query(Book).filter(func.lower(Book.title) == "y").update({"title": "w"})


@pytest.mark.rule("LG-196")
def test_entities_of_a_query_are_those_of_the_default(session):
    assert session.query(inspect(Author)).one().name == "Ann"
    assert session.query(Author.name).all() == [("Ann",)]
    rows = session.query(Author, Book).filter(Book.author_id == Author.id).order_by(Book.id)
    assert [(author.name, book.title) for author, book in rows] == [("Ann", "x"), ("Ann", "y")]


# -- scopes ----------------------------------------------------------------------------------------


@pytest.fixture
def scoped(bound):
    """A registry of sessions of 1.x."""
    scoped = legacy.scoped_session(legacy.sessionmaker(bound))
    yield scoped
    scoped.remove()


@pytest.mark.rule("LG-210")
def test_registry_has_the_methods_of_1x(scoped):
    session = scoped()
    assert scoped.transaction is session.transaction
    assert scoped.autocommit is False
    scoped.begin(subtransactions=True)
    assert scoped.transaction is not scoped().get_transaction()
    assert scoped.scalar("SELECT 1") == 1
    scoped.add(Tag(id=1, name="t"))
    scoped.commit()
    assert scoped.transaction.parent is None
    assert scoped.prune() == 0
    scoped.clear()
    assert list(scoped) == []
    tag = Tag()
    scoped.add(tag)
    scoped.close_all()
    assert inspect(tag).transient


@pytest.mark.rule("LG-211")
def test_removing_closes_and_forgets(scoped):
    session = scoped()
    tag = Tag()
    scoped.add(tag)

    scoped.remove()

    assert inspect(tag).transient
    assert scoped() is not session


def test_factory_begins_and_ends_a_block(bound):
    for autocommit in (False, True):
        maker = legacy.sessionmaker(bound, autocommit=autocommit)
        with maker.begin() as session:
            session.add(Tag(name="t"))
        assert session.in_transaction() is not autocommit

    with legacy.Session(bound) as session:
        assert session.query(Tag).count() == 2
