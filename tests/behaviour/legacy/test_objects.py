"""Objects in sessions of 1.x: strong references, cascades, merging, refreshing, extensions."""

import gc
import weakref

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, exc, inspect, text

import holdfast
from holdfast import DeclarativeBase, Mapped, legacy, mapped_column
from holdfast.exc import FlushError
from holdfast.legacy import factories
from models.library import Author, Book, Tag


@pytest.fixture
def strong(make):
    """A session that holds its objects."""
    return make(weak_identity_map=False)


def alive(reference):
    gc.collect()
    return reference() is not None


@pytest.mark.rule("LG-100")
def test_persistent_objects_are_held_until_they_leave(strong):
    loaded = weakref.ref(strong.get(Author, 1))
    tag = Tag(id=1, name="t")
    added = weakref.ref(tag)
    strong.add(tag)
    del tag
    strong.commit()
    merged = weakref.ref(strong.merge(holdfast_copy(strong), load=False))
    assert alive(loaded)
    assert alive(added)
    assert alive(merged)

    strong.expunge(loaded())
    assert not alive(loaded)
    strong.delete(added())
    strong.flush()
    assert alive(added)
    strong.commit()
    assert not alive(added)
    strong.close()
    assert not alive(merged)


def holdfast_copy(session):
    """A detached copy of a book, as a cache would keep it."""
    with holdfast.Session(session.get_bind()) as other:
        return other.get(Book, 1)


@pytest.mark.rule("LG-100")
def test_default_holds_nothing(session):
    loaded = weakref.ref(session.get(Author, 1))

    assert not alive(loaded)


@pytest.mark.rule("LG-101", "LG-103")
def test_pruning_lets_go_of_what_nobody_needs(strong):
    books = strong.query(Book).order_by(Book.id).all()
    author = strong.get(Author, 1)
    marked = Tag(id=1, name="marked")
    unused = Tag(id=2, name="unused")
    strong.add_all([marked, unused])
    strong.commit()
    assert (marked.id, books[0].title) == (1, "x")
    new = Tag(id=3, name="new")
    strong.add(new)
    author.name = "Anna"
    strong.delete(marked)
    held = books[0]
    references = [weakref.ref(each) for each in (author, marked, unused, new, *books)]
    del author, marked, unused, new, books

    assert strong.prune() == 2

    assert [alive(each) for each in references] == [True, True, False, True, True, False]
    assert strong.prune() == 0
    again = strong.get(Book, 2)
    assert again is not references[-1]()
    assert held in strong


@pytest.mark.rule("LG-102")
def test_pruning_a_weak_map_does_nothing(session):
    ann = session.get(Author, 1)

    assert session.prune() == 0
    assert ann in session


# -- cascades --------------------------------------------------------------------------------------


