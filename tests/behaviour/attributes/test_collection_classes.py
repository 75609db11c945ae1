"""Collections of relationships: kinds, mutations, assignment, classes of one's own."""

import pickle

import pytest
from sqlalchemy import ForeignKey, String, exc, inspect, select

from holdfast import (
    DeclarativeBase,
    Mapped,
    Session,
    attribute_keyed_dict,
    collections,
    column_keyed_dict,
    keyfunc_mapping,
    mapped_column,
    relationship,
)
from holdfast.attributes import set_committed_value
from holdfast.collections import (
    InstrumentedDict,
    InstrumentedList,
    InstrumentedSet,
    KeyFuncDict,
    collection,
    collection_adapter,
)
from models.library import Author, Book, Tag


class Base(DeclarativeBase):
    pass


class Sorted(list):
    """A list-like class of one's own."""


class Bag:
    """Like a set, and says so."""

    __emulates__ = set

    def __init__(self):
        self.content = []

    @collection.appender
    def put(self, item):
        self.content.append(item)

    @collection.remover
    def take(self, item):
        self.content.remove(item)

    @collection.iterator
    def all(self):
        return iter(self.content)

    @collection.adds(1)
    def put_loudly(self, item):
        self.content.append(item)

    @collection.removes("item")
    def take_loudly(self, *, item):
        self.content.remove(item)

    @collection.removes_return()
    def take_last(self):
        return self.content.pop()

    @collection.replaces("item")
    def swap_last(self, item):
        former = self.content.pop()
        self.content.append(item)
        return former

    @collection.internally_instrumented
    def put_both(self, one, two):
        self.put(one)
        self.put(two)

    @collection.converter
    def from_anything(self, value):
        return value.split() if isinstance(value, str) else list(value)


class Home(Base):
    __tablename__ = "home"
    id: Mapped[int] = mapped_column(primary_key=True)
    as_list: Mapped[list["Thing"]] = relationship(back_populates="home", overlaps="home")
    as_set: Mapped[set["Thing"]] = relationship(overlaps="as_list,home")
    own: Mapped[Sorted["Thing"]] = relationship(overlaps="as_list,as_set,home")
    bag = relationship("Thing", collection_class=Bag, overlaps="as_list,as_set,own,home")
    by_name: Mapped[dict[str, "Thing"]] = relationship(
        collection_class=attribute_keyed_dict("name"),
        back_populates="keeper",
        overlaps="as_list,as_set,own,bag,home",
    )


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    home_id: Mapped[int | None] = mapped_column(ForeignKey("home.id"))
    name: Mapped[str | None]
    home: Mapped[Home | None] = relationship(
        back_populates="as_list", overlaps="as_set,own,bag,by_name"
    )
    keeper: Mapped[Home | None] = relationship(
        back_populates="by_name", overlaps="as_list,as_set,own,bag,home"
    )


Home.by_columns = relationship(
    Thing, collection_class=column_keyed_dict([Thing.id, Thing.name]), viewonly=True
)


@pytest.fixture
def things(engine, tables):
    tables(Base.metadata)
    with Session(engine) as session:
        yield session


# -- kinds -------------------------------------------------------------------------------------


@pytest.mark.rule("RL-110")
@pytest.mark.parametrize(
    ("name", "class_"),
    [
        ("as_list", InstrumentedList),
        ("as_set", InstrumentedSet),
        ("own", Sorted),
        ("bag", Bag),
        ("by_name", KeyFuncDict),
    ],
)
def test_unset_collection_is_an_empty_one_of_its_class(name, class_):
    found = getattr(Home(), name)

    assert isinstance(found, class_)
    assert list(collection_adapter(found)) == []
    assert issubclass(InstrumentedDict, dict)


# -- mutations ---------------------------------------------------------------------------------


def _add_in_place(members, added):
    members += added


def _multiply(members, times):
    members *= times


