"""Write `architecture/lifecycle.md` from the table of moves in `states/lifecycle.py`.

python docs/generate_lifecycle.py
"""

from pathlib import Path

from holdfast.states.lifecycle import MOVES

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


def page() -> str:
    """The whole page as text."""
    rows = [
        f"| {cause.value} | {move.start.value} | {move.end.value} | "
        f"{f'`{move.event}`' if move.event else 'none'} |\n"
        for cause, move in MOVES.items()
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    Path(__file__).with_name("architecture").joinpath("lifecycle.md").write_text(
        page(), encoding="utf8"
    )
