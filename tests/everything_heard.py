"""A plugin of pytest: listeners of every event of sessions, objects and mappers, which do nothing.

Many ways are shorter where nobody listens; with this, the tests take the long ones:

    PYTHONPATH=tests python -m pytest -p everything_heard tests/behaviour
"""

from inspect import isfunction
from typing import Any

from sqlalchemy import event

from holdfast import InstanceEvents, Mapper, MapperEvents, Session, SessionEvents


def hear(*_: Any) -> None:
    pass


for target, family in (
    (Session, SessionEvents),
    (Mapper, InstanceEvents),
    (Mapper, MapperEvents),
):
    for name, declared in vars(family).items():
        if isfunction(declared) and not name.startswith("_"):
            event.listen(target, name, hear)