LIST_MUTATIONS = [
    (lambda m, a, b, c: m.append(c), "abc"),
    (lambda m, a, b, c: m.extend([c]), "abc"),
    (lambda m, a, b, c: m.insert(0, c), "cab"),
    (lambda m, a, b, c: m.pop(), "a"),
    (lambda m, a, b, c: m.pop(0), "b"),
    (lambda m, a, b, c: m.remove(a), "b"),
    (lambda m, a, b, c: m.clear(), ""),
    (lambda m, a, b, c: m.__setitem__(0, c), "cb"),
    (lambda m, a, b, c: m.__setitem__(slice(0, 2), [c, a]), "ca"),
    (lambda m, a, b, c: m.__setitem__(slice(None, None, 2), [c]), "cb"),
    (lambda m, a, b, c: m.__delitem__(0), "b"),
    (lambda m, a, b, c: m.__delitem__(slice(0, 2)), ""),
    (lambda m, a, b, c: _add_in_place(m, [c]), "abc"),
    (lambda m, a, b, c: _multiply(m, 0), ""),
    (lambda m, a, b, c: m.reverse(), "ba"),
    (lambda m, a, b, c: m.sort(key=lambda each: -ord(each.title)), "ba"),
]


@pytest.mark.rule("RL-111")
@pytest.mark.parametrize(("mutate", "expected"), LIST_MUTATIONS)
def test_list_reports_every_mutation(mutate, expected):
    a, b, c = books = [Book(title=title) for title in "abc"]
    author = Author()
    set_committed_value(author, "books", [a, b])
    for book in (a, b):
        set_committed_value(book, "author", author)

    mutate(author.books, a, b, c)

    assert "".join(book.title for book in author.books) == expected
    history = inspect(author).attrs.books.history
    assert {book.title for book in history.added} == set(expected) - set("ab")
    assert {book.title for book in history.deleted} == set("ab") - set(expected)
    for book in books:
        assert book.author is (author if book.title in expected else None)


SET_MUTATIONS = [
    (lambda m, a, b, c: m.add(c), "abc"),
    (lambda m, a, b, c: m.update([c], [a]), "abc"),
    (lambda m, a, b, c: m.discard(a), "b"),
    (lambda m, a, b, c: m.remove(a), "b"),
    (lambda m, a, b, c: m.clear(), ""),
    (lambda m, a, b, c: m.difference_update([a, c]), "b"),
    (lambda m, a, b, c: m.intersection_update([a, c]), "a"),
    (lambda m, a, b, c: m.symmetric_difference_update([a, c]), "bc"),
    (lambda m, a, b, c: m.__ior__({c}), "abc"),
    (lambda m, a, b, c: m.__isub__({a}), "b"),
    (lambda m, a, b, c: m.__iand__({a}), "a"),
    (lambda m, a, b, c: m.__ixor__({a, c}), "bc"),
]


@pytest.mark.rule("RL-111")
@pytest.mark.parametrize(("mutate", "expected"), SET_MUTATIONS)
def test_set_reports_every_mutation(mutate, expected):
    a, b, c = tags = [Tag(name=name) for name in "abc"]
    book = Book()
    set_committed_value(book, "tags", [a, b])
    for tag in (a, b):
        set_committed_value(tag, "books", [book])

    mutate(book.tags, a, b, c)

    assert {tag.name for tag in book.tags} == set(expected)
    history = inspect(book).attrs.tags.history
    assert {tag.name for tag in history.added} == set(expected) - set("ab")
    assert {tag.name for tag in history.deleted} == set("ab") - set(expected)
    for tag in tags:
        assert tag.books == ([book] if tag.name in expected else [])


@pytest.mark.rule("RL-111")
def test_set_pops_one_member():
    tag = Tag()
    book = Book(tags={tag})

    assert book.tags.pop() is tag
    assert tag.books == []
    with pytest.raises(KeyError):
        book.tags.remove(tag)


