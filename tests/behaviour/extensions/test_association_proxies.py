"""Attributes that show an attribute of related objects."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence, MutableSet
from typing import Any

import pytest
from sqlalchemy import ForeignKey, MetaData, func, inspect, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from holdfast import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    aliased,
    attribute_keyed_dict,
    mapped_column,
    relationship,
)
from holdfast.ext.associationproxy import (
    ASSOCIATION_PROXY,
    AssociationProxy,
    association_proxy,
)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    links: Mapped[list[Link]] = relationship(
        back_populates="user", cascade="all, delete-orphan", order_by="Link.id"
    )
    badges: Mapped[set[Badge]] = relationship(cascade="all, delete-orphan")
    notes: Mapped[dict[str, Note]] = relationship(
        collection_class=attribute_keyed_dict("key"), cascade="all, delete-orphan"
    )
    profile: Mapped[Profile | None] = relationship(back_populates="user")

    words: AssociationProxy[list[str]] = association_proxy("links", "word")
    keywords: AssociationProxy[list[Keyword]] = association_proxy("links", "keyword")
    labels: AssociationProxy[set[str]] = association_proxy(
        "badges", "label", creator=lambda label: Badge(label=label)
    )
    texts: AssociationProxy[dict[str, str]] = association_proxy(
        "notes", "text", creator=lambda key, text: Note(key=key, text=text)
    )
    motto: AssociationProxy[str | None] = association_proxy(
        "profile", "motto", creator=lambda motto: Profile(motto=motto)
    )
    fleeting: AssociationProxy[str | None] = association_proxy(
        "profile", "motto", creator=lambda motto: Profile(motto=motto), cascade_scalar_deletes=True
    )
    lasting: AssociationProxy[str | None] = association_proxy(
        "profile",
        "motto",
        creator=lambda motto: Profile(motto=motto),
        create_on_none_assignment=True,
        info={"kept": True},
    )


class Keyword(Base):
    __tablename__ = "keyword"
    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str]
    links: Mapped[list[Link]] = relationship(back_populates="keyword")
    users: AssociationProxy[list[User]] = association_proxy("links", "user")

    def __init__(self, word: str) -> None:
        self.word = word


class Link(Base):
    __tablename__ = "link"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    keyword_id: Mapped[int] = mapped_column(ForeignKey("keyword.id"))
    user: Mapped[User] = relationship(back_populates="links")
    keyword: Mapped[Keyword] = relationship(back_populates="links")
    word: AssociationProxy[str] = association_proxy("keyword", "word")

    def __init__(self, given: str | Keyword) -> None:
        self.keyword = given if isinstance(given, Keyword) else Keyword(given)


class Badge(Base):
    __tablename__ = "badge"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    label: Mapped[str]


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str]
    text: Mapped[str]


class Profile(Base):
    __tablename__ = "profile"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    motto: Mapped[str | None]
    user: Mapped[User | None] = relationship(back_populates="profile")
    plain = 5
    user_labels: AssociationProxy[set[str]] = association_proxy("user", "labels")


@pytest.fixture
def session(tables: Callable[[MetaData], Any]) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(User(id=1, name="a", words=["x", "y"], labels={"p"}, texts={"k": "v"}))
        session.add(User(id=2, name="b", words=["z"], motto="go"))
        session.commit()
        yield session


def ids(session: Session, criterion: Any, of: Any = User) -> Any:
    return session.scalars(select(of.id).where(criterion).order_by(of.id)).all()


@pytest.mark.rule("XT-20")
def test_proxy_is_a_collection_of_the_kind_of_the_relationship_or_a_value(
    session: Session,
) -> None:
    one, two = session.get_one(User, 1), session.get_one(User, 2)

    assert (one.words, one.labels, one.texts) == (["x", "y"], {"p"}, {"k": "v"})
    assert isinstance(one.words, MutableSequence)
    assert isinstance(one.labels, MutableSet)
    assert isinstance(one.texts, MutableMapping)
    assert (one.motto, two.motto) == (None, "go")
    assert one.keywords == [link.keyword for link in one.links]
    assert [repr(each) for each in (one.words, one.labels, one.texts)] == [
        "['x', 'y']",
        "{'p'}",
        "{'k': 'v'}",
    ]


@pytest.mark.rule("XT-20")
def test_proxy_is_listed_and_keeps_notes() -> None:
    found = inspect(User).all_orm_descriptors["lasting"]

    assert found.extension_type is ASSOCIATION_PROXY
    assert found.info == User.lasting.info == {"kept": True}
    assert (User.words.owning_class, User.words.target_class) == (User, Link)
    assert User.words.attr[0] is User.links


@pytest.mark.rule("XT-21")
def test_added_value_becomes_an_object_made_by_the_creator(session: Session) -> None:
    user = session.get_one(User, 1)
    user.words.append("new")
    user.keywords.append(Keyword("own"))
    user.labels.add("q")
    user.labels.add("p")
    user.texts["l"] = "w"
    user.texts["k"] = "changed"
    session.commit()

    assert user.words == ["x", "y", "new", "own"]
    assert [type(each) for each in user.links] == [Link] * 4
    assert {each.label for each in user.badges} == {"p", "q"}
    assert {key: each.text for key, each in user.notes.items()} == {"k": "changed", "l": "w"}
    assert session.scalar(select(func.count(Note.id))) == 2


@pytest.mark.rule("XT-22")
def test_removed_value_takes_its_object_out_of_the_collection(session: Session) -> None:
    user = session.get_one(User, 1)
    user.words.remove("x")
    user.labels.remove("p")
    del user.texts["k"]
    session.commit()

    assert [each.word for each in user.links] == ["y"]
    assert (user.badges, user.notes) == (set(), {})
    assert session.scalars(select(Link.id).where(Link.user_id == 1)).all() == [2]
    with pytest.raises(ValueError):  # noqa: PT011 - as lists say it
        user.words.remove("x")
    with pytest.raises(KeyError):
        user.labels.remove("p")
    with pytest.raises(KeyError):
        del user.texts["k"]


@pytest.mark.rule("XT-22")
def test_assigned_collection_replaces_the_values(session: Session) -> None:
    user = session.get_one(User, 1)
    badge, note = next(iter(user.badges)), user.notes["k"]
    user.words = ["y", "w"]
    user.labels = {"p", "r"}
    user.texts = {"k": "v", "m": "n"}
    session.commit()

    assert (user.words, user.labels, user.texts) == (["y", "w"], {"p", "r"}, {"k": "v", "m": "n"})
    assert badge in user.badges
    assert user.notes["k"] is note
    user.words += ["v"]
    user.labels |= {"s"}
    session.commit()
    assert (user.words, user.labels) == (["y", "w", "v"], {"p", "r", "s"})


@pytest.mark.rule("XT-23")
def test_scalar_proxy_reads_none_and_creates_its_object_when_it_is_set(session: Session) -> None:
    user = session.get_one(User, 1)
    user.motto = None
    assert (user.motto, user.profile) == (None, None)
    user.motto = "stay"
    profile = user.profile
    user.motto = "leave"

    assert user.profile is profile
    assert profile is not None
    assert profile.motto == "leave"
    del user.motto
    assert user.profile is None


@pytest.mark.rule("XT-24")
def test_list_proxy_does_what_lists_do(session: Session) -> None:
    user = session.get_one(User, 1)
    words: Any = user.words
    words.extend(["c", "d"])
    words.insert(1, "b")
    assert words == ["x", "b", "y", "c", "d"]
    assert (words[0], words[-1], words[1:3], len(words)) == ("x", "d", ["b", "y"], 5)
    words[0] = "a"
    words[1:3] = ["e", "f", "g"]
    assert words == ["a", "e", "f", "g", "c", "d"]
    words[::2] = ["1", "2", "3"]
    assert words == ["1", "e", "2", "g", "3", "d"]
    with pytest.raises(ValueError, match="size"):
        words[::2] = ["1"]
    del words[0]
    del words[:2]
    assert (words.pop(), words.pop(0), words) == ("d", "g", ["3"])
    more = ["4"]
    assert words + more == ["3", "4"]
    assert more + words == ["4", "3"]
    assert words * 2 == 2 * words == ["3", "3"]
    words *= 2
    assert (words.count("3"), words.index("3"), "3" in words) == (2, 0, True)
    assert words < ["4"]
    assert words >= ["3"]
    assert words.copy() == ["3", "3"]
    words.clear()
    assert not words
    assert user.links == []
    with pytest.raises(TypeError):
        hash(words)


@pytest.mark.rule("XT-24")
def test_set_proxy_does_what_sets_do(session: Session) -> None:
    labels: Any = session.get_one(User, 1).labels
    labels.update(["q", "r"])
    assert labels == {"p", "q", "r"}
    labels.difference_update(["q"])
    labels.symmetric_difference_update({"r", "s"})
    labels.discard("nothing")
    assert labels == {"p", "s"}
    assert labels | {"t"} == {"p", "s", "t"}
    assert labels & {"p"} == labels - {"s"} == {"p"}
    assert labels ^ {"p"} == {"s"}
    assert labels.union(["t"]) == {"p", "s", "t"}
    assert labels.intersection(["p"]) == labels.difference(["s"]) == {"p"}
    assert labels.issubset(["p", "s", "t"])
    assert labels.issuperset(["p"])
    assert labels > {"p"}
    assert labels <= {"p", "s"}
    labels |= {"t"}
    labels &= {"t", "p"}
    labels -= {"p"}
    labels ^= {"u"}
    assert labels == {"t", "u"}
    gone = labels.pop()
    assert labels == {"t", "u"} - {gone}
    labels.intersection_update([])
    assert not labels
    with pytest.raises(TypeError):
        hash(labels)


@pytest.mark.rule("XT-24")
@pytest.mark.parametrize("operator", ["__or__", "__and__", "__sub__", "__xor__"])
def test_operators_of_sets_refuse_other_operands(session: Session, operator: str) -> None:
    labels: Any = session.get_one(User, 1).labels

    assert getattr(labels, operator)(["p"]) is NotImplemented
    assert getattr(labels, operator.replace("__", "__i", 1))(["p"]) is NotImplemented
    with pytest.raises(TypeError):
        labels | ["p"]
    assert labels == {"p"}


@pytest.mark.rule("XT-24")
def test_dictionary_proxy_does_what_dictionaries_do(session: Session) -> None:
    texts: Any = session.get_one(User, 1).texts
    texts.update({"a": "1"}, b="2")
    texts.update([("c", "3")])
    assert texts == {"k": "v", "a": "1", "b": "2", "c": "3"}
    assert (texts.get("a"), texts.get("z"), "a" in texts, len(texts)) == ("1", None, True, 4)
    assert texts.setdefault("a", "9") == "1"
    assert texts.setdefault("d", "4") == "4"
    assert sorted(texts.keys()) == ["a", "b", "c", "d", "k"]
    assert sorted(texts.values()) == ["1", "2", "3", "4", "v"]
    assert texts.pop("a") == "1"
    assert texts.pop("a", "gone") == "gone"
    key, value = texts.popitem()
    assert (key, value) not in texts.items()
    assert texts.copy() == dict(texts)
    texts.clear()
    assert texts == {}


@pytest.mark.rule("XT-25")
def test_columns_behind_a_proxy_compare_by_exists(session: Session) -> None:
    assert ids(session, User.labels == "p") == [1]
    assert ids(session, User.labels.in_(["p", "q"])) == [1]
    assert ids(session, User.labels.like("p%")) == [1]
    assert ids(session, User.motto == "go") == [2]
    assert ids(session, User.motto == None) == [1]  # noqa: E711
    assert ids(session, User.motto != None) == [2]  # noqa: E711
    assert ids(session, User.motto.in_(["go"])) == [2]
    assert ids(session, User.motto.contains("o")) == [2]
    assert ids(session, User.motto.has()) == [2]
    assert ids(session, ~User.motto.has()) == [1]
    assert ids(session, User.labels.any(Badge.label == "p")) == [1]
    assert session.scalars(select(User).filter_by(motto="go")).one().id == 2
    assert str(User.labels == "p").startswith("EXISTS (SELECT 1")


@pytest.mark.rule("XT-25")
def test_objects_behind_a_proxy_compare_by_exists(session: Session) -> None:
    keyword = session.scalars(select(Keyword).filter_by(word="x")).one()
    user = session.get_one(User, 1)

    assert ids(session, User.keywords.contains(keyword)) == [1]
    assert ids(session, User.keywords.any(word="z")) == [2]
    assert ids(session, User.keywords.any(Keyword.word == "z")) == [2]
    assert len(ids(session, Keyword.users.contains(user), of=Keyword)) == 2
    alias = aliased(User)
    found = select(alias.id).where(alias.labels == "p", alias.keywords.contains(keyword))
    assert session.scalars(found).all() == [1]
    joined = select(User.id).join(User.keywords.attr[0]).join(User.keywords.attr[1])
    assert session.scalars(joined.where(Keyword.word == "z")).all() == [2]


@pytest.mark.rule("XT-25")
def test_question_that_does_not_fit_is_refused(session: Session) -> None:
    with pytest.raises(InvalidRequestError, match=r"any\(\)' not implemented for scalar"):
        User.motto.any()
    with pytest.raises(InvalidRequestError, match=r"has\(\)' not implemented for collections"):
        User.labels.has()
    with pytest.raises(ArgumentError, match="Can't apply keyword arguments to column-targeted"):
        User.labels.any(label="p")
    with pytest.raises(ArgumentError, match=r"Non-empty has\(\) not allowed"):
        User.motto.has(Profile.motto == "go")
    with pytest.raises(InvalidRequestError, match="not implemented for collections"):
        User.keywords.__eq__(Keyword("x"))
    with pytest.raises(NotImplementedError, match="can't be used as a plain column expression"):
        select(User.motto)


def test_proxy_that_leads_nowhere_is_refused() -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))
        parent: Mapped[Page | None] = relationship(remote_side=id)
        through_column = association_proxy("id", "x")
        unknown = association_proxy("parent", "nothing")

    with pytest.raises(NotImplementedError, match="to a non-relationship intermediary"):
        Page.through_column
    assert Page(parent=None).unknown is None
    with pytest.raises(AttributeError, match="'nothing' that is not directly mapped on class Page"):
        Page.unknown.__eq__(5)


@pytest.mark.rule("XT-26")
def test_proxy_may_stand_before_a_proxy(session: Session) -> None:
    user = session.get_one(User, 1)
    profile = Profile(user=user)
    session.add(profile)
    assert profile.user_labels == {"p"}
    profile.user_labels.add("q")
    session.commit()

    assert user.labels == {"p", "q"}
    assert ids(session, User.words.contains("x")) == [1]
    assert ids(session, Profile.user_labels.any(Badge.label == "q"), of=Profile) == [profile.id]
    assert ids(session, User.words == "z") == [2]


@pytest.mark.rule("XT-27")
def test_object_goes_with_its_value_where_deletes_cascade(session: Session) -> None:
    user = session.get_one(User, 2)
    user.motto = None
    assert user.profile is not None
    user.fleeting = "again"
    user.fleeting = None

    assert user.profile is None
    with pytest.raises(ArgumentError, match="mutually exclusive"):
        association_proxy("a", "b", cascade_scalar_deletes=True, create_on_none_assignment=True)


@pytest.mark.rule("XT-29")
def test_none_creates_an_object_where_it_may() -> None:
    user = User()
    user.motto = None
    assert user.profile is None
    user.lasting = None

    assert user.profile is not None
    assert user.profile.motto is None


@pytest.mark.rule("XT-28")
def test_proxy_takes_the_options_of_dataclass_fields() -> None:
    class Local(MappedAsDataclass, DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        lines: Mapped[list[Line]] = relationship(init=False, repr=False)
        texts: AssociationProxy[list[str]] = association_proxy(
            "lines", "text", default_factory=lambda: ["first"], repr=False
        )
        more: AssociationProxy[list[str]] = association_proxy("lines", "text", init=False)

    class Line(Local):
        __tablename__ = "line"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        page_id: Mapped[int] = mapped_column(ForeignKey("page.id"), init=False)
        text: Mapped[str]

    assert [line.text for line in Page().lines] == ["first"]
    page = Page(texts=["a", "b"])
    assert page.more == page.texts == ["a", "b"]
    assert "texts" not in repr(page)
    assert "more=['a', 'b']" in repr(page)
    with pytest.raises(TypeError, match="more"):
        Page(more=["x"])  # type: ignore[call-arg]


@pytest.mark.rule("XT-30")
def test_proxy_keeps_its_parent_alive_while_it_is_used(session: Session) -> None:
    words = session.get_one(User, 1).words
    gc.collect()
    words.append("kept")
    parent = weakref.ref(words.lazy_collection.owner)  # type: ignore[attr-defined]

    assert list(words) == ["x", "y", "kept"]
    session.flush()
    del words
    gc.collect()
    assert parent() is None


def test_proxy_is_pickled_as_an_attribute_of_its_owner(session: Session) -> None:
    user = session.get_one(User, 1)
    assert all((user.words, user.labels, user.texts))
    session.expunge_all()
    labels, texts = pickle.loads(pickle.dumps((user.labels, user.texts)))

    assert (labels, texts) == ({"p"}, {"k": "v"})


def test_functions_of_the_applications_own_read_and_set(
    tables: Callable[[MetaData], Any],
) -> None:
    class Local(DeclarativeBase):
        pass

    def getset(kind: Any, proxy: Any) -> tuple[Any, Any]:
        return (
            lambda line: line.text.upper(),
            lambda line, value: setattr(line, "text", value.lower()),
        )

    class Line(Local):
        __tablename__ = "line"
        id: Mapped[int] = mapped_column(primary_key=True)
        page_id: Mapped[int] = mapped_column(ForeignKey("page.id"))
        text: Mapped[str]

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        lines: Mapped[list[Line]] = relationship()
        texts: AssociationProxy[list[str]] = association_proxy(
            "lines", "text", creator=lambda text: Line(text=text), getset_factory=getset
        )

    page = Page(texts=["a", "b"])
    page.texts[0] = "X"
    assert page.texts == ["X", "B"]
    assert [line.text for line in page.lines] == ["x", "b"]
