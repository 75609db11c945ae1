"""Print how many faults were injected, survived and lost.

    python tests/servers.py python tests/faults/run.py

Ends with status 1 when one is lost.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from databases import SERVERS
from faults import campaign, contention


def main() -> int:
    injected: Counter[tuple[str, str]] = Counter()
    lost: Counter[tuple[str, str]] = Counter()
    for server in [*SERVERS, None]:
        name = "sqlite" if server is None else server.get_backend_name()
        found = (
            contention.on_sqlite()
            if server is None
            else (*campaign.outcomes(server), *contention.on_server(server))
        )
        for outcome in found:
            injected[name, outcome.fault] += 1
            if outcome.problems:
                lost[name, outcome.fault] += 1
                print(f"LOST: {name}: {outcome}")
    print(f"{'database':12}{'fault':32}{'injected':>9}{'survived':>9}{'lost':>6}")
    for key, count in injected.items():
        print(f"{key[0]:12}{key[1]:32}{count:>9}{count - lost[key]:>9}{lost[key]:>6}")
    total, gone = injected.total(), lost.total()
    print(f"{'all':44}{total:>9}{total - gone:>9}{gone:>6}")
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main())
