from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, text

from holdfast import (
    Bundle,
    Session,
    aliased,
    joinedload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    with_polymorphic,
)
from holdfast.errors.loading import RowClassError, UnknownIdentityError
from models.company import Boss, Company, Engineer, Intern, Machine, Manager, Person

ALL = [(Person, "pam"), (Engineer, "eve"), (Manager, "max"), (Boss, "bob"), (Intern, "ian")]


def kinds(objects: Any) -> list[tuple[type, str]]:
    return [(type(each), each.name) for each in objects]


@pytest.mark.rule("MP-145")
def test_rows_of_the_base_become_objects_of_their_own_classes(session: Session, sql: Any) -> None:
    assert kinds(session.scalars(select(Person).order_by(Person.id))) == ALL
    assert len(sql) == 1
    assert "JOIN" not in sql.emitted[0]


@pytest.mark.rule("MP-149")
def test_columns_of_a_subclass_load_on_first_access_from_its_tables(
    session: Session, sql: Any
) -> None:
    found = {each.id: each for each in session.scalars(select(Person))}
    sql.clear()

    assert (found[4].car, found[4].level) == ("red", 9)
    assert len(sql) == 1
    assert "person" not in sql.emitted[0]
    assert found[2].language == "sql"
    assert "FROM engineer WHERE" in sql.emitted[1]
    assert found[5].school == "eton"


def test_a_query_for_a_joined_subclass_joins_its_tables(session: Session, sql: Any) -> None:
    assert kinds(session.scalars(select(Manager).order_by(Manager.id))) == ALL[2:4]
    assert "FROM person JOIN manager ON person.id = manager.id" in sql.emitted[0]
    names = session.scalars(select(Engineer.name).where(Engineer.language == "sql"))
    assert names.all() == ["eve"]
    assert session.scalar(select(func.count()).select_from(Boss)) == 1


@pytest.mark.rule("MP-146")
def test_a_query_for_a_single_table_subclass_sees_its_own_rows(session: Session) -> None:
    assert kinds(session.scalars(select(Intern))) == ALL[4:]
    assert session.scalars(select(Intern.name)).all() == ["ian"]
    assert session.scalar(select(func.count(Intern.id))) == 1
    assert session.query(Intern).count() == 1
    other = aliased(Intern)
    assert kinds(session.scalars(select(other))) == ALL[4:]


@pytest.mark.rule("MP-157")
def test_get_follows_the_discriminator(session: Session) -> None:
    assert kinds([session.get(Person, number) for number in (1, 2, 3, 4, 5)]) == ALL
    assert session.get(Engineer, 3) is None
    assert session.get(Intern, 1) is None
    assert type(session.get(Manager, 4)) is Boss
    session.expunge_all()
    assert session.get(Engineer, 3) is None
    assert session.get(Intern, 1) is None
    assert type(session.get(Manager, 4)) is Boss


@pytest.mark.parametrize("option", [None, joinedload, selectinload, subqueryload])
def test_collections_of_the_base_hold_all_classes(session: Session, option: Any) -> None:
    statement = select(Company)
    if option is not None:
        statement = statement.options(option(Company.staff))
    company = session.scalars(statement).unique().one()
    assert kinds(company.staff) == ALL


@pytest.mark.parametrize("option", [None, joinedload, selectinload, subqueryload])
@pytest.mark.parametrize("name", ["managers", "interns"])
def test_collections_of_a_subclass_hold_its_objects(
    session: Session, option: Any, name: str
) -> None:
    statement = select(Company)
    if option is not None:
        statement = statement.options(option(getattr(Company, name)))
    company = session.scalars(statement).unique().one()
    expected = ALL[2:4] if name == "managers" else ALL[4:]
    assert kinds(getattr(company, name)) == expected


@pytest.mark.parametrize("option", [None, joinedload, selectinload, subqueryload])
def test_relationships_of_a_subclass(session: Session, option: Any) -> None:
    statement = select(Engineer)
    if option is not None:
        statement = statement.options(
            option(Engineer.machines), option(Engineer.manager), option(Engineer.company)
        )
    engineer = session.scalars(statement).unique().one()
    assert [each.name for each in engineer.machines] == ["pc"]
    assert engineer.manager is not None
    assert engineer.manager.name == "max"
    assert engineer.company is not None
    assert engineer.company.name == "acme"


@pytest.mark.rule("LD-184")
def test_an_option_for_a_subclass_loads_for_its_rows(session: Session, sql: Any) -> None:
    statement = select(Person).options(selectinload(Engineer.machines)).order_by(Person.id)
    engineer = session.scalars(statement).all()[1]
    sql.clear()
    assert isinstance(engineer, Engineer)
    assert [each.name for each in engineer.machines] == ["pc"]
    assert len(sql) == 0


def test_joins_to_subclasses(session: Session) -> None:
    to_manager = select(Company.name, Manager.name).join(Company.managers).order_by(Manager.id)
    assert session.execute(to_manager).all() == [("acme", "max"), ("acme", "bob")]
    to_boss = select(Boss.car).select_from(Company).join(Company.staff.of_type(Boss))
    assert session.scalars(to_boss).all() == ["red"]
    to_intern = select(Company.id, Intern.name).join(Intern, Intern.company_id == Company.id)
    assert session.execute(to_intern).all() == [(1, "ian")]
    has_engineer = Company.staff.of_type(Engineer).any(Engineer.language == "sql")
    assert session.scalars(select(Company.id).where(has_engineer)).all() == [1]
    assert session.scalars(select(Company.id).where(~Company.interns.any())).all() == []
    from_intern = select(Company.name).select_from(Intern).join(Intern.company)
    assert session.scalars(from_intern).all() == ["acme"]


