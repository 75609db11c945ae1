"""Write `rules.md`: which test proves which rule of the specification.

python docs/generate_rules.py
"""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[1] / "tests"

HEAD = """# Rules and their tests

The behaviour of Holdfast is specified in numbered rules.
This page, generated from the tests, says which test proves which rule.
A rule *holds* when its tests pass as the rule is written; it *differs* where Holdfast does something else by choice, with the reason.
"""


class Proof(NamedTuple):
    """One test and the rule that it names."""

    rule: str
    test: str
    differs: str


def numbers(text: str) -> Iterator[int]:
    """The numbers of `"1-3 7"`."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def areas() -> dict[str, tuple[str, list[str]]]:
    """The title and the rule ids of each area, by its prefix."""
    table = tomllib.loads(TESTS.joinpath("rules.toml").read_text(encoding="utf8"))
    return {
        prefix: (entry["title"], [f"{prefix}-{number}" for number in numbers(entry["numbers"])])
        for prefix, entry in table.items()
    }


def marks_of(decorators: list[ast.expr]) -> Iterator[ast.Call]:
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule":
            yield decorator


def proofs_in(path: Path) -> Iterator[Proof]:
    tree = ast.parse(path.read_text(encoding="utf8"))
    name = path.relative_to(TESTS).as_posix()
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for mark in marks_of(node.decorator_list):
            differs = "".join(ast.literal_eval(keyword.value) for keyword in mark.keywords)
            for argument in mark.args:
                # "SM-20 pending to transient" names one row of the table that is SM-20.
                rule = ast.literal_eval(argument).split()[0]
                yield Proof(rule, f"{name}::{node.name}", differs)


def proofs() -> dict[str, list[Proof]]:
    """The tests of each rule."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for proof in proofs_in(path):
            found[proof.rule].append(proof)
    return found


def row(rule: str, found: list[Proof]) -> str:
    tests = "<br>".join(dict.fromkeys(f"`{proof.test}`" for proof in found))
    reasons = " ".join(dict.fromkeys(proof.differs for proof in found if proof.differs))
    state = f"differs: {reasons}" if reasons else "holds" if found else "no test"
    return f"| {rule} | {tests} | {state} |\n"


def page() -> str:
    """The whole page as text."""
    found = proofs()
    parts = [HEAD]
    for title, rules in areas().values():
        parts.append(f"\n## {title}\n\n| rule | tests | state |\n|---|---|---|\n")
        parts.extend(row(rule, found[rule]) for rule in rules)
    return "".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("rules.md").write_text(page(), encoding="utf8")
