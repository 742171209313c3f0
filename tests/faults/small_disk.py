"""A data folder with little room, and how room is made again while the server runs."""

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.faults.server import Server


class SmallDisk(Protocol):
    """Somewhere that fills up."""

    name: str
    refusal: tuple[int, str]
    """Status and code of the answer to a send when it is full."""

    def shrink(self, server: Server) -> None:
        """Take effect for a server that has just started."""

    def make_room(self, server: Server) -> None:
        """An operator has made room; the server is not restarted."""


class Tmpfs:
    """A file system of its own in memory: what a full disk is, exactly. Needs root."""

    name = "full disk (tmpfs)"
    refusal = (507, "storage_full")

    def __init__(self, data: Path) -> None:
        self._data = data

    def shrink(self, server: Server) -> None:
        """It is small from the beginning."""

    def make_room(self, server: Server) -> None:
        subprocess.run(["mount", "-o", "remount,size=512m", str(self._data)], check=True)


class FileSizeLimit:
    """No file of the server may grow past a size: as near to a full disk as a normal user gets."""

    name = "full disk (file-size limit)"
    refusal = (503, "storage_unavailable")  # SQLite takes it for a broken disk

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes

    def shrink(self, server: Server) -> None:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (self._room_bytes, resource.RLIM_INFINITY))

    def make_room(self, server: Server) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)


@contextlib.contextmanager
def small_disk(data: Path, *, room_bytes: int) -> Iterator[SmallDisk]:
    """Give a data folder only so much room beside what it holds."""
    used = sum(file.stat().st_size for file in data.rglob("*") if file.is_file())
    if not (os.geteuid() == 0 and _mount(data, used + room_bytes)):
        yield FileSizeLimit(used + room_bytes)
        return
    try:
        yield Tmpfs(data)
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)


def _mount(data: Path, size_bytes: int) -> bool:
    """Mount a tmpfs over the folder and put its content back; false where root may not mount (some containers)."""
    aside = data.with_name("aside")
    data.rename(aside)
    data.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(data)]
    is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    shutil.copytree(aside, data, dirs_exist_ok=True)
    return is_mounted
