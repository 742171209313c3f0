"""Real servers for tests: PostgreSQL on a port and in a folder of its own."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Final

_VERSIONS: Final = Path("/usr/lib/postgresql")
_BINARIES: Final = max(_VERSIONS.glob("*/bin"), key=lambda path: float(path.parent.name), default=_VERSIONS / "bin")
"""The newest version that Debian's packages have put there."""
_USER: Final = "balefire"
_DEADLINE_SECONDS: Final = 60

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "logging_collector": "off",
    "autovacuum": "off",
}


class PostgreSQL:
    """One PostgreSQL server on loopback; commits are synchronous, as in production.

    It refuses to run as root, so root runs it as the user ``postgres`` that the Debian package creates.
    """

    def __init__(self) -> None:
        """Create an empty cluster; ``start`` runs it.

        :raises RuntimeError: PostgreSQL is not installed.
        """
        if not (_BINARIES / "postgres").exists():
            raise RuntimeError(f"these tests need PostgreSQL in {_VERSIONS}; install it: apt-get install postgresql")
        self._owner = "postgres" if os.getuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="balefire-postgresql-"))
        if self._owner is not None:
            shutil.chown(self._folder, self._owner)
        self.port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._names = (f"test_{number}" for number in count(1))
        self._run("initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        atexit.register(self.remove)

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self) -> None:
        """Run the server, and return when it answers."""
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [_BINARIES / "postgres", "-D", self._data, "-p", str(self.port), "-k", self._folder, *settings],
                user=self._owner,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in order; connections are cut, transactions rolled back."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop it as a power cut would: nothing is written back, the next start recovers."""
        self._end(signal.SIGQUIT)

    def freeze(self) -> None:
        """Let it hang: connections stay open, nothing is answered, until ``thaw``."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and delete its files. Doing so twice is no error."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.remove)

    def url(self, database: str = "postgres") -> str:
        """Where a database of this server is."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """A new, empty database; its URL."""
        name = next(self._names)
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, name)
        return self.url(name)

    def execute(self, url: str, sql: str) -> None:
        """Run statements in one of its databases."""
        self._run("psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-c", sql, url)

    def _answers(self) -> bool:
        command = [str(_BINARIES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER]
        return subprocess.run(command, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(_BINARIES / program), *arguments]
        done = subprocess.run(command, user=self._owner, cwd=self._folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._server is not None, "the server is not running"
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text().split()
        for pid in [self._server.pid, *map(int, children)]:
            os.kill(pid, number)

    def _end(self, number: signal.Signals) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.send_signal(number)
        try:
            server.wait(_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
