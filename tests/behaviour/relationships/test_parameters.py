"""Every parameter of `relationship()`: what it takes, what it does, and what it refuses."""

from types import SimpleNamespace

import pytest
from sqlalchemy import ForeignKey, exc, func, inspect, select
from sqlalchemy.exc import IntegrityError

from holdfast import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Query,
    Relationship,
    Session,
    attribute_keyed_dict,
    backref,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)
from holdfast.exc import FlushError, LoaderStrategyException


def pair(base, *, one=None, many=None, nullable=True):
    """Team and Player; `one` are the settings of `Player.team`, `many` of `Team.players`."""

    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]
        if many is not None:
            players = many.pop("itself", None) or relationship("Player", **many)

    class Player(base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]
        team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), nullable=nullable)
        if one is not None:
            team = relationship("Team", **one)

    return SimpleNamespace(team=Team, player=Player, metadata=base.metadata)


def stored(session, *objects):
    """Add, commit, and start with an empty session."""
    session.add_all(objects)
    session.commit()
    session.expunge_all()


@pytest.fixture
def open_session(engine):
    """A session on the tables of a model."""
    opened = []

    def open_one(model):
        model.metadata.create_all(engine)
        session = Session(engine)
        opened.append(session)
        return session

    yield open_one
    for session in opened:
        session.close()


@pytest.mark.rule("RL-20 argument")
@pytest.mark.parametrize("form", ["class", "mapper", "name", "callable", "callable to a name"])
def test_target_is_given_in_every_form(base, form):
    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)

    target = {
        "class": Team,
        "mapper": inspect(Team),
        "name": "Team",
        "callable": lambda: Team,
        "callable to a name": lambda: "Team",
    }[form]

    class Player(base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True)
        team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
        team = relationship(target)

    assert inspect(Player).relationships["team"].mapper is inspect(Team)


@pytest.mark.rule("RL-20 argument")
def test_target_of_another_kind_is_refused(base):
    model = pair(base, one={})
    model.player.other = relationship(lambda: 5)

    with pytest.raises(exc.ArgumentError, match="expects a class or a mapper argument"):
        base.registry.configure()


@pytest.mark.rule("RL-20 collection_class")
@pytest.mark.parametrize(
    ("given", "kind"), [(None, list), (set, set), (attribute_keyed_dict("name"), dict)]
)
def test_collection_class_makes_the_collection(base, given, kind):
    model = pair(base, many={"collection_class": given})

    assert isinstance(model.team().players, kind)


@pytest.mark.rule("RL-20 primaryjoin")
@pytest.mark.parametrize("form", ["string", "callable"])
def test_primaryjoin_is_a_string_or_callable(base, open_session, form):
    given = "and_(Team.id == Player.team_id, Player.name != 'x')"
    model = None
    if form == "callable":

        def given():
            is_member = model.team.id == model.player.team_id
            return is_member & (model.player.name != "x")

    model = pair(base, many={"primaryjoin": given})
    with open_session(model) as session:
        players = [model.player(name=name) for name in ("a", "x")]
        stored(session, model.team(id=1, players=players))

        assert [each.name for each in session.get(model.team, 1).players] == ["a"]


@pytest.mark.rule("RL-20 back_populates", "RL-40")
@pytest.mark.parametrize("form", ["name", "attribute", "callable"])
def test_back_populates_is_a_name_attribute_or_callable(base, form):
    model = pair(base, many={"back_populates": "team"})
    given = {
        "name": "players",
        "attribute": model.team.players,
        "callable": lambda: model.team.players,
    }[form]
    model.player.team = relationship(model.team, back_populates=given)

    team = model.team()
    assert model.player(team=team) in team.players


@pytest.mark.rule("RL-20 backref", "RL-46")
@pytest.mark.parametrize("given", ["team", backref("team", info={"a": 1})])
def test_backref_makes_the_other_side(base, given):
    model = pair(base, many={"backref": given})
    base.registry.configure()

    team, player = model.team(), model.player()
    team.players.append(player)

    assert player.team is team
    expected = {} if given == "team" else {"a": 1}
    assert inspect(model.player).relationships["team"].info == expected


@pytest.mark.rule("RL-20 order_by")
@pytest.mark.parametrize("form", ["column", "list", "string", "callable"])
@pytest.mark.parametrize("load", [None, joinedload, selectinload, subqueryload])
def test_order_by_holds_in_all_loads(base, open_session, form, load):
    class Player(base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))

    order = {
        "column": Player.name.desc(),
        "list": [Player.name.desc(), Player.id],
        "string": "desc(Player.name)",
        "callable": lambda: Player.name.desc(),
    }[form]

    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)
        players: Mapped[list[Player]] = relationship(order_by=order)

    with open_session(base) as session:
        stored(session, Team(players=[Player(name=name) for name in "bca"]))
        options = [] if load is None else [load(Team.players)]

        team = session.scalars(select(Team).options(*options)).unique().one()
        assert [each.name for each in team.players] == ["c", "b", "a"]


