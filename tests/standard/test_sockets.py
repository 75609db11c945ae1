"""Every socket is filled after import, and the page that lists them is complete."""

import re
from importlib import import_module

import pytest

from holdfast.mapping import sockets
from holdfast.states import ports
from tree import DOCS, MODULES

LATE = [
    found
    for text in MODULES.values()
    for found in re.findall(r'= late_function\("([\w.]+)", "(\w+)"\)', text)
]


@pytest.mark.parametrize(("module", "name"), LATE)
def test_functions_that_are_imported_late_exist(module, name):
    assert callable(getattr(import_module(module), name))


def test_every_function_socket_is_plugged_after_import():
    found = [value for value in vars(ports).values() if isinstance(value, ports.Socket)]

    assert found
    assert [socket.name for socket in found if not socket.is_plugged] == []


def test_strategies_and_comparators_are_registered_after_import():
    assert {"select", "joined", "selectin"} <= set(sockets.strategies)
    assert {"column", "relationship"} <= set(sockets.comparators)


def test_page_names_every_function_socket():
    page = (DOCS / "architecture" / "sockets.md").read_text(encoding="utf8")

    names = [value.name for value in vars(ports).values() if isinstance(value, ports.Socket)]

    assert [name for name in names if name not in page] == []
