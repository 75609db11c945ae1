"""Time every hot path of Holdfast against `sqlalchemy.orm`, interleaved in one process.

    python tests/bench/compare.py                     the whole table
    python tests/bench/compare.py --only flush load   rows whose name contains one of the words
    python tests/bench/compare.py --scale 0.01        small sizes, to see that it runs
    python tests/bench/compare.py --json figures.json

Figures are the minimum of the rounds, with the garbage collector as Python has it. Trust the
ratios, not the milliseconds. peewee and `sqlite3` stand beside them where they have the operation.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import sqlalchemy
import sqlalchemy.orm

import holdfast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.bench_cases import CASES, Case
from bench.bench_hierarchies import HIERARCHY_CASES
from bench.bench_models import Orm
from bench.bench_peers import Core, Peewee, Raw
from bench.import_time import import_row


def time_once(run: Any) -> float:
    """Seconds that one call takes, dropping what it returns included."""
    gc.collect()
    start = time.perf_counter()
    result = run()
    del result
    return time.perf_counter() - start


def measure(
    case: Case, size: int, rounds: int, orms: list[Orm], peers: list[Any]
) -> dict[str, Any]:
    """Best figure per contestant: seconds, or bytes for the rows about memory."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for orm in orms:
            run = case.prepare(orm, size)
            figure = float(run()) if case.is_ratio_of_bytes else time_once(run)  # type: ignore[arg-type]
            best[orm.name] = min(figure, best.get(orm.name, figure))
            del run
        for peer in peers:
            prepare = getattr(peer, case.prepare.__name__, None)
            if prepare is not None:
                figure = time_once(prepare(size))
                best[peer.name] = min(figure, best.get(peer.name, figure))
    ratio = best[case.against] / best["holdfast"]
    return {"name": case.name, "goal": case.goal, "size": size, "ratio": ratio, "best": best}


def show(row: dict[str, Any], *, in_bytes: bool = False) -> None:
    unit, factor = ("B", 1) if in_bytes else ("ms", 1000)
    parts = [f"{name} {figure * factor:.2f} {unit}" for name, figure in row["best"].items()]
    verdict = "ok" if row["ratio"] >= row["goal"] else "BELOW"
    judged = f"{row['ratio']:7.2f}x  (goal {row['goal']:.2f}x, {verdict:5})"
    print(f"{judged}  {row['name']:34}  {', '.join(parts)}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="*", default=[], help="words, one of which the row's name contains"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="factor on all sizes (default 1)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per row (default 5)")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()

    orms = [Orm("sqlalchemy.orm", sqlalchemy.orm), Orm("holdfast", holdfast)]
    peers = [Core(orms[1]), Peewee(), Raw()]
    compiled = "with" if sqlalchemy.util.has_compiled_ext() else "WITHOUT"
    version = f"SQLAlchemy {sqlalchemy.__version__} {compiled} compiled extensions"
    print(f"Python {sys.version.split()[0]}, {version}")
    rows = []

    def is_wanted(name: str) -> bool:
        return not options.only or any(word in name for word in options.only)

    for case in (*CASES, *HIERARCHY_CASES):
        if not is_wanted(case.name):
            continue
        size = max(100, int(case.size * options.scale))
        row = measure(case, size, options.rounds, orms, peers)
        rows.append(row)
        show(row, in_bytes=case.is_ratio_of_bytes)
    if is_wanted("import"):
        rows.append(import_row(options.rounds))
        show(rows[-1])
    met = sum(row["ratio"] >= row["goal"] for row in rows)
    print(f"{met} of {len(rows)} goals met")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
