"""How the join of a relationship is found, given and marked."""

import warnings

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Table,
    and_,
    cast,
    exc,
    func,
    inspect,
    join,
    or_,
    select,
)
from sqlalchemy.types import Integer, String

from holdfast import (
    MANYTOONE,
    ONETOMANY,
    Mapped,
    Session,
    aliased,
    foreign,
    mapped_column,
    relationship,
    remote,
    with_parent,
)
from models import company


def two(base, *, key=True, **settings):
    """A and B, with `A.bs` as the settings say; B refers to A by a foreign key, or does not."""

    class A(base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str | None] = mapped_column(String(20), unique=True)
        bs = relationship("B", **settings)

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str | None] = mapped_column(String(20))
        a_id: Mapped[int | None] = mapped_column(ForeignKey("a.id") if key else Integer)

    return A, B


def bs_of(cls):
    return inspect(cls).relationships["bs"]


@pytest.fixture
def open_session(engine):
    """A session on the tables of a base."""
    opened = []

    def open_one(base):
        base.metadata.create_all(engine)
        opened.append(Session(engine))
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()


# -- overlaps -----------------------------------------------------------------------------------


def add_reference(b_class, **settings):
    b_class.a = relationship("A", **settings)


@pytest.mark.rule("RL-60")
def test_unlinked_relationships_that_write_one_column_warn(base):
    _, b_class = two(base)
    add_reference(b_class)

    with pytest.warns(
        exc.SAWarning,
        match=r"relationship 'B.a' will copy column a.id to column b.a_id, which conflicts with "
        r"relationship\(s\): 'A.bs'",
    ):
        base.registry.configure()


@pytest.mark.rule("RL-60", "RL-20 overlaps")
@pytest.mark.parametrize(
    ("many", "one"),
    [
        ({}, {"back_populates": "bs"}),
        ({}, {"viewonly": True}),
        ({"viewonly": True}, {}),
        ({}, {"overlaps": "bs"}),
        ({}, {"overlaps": "other, bs"}),
    ],
)
def test_linking_viewonly_or_overlaps_removes_the_warning(base, many, one):
    _, b_class = two(base, **many)
    add_reference(b_class, **one)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        base.registry.configure()


# -- deduced ------------------------------------------------------------------------------------


@pytest.mark.rule("RL-61")
def test_no_foreign_key_path_is_refused(base):
    two(base, key=False)

    with pytest.raises(exc.NoForeignKeysError, match=r"A\.bs .*no foreign keys.*primaryjoin"):
        base.registry.configure()


