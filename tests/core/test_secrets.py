"""Secret files: made once, complete or not at all, for the service user only."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from balefire.secrets import secret_file
from balefire_hookspecs import ConfigError


def test_a_secret_is_made_on_first_use_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "auth-signing"

    first = secret_file(path)

    assert len(first) == 32
    assert secret_file(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_whoever_comes_second_reads_the_first_ones(tmp_path: Path) -> None:
    path = tmp_path / "key"

    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: secret_file(path), range(64)))

    assert len(made) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["key"], "no draft is left behind"


@pytest.mark.parametrize("content", [b"", b"truncated", b"x" * 33])
def test_a_damaged_secret_is_refused_and_not_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=f"holds {len(content)} bytes, a secret has 32"):
        secret_file(path)

    assert path.read_bytes() == content


def test_a_secret_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    first = secret_file(path)
    path.chmod(0o644)
    path.parent.chmod(0o755)

    assert secret_file(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
