"""A model that others wrote: `docs/examples/tickets.py` on Request Tracker's schema."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tree import DOCS

pytest.importorskip("rich")

SCHEMA = Path(
    os.environ.get("HOLDFAST_TICKETS_SCHEMA", "/usr/share/request-tracker5/etc/schema.SQLite")
)


def run_tickets(*arguments):
    command = [sys.executable, "-W", "error", str(DOCS / "examples" / "tickets.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(not SCHEMA.is_file(), reason="Request Tracker's schema is not here")
def test_whole_run_tells_what_it_did():
    done = run_tickets(str(SCHEMA))

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for outcome in (
        "32 tables",
        "11 classes",
        "4 users and 1 group",
        "1,000 objects written",
        "INSERT Link: <Link #1>",
        "28 new tickets about printers",
        "StatusChange",
        "61 closed; 58 new, 81 open",
        "2 texts are gone, 0 links remain",
    ):
        assert outcome in done.stdout


def test_missing_schema_is_one_line_and_status_2(tmp_path):
    done = run_tickets(str(tmp_path / "schema.SQLite"))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("There is no schema at ")
    assert done.stderr.count("\n") == 1
