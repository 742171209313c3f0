"""Secrets that the platform makes for itself on first use, one file each, readable by the service user only."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from balefire_hookspecs import ConfigError


def secret_file(path: Path, *, size_bytes: int = 32) -> bytes:
    """Return the secret in this file; make it, with mode 0600, when there is none.

    Safe against a crash and against two processes starting at once: the file appears complete or not at all, and
    whoever comes second reads the first one's.

    :param path: where it is kept; its folder is created with mode 0700.
    :param size_bytes: how long it is. A file of another length is refused, never overwritten: something is wrong.
    A file or folder that others may look into is closed to them: whoever can read a secret can sign tokens.

    :raises ConfigError: the file exists and does not hold a secret of this length.
    """
    with contextlib.suppress(FileNotFoundError):
        return _read(path, size_bytes)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close_to_others(path.parent)
    with contextlib.suppress(FileExistsError):
        _create(path, secrets.token_bytes(size_bytes))
    return _read(path, size_bytes)


def _read(path: Path, size_bytes: int) -> bytes:
    for each in (path.parent, path):
        _close_to_others(each)
    secret = path.read_bytes()
    if len(secret) != size_bytes:
        raise ConfigError(
            [f"{path}: holds {len(secret)} bytes, a secret has {size_bytes}; restore it from a backup, or delete it"]
        )
    return secret


def _close_to_others(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        with contextlib.suppress(OSError):  # somebody else's, or read only: "balefire doctor" says what to do
            path.chmod(mode & 0o700)


def _create(path: Path, secret: bytes) -> None:
    """Write aside, then link into place: unlike a rename, a link never replaces what somebody else put there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable; a secret that vanished after a power cut would invalidate every token."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
