"""The file of cursors: what was saved is read back, and what could not be saved is not forgotten."""

from pathlib import Path

import pytest

from balefire.client import CursorsFailed
from balefire.client.cursors import Cursors


async def reopened(path: Path, account: str = "alice") -> Cursors:
    cursors = Cursors(path)
    await cursors.load(account)
    return cursors


async def test_positions_are_kept_per_account_and_never_go_back(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "cursors.db"
    cursors = await reopened(path)
    cursors.advance("group/a", 7)
    cursors.advance("group/a", 5)
    await cursors.flush()
    late = await reopened(path)
    late._unsaved = {"group/a": 3}  # another program with the same file, behind
    await late.flush()

    assert (await reopened(path)).get("group/a") == 7
    assert (await reopened(path, "bob")).get("group/a") is None


async def test_what_could_not_be_saved_is_saved_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "cursors.db"
    cursors = await reopened(path)
    cursors.advance("group/a", 7)
    path.unlink()
    path.mkdir()
    with pytest.raises(CursorsFailed, match="cursors"):
        await cursors.flush()
    cursors.advance("group/a", 8)
    cursors.advance("group/b", 1)
    path.rmdir()

    await cursors.flush()

    saved = await reopened(path)
    assert (saved.get("group/a"), saved.get("group/b")) == (8, 1)