DICT_MUTATIONS = [
    (lambda m, a, b, c: m.__setitem__("c", c), "abc"),
    (lambda m, a, b, c: m.__setitem__("a", c), "bc"),
    (lambda m, a, b, c: m.__delitem__("a"), "b"),
    (lambda m, a, b, c: m.pop("a"), "b"),
    (lambda m, a, b, c: m.pop("nothing", None), "ab"),
    (lambda m, a, b, c: m.popitem(), "a"),
    (lambda m, a, b, c: m.clear(), ""),
    (lambda m, a, b, c: m.setdefault("c", c), "abc"),
    (lambda m, a, b, c: m.setdefault("a", c), "ab"),
    (lambda m, a, b, c: m.update({"c": c}), "abc"),
    (lambda m, a, b, c: m.update([("a", a)], c=c), "abc"),
    (lambda m, a, b, c: m.__ior__({"c": c}), "abc"),
    (lambda m, a, b, c: m.set(c), "abc"),
    (lambda m, a, b, c: m.remove(a), "b"),
]


@pytest.mark.rule("RL-111", "RL-115")
@pytest.mark.parametrize(("mutate", "expected"), DICT_MUTATIONS)
def test_dictionary_reports_every_mutation(mutate, expected):
    a, b, c = things = [Thing(name=name) for name in "abc"]
    home = Home()
    set_committed_value(home, "by_name", [a, b])
    for thing in (a, b):
        set_committed_value(thing, "keeper", home)

    mutate(home.by_name, a, b, c)

    assert {thing.name for thing in home.by_name.values()} == set(expected)
    history = inspect(home).attrs.by_name.history
    assert {thing.name for thing in history.added} == set(expected) - set("ab")
    assert {thing.name for thing in history.deleted} == set("ab") - set(expected)
    for thing in things:
        assert thing.keeper is (home if thing.name in expected else None)


# -- assignment --------------------------------------------------------------------------------


@pytest.mark.rule("RL-112")
def test_assigned_collection_takes_the_place_of_the_old_one(session, author):
    one, two = former = author.books
    three = Book(title="Three")

    author.books = [two, three]

    assert author.books == [two, three]
    assert author.books is not former
    assert (one.author, two.author, three.author) == (None, author, author)
    assert collection_adapter(former) is None
    former.append(Book(title="Four"))
    assert former[-1].author is None
    assert author.books == [two, three]
    session.commit()
    assert session.scalars(select(Book.title).order_by(Book.id)).all() == ["One", "Two", "Three"]


@pytest.mark.rule("RL-112")
def test_change_to_a_collection_that_expired_warns(session, author):
    former = author.books
    session.expire(author, ["books"])

    with pytest.warns(exc.SAWarning, match="This collection has been invalidated"):
        former.append(Book(title="Three"))

    assert len(author.books) == 3
    author.books.append(Book(title="Four"))
    with pytest.warns(exc.SAWarning, match="This collection has been invalidated"):
        former.remove(former[0])


@pytest.mark.rule("RL-113")
@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "None"), ("text", "str"), ({}, "dict"), (set(), "set"), (7, "int"), (Book(), "Book")],
)
def test_value_of_another_kind_is_refused(author, sql, value, kind):
    sql.clear()

    with pytest.raises(TypeError, match=f"Incompatible collection type: {kind} is not list-like"):
        author.books = value

    assert len(sql) == 0
    with pytest.raises(TypeError, match=r"list is not set-like"):
        Book(tags=[])
    with pytest.raises(TypeError, match=r"list is not dict-like"):
        Home(by_name=[])


@pytest.mark.rule("RL-112")
@pytest.mark.parametrize("make", [list, tuple, lambda each: InstrumentedList(each)])
def test_value_of_the_right_kind_is_taken(make):
    book = Book()
    value = make([book])
    if isinstance(value, tuple):
        with pytest.raises(TypeError, match="tuple is not list-like"):
            Author(books=value)
        return

    author = Author(books=value)

    assert author.books == [book]
    assert author.books is not value