@pytest.mark.rule("RL-20 cascade")
@pytest.mark.parametrize(("cascade", "comes"), [("save-update, merge", True), ("merge", False)])
def test_cascade_says_what_comes_along(base, open_session, cascade, comes):
    model = pair(base, many={"cascade": cascade})
    with open_session(model) as session:
        player = model.player()
        session.add(model.team(players=[player]))

        assert (player in session) is comes
        session.expunge_all()


@pytest.mark.rule("RL-20 cascade")
def test_default_cascade_is_save_update_and_merge():
    assert relationship("Team").cascade == {"save-update", "merge"}


@pytest.mark.rule("RL-20 sync_backref", "RL-141")
def test_sync_backref_with_viewonly_is_refused():
    with pytest.raises(exc.ArgumentError, match="sync_backref and viewonly cannot both be True"):
        relationship("Team", viewonly=True, sync_backref=True)


@pytest.mark.rule("RL-20 lazy")
@pytest.mark.parametrize(
    "lazy", ["select", "joined", "selectin", "subquery", "immediate", True, False]
)
def test_lazy_says_how_the_attribute_loads(base, open_session, lazy, sql):
    model = pair(base, many={"lazy": lazy})
    with open_session(model) as session:
        stored(session, model.team(id=1, players=[model.player(name="a")]))
        team = session.scalars(select(model.team)).unique().one()
        sql.clear()

        assert [each.name for each in team.players] == ["a"]
        assert bool(sql.emitted) is (lazy in ("select", True))


@pytest.mark.rule("RL-20 lazy")
def test_unknown_lazy_is_refused_at_configuration(base):
    pair(base, many={"lazy": "tomorrow"})

    with pytest.raises(LoaderStrategyException, match="tomorrow"):
        base.registry.configure()


@pytest.mark.rule("RL-20 passive_deletes")
@pytest.mark.parametrize(("passive", "loads"), [(False, True), (True, False)])
def test_passive_deletes_leaves_unloaded_members_to_the_database(
    base, open_session, sql, passive, loads
):
    model = pair(base, many={"passive_deletes": passive})
    with open_session(model) as session:
        stored(session, model.team(id=1))
        session.delete(session.get(model.team, 1))
        sql.clear()
        session.commit()

        assert any("FROM player" in each for each in sql.emitted) is loads


@pytest.mark.rule("RL-20 active_history")
@pytest.mark.parametrize("active", [False, True])
def test_active_history_loads_the_old_value_when_another_is_set(base, open_session, sql, active):
    model = pair(base, one={"active_history": active})
    with open_session(model) as session:
        stored(session, model.player(id=1, team=model.team(id=1)), model.team(id=2))
        player, other = session.get(model.player, 1), session.get(model.team, 2)
        sql.clear()
        player.team = other

        assert bool(sql.emitted) is active
        session.rollback()


@pytest.mark.rule("RL-20 enable_typechecks", "RL-51")
def test_objects_of_a_subclass_that_cannot_serve_are_refused_at_flush(base, open_session):
    model = pair(base, many={"cascade": "merge"})

    class Odd(base):
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)

    with open_session(model) as session:
        session.add(model.team(players=[odd := Odd()]))
        session.add(odd)
        with pytest.raises(FlushError, match=r"Attempting to flush an item of type .*Odd"):
            session.flush()


@pytest.mark.rule("RL-20 enable_typechecks")
@pytest.mark.parametrize("checks", [True, False])
def test_subclass_that_is_not_loaded_polymorphically_passes_without_typechecks_only(
    base, open_session, checks
):
    model = pair(base, many={"enable_typechecks": checks})

    class Guest(model.player):
        __tablename__ = "guest"
        id: Mapped[int] = mapped_column(ForeignKey("player.id"), primary_key=True)

    with open_session(model) as session:
        guest = Guest(id=1)
        session.add(model.team(id=4, players=[guest]))
        if checks:
            with pytest.raises(FlushError, match="set enable_typechecks=False to allow"):
                session.flush()
        else:
            session.flush()
            assert guest.team_id == 4
        session.rollback()


@pytest.mark.rule("RL-20 join_depth")
def test_join_depth_ends_joined_loading_of_a_self_reference(base, open_session, sql):
    class Node(base):
        __tablename__ = "node"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        children: Mapped[list["Node"]] = relationship(lazy="joined", join_depth=2)

    with open_session(base) as session:
        leaf = Node(id=4)
        stored(session, Node(id=1, children=[Node(id=2, children=[Node(id=3, children=[leaf])])]))
        sql.clear()
        top = session.scalars(select(Node).where(Node.id == 1)).unique().one()
        (third,) = top.children[0].children

        assert len(sql.emitted) == 1
        assert sql.emitted[0].count("JOIN") == 2
        assert third.children[0].id == 4
        assert len(sql.emitted) == 2


