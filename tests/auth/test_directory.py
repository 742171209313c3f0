"""The hosted directory: what is written is what is read, from memory or not."""

import asyncio
from pathlib import Path

import pytest

from balefire import InvalidInput, User
from balefire.testing import Platform, TestClock, start_platform


async def test_profiles_come_back_whole_also_after_a_restart(tmp_path: Path) -> None:
    user = User(
        id="小明", display_name="小明 🦊", portrait="/p.png", kind="device", language="zh-CN", timezone="Asia/Shanghai",
        is_banned=True, extra={"age": 7, "tags": ["a", None]},
    )  # fmt: skip
    async with start_platform(tmp_path) as site:
        stored = await site.kernel.directory.put(user)
        assert (await site.kernel.directory.get(["小明"]))["小明"] == stored

    async with start_platform(tmp_path) as site:
        assert (await site.kernel.directory.get(["小明"]))["小明"] == stored
        assert stored.updated_at > 0


async def test_unknown_users_are_left_out_until_they_exist(platform: Platform) -> None:
    directory = platform.kernel.directory

    assert await directory.get(["zoe", "yves"]) == {}
    await directory.put(User(id="zoe", display_name="Zoe"))
    assert set(await directory.get(["zoe", "yves"])) == {"zoe"}
    await directory.put(User(id="zoe", display_name="Zoë"))
    assert (await directory.get(["zoe"]))["zoe"].display_name == "Zoë"


async def test_search_ignores_case_and_treats_wildcards_as_text(platform: Platform) -> None:
    directory = platform.kernel.directory
    for name, shown in (("s1", "ÉMILE"), ("s2", "emile 100%"), ("s3", "under_score"), ("s4", "李雷")):
        await directory.put(User(id=name, display_name=shown))

    async def found(text: str, **options: object) -> list[str]:
        return [user.id for user in await directory.search(text, **options)]  # type: ignore[arg-type]  # test options

    assert await found("émile") == ["s1"]
    assert await found("0%") == ["s2"]
    assert await found("r_s") == ["s3"]
    assert await found("李") == ["s4"]
    assert await found("EMILE") == ["s2"]
    assert await found("s", limit=2) == ["s1", "s2"]
    assert await found("s", after="s2", limit=2) == ["s3", "s4"]


async def test_a_read_that_overlaps_a_write_does_not_bring_the_old_profile_back(platform: Platform) -> None:
    directory = platform.kernel.directory
    for round_ in range(20):
        await asyncio.gather(
            directory.get([f"u{round_}"]),
            directory.put(User(id=f"u{round_}", display_name="new")),
            directory.get([f"u{round_}"]),
        )
        assert (await directory.get([f"u{round_}"]))[f"u{round_}"].display_name == "new"


async def test_memory_is_bounded(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from balefire_directory_hosted import directory as module

    monkeypatch.setattr(module, "MOST_CACHED", 5)
    directory = platform.kernel.directory
    await directory.get([f"nobody{number}" for number in range(100)])

    assert len(directory._cached) == 5  # type: ignore[attr-defined]  # looking inside is the point
    with pytest.raises(InvalidInput):
        await directory.get([f"nobody{number}" for number in range(501)])


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a/b", "a#b", "a\n", "x" * 65])
async def test_malformed_ids_are_refused(tmp_path: Path, name: str) -> None:
    from balefire_directory_hosted.directory import HostedDirectory

    directory = HostedDirectory(None, TestClock())  # type: ignore[arg-type]  # it must not get as far as the database
    with pytest.raises(InvalidInput):
        await directory.put(User(id=name))
