"""Which criteria Python can evaluate, and that it evaluates them as the database does."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    String,
    and_,
    bindparam,
    delete,
    exc,
    false,
    func,
    inspect,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.sql.expression import literal

from holdfast import DeclarativeBase, Mapped, Session, aliased, mapped_column
from holdfast.errors import UnevaluatableError
from models.team import Player

EVALUABLE = {
    "equal": Player.name == "ann",
    "not equal": Player.name != "ann",
    "less": Player.score < 20,
    "at most": Player.score <= 20,
    "greater": Player.score > 20,
    "at least": Player.score >= 20,
    "and": and_(Player.score > 10, Player.name == "cid"),
    "or": or_(Player.score > 20, Player.name == "ann"),
    "and with NULL": and_(Player.score > 10, Player.name != None),  # noqa: E711
    "or with NULL": or_(Player.score > 10, Player.name == "dot"),
    "not": not_(or_(Player.score == 10, Player.name == "ben")),
    "in": Player.name.in_(["ann", "dot"]),
    "in with NULL": Player.score.in_([10, None]),
    "not in": Player.score.not_in([10, 20]),
    "not in with NULL": Player.score.not_in([10, None]),
    "in nothing": Player.score.in_([]),
    "not in nothing": Player.score.not_in([]),
    "tuple in": tuple_(Player.id, Player.name).in_([(1, "ann"), (2, "x")]),
    "is": Player.score.is_(None),
    "is not": Player.score.is_not(None),
    "starts with": Player.name.startswith("b"),
    "ends with": Player.name.endswith("d"),
    "does not start with": ~Player.name.startswith("b"),
    "does not end with": ~Player.name.endswith("d"),
    "is distinct": Player.score.is_distinct_from(10),
    "is not distinct": Player.score.is_not_distinct_from(None),
    "boolean": Player.is_captain,
    "not a boolean": not_(Player.is_captain),
    "plus": Player.score + Player.bonus == 21,
    "several summands": Player.score + Player.bonus + 1 == 12,
    "several strings": literal("a") + Player.name + "b" == "aannb",
    "minus": Player.score - 5 == 5,
    "times": Player.score * 2 > 20,
    "divided": Player.score / 10 == 2,
    "remainder": Player.score % 20 == 10,
    "concatenation": Player.name + "a" == "anna",
    "comparison of comparisons": (Player.name == "ann") == (Player.score == 10),
    "true": true(),
    "false": false(),
    "literal": literal(1) == 1,
    "column of the table": Player.__table__.c.points > 10,
}

NOT_EVALUABLE = {
    "like": Player.name.like("a%"),
    "between": Player.score.between(5, 15),
    "function": func.abs(Player.score) == 10,
    "subquery": Player.score == select(func.max(Player.score)).scalar_subquery(),
    "in subquery": Player.score.in_(select(Player.score)),
    "wildcards": Player.name.startswith("a_n"),
    "custom operator": Player.name.op("||")("a") == "anna",
}


@pytest.mark.rule("QY-208")
@pytest.mark.parametrize("criterion", EVALUABLE.values(), ids=EVALUABLE.keys())
def test_evaluation_finds_the_rows_that_the_database_finds(session, players, criterion):
    session.execute(
        update(Player).where(criterion).values(bonus=99),
        execution_options={"synchronize_session": "evaluate"},
    )

    in_memory = [each.id for each in players if each.bonus == 99]
    meant = select(Player.id).where(Player.bonus == 99).order_by(Player.id)
    assert in_memory == session.scalars(meant).all()


@pytest.mark.rule("QY-208", "QY-201")
@pytest.mark.parametrize(
    "criterion",
    NOT_EVALUABLE.values(),
    ids=NOT_EVALUABLE.keys(),
)
def test_what_only_the_database_computes_is_refused(session, criterion):
    with pytest.raises(exc.InvalidRequestError, match="Could not evaluate") as caught:
        session.execute(
            delete(Player).where(criterion), execution_options={"synchronize_session": "evaluate"}
        )

    assert isinstance(caught.value.__cause__, UnevaluatableError)


@pytest.mark.rule("QY-208")
@pytest.mark.parametrize("other", [aliased(Player).name, Player.__table__.alias().c.name])
def test_columns_of_other_tables_are_not_evaluable(session, other):
    with pytest.raises(
        exc.InvalidRequestError, match="Could not evaluate current criteria in Python"
    ):
        session.execute(
            update(Player).where(Player.name == other).values(score=1),
            execution_options={"synchronize_session": "evaluate"},
        )


@pytest.mark.rule("QY-207")
def test_custom_operator_is_evaluated_with_its_python_form(session, players):
    plus = Player.score.op("+", python_impl=lambda left, right: left + right)

    session.execute(
        update(Player).where(plus(1) == 11).values(score=5),
        execution_options={"synchronize_session": "evaluate"},
    )

    assert [each.score for each in players] == [5, 20, 30, None]


def test_named_parameters_are_evaluated(session, players):
    session.execute(
        update(Player).where(Player.name == bindparam("who")).values(score=bindparam("what")),
        {"who": "ben", "what": 7},
        execution_options={"synchronize_session": "evaluate"},
    )

    assert [each.score for each in players] == [10, 7, 30, None]


def test_values_that_python_does_not_compare_are_read_again(session, players):
    players[0].joined = datetime(2020, 1, 1)
    session.flush()

    aware = datetime(2019, 1, 1, tzinfo=UTC)
    session.execute(
        update(Player).where(Player.joined > aware).values(score=5),
        execution_options={"synchronize_session": "evaluate"},
    )

    assert inspect(players[0]).expired_attributes == {"score"}
    assert players[0].score in (5, 10)


def test_rounding_that_databases_differ_in_is_left_to_them(session, players):
    session.execute(update(Player).values(bonus=-7))

    session.execute(update(Player).values(bonus=Player.bonus % 4))

    assert players[0].bonus == session.scalar(select(Player.bonus).where(Player.id == 1))


CRITERIA = st.recursive(
    st.sampled_from(list(EVALUABLE.values())),
    lambda inner: st.one_of(
        inner.map(not_),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: and_(*parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: or_(*parts)),
    ),
    max_leaves=6,
)


@pytest.mark.rule("QY-204", "QY-208")
@settings(
    derandomize=True,
    database=None,
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(CRITERIA, st.sets(st.sampled_from(["name", "score", "bonus"])))
def test_evaluation_never_says_what_the_database_denies(session, players, criterion, expired):
    session.rollback()
    session.scalars(select(Player)).all()
    if expired:
        session.expire(players[1], expired)

    session.execute(
        update(Player).where(criterion).values(street="X"),
        execution_options={"synchronize_session": "evaluate"},
    )

    in_memory = {each.id for each in players if vars(each).get("street", "X") == "X"}
    known = {each.id for each in players if "street" in vars(each)}
    meant = set(session.scalars(select(Player.id).where(Player.street == "X")))
    assert in_memory & known == meant & known
    assert known >= ({1, 3, 4} if expired else {1, 2, 3, 4})


TEXTS = ("ann", "Ann", "ANN ", "\u00e4nn", "bob", "_", None)


@pytest.mark.rule("QY-204", "QY-208")
@pytest.mark.parametrize("collation", [None, "without case", "to the letter"])
@pytest.mark.parametrize("is_deleted", [False, True])
@pytest.mark.parametrize(
    "criterion",
    [
        lambda text: text == "ann",
        lambda text: text != "ann",
        lambda text: text.in_(["ann", "x"]),
        lambda text: text.not_in(["ann", "x"]),
        lambda text: text.is_distinct_from("ann"),
        lambda text: text.startswith("a"),
        lambda text: ~text.endswith("N"),
        lambda text: text < "ann",
        lambda text: text >= "ann",
        lambda text: not_(or_(text == "ANN", text == "bob")),
        lambda text: tuple_(text, text).in_([("ann", "Ann")]),
    ],
    ids=["==", "!=", "in", "not in", "distinct", "start", "not end", "<", ">=", "not or", "tuple"],
)
def test_text_is_evaluated_no_further_than_its_collation_is_known(
    engine, criterion, is_deleted, collation
):
    names = {
        "sqlite": ("NOCASE", "BINARY"),
        "postgresql": (None, "C"),
        "mariadb": ("utf8mb4_general_ci", "utf8mb4_bin"),
    }[engine.dialect.name]
    name = {"without case": names[0], "to the letter": names[1]}.get(collation)

    class Local(DeclarativeBase):
        pass

    class Word(Local):
        __tablename__ = "word"

        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str | None] = mapped_column(String(20, collation=name))
        mark: Mapped[int] = mapped_column(default=0)

    Local.metadata.create_all(engine)
    with Session(engine) as session:
        words = [Word(text=each) for each in TEXTS]
        session.add_all(words)
        session.commit()
        session.scalars(select(Word)).all()
        made = criterion(Word.text)
        statement = delete(Word) if is_deleted else update(Word).values(mark=1)

        session.execute(statement.where(made).execution_options(synchronize_session="evaluate"))

        rows = dict(session.execute(select(Word.__table__.c.id, Word.__table__.c.mark)).all())
        for word in words:
            key = inspect(word).identity[0]
            if is_deleted:
                assert not inspect(word).deleted or key not in rows
                assert inspect(word).expired or inspect(word).deleted == (key not in rows)
            else:
                assert word.mark == rows[key], word.text
        if collation == "to the letter" and engine.dialect.name == "postgresql":
            assert not any(inspect(word).expired for word in words)