@pytest.mark.rule("RL-20 comparator_factory")
def test_comparator_factory_gives_the_operators(base):
    class Comparator(Relationship.Comparator):
        def __eq__(self, other):
            return func.same(super().__eq__(other))

        __hash__ = Relationship.Comparator.__hash__

    model = pair(base, one={"comparator_factory": Comparator})

    assert str(model.player.team == None).startswith("same(")  # noqa: E711


@pytest.mark.rule("RL-20 single_parent")
def test_single_parent_allows_delete_orphan_on_many_to_one_and_refuses_a_second_parent(base):
    model = pair(base, one={"cascade": "all, delete-orphan", "single_parent": True})
    team = model.team()
    first = model.player(team=team)

    with pytest.raises(exc.InvalidRequestError, match="already associated with an instance"):
        model.player(team=team)
    assert first.team is team


@pytest.mark.rule("RL-20 innerjoin")
@pytest.mark.parametrize(
    ("innerjoin", "join"), [(False, "LEFT OUTER JOIN"), (True, "player JOIN"), ("nested", "JOIN")]
)
def test_innerjoin_says_how_joined_loading_joins(base, innerjoin, join):
    model = pair(base, one={"lazy": "joined", "innerjoin": innerjoin})

    text = str(select(model.player))

    assert join in text
    assert ("OUTER" in text) is (not innerjoin)


@pytest.mark.rule("RL-20 innerjoin")
@pytest.mark.parametrize(
    ("innerjoin", "nested"), [(True, True), ("nested", True), ("unnested", False)]
)
def test_inner_join_below_an_outer_join_is_nested_unless_refused(base, innerjoin, nested):
    model = pair(base, one={"lazy": "joined", "innerjoin": innerjoin})

    class League(base):
        __tablename__ = "league"
        id: Mapped[int] = mapped_column(primary_key=True)
        player_id: Mapped[int] = mapped_column(ForeignKey("player.id"))
        player = relationship(model.player, lazy="joined")

    text = " ".join(str(select(League)).split())

    assert ("LEFT OUTER JOIN (player" in text) is nested


@pytest.mark.rule("RL-20 distinct_target_key")
@pytest.mark.parametrize("distinct", [True, False])
def test_distinct_target_key_makes_the_subquery_distinct(base, open_session, sql, distinct):
    model = pair(base, one={"lazy": "subquery", "distinct_target_key": distinct})
    with open_session(model) as session:
        stored(session, model.player(team=model.team()))
        sql.clear()
        session.scalars(select(model.player)).all()

        assert ("DISTINCT" in sql.emitted[-1]) is distinct


@pytest.mark.rule("RL-20 load_on_pending")
@pytest.mark.parametrize("loads", [False, True])
def test_load_on_pending_loads_by_the_foreign_key_of_a_pending_object(base, open_session, loads):
    model = pair(base, one={"load_on_pending": loads})
    with open_session(model) as session:
        stored(session, model.team(id=1))
        player = model.player(team_id=1)
        session.autoflush = False
        session.add(player)

        assert (player.team is not None) is loads
        session.rollback()


@pytest.mark.rule("RL-20 load_on_pending")
def test_enable_relationship_loading_loads_for_an_object_outside_the_session(base, open_session):
    model = pair(base, one={})
    with open_session(model) as session:
        stored(session, model.team(id=1, name="a"))
        player = model.player(team_id=1)
        session.enable_relationship_loading(player)

        assert player.team.name == "a"


@pytest.mark.rule("RL-20 info", "RL-20 doc")
def test_info_and_doc_are_kept(base):
    model = pair(base, one={"info": {"a": 1}, "doc": "The team."})
    found = inspect(model.player).relationships["team"]

    assert found.info == {"a": 1}
    assert found.doc == "The team."
    assert model.player.team.__doc__ == "The team."


@pytest.mark.rule("RL-20 omit_join")
@pytest.mark.parametrize(("omit", "joins"), [(None, False), (False, True)])
def test_omit_join_false_makes_selectin_loading_join_the_parent(
    base, open_session, sql, omit, joins
):
    model = pair(base, many={"lazy": "selectin", "omit_join": omit})
    with open_session(model) as session:
        stored(session, model.team(players=[model.player()]))
        sql.clear()
        session.scalars(select(model.team)).all()

        assert ("JOIN" in sql.emitted[-1]) is joins