@pytest.mark.rule("RL-121")
def test_members_that_move_while_the_list_is_walked_follow_the_rules_of_lists():
    one, two = Author(), Author(books=[Book(title=title) for title in "abc"])

    for book in two.books:
        book.author = one
    assert [book.title for book in one.books] == ["a", "c"]
    for book in [*two.books]:
        book.author = one
    assert two.books == []

    tags = [Tag(), Tag()]
    book = Book(tags=set(tags))
    walk = iter(book.tags)
    next(walk).books = []
    with pytest.raises(RuntimeError, match="changed size during iteration"):
        next(walk)


# -- dictionaries ------------------------------------------------------------------------------


@pytest.mark.rule("RL-115")
def test_dictionary_is_keyed_from_its_members():
    class LocalBase(DeclarativeBase):
        pass

    class Shop(LocalBase):
        __tablename__ = "shop"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Ware(LocalBase):
        __tablename__ = "ware"
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str]
        shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))

    Shop.by_attribute = relationship(Ware, collection_class=attribute_keyed_dict("code"))
    Shop.by_column = relationship(
        Ware, collection_class=column_keyed_dict(Ware.code), overlaps="by_attribute"
    )
    Shop.by_columns = relationship(
        Ware,
        collection_class=column_keyed_dict([Ware.__table__.c.id, Ware.__table__.c.code]),
        overlaps="by_attribute,by_column",
    )
    Shop.by_function = relationship(
        Ware,
        collection_class=keyfunc_mapping(lambda ware: ware.code.upper()),
        overlaps="by_attribute,by_column,by_columns",
    )
    ware = Ware(id=1, code="x")
    for name, key in (
        ("by_attribute", "x"),
        ("by_column", "x"),
        ("by_columns", (1, "x")),
        ("by_function", "X"),
    ):
        shop = Shop()
        dictionary = getattr(shop, name)
        dictionary.set(ware)
        assert dictionary == {key: ware}
        dictionary.remove(ware)
        assert dictionary == {}


@pytest.mark.rule("RL-115")
def test_dictionary_keyed_by_columns_survives_pickling(things):
    things.add(Home(id=1, as_list=[Thing(id=2, name="a")]))
    things.commit()
    home = things.get(Home, 1)
    assert list(home.by_columns) == [(2, "a")]

    copied = pickle.loads(pickle.dumps(home))

    assert {key: thing.name for key, thing in copied.by_columns.items()} == {(2, "a"): "a"}
    copied.by_columns.set(Thing(id=3, name="b"))
    assert list(copied.by_columns) == [(2, "a"), (3, "b")]


@pytest.mark.rule("RL-116", "RL-118")
def test_member_stays_under_its_key_until_the_next_load(things):
    a, b = Thing(name="a"), Thing(name="b")
    home = Home()
    home.by_name["other"] = a
    home.by_name["b"] = b
    things.add(home)
    things.flush()
    b.name = "changed"
    things.flush()
    assert home.by_name == {"other": a, "b": b}

    things.expire(home)

    assert home.by_name == {"a": a, "changed": b}


@pytest.mark.rule("RL-117")
def test_member_without_key_is_refused_unless_such_members_are_left_out():
    with pytest.raises(exc.InvalidRequestError, match=r"dictionary key .* is not populated"):
        Thing(keeper=Home())

    class LocalBase(DeclarativeBase):
        pass

    class Shop(LocalBase):
        __tablename__ = "shop"
        id: Mapped[int] = mapped_column(primary_key=True)
        wares: Mapped[dict[str, "Ware"]] = relationship(
            collection_class=attribute_keyed_dict("code", ignore_unpopulated_attribute=True),
            back_populates="shop",
        )

    class Ware(LocalBase):
        __tablename__ = "ware"
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str]
        shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
        shop: Mapped[Shop | None] = relationship(back_populates="wares")

    shop = Shop()
    ware = Ware(shop=shop)
    assert shop.wares == {}
    assert ware.shop is shop


# -- classes of one's own ----------------------------------------------------------------------


