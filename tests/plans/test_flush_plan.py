"""Golden flush plans: what a flush will do, as text and as a value."""

import pytest
from inline_snapshot import snapshot

from holdfast import Session
from holdfast.diagnostics import explain
from models import library, shop, tree


@pytest.fixture
def session(engine, tables):
    tables(library.Base.metadata)
    tables(shop.Base.metadata)
    tables(tree.Base.metadata)
    with Session(engine) as session:
        yield session


def plan(session):
    return str(explain(session)).splitlines()


def test_nothing_to_do(session):
    assert plan(session) == snapshot(["nothing to do"])


def test_parents_come_before_children(session):
    session.add(library.Author(name="Ursula", books=[library.Book(title="A"), library.Book()]))

    assert plan(session) == snapshot(
        [
            "1. INSERT Author: <Author #1>",
            "2. COPY KEY Author.books: <Author #1> -> <Book #1>, <Author #1> -> <Book #2>",
            "3. COPY KEY Book.author: <Author #1> -> <Book #1>, <Author #1> -> <Book #2>",
            "4. INSERT Book: <Book #1>, <Book #2>",
        ]
    )


def test_association_rows_come_after_both_sides(session):
    session.add(library.Book(title="A", tags={library.Tag(name="x")}))

    assert plan(session) == snapshot(
        [
            "1. INSERT Book: <Book #1>",
            "2. INSERT Tag: <Tag #1>",
            "3. INSERT book_tag (Book.tags): <Book #1> + <Tag #1>",
        ]
    )


def test_children_are_deleted_before_parents(session):
    order = shop.Order(customer="C", lines=[shop.Line(number=1, product="p")])
    session.add(order)
    session.flush()
    session.delete(order)

    assert plan(session) == snapshot(
        ["1. DELETE Line: <Line order_id=1 number=1>", "2. DELETE Order: <Order id=1>"]
    )


def test_rows_of_one_class_that_refer_to_each_other_go_in_layers(session):
    root = tree.Node(name="root", children=[tree.Node(name="a"), tree.Node(name="b")])
    session.add(root)

    assert plan(session) == snapshot(
        [
            "1. INSERT Node: <Node #1>",
            "2. COPY KEY Node.children: <Node #1> -> <Node #2>, <Node #1> -> <Node #3>",
            "3. COPY KEY Node.parent: <Node #1> -> <Node #2>, <Node #1> -> <Node #3>",
            "4. INSERT Node: <Node #2>, <Node #3>",
        ]
    )


def test_a_whole_tree_is_deleted_leaves_first(session):
    root = tree.Node(name="root", children=[tree.Node(name="a"), tree.Node(name="b")])
    session.add(root)
    session.flush()
    for node in [root, *root.children]:
        session.delete(node)

    assert plan(session) == snapshot(
        [
            "will first load <Node id=2>.children",
            "will first load <Node id=3>.children",
            "1. DELETE Node: <Node id=2>, <Node id=3>",
            "2. DELETE Node: <Node id=1>",
        ]
    )


def test_post_update_is_a_step_of_its_own(session):
    player = tree.Player()
    session.add(tree.Team(players=[player], captain=player))

    assert plan(session) == snapshot(
        [
            "1. INSERT Team: <Team #1>",
            "2. COPY KEY Team.players: <Team #1> -> <Player #1>",
            "3. COPY KEY Player.team: <Team #1> -> <Player #1>",
            "4. INSERT Player: <Player #1>",
            "5. COPY KEY Team.captain: <Player #1> -> <Team #1>",
            "6. UPDATE Team: <Team #1> (only captain_id, for Team.captain)",
        ]
    )


def test_what_a_flush_would_load_is_listed(session):
    author = library.Author(name="U", books=[library.Book()])
    session.add(author)
    session.commit()
    assert author.name == "U"
    session.delete(session.get_one(library.Author, 1))
    session.expire(author, ["books"])

    assert plan(session) == snapshot(
        ["will first load <Author id=1>.books", "1. DELETE Author: <Author id=1>"]
    )


def test_equal_work_gives_equal_plans_in_two_sessions(engine, session):
    def work():
        return [library.Author(name="U", books=[library.Book()]), library.Tag(name="t")]

    with Session(engine) as other:
        other.add_all(work())
        session.add_all(work())

        assert explain(other).plan == explain(session).plan


def test_other_work_gives_another_plan(engine, session):
    with Session(engine) as other:
        other.add(library.Author(name="U"))
        session.add_all([library.Author(name="U"), library.Author(name="V")])

        assert explain(other).plan != explain(session).plan


def test_a_plan_cannot_be_changed(session):
    session.add(library.Tag(name="t"))
    made = explain(session).plan

    with pytest.raises(AttributeError, match="cannot be changed"):
        made.steps = ()
    with pytest.raises(AttributeError, match="cannot be changed"):
        made.steps[0].states = ()


def test_explaining_emits_nothing_and_changes_nothing(session, sql):
    author = library.Author(name="U")
    session.add(author)
    explain(session)

    assert sql.emitted == []
    assert author in session.new
