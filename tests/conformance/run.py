"""Run SQLAlchemy's own ORM tests with Holdfast standing in for `sqlalchemy.orm`.

    python tests/conformance/run.py                       every file, one line each, and the total
    python tests/conformance/run.py test_session dml/     files whose path contains one of the words
    python tests/conformance/run.py test_merge -k cascade only the tests that pytest's -k selects
    python tests/conformance/run.py test_merge --why      also the most frequent errors
    python tests/conformance/run.py --list                how many tests of each file stock passes
    python tests/conformance/run.py --check-floors        fail if a file falls below its floor, or
                                                          a failing test has no reason
    python tests/conformance/run.py --raise-floors        write higher counts into the floor file

The tests come from the source distribution of the pinned SQLAlchemy release. It is downloaded once
into a cache folder outside of every repository (HOLDFAST_CONFORMANCE_CACHE names another); no file
of it belongs in this project.

`accounted.txt` lists the files in which each failing test needs a reason in `differences.toml`.

Exit status: 0 when everything that was selected passes (with --check-floors: when no file fell and
no reason is missing), 1 otherwise, 2 when nothing ran.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

PINNED = "2.1.9"
HERE = Path(__file__).resolve().parent
FLOORS = HERE / "floors.json"
# Tests that stock SQLAlchemy passes, per file.
BASELINE: dict[str, int] = json.loads((HERE / "baseline.json").read_text())
# Files in which each failing test is accounted for, and the reasons: file -> test -> reason.
ACCOUNTED = (HERE / "accounted.txt").read_text().split()
DIFFERENCES = HERE / "differences.toml"
ASYNCIO = "test/ext/asyncio/"


@dataclass
class Outcome:
    """What one run found, per file and per error."""

    passed: collections.Counter[str] = field(default_factory=collections.Counter)
    failed: collections.Counter[str] = field(default_factory=collections.Counter)
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)
    examples: dict[str, str] = field(default_factory=dict)
    # File -> tests that failed, as pytest names them within the file.
    failing: dict[str, set[str]] = field(default_factory=dict)


def cache_folder() -> Path:
    named = os.environ.get("HOLDFAST_CONFORMANCE_CACHE")
    folder = Path(named) if named else Path(tempfile.gettempdir()) / "holdfast-conformance"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def source_tree() -> Path:
    """The unpacked source distribution, downloaded on first use."""
    cache = cache_folder()
    tree = cache / f"sqlalchemy-{PINNED}"
    if not (tree / "test" / "orm").is_dir():
        requirement = f"sqlalchemy=={PINNED}"
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        download += ["--no-binary", "sqlalchemy", requirement, "--dest", str(cache)]
        subprocess.run(download, check=True)
        # Python 3.11.4 brought the filter, later versions warn without it.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        with tarfile.open(cache / f"sqlalchemy-{PINNED}.tar.gz") as archive:
            archive.extractall(cache, **safely)
    return tree


def run_tests(
    files: list[str], options: argparse.Namespace, extra: list[str]
) -> ElementTree.Element:
    """What pytest reports of the files, those of asyncio on a driver of asyncio."""
    report = ElementTree.Element("reports")
    awaited = [file for file in files if ASYNCIO in file]
    for name, group, more in (
        ("last-run", [file for file in files if file not in awaited], []),
        ("last-run-asyncio", awaited, ["--db", "aiosqlite"]),
    ):
        if group:
            report.append(run_pytest(name, group, options, [*extra, *more]))
    return report


def run_pytest(
    name: str, files: list[str], options: argparse.Namespace, extra: list[str]
) -> ElementTree.Element:
    tree = source_tree()
    report = cache_folder() / f"report-{os.getpid()}.xml"
    # Without the user's site folder, the suite's conftest takes the installed SQLAlchemy.
    command = [sys.executable, "-s", "-m", "pytest", "-p", "standin", "-p", "no:cacheprovider"]
    # The random order of this project's own tests is not for a suite that relies on file order.
    command += ["-p", "no:randomly", "-q", "--no-header", "--maxfail=1000000"]
    command += [f"--timeout={options.timeout}", "-n", options.workers, "--dist=loadfile"]
    command += [f"--junitxml={report}", *(["-k", options.keyword] if options.keyword else [])]
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    log = cache_folder() / f"{name}.log"
    with log.open("w") as output:
        subprocess.run(
            [*command, *extra, *files],
            cwd=tree,
            env=dict(os.environ, PYTHONPATH=path),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if not report.exists():
        print(log.read_text()[-4000:])
        sys.exit(2)
    root = ElementTree.parse(report).getroot()
    report.unlink()
    print(f"full log: {log}")
    return root


def file_of(case: ElementTree.Element) -> str:
    dotted = case.get("classname", "")
    found = re.match(r"(test(?:\.\w+)*?\.test_\w+)", dotted)
    found = found or re.match(r"(test[\w.]*)", case.get("name", ""))
    return (found.group(1).replace(".", "/") + ".py") if found else "?"


def test_name(case: ElementTree.Element) -> str:
    """The name within the file, without the database that the suite adds to that of a class."""
    class_ = case.get("classname", "").rpartition(".")[2]
    name = case.get("name", "?")
    is_class = class_ and not class_.startswith("test_")
    return f"{re.sub(r'_sqlite[+].*', '', class_)}::{name}" if is_class else name


def evaluate(root: ElementTree.Element) -> Outcome:
    outcome = Outcome()
    for case in root.iter("testcase"):
        file = file_of(case)
        trouble = case.find("failure")
        if trouble is None:
            trouble = case.find("error")
        if trouble is not None:
            outcome.failed[file] += 1
            outcome.failing.setdefault(file, set()).add(test_name(case))
            lines = (trouble.get("message") or trouble.text or "").strip().splitlines() or ["?"]
            reason = re.sub(r"0x[0-9a-f]+|\d+", "N", lines[0])[:160]
            outcome.reasons[reason] += 1
            outcome.examples.setdefault(reason, f"{file}::{case.get('name')}")
        elif case.find("skipped") is None:
            outcome.passed[file] += 1
    return outcome


def show(outcome: Outcome, files: list[str], options: argparse.Namespace) -> tuple[int, int]:
    """Print a line per file and the total; return the tests passed and the tests there are."""
    total = 0
    for file in files:
        ran = outcome.passed[file] + outcome.failed[file]
        there = ran if options.keyword else BASELINE[file]
        total += there
        if there or outcome.failed[file]:
            print(f"{outcome.passed[file]:6} of {there:5}  {file}")
    passed = sum(outcome.passed[file] for file in files)
    print(f"{passed} of {total} pass ({100 * passed / max(total, 1):.1f} %)")
    if options.why:
        for reason, count in outcome.reasons.most_common(40):
            print(f"{count:6} x {reason}\n         e.g. {outcome.examples[reason]}")
    return passed, total


def unaccounted(outcome: Outcome, file: str) -> list[str]:
    """Failing tests that the list of differences lacks, and listed ones that do not fail.

    A name without parameters stands for a test with all of its parameters.
    """
    if file not in ACCOUNTED:
        return []
    failing = outcome.failing.get(file, set())
    listed = tomllib.loads(DIFFERENCES.read_text()).get(file, {}).keys()
    covered = {name: {name, name.partition("[")[0]} & listed for name in sorted(failing)}
    needless = listed - set().union(*covered.values())
    return [f"NO REASON: {file}::{name}" for name, found in covered.items() if not found] + [
        f"LISTED, BUT DOES NOT FAIL: {file}::{name}" for name in sorted(needless)
    ]


def complaints(outcome: Outcome, file: str, floor: int) -> list[str]:
    """What is wrong with the results of one file."""
    passed = outcome.passed[file]
    fell = [f"BELOW ITS FLOOR: {file} passes {passed}, floor {floor}"] if passed < floor else []
    return fell + unaccounted(outcome, file)


def check_floors(
    outcome: Outcome, files: list[str], run_again: Callable[[list[str]], Outcome]
) -> int:
    floors: dict[str, int] = json.loads(FLOORS.read_text())

    def check(names: list[str]) -> dict[str, list[str]]:
        found = {file: complaints(outcome, file, floors.get(file, 0)) for file in names}
        return {file: lines for file, lines in found.items() if lines}

    wrong = check(files)
    if wrong:
        # Some tests of the suite depend on what ran before them, or on when memory is freed.
        print(f"not as expected, run once more: {', '.join(wrong)}")
        outcome = run_again(list(wrong))
        wrong = check(list(wrong))
    for lines in wrong.values():
        print("\n".join(lines))
    print(f"{len(files) - len(wrong)} files are as expected, {len(wrong)} are not")
    return 1 if wrong else 0


def raise_floors(outcome: Outcome, files: list[str]) -> None:
    floors: dict[str, int] = json.loads(FLOORS.read_text())
    for file in files:
        floors[file] = max(floors.get(file, 0), outcome.passed[file])
    FLOORS.write_text(json.dumps(dict(sorted(floors.items())), indent=1) + "\n")


def arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="parts of file paths, e.g. test_session")
    parser.add_argument("-k", dest="keyword", help="pytest's -k expression")
    parser.add_argument("-n", dest="workers", default="2", help="parallel workers (default 2)")
    parser.add_argument("--timeout", type=int, default=60, help="seconds per test (default 60)")
    parser.add_argument("--why", action="store_true", help="list the most frequent errors")
    parser.add_argument("--json", help="write the counts to this file")
    parser.add_argument("--list", action="store_true", help="list the files and stop")
    parser.add_argument("--check-floors", action="store_true", help="fail if a file fell")
    parser.add_argument("--raise-floors", action="store_true", help="keep what passes now")
    return parser.parse_known_args()


def main() -> int:
    options, extra = arguments()
    words = options.words
    files = [file for file in BASELINE if not words or any(word in file for word in words)]
    if not files:
        sys.exit(f"no test file matches {words}; see --list")
    if options.list:
        for file in files:
            print(f"{BASELINE[file]:6} {file}")
        return 0

    def run_files(names: list[str]) -> Outcome:
        return evaluate(run_tests(names, options, extra))

    outcome = run_files(files)
    passed, total = show(outcome, files, options)
    if options.json:
        counts = {file: outcome.passed[file] for file in files}
        Path(options.json).write_text(json.dumps(counts, indent=1) + "\n")
    if not outcome.passed and not outcome.failed:
        return 2
    if options.raise_floors:
        raise_floors(outcome, files)
    if options.check_floors:
        return check_floors(outcome, files, run_files)
    return 0 if passed >= total else 1


if __name__ == "__main__":
    sys.exit(main())
