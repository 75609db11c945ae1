"""Check that the tables of the stand-in name things that exist, and nothing twice."""

from __future__ import annotations

import importlib

import pytest

import holdfast
from holdfast.compat.install import ABSENT_NAMES, FACES, AbsentName, build_modules
from holdfast.errors import AbsentNameError


@pytest.fixture(scope="module")
def modules():
    return build_modules()


def test_every_line_of_the_tables_resolves(modules):
    assert modules["sqlalchemy.orm"].Session is holdfast.Session
    assert modules["sqlalchemy.orm"].session is modules["sqlalchemy.orm.session"]


@pytest.mark.parametrize(("module", "face"), FACES.items())
def test_public_names_of_a_face_are_in_its_stand_in(modules, module, face):
    theirs = modules[f"sqlalchemy.orm.{module}" if module else "sqlalchemy.orm"]
    ours = importlib.import_module(face)

    assert ours.__all__
    replaced = {"backref", "relationship", "with_polymorphic"}  # take private keywords more
    assert [
        name
        for name in set(ours.__all__) - replaced
        if getattr(theirs, name) is not getattr(ours, name)
    ] == []


@pytest.mark.parametrize("module", ABSENT_NAMES)
def test_absent_names_are_really_absent(modules, module):
    theirs = modules[f"sqlalchemy.orm.{module}" if module else "sqlalchemy.orm"]

    existing = [
        name
        for name in ABSENT_NAMES[module].split()
        if not isinstance(getattr(theirs, name), AbsentName)
    ]
    assert not existing, "take them off the list"


def test_absent_name_can_be_imported_and_tested_against_but_not_used():
    name = AbsentName("sqlalchemy.orm.thing")

    assert not isinstance(5, name)
    uses = [name, lambda: name.attribute, lambda: name[int], lambda: list(name), derive_from(name)]
    for use in uses:
        with pytest.raises(AbsentNameError, match=r"sqlalchemy\.orm\.thing yet.*\[absent-name\]"):
            use()


def derive_from(base):
    def derive():
        class Derived(base):
            pass

    return derive