@pytest.mark.rule("RL-20 omit_join")
def test_omit_join_true_warns():
    with pytest.warns(exc.SAWarning, match="setting omit_join to True is not supported"):
        relationship("Team", omit_join=True)


@pytest.mark.rule("RL-20 cascade_backrefs")
def test_cascade_backrefs_may_be_false_only():
    relationship("Team", cascade_backrefs=False)

    with pytest.raises(exc.ArgumentError, match="may only be set to False"):
        relationship("Team", cascade_backrefs=True)


@pytest.mark.rule("RL-20 init")
def test_dataclass_arguments_make_the_constructor():
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Team(Base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        players: Mapped[list["Player"]] = relationship(
            default_factory=list, repr=False, compare=False, kw_only=True
        )
        secret: Mapped[list["Player"]] = relationship(init=False, viewonly=True, repr=False)

    class Player(Base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), init=False)
        team: Mapped[Team | None] = relationship(default=None, overlaps="players")

    player = Player()
    assert player.team is None
    assert Team(players=[player]).players == [player]
    assert "players" not in repr(Team())
    with pytest.raises(TypeError):
        Team([player])
    with pytest.raises(TypeError):
        Team(secret=[])
    Base.registry.dispose()


@pytest.mark.rule("RL-20 query_class")
def test_query_class_is_that_of_a_dynamic_relationship(base, open_session):
    class Own(Query):
        def named(self, name):
            return self.filter_by(name=name)

    model = pair(base, many={"lazy": "dynamic", "query_class": Own})
    with open_session(model) as session:
        stored(session, model.team(id=1, players=[model.player(name=name) for name in "ab"]))

        assert session.get(model.team, 1).players.named("b").one().name == "b"


@pytest.mark.rule("RL-20 foreign_keys", "RL-62")
@pytest.mark.parametrize("form", ["column", "list", "string", "callable"])
def test_foreign_keys_choose_among_several_paths(base, form):
    class Place(base):
        __tablename__ = "place"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Trip(base):
        __tablename__ = "trip"
        id: Mapped[int] = mapped_column(primary_key=True)
        start_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
        end_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
        end = relationship(
            Place,
            foreign_keys={
                "column": end_id,
                "list": [end_id],
                "string": "Trip.end_id",
                "callable": lambda: Trip.end_id,
            }[form],
        )

    found = inspect(Trip).relationships["end"]
    assert found.local_columns == {Trip.__table__.c.end_id}


@pytest.mark.rule("RL-20 single_parent")
def test_delete_orphan_on_many_to_one_without_single_parent_is_refused(base):
    pair(base, one={"cascade": "all, delete-orphan"})

    with pytest.raises(exc.ArgumentError, match="single_parent=True"):
        base.registry.configure()


@pytest.mark.rule("RL-20 passive_deletes")
def test_passive_deletes_all_leaves_even_loaded_members_alone(base, open_session):
    model = pair(base, many={"passive_deletes": "all"})
    with open_session(model) as session:
        stored(session, model.team(id=1, players=[model.player(id=1)]))
        team = session.get(model.team, 1)
        assert team.players
        session.delete(team)

        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


@pytest.mark.rule("RL-21")
def test_backref_and_back_populates_exclude_each_other():
    with pytest.raises(exc.ArgumentError, match="mutually exclusive"):
        relationship("Team", backref="a", back_populates="b")


@pytest.mark.rule("RL-22", "RL-20 viewonly")
@pytest.mark.parametrize(
    "setting",
    [
        {"passive_deletes": True},
        {"passive_updates": False},
        {"active_history": True},
        {"enable_typechecks": False},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_viewonly_with_settings_for_writing_warns(setting):
    (name,) = setting
    with pytest.warns(exc.SAWarning, match=rf"Setting {name} on relationship\(\).*viewonly=True"):
        relationship("Team", viewonly=True, **setting)


@pytest.mark.rule("RL-23")
def test_strings_know_classes_tables_and_constructs_at_configuration(base):
    model = pair(
        base,
        many={
            "primaryjoin": "and_(foreign(player.c.team_id) == Team.id, "
            "or_(func.length(Player.name) > 1, Player.name == None))",
            "order_by": "desc(Player.name)",
        },
    )
    text = str(select(model.team).options(joinedload(model.team.players)))

    assert "length(player_1.name) >" in text
    assert text.endswith("ORDER BY player_1.name DESC")


@pytest.mark.rule("RL-24")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Team.id == Player.nothing", AttributeError),
        ("Team.id == = Player.team_id", SyntaxError),
        ("Team.id == Nobody.team_id", exc.InvalidRequestError),
    ],
)
def test_errors_in_strings_come_out_of_configuration(base, text, error):
    pair(base, many={"primaryjoin": text})

    with pytest.raises(error):
        base.registry.configure()
