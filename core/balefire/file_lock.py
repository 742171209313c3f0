"""One process at a time: a lock that the system takes away from whoever ends, also by ``kill -9``."""

import contextlib
import fcntl
import logging
import os
import time
from pathlib import Path
from typing import Final

from balefire_hookspecs import StorageUnavailable

log = logging.getLogger(__name__)

FINISHING_SECONDS: Final = 10.0
"""How long a child that outlives its killed parent may take to finish what it is writing."""


class FileLock:
    """Guards a file by another beside it, ``<name>.lock``, which holds the owner's process id and stays behind."""

    def __init__(self, guarded: Path) -> None:
        self._guarded = guarded
        self._descriptor: int | None = None

    def take(self) -> None:
        """Taking it again is no error. Waits for what a platform that was killed has left finishing its work.

        :raises StorageUnavailable: another process has it, or another owner in this one.
        """
        if self._descriptor is not None:
            return
        file = self._guarded.with_name(f"{self._guarded.name}.lock")
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageUnavailable(f"{file} cannot be opened: {error.strerror}") from error
        try:
            _lock(descriptor)
        except BlockingIOError:
            owner = _owner(descriptor) or "unknown"
            os.close(descriptor)
            raise StorageUnavailable(
                f"{self._guarded} is in use by another platform, process {owner}; "
                "stop that one, or give this one a data folder of its own"
            ) from None
        except OSError as error:  # some network file systems have no locks
            log.warning("%s cannot be locked (%s): never start a second platform on it", file, error.strerror)
        with contextlib.suppress(OSError):  # a full disk: the number is for people, the lock is what counts
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    @property
    def descriptors(self) -> list[int]:
        """The open descriptor, if taken; whoever inherits it holds the lock too."""
        return [] if self._descriptor is None else [self._descriptor]

    def release(self) -> None:
        """Releasing what was not taken is no error."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    """
    :raises BlockingIOError: somebody has the lock whose owner is alive, or who does not come to an end.
    """
    deadline = time.monotonic() + FINISHING_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline or _is_alive(_owner(descriptor)):
                raise
            time.sleep(0.02)  # flock has no time limit of its own; nothing else runs yet when a platform takes its file
        else:
            return


def _owner(descriptor: int) -> str:
    """The process id that the owner wrote down; "" while it has not yet."""
    return os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()


def _is_alive(owner: str) -> bool:
    if not owner.isdigit():
        return True  # it is about to write its number
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