@pytest.mark.rule("RL-119")
def test_decorated_methods_report():
    home = Home()
    a, b, c, d = (Thing(name=name) for name in "abcd")

    home.bag.put(a)
    home.bag.put_loudly(b)
    home.bag.put_both(c, d)
    added = inspect(home).attrs.bag.history.added
    assert added == [a, b, c, d]
    set_committed_value(home, "bag", added)
    home.bag.take(a)
    home.bag.take_loudly(item=b)
    assert home.bag.take_last() is d
    assert home.bag.swap_last(d) is c

    history = inspect(home).attrs.bag.history
    assert (history.added, history.unchanged, history.deleted) == ([], [d], [a, b, c])


@pytest.mark.rule("RL-119")
def test_converter_makes_members_of_what_is_assigned():
    thing = Thing()
    home = Home(bag=(each for each in [thing]))

    assert list(home.bag.all()) == [thing]
    with pytest.raises(AttributeError, match="_sa_instance_state"):
        home.bag = "no things"


@pytest.mark.rule("RL-119")
def test_classes_like_lists_and_sets_need_no_decorators():
    class Listlike:
        def __init__(self):
            self.content = []

        def append(self, item):
            self.content.append(item)

        def remove(self, item):
            self.content.remove(item)

        def extend(self, items):
            self.content.extend(items)

        def __iter__(self):
            return iter(self.content)

    class LocalBase(DeclarativeBase):
        pass

    class Shop(LocalBase):
        __tablename__ = "shop"
        id: Mapped[int] = mapped_column(primary_key=True)
        wares = relationship("Ware", collection_class=Listlike, backref="shop")

    class Ware(LocalBase):
        __tablename__ = "ware"
        id: Mapped[int] = mapped_column(primary_key=True)
        shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))

    a, b = Ware(), Ware()
    shop = Shop(wares=[a])
    shop.wares.extend([b])
    shop.wares.remove(a)

    assert list(shop.wares) == [b]
    assert (a.shop, b.shop) == (None, shop)


@pytest.mark.rule("RL-119")
def test_class_without_appender_is_refused():
    class Nothing:
        @collection.iterator
        def all(self):
            return iter(())

    class LocalBase(DeclarativeBase):
        pass

    class Ware(LocalBase):
        __tablename__ = "ware"
        id: Mapped[int] = mapped_column(primary_key=True)
        ware_id: Mapped[int | None] = mapped_column(ForeignKey("ware.id"))
        wares = relationship("Ware", collection_class=Nothing)

    with pytest.raises(exc.ArgumentError, match="Type Nothing must elect an appender method"):
        Ware()
    LocalBase.registry.dispose()


@pytest.mark.rule("RL-120")
def test_adapter_changes_any_kind_of_collection_with_and_without_events():
    home = Home()
    a, b = Thing(name="a"), Thing(name="b")
    set_committed_value(home, "as_list", [])
    set_committed_value(home, "by_name", [])
    for name, other_end in (("as_list", "home"), ("by_name", "keeper")):
        adapter = collection_adapter(getattr(home, name))

        adapter.append_with_event(a)
        adapter.append_without_event(b)
        assert list(adapter) == [a, b]
        assert (getattr(a, other_end), getattr(b, other_end)) == (home, None)

        adapter.remove_with_event(a)
        assert list(adapter) == [b]
        assert getattr(a, other_end) is None


@pytest.mark.rule("RL-122")
def test_old_names_of_dictionaries_still_work():
    assert collections.attribute_mapped_collection is attribute_keyed_dict
    assert collections.column_mapped_collection is column_keyed_dict
    assert collections.mapped_collection is keyfunc_mapping
    assert collections.MappedCollection is KeyFuncDict


@pytest.mark.rule("RL-115")
def test_column_key_may_be_a_column_that_has_no_name_yet() -> None:
    class Base(DeclarativeBase):
        pass

    class Folder(Base):
        __tablename__ = "folder"

        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("folder.id"))
        name = mapped_column(String(20))
        folders: Mapped[dict[str, "Folder"]] = relationship(
            "Folder", collection_class=column_keyed_dict(name)
        )

    root = Folder(name="root")
    root.folders.set(Folder(name="below"))

    assert list(root.folders) == ["below"]
