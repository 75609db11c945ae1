"""SQL is visible in the verb: only functions named for it hand statements to a connection."""

import ast

from tree import MODULES, functions_of

VERBS = (
    "load", "fetch", "refresh", "flush", "write", "emit", "execute", "insert", "run", "scalar",
    "begin", "commit", "rollback", "prepare", "close", "savepoint", "release", "update", "delete",
)  # fmt: skip
# Calls that reach a database when made on a connection or cursor.
CALLS = {"execute", "executemany", "exec_driver_sql", "scalar", "scalars"}


def is_on_connection(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in CALLS
        and isinstance(function.value, ast.Name)
        and function.value.id in ("connection", "cursor")
    )


def test_only_functions_named_for_it_hand_sql_to_a_connection():
    bad = [
        f"{path}:{function.name}"
        for path, text in MODULES.items()
        for function in functions_of(ast.parse(text))
        if any(isinstance(n, ast.Call) and is_on_connection(n) for n in ast.walk(function))
        and not function.name.lstrip("_").startswith(VERBS)
    ]

    assert bad == []