def test_aliases_of_subclasses(session: Session) -> None:
    boss = aliased(Boss)
    found = session.scalars(select(boss).where(boss.name == "bob", boss.car == "red")).one()
    assert (type(found), found.level) == (Boss, 9)
    flat = aliased(Boss, flat=True)
    assert session.scalars(select(flat.level).where(flat.name == "bob")).all() == [9]


def test_expired_objects_are_read_by_their_own_class(session: Session, sql: Any) -> None:
    boss = session.get(Person, 4)
    session.expire_all()
    sql.clear()
    assert isinstance(boss, Boss)
    assert (boss.name, boss.level, boss.car) == ("bob", 9, "red")
    assert len(sql) == 1


@pytest.mark.rule("MP-145")
def test_a_value_that_no_class_has_is_an_error(session: Session) -> None:
    session.execute(text("UPDATE person SET kind = 'robot' WHERE id = 1"))
    with pytest.raises(UnknownIdentityError, match=r"No such polymorphic_identity 'robot'"):
        session.scalars(select(Person)).all()


def test_a_row_of_a_class_beside_the_one_asked_for_is_an_error(session: Session) -> None:
    session.execute(text("UPDATE person SET kind = 'intern' WHERE id = 3"))
    with pytest.raises(RowClassError, match="is not a sub-mapper of the requested"):
        session.scalars(select(Manager)).all()


def test_populate_existing_keeps_classes(session: Session) -> None:
    boss = session.get(Boss, 4)
    assert boss is not None
    boss.name = "changed"
    statement = select(Person).execution_options(populate_existing=True).order_by(Person.id)
    with session.no_autoflush:
        assert kinds(session.scalars(statement)) == ALL
    assert boss.car == "red"


@pytest.mark.parametrize("option", [joinedload, selectinload, subqueryload])
def test_a_subclass_named_in_an_option_brings_its_columns(
    session: Session, sql: Any, option: Any
) -> None:
    statement = select(Company).options(option(Company.staff.of_type(Engineer)))
    company = session.scalars(statement).unique().one()
    sql.clear()
    assert kinds(company.staff) == ALL
    assert company.staff[1].language == "sql"  # type: ignore[attr-defined]
    assert len(sql) == 0


@pytest.mark.rule("LD-182")
def test_columns_of_subclasses_by_one_select_each(session: Session, sql: Any) -> None:
    option = selectin_polymorphic(Person, [Engineer, Boss])
    found = {each.id: each for each in session.scalars(select(Person).options(option))}
    assert len(sql) == 3
    sql.clear()
    eve, bob = found[2], found[4]
    assert isinstance(eve, Engineer)
    assert isinstance(bob, Boss)
    assert (eve.language, bob.car) == ("sql", "red")
    assert len(sql) == 0


def test_existence_is_asked_along_two_relationships_of_one_hierarchy(session: Session) -> None:
    session.add(Engineer(id=6, name="kim", language="c", manager=Manager(id=7, name="lee")))
    session.flush()
    speaks_sql = Manager.engineers.any(Engineer.language == "sql")

    led = select(Engineer.id).where(Engineer.manager.has(speaks_sql))

    assert session.scalars(led).all() == [2]


@pytest.mark.rule("MP-146")
def test_single_table_class_that_criteria_alone_name_sees_its_own_rows(session: Session) -> None:
    session.add(Company(id=2, name="beta", staff=[Person(id=6, name="ann")]))
    session.flush()
    named = select(Company.name).where(Company.id == Intern.company_id)
    assert session.scalars(named).all() == ["acme"]
    assert session.execute(select(Bundle("intern", Intern.id, Intern.name))).all() == [
        ((5, "ian"),)
    ]


@pytest.mark.rule("MP-146")
def test_union_of_queries_for_sibling_classes_keeps_the_rows_of_both(session: Session) -> None:
    query = session.query(Intern.name).union(session.query(Manager.name))
    assert sorted(name for (name,) in query) == ["bob", "ian", "max"]


def test_subquery_takes_a_class_with_several_tables_from_around_it(session: Session) -> None:
    staff = with_polymorphic(Person, "*")
    company = select(Company.name).where(Company.id == staff.company_id).correlate(staff)
    in_acme = select(staff.name).where(company.scalar_subquery() == "acme").order_by(staff.id)
    assert session.scalars(in_acme).all() == ["pam", "eve", "max", "bob", "ian"]


def test_attribute_of_the_class_leads_on_from_an_alias_over_a_query(session: Session) -> None:
    managers = aliased(Manager, select(Manager).where(Manager.level > 1).subquery())
    led = aliased(Engineer, flat=True)
    named = select(managers.name, Company.name, led.name).join(managers.company)
    found = session.execute(named.join(Manager.engineers.of_type(led))).all()
    assert found == [("max", "acme", "eve")]


def test_relationship_of_a_subclass_leads_on_from_its_base(session: Session) -> None:
    machines = select(Machine.name).select_from(Company).join(Company.staff)
    assert session.scalars(machines.join(Engineer.machines)).all() == ["pc"]
