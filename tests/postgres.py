"""A PostgreSQL server for one command: ``python tests/postgres.py COMMAND…`` runs it with ``DATABASE_URL`` set.

The server lives in a temporary folder, listens on a free port of 127.0.0.1 only, asks for a password made up for the
occasion, and is gone with the command, however that ends. ``--find`` only says where PostgreSQL's programs are.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# initdb and postgres refuse to run as root; then they run as the user that Debian's package makes.
AS_USER: dict[str, Any] = (
    {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
)
PR_SET_PDEATHSIG = 1


def programs() -> Path:
    """The folder that holds ``initdb`` and ``postgres``, of the newest version there is."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
    )
    if pg_config := shutil.which("pg_config"):
        said = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(said.stdout.strip()))
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    sys.exit("There is no PostgreSQL server on this machine: install Debian’s package “postgresql”.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_with_parent() -> None:
    """Where the system can (Linux): stop the server even if this process is killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


@contextmanager
def server() -> Iterator[str]:
    """The address (``postgres://…``) of a running server."""
    bin_folder, password = programs(), secrets.token_hex(16)
    folder = Path(tempfile.mkdtemp(prefix="openfield-postgres-"))
    process = None
    try:
        data, log = folder / "data", folder / "log"
        (folder / "password").write_text(password)
        if AS_USER:
            shutil.chown(folder / "password", "postgres", "postgres")
            shutil.chown(folder, "postgres", "postgres")
        subprocess.run(
            [
                *(f"{bin_folder}/initdb", f"--pgdata={data}", "--username=openfield", "--encoding=UTF8"),
                *("--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={folder}/password", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **AS_USER,
        )
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 100,
            # Nothing here has to survive a power cut.
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        with log.open("wb") as log_file:
            process = subprocess.Popen(
                [
                    f"{bin_folder}/postgres",
                    "-D",
                    str(data),
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                stdout=log_file,
                stderr=log_file,
                cwd=folder,
                # In a session of its own, Ctrl-C stops the command first and the server after it.
                start_new_session=True,
                preexec_fn=stop_with_parent,
                **AS_USER,
            )
        deadline = time.monotonic() + 60
        while b"ready to accept connections" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield f"postgres://openfield:{password}@127.0.0.1:{port}/postgres"
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # the “fast” shutdown: sessions are ended, not waited for
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main(command: list[str]) -> int:
    if command == ["--find"]:
        print(programs())
        return 0
    child: subprocess.Popen[bytes] | None = None

    def terminate(*_: object) -> None:
        if child is None:
            raise SystemExit(128 + signal.SIGTERM)
        child.terminate()

    signal.signal(signal.SIGTERM, terminate)
    with server() as url:
        child = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
        while True:
            try:
                code = child.wait()
            except KeyboardInterrupt:
                continue  # the terminal told the command too; wait until it has tidied up
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