@pytest.fixture
def orders(engine):
    """Orders and items by a relationship of 1.x, with and without the cascade."""

    class Base(DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "shop_order"
        id: Mapped[int] = mapped_column(primary_key=True)
        items = legacy.relationship("Item", back_populates="order")
        gifts = legacy.relationship("Gift", backref="order", cascade_backrefs=False)

    class Item(Base):
        __tablename__ = "item"
        id: Mapped[int] = mapped_column(primary_key=True)
        order_id: Mapped[int | None] = mapped_column(ForeignKey("shop_order.id"))
        order = legacy.relationship(Order, back_populates="items")

    class Gift(Base):
        __tablename__ = "gift"
        id: Mapped[int] = mapped_column(primary_key=True)
        order_id: Mapped[int | None] = mapped_column(ForeignKey("shop_order.id"))

    Base.metadata.create_all(engine)
    with legacy.Session(engine) as session:
        session.add(Order(id=1))
        session.commit()
        yield session, session.get(Order, 1), Item, Gift


@pytest.mark.rule("LG-130")
@pytest.mark.parametrize("is_loaded", [True, False])
def test_back_reference_brings_the_object_into_the_session(orders, is_loaded):
    session, order, item_class, _ = orders
    if is_loaded:
        assert order.items == []
    item = item_class(id=1)

    item.order = order

    assert item in session
    session.commit()
    assert order.items == [item]


@pytest.mark.rule("LG-130")
def test_object_follows_a_reference_that_is_set_from_the_other_side(orders):
    session, order, item_class, _ = orders
    item = item_class(id=1)
    session.add(item)
    other = type(order)(id=2)

    other.items.append(item)

    assert other in session


@pytest.mark.rule("LG-131")
def test_back_reference_leaves_the_object_alone_on_request(orders):
    session, order, _, gift_class = orders
    gift = gift_class(id=1)

    gift.order = order

    assert gift not in session
    with session.no_autoflush:
        assert gift in order.gifts


@pytest.mark.rule("LG-132")
def test_new_object_with_a_taken_identity_fails_in_the_flush(session, sql):
    ann = session.get(Author, 1)
    session.add(Author(id=1, name="other"))
    sql.clear()

    message = r"New instance <Author .*> with identity key .* conflicts with persistent instance <"
    with pytest.raises(FlushError, match=message):
        session.flush()

    assert sql.emitted == []
    with pytest.raises(exc.InvalidRequestError, match="previous exception during flush"):
        session.commit()
    session.rollback()
    assert ann.name == "Ann"


@pytest.mark.rule("LG-133")
def test_merging_what_a_back_reference_has_brought_conflicts(orders):
    session, order, item_class, _ = orders
    existing = item_class(id=1, order=order)
    session.add(existing)
    session.commit()
    assert existing.id == 1
    item = item_class(id=existing.id)
    item.order = order
    assert inspect(item).pending

    with session.no_autoflush:
        assert session.merge(item) is item
    with pytest.raises(FlushError, match="conflicts with persistent instance"):
        session.commit()


@pytest.mark.rule("LG-134")
def test_rows_of_a_flush_are_those_of_the_default(make, bound, sql):
    written = []
    for number, kind in enumerate((make(), holdfast.Session(bound))):
        with kind as session:
            session.add(Author(id=5 + number, name="x", books=[Book(title="a"), Book(title="b")]))
            sql.clear()
            session.flush()
            written.append(list(sql.emitted))
            session.rollback()

    assert written[0] == written[1]
    assert written[0]


# -- other functions -------------------------------------------------------------------------------


@pytest.mark.rule("LG-160")
def test_refresh_locks_by_mode(session, sql, engine):
    ann = session.get(Author, 1)
    ends = {
        "postgresql": {"read": "FOR SHARE", "update": "FOR UPDATE", "update_nowait": "NOWAIT"},
        "mariadb": {
            "read": "LOCK IN SHARE MODE",
            "update": "FOR UPDATE",
            "update_nowait": "NOWAIT",
        },
    }.get(engine.dialect.name, {})

    for mode in ("read", "update", "update_nowait", None):
        sql.clear()
        session.refresh(ann, None, mode)
        assert sql.emitted[-1].endswith(ends.get(mode, "WHERE author.id = ?"))
    with pytest.raises(exc.ArgumentError, match="Unknown with_lockmode argument"):
        session.refresh(ann, lockmode="sideways")


@pytest.mark.rule("LG-161")
def test_refresh_needs_a_column(session):
    ann = session.get(Author, 1)

    with pytest.raises(exc.InvalidRequestError, match=r"Could not refresh instance .* books"):
        session.refresh(ann, ["books"])
    session.refresh(ann, ["name", "books"])

    assert len(ann.books) == 2


@pytest.mark.rule("LG-162")
def test_passive_of_is_modified_is_ignored(session):
    ann = session.get(Author, 1)
    for passive in (True, False):
        assert session.is_modified(ann, True, passive) is False
    ann.name = "Anna"

    assert session.is_modified(ann, passive=False)


@pytest.mark.rule("LG-163")
def test_load_of_merge_is_accepted_by_place(session, sql):
    given = session.get(Author, 1)
    session.expunge(given)
    sql.clear()

    copy = session.merge(given, False)

    assert copy is not given
    assert copy.name == "Ann"
    assert sql.emitted == []


@pytest.mark.rule("LG-164")
@pytest.mark.parametrize("holder", [legacy.Session, legacy.sessionmaker])
def test_all_sessions_are_closed(session, bound, holder):
    default = holdfast.Session(bound)
    tags = [Tag(), Tag()]
    session.add(tags[0])
    default.add(tags[1])

    holder.close_all()

    assert [inspect(tag).transient for tag in tags] == [True, True]
    assert not default.in_transaction()


@pytest.mark.rule("LG-165")
def test_clear_empties_the_session(session):
    ann = session.get(Author, 1)
    root = session.transaction

    session.clear()

    assert inspect(ann).detached
    assert session.transaction is root


@pytest.mark.rule("LG-167")
def test_session_of_an_object_is_found(session):
    ann = session.get(Author, 1)

    assert legacy.Session.object_session(ann) is session
    assert legacy.sessionmaker.object_session(ann) is session


@pytest.mark.rule("LG-169")
def test_new_object_may_load_related_ones(session):
    book = Book(author_id=1)

    session.enable_relationship_loading(book)

    assert book.author.name == "Ann"
    assert book not in session.new


@pytest.mark.rule("LG-174")
def test_single_objects_are_flushed_without_a_warning(session):
    wanted, other = Tag(name="a"), Tag(name="b")
    session.add_all([wanted, other])

    session.flush([wanted])

    assert list(session.new) == [other]


@pytest.mark.rule("LG-175")
def test_class_of_queries_is_chosen(bound):
    class OurQuery(legacy.Query):
        pass

    assert type(legacy.Session(bound).query(Author)) is legacy.Query
    assert type(legacy.Session(bound, query_cls=OurQuery).query(Author)) is OurQuery


@pytest.mark.rule("LG-176")
def test_info_of_a_call_is_added_to_that_of_the_factory(bound):
    maker = legacy.sessionmaker(bound, info={"a": 1, "b": 1})

    assert maker(info={"b": 2}).info == {"a": 1, "b": 2}
    assert maker().info == {"a": 1, "b": 1}


# -- extensions ------------------------------------------------------------------------------------

METHODS = {
    "after_attach": 2,
    "before_commit": 1,
    "before_flush": 3,
    "after_begin": 3,
    "after_flush": 2,
    "after_flush_postexec": 2,
    "after_commit": 1,
    "after_bulk_update": 4,
    "after_bulk_delete": 4,
    "after_rollback": 1,
}


def new_extension(heard, names, mark=None):
    def method(name):
        def listener(self, *arguments):
            heard.append((name, len(arguments)) if mark is None else mark)

        return listener

    return type("Heard", (legacy.SessionExtension,), {name: method(name) for name in names})()


@pytest.mark.rule("LG-120", "LG-121", "LG-122")
def test_methods_of_an_extension_are_told(make):
    heard = []
    session = make(extension=new_extension(heard, METHODS))
    session.add(Tag(id=1, name="t"))
    session.commit()
    session.query(Tag).update({"name": "u"})
    session.query(Tag).delete()
    session.rollback()

    told = [name for name in dict(heard) if name != "after_begin"]
    assert told == [name for name in METHODS if name != "after_begin"]
    assert dict(heard) == METHODS


@pytest.mark.rule("LG-120")
def test_bulk_changes_are_told_with_query_and_result(make):
    heard = []

    class Bulk(legacy.SessionExtension):
        def after_bulk_update(self, session, query, query_context, result):
            heard.append((session, query, result.rowcount))

    session = make(extension=Bulk())
    query = session.query(Book)
    query.update({"title": "z"})

    assert heard == [(session, query, 2)]


@pytest.mark.rule("LG-120", "LG-121")
def test_several_extensions_are_told_in_order_of_what_they_override(make):
    heard = []
    extensions = [
        new_extension(heard, ["before_commit"], "first"),
        new_extension(heard, ["before_commit"], "second"),
        legacy.SessionExtension(),
    ]
    session = make(extension=extensions)
    session.commit()

    assert heard == ["first", "second"]
    own, none = session.dispatch, make().dispatch
    assert len(list(own.before_commit)) == len(list(none.before_commit)) + 2
    assert len(list(own.after_commit)) == len(list(none.after_commit))


@pytest.mark.rule("LG-123")
def test_factory_gives_the_extension_to_each_session(bound):
    heard = []
    maker = legacy.sessionmaker(bound, extension=new_extension(heard, ["before_commit"], "told"))

    for _ in range(2):
        session = maker()
        session.commit()
        session.close()

    assert heard == ["told"] * 2


# -- imperative mapping ----------------------------------------------------------------------------


@pytest.fixture
def default_registry():
    """The registry of all that `mapper()` maps, emptied afterwards."""
    yield factories.default_registry
    factories.default_registry.dispose()


@pytest.mark.rule("LG-197", "LG-198")
def test_classes_are_mapped_by_a_function(engine, default_registry):
    metadata = MetaData()
    parent_table = Table("parent", metadata, Column("id", Integer, primary_key=True))
    child_table = Table(
        "child",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("parent_id", ForeignKey("parent.id")),
    )

    class Parent:
        pass

    class Child:
        pass

    made = legacy.mapper(
        Parent, parent_table, properties={"children": legacy.relationship(Child, backref="parent")}
    )
    legacy.mapper(Child, child_table)
    metadata.create_all(engine)

    assert isinstance(made, holdfast.Mapper)
    assert made in default_registry.mappers
    assert holdfast.class_mapper(Parent) is made
    assert holdfast.object_mapper(Parent()) is made
    with legacy.Session(engine) as session:
        child = Child()
        parent = Parent()
        session.add(parent)
        child.parent = parent
        session.commit()
        assert session.execute(text("SELECT count(*) FROM child")).scalar() == 1
