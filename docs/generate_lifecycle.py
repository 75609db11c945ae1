"""Write `architecture/lifecycle.md`: the states of objects and of sessions, each from its table.

python docs/generate_lifecycle.py
"""

import tomllib
from pathlib import Path

from holdfast.states.lifecycle import MOVES

CALLS = Path(__file__).parent.parent / "tests" / "calls.toml"

HEAD = """# Object states

An object is in exactly one of five states, and `inspect(obj)` says in which.

| state | in a session | has an identity key | in the identity map |
|---|---|---|---|
| transient | no | no | no |
| pending | yes | no | no |
| persistent | yes | yes | yes |
| deleted | attached | yes | no |
| detached | no | yes | no |

## Moves

Every legal move, generated from the table `MOVES` in `states/lifecycle.py`.

| cause | from | to | event |
|---|---|---|---|
"""


SESSIONS = """
# Session states

What may be called in which moment, generated from `tests/calls.toml`; a test plays each cell.
Other cells than *yes* hold the word of the error that refuses the call (see [errors](../errors.md)).
Where a method is still running, in a listener or in another thread, the error names it beside the one that was called.
In the code, `moves` in `sessions/transaction.py` declares beside each method of a transaction in which phases it may start, and in which it ends.

"""


def sessions() -> str:
    """The part on sessions."""
    moments = tomllib.loads(CALLS.read_text(encoding="utf8"))["moment"]
    calls = [name for name in moments[0] if name not in ("when", "running")]
    head = ["moment", "running", *(f"`{name}`" for name in calls)]
    rows = [head, ["---"] * len(head)]
    for moment in moments:
        running = f"`{moment['running']}`" if moment["running"] else "none"
        rows.append([moment["when"], running, *(moment[name] for name in calls)])
    return SESSIONS + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def page() -> str:
    """The whole page as text."""
    rows = [
        f"| {cause.value} | {move.start.value} | {move.end.value} | "
        f"{f'`{move.event}`' if move.event else 'none'} |\n"
        for cause, move in MOVES.items()
    ]
    return HEAD + "".join(rows) + sessions()


if __name__ == "__main__":
    Path(__file__).with_name("architecture").joinpath("lifecycle.md").write_text(
        page(), encoding="utf8"
    )
