"""Events around mapping: instrumentation, construction and configuration of mappers."""

import pytest
from sqlalchemy import ForeignKey, String, event, exc, inspect

from holdfast import (
    EXT_SKIP,
    DeclarativeBase,
    InstanceEvents,
    Mapped,
    Mapper,
    configure_mappers,
    mapped_column,
    relationship,
)


@pytest.fixture
def log():
    """What listeners of all mappers heard; they end with the test."""
    log = []

    def of_mapper(name):
        return lambda mapper, class_: log.append((name, class_.__name__))

    listeners = {
        name: of_mapper(name)
        for name in (
            "instrument_class",
            "after_mapper_constructed",
            "before_mapper_configured",
            "mapper_configured",
        )
    }
    listeners["before_configured"] = lambda: log.append("before_configured")
    listeners["after_configured"] = lambda: log.append("after_configured")
    configure_mappers()
    for name, listener in listeners.items():
        event.listen(Mapper, name, listener)
    yield log
    for name, listener in listeners.items():
        event.remove(Mapper, name, listener)


def new_base():
    class Base(DeclarativeBase):
        pass

    return Base


@pytest.mark.rule("EV-66", "EV-68")
def test_events_of_mapping_come_in_order(log):
    base = new_base()

    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Book(base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert log == [
        ("instrument_class", "Author"),
        ("after_mapper_constructed", "Author"),
        ("instrument_class", "Book"),
        ("after_mapper_constructed", "Book"),
    ]
    log.clear()
    configure_mappers()
    assert (log[0], log[-1]) == ("before_configured", "after_configured")
    for name in ("Author", "Book"):
        assert [each[0] for each in log[1:-1] if each[1] == name] == [
            "before_mapper_configured",
            "mapper_configured",
        ]


@pytest.mark.rule("EV-66")
def test_mapper_is_unfinished_before_and_finished_after(log):
    base = new_base()
    seen = {}

    def look(name):
        def listener(mapper, class_):
            seen[name] = (
                mapper.class_ is class_,
                "title" in class_.__dict__ and hasattr(class_.title, "property"),
                mapper.configured,
            )

        return listener

    for name in (
        "instrument_class",
        "after_mapper_constructed",
        "before_mapper_configured",
        "mapper_configured",
    ):
        event.listen(base, name, look(name), propagate=True)

    class Book(base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]

    configure_mappers()

    assert seen == {
        "instrument_class": (True, False, False),
        "after_mapper_constructed": (True, True, False),
        "before_mapper_configured": (True, True, False),
        "mapper_configured": (True, True, True),
    }


@pytest.mark.rule("EV-68")
def test_nothing_is_told_where_nothing_is_to_be_configured(log):
    base = new_base()

    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    configure_mappers()
    assert log.count(("mapper_configured", "Author")) == 1
    log.clear()

    configure_mappers()
    Author()
    inspect(Author).attrs

    assert "after_configured" not in log
    assert ("mapper_configured", "Author") not in log


@pytest.mark.rule("EV-67")
def test_mapper_is_left_out_of_a_run():
    base = new_base()

    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Book(base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
        # What is named here comes later.
        author = relationship("Later")

    def skip(mapper, class_):
        return EXT_SKIP

    try:
        event.listen(Book, "before_mapper_configured", skip, retval=True)
        configure_mappers()
        assert inspect(Author).configured
        assert not inspect(Book).configured

        event.remove(Book, "before_mapper_configured", skip)
        for _ in range(2):
            with pytest.raises(exc.InvalidRequestError, match="Later"):
                configure_mappers()
        # One that has failed may be left out as well.
        event.listen(Book, "before_mapper_configured", skip, retval=True)
        configure_mappers()
    finally:
        base.registry.dispose()


@pytest.mark.rule("EV-67")
def test_answer_that_was_not_asked_for_is_ignored(log):
    base = new_base()

    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    event.listen(Author, "before_mapper_configured", lambda mapper, class_: EXT_SKIP)
    configure_mappers()

    assert inspect(Author).configured


@pytest.mark.rule("EV-69")
def test_each_registry_tells_of_its_own_runs():
    mine, other = new_base(), new_base()
    heard = []
    for base in (mine, other):
        for name in ("before_configured", "after_configured"):
            event.listen(
                base.registry, name, lambda registry, name=name: heard.append((name, registry))
            )

    class Author(mine):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    mine.registry.configure()
    mine.registry.configure()

    assert [each for each in heard if each[0] == "after_configured"] == [
        ("after_configured", mine.registry)
    ]
    assert heard[0] == ("before_configured", mine.registry)


@pytest.mark.rule("EV-69")
def test_listener_of_a_base_gives_column_types():
    base = new_base()

    class Money:
        pass

    @event.listens_for(base, "resolve_type_annotation")
    def resolve(type_resolve):
        return String(7) if type_resolve.resolved_type is Money else None

    class Account(base):
        __tablename__ = "account"
        id: Mapped[int] = mapped_column(primary_key=True)
        balance: Mapped[Money]

    column = Account.__table__.c.balance
    assert (type(column.type), column.type.length) == (String, 7)
    assert Account.__table__.c.id.type.python_type is int


@pytest.mark.rule("EV-70")
def test_there_is_no_event_of_the_first_construction():
    base = new_base()

    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert not hasattr(InstanceEvents, "first_init")
    with pytest.raises(exc.InvalidRequestError, match="No such event 'first_init'"):
        event.listen(Author, "first_init", print)


@pytest.mark.rule("EV-170")
def test_classes_and_attributes_are_told_of_as_they_are_instrumented():
    base = new_base()
    heard = []
    listeners = {
        "class_instrument": lambda class_: heard.append(("class", class_.__name__)),
        "class_uninstrument": lambda class_: heard.append(("gone", class_.__name__)),
        "attribute_instrument": lambda class_, key, attribute: heard.append(
            (class_.__name__, key, attribute is class_.__dict__[key])
        ),
    }
    for name, listener in listeners.items():
        event.listen(base, name, listener, propagate=True)

    class Author(base):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    configure_mappers()
    assert heard[0] == ("class", "Author")
    assert sorted(heard[1:]) == [("Author", "id", True), ("Author", "name", True)]
    heard.clear()
    base.registry.dispose()

    assert heard == [("gone", "Author")]
