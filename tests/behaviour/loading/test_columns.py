"""Which columns a statement loads: options, deferred attributes, expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    ForeignKey,
    MetaData,
    ScalarResult,
    func,
    inspect,
    literal,
    null,
    select,
)

from holdfast import (
    DeclarativeBase,
    Load,
    Mapped,
    Session,
    aliased,
    column_property,
    defer,
    deferred,
    joinedload,
    lazyload,
    load_only,
    mapped_column,
    query_expression,
    relationship,
    selectinload,
    undefer,
    undefer_group,
    with_expression,
)
from holdfast.errors.loading import DetachedInstanceError, LoadRefusedError
from holdfast.errors.queries import LoaderOptionError, LoaderStrategyException
from models.library import Author, Book


class Base(DeclarativeBase):
    pass


class Photo(Base):
    __tablename__ = "photo"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column()
    raw: Mapped[str] = mapped_column(deferred=True)
    width: Mapped[int] = mapped_column(deferred=True, deferred_group="size")
    height: Mapped[int] = mapped_column(deferred=True, deferred_group="size")
    secret: Mapped[str] = mapped_column(deferred=True, deferred_raiseload=True)
    area: Mapped[int] = column_property(width * height)
    shouted: Mapped[str] = deferred(func.upper(title))
    rank: Mapped[int | None] = query_expression()
    stars: Mapped[int] = query_expression(literal(3))


@pytest.fixture
def photos(tables: Callable[[MetaData], Engine], sql: Any) -> Iterator[Session]:
    with Session(tables(Base.metadata)) as session:
        session.add(Photo(id=1, title="a", raw="...", width=2, height=3, secret="s"))
        session.commit()
        session.expunge_all()
        sql.clear()
        yield session


def loaded(photo: Photo) -> set[str]:
    return {key for key in photo.__dict__ if key in inspect(Photo).attrs}


def one(session: Session, *options: Any, **execution: Any) -> Photo:
    statement = select(Photo).options(*options)
    found: ScalarResult[Photo] = session.scalars(statement, execution_options=execution)
    return found.one()


@pytest.mark.rule(
    "LD-110 load_only",
    "LD-110 defer",
    "LD-110 undefer",
    "LD-110 undefer_group",
    "LD-110 with_expression",
    "LD-115",
    "LD-118",
)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"title", "area", "stars"}),
        ([load_only(Photo.title)], {"title"}),
        ([load_only(Photo.raw)], {"raw"}),
        ([load_only(Photo.title, Photo.width)], {"title", "width"}),
        ([defer(Photo.title)], {"area", "stars"}),
        ([defer("*")], set()),
        ([defer("*"), undefer(Photo.title)], {"title"}),
        ([undefer(Photo.raw)], {"title", "raw", "area", "stars"}),
        ([undefer_group("size")], {"title", "width", "height", "area", "stars"}),
        ([Load(Photo).undefer_group("size")], {"title", "width", "height", "area", "stars"}),
        ([undefer_group("unknown")], {"title", "area", "stars"}),
        ([with_expression(Photo.rank, literal(1))], {"title", "area", "rank", "stars"}),
        (
            [undefer("*")],
            {"title", "raw", "width", "height", "secret", "area", "shouted", "rank", "stars"},
        ),
    ],
)
def test_options_say_which_columns_are_loaded(
    photos: Session, options: list[Any], expected: set[str]
) -> None:
    assert loaded(one(photos, *options)) == {"id"} | expected


@pytest.mark.rule("LD-110")
@pytest.mark.parametrize("option", [defer(Photo.id), defer("*"), load_only(Photo.title)])
def test_the_key_is_loaded_whatever_is_left_out(photos: Session, option: Any) -> None:
    assert one(photos, option).__dict__["id"] == 1


@pytest.mark.rule("LD-111")
def test_deferred_column_loads_alone_or_with_its_group(photos: Session, sql: Any) -> None:
    photo = one(photos)
    sql.clear()

    assert photo.raw == "..."
    assert sql.emitted == ["SELECT photo.raw FROM photo WHERE photo.id = ?"]
    assert photo.width == 2
    assert photo.height == 3
    assert sql.emitted[1:] == ["SELECT photo.width, photo.height FROM photo WHERE photo.id = ?"]
    assert photo.shouted == "A"
    assert len(sql) == 3


@pytest.mark.rule("LD-112")
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "secret"),
        ([defer(Photo.title, raiseload=True)], "title"),
        ([load_only(Photo.id, raiseload=True)], "title"),
        ([load_only(Photo.id, raiseload=True)], "raw"),
    ],
)
def test_column_that_raises_is_refused(photos: Session, options: list[Any], name: str) -> None:
    photo = one(photos, *options)

    with pytest.raises(LoadRefusedError, match=f"'Photo.{name}' is not available due to raiseload"):
        getattr(photo, name)


@pytest.mark.rule("LD-112")
def test_option_takes_the_mapped_refusal_away(photos: Session) -> None:
    assert one(photos, undefer(Photo.secret)).secret == "s"
    photos.expunge_all()
    assert one(photos, defer(Photo.secret)).secret == "s"


@pytest.mark.rule("LD-113")
def test_deferred_column_of_a_detached_object_does_not_load(photos: Session) -> None:
    photo = one(photos)
    photos.expunge(photo)

    with pytest.raises(
        DetachedInstanceError, match="deferred load operation of attribute 'raw' cannot proceed"
    ):
        _ = photo.raw


@pytest.mark.rule("LD-114")
def test_load_only_speaks_of_one_entity() -> None:
    with pytest.raises(LoaderOptionError):
        load_only(Author.name, Book.title)


@pytest.mark.rule("LD-116")
def test_deferred_column_is_set_without_a_load(photos: Session, sql: Any) -> None:
    photo = one(photos)
    sql.clear()

    photo.raw = "new"
    photos.flush()

    assert sql.emitted == ["UPDATE photo SET raw=? WHERE photo.id = ?"]


@pytest.mark.rule("LD-117")
def test_expression_is_read_with_the_object(photos: Session, sql: Any) -> None:
    photo = one(photos, with_expression(Photo.rank, Photo.width + 5))
    sql.clear()

    assert (photo.rank, photo.stars) == (7, 3)
    assert len(sql) == 0


@pytest.mark.rule("LD-117")
def test_expression_reaches_a_loaded_object_with_populate_existing_only(photos: Session) -> None:
    photo = one(photos, with_expression(Photo.stars, literal(5)))
    one(photos, with_expression(Photo.stars, literal(1)))
    kept = photo.stars
    one(photos, with_expression(Photo.stars, literal(1)), populate_existing=True)

    assert (kept, photo.stars) == (5, 1)


@pytest.mark.rule("LD-117")
@pytest.mark.parametrize("keys", [None, ["rank", "stars"]])
def test_expression_is_lost_when_the_object_expires(
    photos: Session, keys: list[str] | None
) -> None:
    wanted = with_expression(Photo.rank, literal(1)), with_expression(Photo.stars, literal(5))
    photo = one(photos, *wanted)
    photos.expire(photo, keys)

    assert (photo.rank, photo.stars) == (None, 3)
    one(photos, *wanted)
    assert photo.rank == 1


@pytest.mark.rule("LD-117")
def test_expression_is_null_to_the_statement(photos: Session) -> None:
    wanted = with_expression(Photo.rank, literal(1))

    assert photos.scalars(select(Photo).where(Photo.rank == 1).options(wanted)).all() == []
    assert photos.scalars(select(Photo).where(Photo.rank.is_(None)).options(wanted)).all() != []
    assert photos.scalar(select(Photo.rank)) is None


@pytest.mark.rule("LD-117")
def test_expression_of_a_cached_statement_is_that_of_the_execution(
    photos: Session, sql: Any
) -> None:
    for value in (1, 2):
        photos.expunge_all()
        assert one(photos, with_expression(Photo.rank, Photo.width * value)).rank == 2 * value
    assert sql.emitted[0] == sql.emitted[1]


@pytest.mark.rule("LD-117")
def test_expression_is_given_for_an_alias(photos: Session) -> None:
    inner = select(Photo.__table__, literal(9).label("nine")).subquery()
    photo = aliased(Photo, inner)

    found = photos.scalars(select(photo).options(with_expression(photo.rank, inner.c.nine))).one()

    assert found.rank == 9


@pytest.mark.rule("LD-117")
def test_expression_is_for_attributes_that_are_made_for_it(photos: Session) -> None:
    with pytest.raises(LoaderStrategyException, match="it is no query_expression"):
        one(photos, with_expression(Photo.title, null()))


@pytest.mark.rule("LD-117", "LD-17")
@pytest.mark.parametrize("load", [joinedload, selectinload, lazyload])
def test_expression_is_given_behind_a_relationship(
    tables: Callable[[MetaData], Engine], load: Any
) -> None:
    class Local(DeclarativeBase):
        pass

    class Page(Local):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        number: Mapped[int]
        after: Mapped[int | None] = query_expression()
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))
        pages: Mapped[list[Any]] = relationship("Page")

    with Session(tables(Local.metadata)) as session:
        session.add(Page(id=1, number=1, pages=[Page(id=2, number=5)]))
        session.commit()
        session.expunge_all()
        option = load(Page.pages).with_expression(Page.after, Page.number + 1)

        page = session.scalars(select(Page).where(Page.id == 1).options(option)).unique().one()

        assert page.after is None
        assert [each.after for each in page.pages] == [6]