@pytest.mark.rule("RL-61", "RL-62")
def test_several_paths_are_refused_until_foreign_keys_choose(base):
    class A(base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        bs = relationship("B")
        second = relationship("B", foreign_keys="B.second_id")

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        first_id: Mapped[int] = mapped_column(ForeignKey("a.id"))
        second_id: Mapped[int] = mapped_column(ForeignKey("a.id"))

    with pytest.raises(exc.AmbiguousForeignKeysError, match=r"A\.bs .*foreign_keys"):
        base.registry.configure()


@pytest.mark.rule("RL-62")
def test_primaryjoin_replaces_the_condition(base):
    a_class, _ = two(base, primaryjoin="A.code == foreign(B.code)", viewonly=True)

    assert str(bs_of(a_class).primaryjoin) == "a.code = b.code"


# -- marks --------------------------------------------------------------------------------------


@pytest.mark.rule("RL-63")
@pytest.mark.parametrize(
    ("condition", "direction", "remote_column"),
    [
        ("A.code == foreign(B.code)", ONETOMANY, "b.code"),
        ("foreign(A.code) == B.code", MANYTOONE, "b.code"),
        ("A.code == remote(foreign(B.code))", ONETOMANY, "b.code"),
        ("foreign(A.code) == remote(B.code)", MANYTOONE, "b.code"),
    ],
)
def test_marks_say_which_column_refers(base, condition, direction, remote_column):
    a_class, _ = two(base, primaryjoin=condition)
    found = bs_of(a_class)

    assert found.direction is direction
    assert [str(column) for column in found.remote_side] == [remote_column]


@pytest.mark.rule("RL-63")
@pytest.mark.parametrize("side", ["remote", "remote_side"])
def test_self_reference_over_other_columns_is_marked(base, open_session, side):
    settings = {
        "remote": {
            "primaryjoin": lambda: foreign(Folder.above) == remote(Folder.path),
        },
        "remote_side": {
            "primaryjoin": lambda: foreign(Folder.above) == Folder.path,
            "remote_side": lambda: Folder.path,
        },
    }[side]

    class Folder(base):
        __tablename__ = "folder"
        id: Mapped[int] = mapped_column(primary_key=True)
        path: Mapped[str] = mapped_column(String(20))
        above: Mapped[str | None] = mapped_column(String(20))
        parent = relationship("Folder", **settings)

    assert inspect(Folder).relationships["parent"].direction is MANYTOONE
    with open_session(base) as session:
        session.add(Folder(id=1, path="/a", parent=Folder(id=2, path="/")))
        session.commit()

        assert session.get(Folder, 1).above == "/"
        assert session.get(Folder, 1).parent.id == 2


@pytest.mark.rule("RL-63")
def test_remote_marks_and_remote_side_together_are_refused(base):
    two(base, primaryjoin="A.id == remote(B.a_id)", remote_side="B.a_id")

    with pytest.raises(exc.ArgumentError, match="remote_side argument is redundant"):
        base.registry.configure()


@pytest.mark.rule("RL-63")
def test_function_in_a_self_reference_asks_for_marks(base):
    class Node(base):
        __tablename__ = "node"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str] = mapped_column(String(20))
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
        children = relationship(
            "Node",
            primaryjoin=lambda: and_(Node.id == Node.parent_id, Node.kind == func.lower(Node.kind)),
        )

    with pytest.warns(exc.SAWarning, match=r"Non-simple column elements.*remote\(\)"):
        base.registry.configure()


@pytest.mark.rule("RL-64")
def test_condition_without_foreign_column_is_refused(base):
    two(base, key=False, primaryjoin="A.id == B.a_id")

    with pytest.raises(
        exc.ArgumentError, match="Could not locate any relevant foreign key columns"
    ):
        base.registry.configure()


@pytest.mark.rule("RL-65", "RL-143")
def test_condition_without_equality_needs_viewonly(base):
    condition = "A.id > foreign(B.a_id)"
    two(base, primaryjoin=condition)

    with pytest.raises(exc.ArgumentError, match=r"other than '==', .* viewonly=True"):
        base.registry.configure()


@pytest.mark.rule("RL-65", "RL-143")
def test_viewonly_takes_a_condition_without_equality(base, open_session):
    a_class, b_class = two(
        base, key=False, primaryjoin="A.id > foreign(B.a_id)", viewonly=True, order_by="B.id"
    )
    with open_session(base) as session:
        session.add_all([a_class(id=2), b_class(id=1, a_id=1), b_class(id=2, a_id=2)])
        session.commit()

        assert [b.id for b in session.get(a_class, 2).bs] == [1]


@pytest.mark.rule("RL-66")
def test_extra_criteria_restrict_joins_and_loads_and_are_not_written(base, open_session):
    a_class, b_class = two(base, primaryjoin="and_(A.id == B.a_id, B.code == 'x')")
    with open_session(base) as session:
        session.add(a_class(id=1, bs=[b_class(id=1, code="x"), b_class(id=2, code="y")]))
        session.commit()

        assert [b.id for b in session.get(a_class, 1).bs] == [1]
        joined = select(b_class.id).select_from(a_class).join(a_class.bs)
        assert session.scalars(joined).all() == [1]
        assert session.execute(select(b_class.a_id, b_class.code).order_by(b_class.id)).all() == [
            (1, "x"),
            (1, "y"),
        ]


