"""A model that others wrote: `docs/examples/music.py` on MusicBrainz's schema, on PostgreSQL."""

import subprocess
import sys

import pytest

from tree import DOCS

pytest.importorskip("mbdata")
pytest.importorskip("rich")


def run_music(*arguments):
    command = [sys.executable, "-W", "error", str(DOCS / "examples" / "music.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_whole_run_tells_what_it_did(database):
    if database is None or database.get_backend_name() != "postgresql":
        pytest.skip("the schema is written for PostgreSQL")

    done = run_music(database.render_as_string(hide_password=False))

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for outcome in (
        "375 tables",
        "9 classes",
        "INSERT Track: <Track #1>",
        "Under Pressure (Queen & David Bowie)",
        "Hot Space: 43 minutes",
        "Under Pressure: 2 times",
        "Hot Space: 11 tracks, now 12",
        "24 tracks and 24 recordings",
    ):
        assert outcome in done.stdout


def test_database_of_another_kind_is_one_line_and_status_2():
    done = run_music("sqlite://")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == ("The schema is written for PostgreSQL: give the URL of a database.\n")


def test_server_that_does_not_answer_is_one_line_and_status_2():
    pytest.importorskip("psycopg")

    done = run_music("postgresql+psycopg://somebody:secret@127.0.0.1:1/nowhere")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(
        "Cannot use postgresql+psycopg://somebody:***@127.0.0.1:1/nowhere: "
    )
    assert done.stderr.count("\n") == 1
