"""How long the state machines search, and the random statements; the one place for that.

The same examples are tried in every run. `HOLDFAST_MACHINE_EXAMPLES=20000` searches that many
random ones per machine, or statements, instead.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

# Four machines run 2,000 examples together.
EXAMPLES = 500
STEPS = 40
STATEMENTS = 3_000
LOADS = 200

random_examples = int(os.environ.get("HOLDFAST_MACHINE_EXAMPLES", "0"))


def examples(count: int) -> Any:
    """The settings of a search."""
    return settings(
        derandomize=not random_examples,
        database=None,
        max_examples=random_examples or count,
        stateful_step_count=STEPS,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def as_test(machine: type[RuleBasedStateMachine]) -> Any:
    """The test case of a machine."""
    case: Any = machine.TestCase
    case.settings = examples(EXAMPLES)
    return case