@pytest.mark.rule("RL-67")
def test_custom_operator_takes_part_when_it_is_a_comparison(base):
    class A(base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        ip: Mapped[str] = mapped_column(String(20))
        bs = relationship(
            "B",
            primaryjoin=lambda: A.ip.op("<<", is_comparison=True)(foreign(B.net)),
            viewonly=True,
        )

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        net: Mapped[str] = mapped_column(String(20))

    assert bs_of(A).direction is ONETOMANY
    assert "JOIN b ON a.ip << b.net" in str(select(A).join(A.bs))


@pytest.mark.rule("RL-67")
def test_functions_take_part_when_their_columns_are_marked(base, open_session):
    a_class, b_class = two(
        base,
        key=False,
        primaryjoin=lambda: a_class.code == foreign(cast(b_class.a_id, String(20))),
        viewonly=True,
    )
    with open_session(base) as session:
        session.add_all([a_class(id=1, code="7"), b_class(id=1, a_id=7), b_class(id=2, a_id=8)])
        session.commit()

        assert [b.id for b in session.get(a_class, 1).bs] == [1]


@pytest.mark.rule("RL-68")
def test_association_may_be_a_join_of_tables(base, open_session):
    class A(base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        b_id: Mapped[int] = mapped_column(ForeignKey("b.id"))
        ds = relationship(
            "D",
            secondary=lambda: join(B.__table__, C.__table__, B.id == C.b_id),
            primaryjoin=lambda: and_(A.b_id == B.id, A.id == C.a_id),
            secondaryjoin=lambda: D.c_id == C.id,
            viewonly=True,
        )

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)

    class C(base):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        a_id: Mapped[int] = mapped_column(ForeignKey("a.id"))
        b_id: Mapped[int] = mapped_column(ForeignKey("b.id"))

    class D(base):
        __tablename__ = "d"
        id: Mapped[int] = mapped_column(primary_key=True)
        c_id: Mapped[int] = mapped_column(ForeignKey("c.id"))

    with open_session(base) as session:
        for row in (B(id=1), A(id=1, b_id=1), C(id=1, a_id=1, b_id=1), D(id=1, c_id=1)):
            session.add(row)
            session.flush()
        session.commit()

        assert [d.id for d in session.get(A, 1).ds] == [1]


@pytest.mark.rule("RL-68", "RL-85")
@pytest.mark.parametrize("names_target", [False, True])
def test_association_that_is_a_join_may_be_compared_with_an_object(
    base, open_session, names_target
):
    a_class, b_class = two(base)

    class C(base):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        b_id: Mapped[int] = mapped_column(ForeignKey("b.id"))
        d_id: Mapped[int] = mapped_column(ForeignKey("d.id"))

    class D(base):
        __tablename__ = "d"
        id: Mapped[int] = mapped_column(primary_key=True)

    links = join(b_class.__table__, C.__table__, b_class.id == C.b_id)
    a_class.ds = relationship(
        D,
        secondary=join(links, D.__table__, D.id == C.d_id) if names_target else links,
        primaryjoin=lambda: a_class.id == b_class.a_id,
        secondaryjoin=lambda: D.id == C.d_id,
        viewonly=True,
    )
    other = aliased(D)
    with open_session(base) as session:
        session.add_all([a_class(id=1), a_class(id=2), D(id=1), D(id=2)])
        session.flush()
        session.add_all([b_class(id=1, a_id=1), b_class(id=2, a_id=2)])
        session.flush()
        session.add_all([C(id=1, b_id=1, d_id=1), C(id=2, b_id=1, d_id=2), C(id=3, b_id=2, d_id=1)])
        session.commit()
        first, second = (session.get(a_class, number) for number in (1, 2))

        of_second = select(D.id).where(with_parent(second, a_class.ds))
        assert session.scalars(of_second).all() == [1]
        of_both = of_second.where(with_parent(first, a_class.ds))
        assert session.scalars(of_both).all() == [1]
        of_alias = select(other.id).where(with_parent(first, a_class.ds.of_type(other)))
        assert sorted(session.scalars(of_alias)) == [1, 2]
        if not names_target:
            having = select(a_class.id).where(a_class.ds.contains(session.get(D, 2)))
            assert session.scalars(having).all() == [1]


@pytest.mark.rule("RL-69")
def test_rows_are_limited_by_an_alias_of_a_window_query(base, open_session):
    a_class, b_class = two(base)
    number = func.row_number().over(partition_by=b_class.a_id, order_by=b_class.id.desc())
    numbered = select(b_class, number.label("place")).subquery()
    latest = aliased(b_class, numbered)
    a_class.latest = relationship(
        latest,
        primaryjoin=lambda: and_(latest.a_id == a_class.id, numbered.c.place <= 2),
        order_by=numbered.c.place,
        viewonly=True,
    )
    with open_session(base) as session:
        session.add(a_class(id=1, bs=[b_class(id=number) for number in range(1, 5)]))
        session.commit()

        assert [b.id for b in session.get(a_class, 1).latest] == [4, 3]


@pytest.mark.rule("RL-70")
def test_column_of_two_composite_foreign_keys_is_written_where_marked(base, open_session):
    class Magazine(base):
        __tablename__ = "magazine"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Writer(base):
        __tablename__ = "writer"
        id: Mapped[int] = mapped_column(primary_key=True)
        magazine_id: Mapped[int] = mapped_column(ForeignKey("magazine.id"), primary_key=True)

    class Article(base):
        __tablename__ = "article"
        id: Mapped[int] = mapped_column(primary_key=True)
        magazine_id: Mapped[int] = mapped_column(ForeignKey("magazine.id"))
        writer_id: Mapped[int | None]
        magazine = relationship(Magazine)
        writer = relationship(
            Writer,
            primaryjoin=lambda: and_(
                Writer.id == foreign(Article.writer_id),
                Writer.magazine_id == Article.magazine_id,
            ),
        )
        __table_args__ = (
            ForeignKeyConstraint(["writer_id", "magazine_id"], ["writer.id", "writer.magazine_id"]),
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        base.registry.configure()
    written = inspect(Article).relationships["writer"].synchronize_pairs
    assert written == [(Writer.__table__.c.id, Article.__table__.c.writer_id)]
    with open_session(base) as session:
        magazine = Magazine(id=1)
        session.add(magazine)
        session.flush()
        writer = Writer(id=5, magazine_id=1)
        session.add_all([writer, Article(id=1, magazine=magazine, writer=writer)])
        session.commit()
        article = session.get(Article, 1)
        article.writer = None
        session.commit()

        assert (article.magazine_id, article.writer_id) == (1, None)


@pytest.mark.rule("RL-70")
def test_column_of_two_composite_foreign_keys_warns_without_marks(base):
    class Magazine(base):
        __tablename__ = "magazine"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Writer(base):
        __tablename__ = "writer"
        id: Mapped[int] = mapped_column(primary_key=True)
        magazine_id: Mapped[int] = mapped_column(ForeignKey("magazine.id"), primary_key=True)

    class Article(base):
        __tablename__ = "article"
        id: Mapped[int] = mapped_column(primary_key=True)
        magazine_id: Mapped[int] = mapped_column(ForeignKey("magazine.id"))
        writer_id: Mapped[int | None]
        magazine = relationship(Magazine)
        writer = relationship(Writer)
        __table_args__ = (
            ForeignKeyConstraint(["writer_id", "magazine_id"], ["writer.id", "writer.magazine_id"]),
        )

    with pytest.warns(exc.SAWarning, match=r"conflicts with relationship\(s\).*magazine"):
        base.registry.configure()


@pytest.mark.rule("RL-71")
def test_foreign_key_may_lead_to_a_unique_column(base, open_session):
    class A(base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str] = mapped_column(String(20), unique=True)
        bs: Mapped[list["B"]] = relationship(back_populates="a")

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        a_code: Mapped[str] = mapped_column(ForeignKey("a.code"))
        a: Mapped[A] = relationship(back_populates="bs")

    with open_session(base) as session:
        session.add(A(id=1, code="x", bs=[B(id=1)]))
        session.commit()

        assert session.get(B, 1).a_code == "x"
        assert session.get(B, 1).a is session.get(A, 1)
        assert session.get(A, 1).bs == [session.get(B, 1)]


@pytest.mark.rule("RL-72")
def test_single_table_criterion_of_the_target_is_added(engine, tables):
    with Session(tables(company.Base.metadata)) as session:
        staff = [company.Intern(name="i"), company.Person(name="p")]
        firm = company.Company(name="c", staff=staff)
        session.add(firm)
        session.commit()

        assert [each.name for each in firm.interns] == ["i"]
        names = select(company.Intern.name).select_from(company.Company)
        assert session.scalars(names.join(company.Company.interns)).all() == ["i"]


@pytest.mark.rule("RL-72")
def test_condition_may_name_columns_of_tables_above(engine, tables):
    with Session(tables(company.Base.metadata)) as session:
        manager = company.Manager(name="m")
        manager.engineers = [company.Engineer(name="e", machines=[company.Machine(name="x")])]
        session.add(manager)
        session.commit()

        (engineer,) = manager.engineers
        assert engineer.manager is manager
        assert [machine.name for machine in engineer.machines] == ["x"]


@pytest.mark.rule("RL-66", "RL-143")
def test_condition_with_or_reads_both_columns(base, open_session):
    class Game(base):
        __tablename__ = "game"
        id: Mapped[int] = mapped_column(primary_key=True)
        home_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
        guest_id: Mapped[int] = mapped_column(ForeignKey("team.id"))

    class Team(base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)
        games = relationship(
            Game,
            primaryjoin=lambda: or_(Team.id == Game.home_id, Team.id == Game.guest_id),
            viewonly=True,
            order_by=Game.id,
        )

    with open_session(base) as session:
        session.add_all([Team(id=1), Team(id=2)])
        session.flush()
        session.add_all([Game(id=1, home_id=1, guest_id=2), Game(id=2, home_id=2, guest_id=1)])
        session.commit()

        assert [game.id for game in session.get(Team, 1).games] == [1, 2]


@pytest.mark.rule("RL-61", "RL-5")
def test_association_table_without_foreign_keys_needs_both_joins(base, open_session):
    pairs = Table("pairs", base.metadata, Column("a", Integer), Column("b", Integer))

    class B(base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)

    class A(base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        bs: Mapped[list[B]] = relationship(
            secondary=pairs,
            primaryjoin=lambda: A.id == pairs.c.a,
            secondaryjoin=lambda: B.id == pairs.c.b,
        )

    class Other(base):
        __tablename__ = "other"
        id: Mapped[int] = mapped_column(primary_key=True)

    with open_session(base) as session:
        session.add(A(id=1, bs=[B(id=2)]))
        session.commit()
        assert session.execute(select(pairs)).all() == [(1, 2)]
        assert [b.id for b in session.get(A, 1).bs] == [2]

    with pytest.raises(exc.NoForeignKeysError, match=r"via secondary table 'pairs'"):
        Other.bs = relationship(B, secondary=pairs)


@pytest.mark.rule("RL-68")
def test_secondaryjoin_without_secondary_is_refused(base):
    two(base, secondaryjoin="A.id == B.a_id")

    with pytest.raises(exc.ArgumentError, match="no secondary argument"):
        base.registry.configure()


@pytest.mark.rule("RL-66")
@pytest.mark.parametrize("null_matches", [True, False])
def test_lazy_load_by_null_asks_the_database_only_where_null_may_match(
    base, open_session, sql, null_matches
):
    def condition():
        column = foreign(b_class.code)
        if null_matches:
            return a_class.code.is_not_distinct_from(column)
        return and_(a_class.code == column, b_class.id > 0)

    a_class, b_class = two(base, key=False, primaryjoin=condition, viewonly=True)
    with open_session(base) as session:
        session.add_all([a_class(id=1), b_class(id=1)])
        session.commit()
        found = session.get(a_class, 1)
        sql.clear()

        assert [b.id for b in found.bs] == ([1] if null_matches else [])
        assert bool(sql.emitted) is null_matches


@pytest.mark.rule("RL-23", "RL-72")
def test_condition_may_hold_a_query_of_a_subclass_made_before_configuration(base):
    class Employee(base):
        __tablename__ = "employee"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        firm_id: Mapped[int | None]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}

    class Engineer(Employee):
        __mapper_args__ = {"polymorphic_identity": "engineer"}

    class Firm(base):
        __tablename__ = "firm"
        id: Mapped[int] = mapped_column(primary_key=True)
        engineers = relationship(
            Employee,
            primaryjoin=lambda: and_(
                foreign(Employee.firm_id) == Firm.id, Employee.id.in_(engineers)
            ),
            viewonly=True,
        )

    engineers = select(Engineer.id).where(Engineer.firm_id == Firm.id).correlate(Firm)

    text = " ".join(str(select(Firm.id).join(Firm.engineers)).split())
    assert "ON employee.firm_id = firm.id AND employee.id IN (SELECT employee.id" in text
    assert "employee.kind IN" in text
