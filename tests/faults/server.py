"""The server under test, as an operator runs it: a process, a configuration file, one port."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import httpx

READY_SECONDS = 60.0


class Server:
    """``balefire serve``. Start it as often as you like."""

    def __init__(self, config: Path, url: str) -> None:
        self.url = url
        self.log = config.with_suffix(".log")
        self._command = [sys.executable, "-m", "balefire", "--config", str(config), "serve"]
        self._process: Process | None = None
        self._http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=5)

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.is_running:
            await self.kill()
        await self._http.aclose()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def rss_bytes(self) -> int:
        """Resident memory of the process."""
        assert self._process is not None
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        async with asyncio.timeout(READY_SECONDS):
            while not (await self.readiness()).is_success:
                assert self.is_running, f"the server ended: {self.log.read_text()[-2000:]}"
                await asyncio.sleep(0.02)

    async def readiness(self) -> httpx.Response:
        """The answer of ``/readyz``; 503 while nobody listens."""
        try:
            return await self._http.get("/readyz")
        except httpx.TransportError:
            return httpx.Response(503)

    async def kill(self) -> None:
        """``kill -9``: nothing is flushed, nobody is told."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to stop, as a service manager would."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        async with asyncio.timeout(30):
            await self._process.wait()
