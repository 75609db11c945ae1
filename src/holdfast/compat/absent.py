"""Let programs import the names of `sqlalchemy.orm` that Holdfast does not have yet.

A program seldom uses every name that it imports. So that it runs as far as it can, each name below
stands in the stand-in modules as an `AbsentName`, and the first use of one says which it is. The
list gets shorter as Holdfast grows; a name that is neither there nor here fails at its import.
"""

from __future__ import annotations

from typing import Any, NoReturn

from holdfast.errors.base import AbsentNameError


class AbsentName:
    """Stands for one name; every use of it raises `AbsentNameError`."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = name

    def __repr__(self) -> str:
        return f"<absent: {self.__dict__['name']}>"

    def _refuse(self, *arguments: Any, **keywords: Any) -> NoReturn:
        raise AbsentNameError.used(self.__dict__["name"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def __instancecheck__(self, instance: object) -> bool:
        # Nothing can be of a class that does not exist, so the question has an answer.
        return False

    __subclasscheck__ = __instancecheck__
    __call__: Any = _refuse
    __getitem__: Any = _refuse
    __mro_entries__: Any = _refuse
    __setattr__: Any = _refuse
    __enter__: Any = _refuse
    __iter__: Any = _refuse


# Module of SQLAlchemy, below `sqlalchemy.orm` -> names in it.
ABSENT_NAMES: dict[str, str] = {
    "": """
        AliasOption SQLORMExpression
        contains_alias create_session merge_result
    """,
    "decl_base": "_DeferredDeclarativeConfig",
    "interfaces": "MapperOption",
}
