"""Run a command with PostgreSQL and MariaDB at hand, on loopback, under a temporary folder.

    python tests/servers.py python -m pytest -q -n 2

The command finds their addresses in HOLDFAST_TEST_URLS, which the suite's `engine` fixture reads.
Both servers come from the system's packages (Debian: postgresql, mariadb-server) and are stopped,
and their data removed, when the command ends; its exit status is this program's.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 60
STOP_SECONDS = 20


def find_program(name: str) -> str:
    """Where a server's program is; PostgreSQL's are not on Debian's PATH."""
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    versions = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    if found is None and versions:
        found = versions[-1]
    if found is None:
        sys.exit(f"Cannot start the servers: there is no program {name!r}. Install its package.")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def as_user(name: str, folder: Path) -> dict[str, Any]:
    """What makes a process run as the server's own user, since neither server runs as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(name)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def run_quietly(command: list[str], log: Path, user: dict[str, Any]) -> None:
    """Run to the end; on failure show what was printed."""
    with log.open("w") as output:
        status = subprocess.call(command, stdout=output, stderr=subprocess.STDOUT, **user)
    if status:
        sys.exit(f"Cannot start the servers: {command} ended with {status}.\n{log.read_text()}")


@contextmanager
def running(
    command: list[str], port: int, log: Path, user: dict[str, Any], stop: signal.Signals
) -> Iterator[None]:
    """A server process, from the moment it accepts connections until it is told to stop."""
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output, **user) as server,
    ):
        try:
            wait_for(port, server, log)
            yield
        finally:
            server.send_signal(stop)
            server.wait(STOP_SECONDS)


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"Cannot start the servers: no answer on port {port}.\n{log.read_text()}")


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL server; gives its URL."""
    user, port, data = as_user("postgres", folder), free_port(), str(folder / "data")
    setup = [find_program("initdb"), "-D", data, "-U", "holdfast", "--auth=trust", "-E", "UTF8"]
    run_quietly([*setup, "--no-sync"], folder / "setup.log", user)
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": 200,
        "max_prepared_transactions": 20,
    }
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [find_program("postgres"), "-D", data, "-p", str(port), *flags]
    # SIGINT: do not wait for clients.
    with running(command, port, folder / "server.log", user, signal.SIGINT):
        yield f"postgresql+psycopg://holdfast@127.0.0.1:{port}/postgres"


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A MariaDB server; gives its URL."""
    user, port, data = as_user("mysql", folder), free_port(), str(folder / "data")
    setup = [find_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}"]
    setup += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    run_quietly(setup, folder / "setup.log", user)
    flags = [
        "--no-defaults",
        f"--datadir={data}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder}/server.socket",
        "--character-set-server=utf8mb4",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-fast-shutdown=2",
        "--innodb-flush-method=nosync",
        "--innodb-doublewrite=0",
        "--innodb-log-file-size=16M",
        "--debug-no-sync",
        "--skip-name-resolve",
    ]
    command = [find_program("mariadbd"), *flags]
    with running(command, port, folder / "server.log", user, signal.SIGTERM):
        yield f"mariadb+pymysql://root@127.0.0.1:{port}/mysql"


def main(command: list[str]) -> int:
    # Being told to stop must stop the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        urls = []
        for start in (postgresql, mariadb):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-")))
            folder.chmod(0o755)
            urls.append(stack.enter_context(start(folder)))
        return subprocess.call(command, env={**os.environ, "HOLDFAST_TEST_URLS": " ".join(urls)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
