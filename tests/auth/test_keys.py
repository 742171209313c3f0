"""API keys: kept hashed, limited, revocable."""

import asyncio
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner

from balefire.testing import Platform, TestClock, start_platform


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def make(platform: Platform, **request: Any) -> dict[str, Any]:
    answer = await platform.http.post("/v1/keys", json={"label": "test", "scopes": ["users:read"], **request})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_key_does_what_its_scopes_allow(platform: Platform, stranger: httpx.AsyncClient) -> None:
    key = await make(platform)

    assert (await stranger.get("/v1/users", headers=bearer(key["key"]))).status_code == 200
    assert (await stranger.get("/v1/keys", headers=bearer(key["key"]))).status_code == 403


async def test_a_key_is_shown_once_and_kept_as_a_hash(platform: Platform) -> None:
    key = await make(platform)
    secret = key["key"].rsplit("_", 1)[1]

    listed = await platform.http.get("/v1/keys")
    assert key["id"] in {found["id"] for found in listed.json()["items"]}
    assert secret not in listed.text
    for file in (platform.folder / "data").glob("balefire.db*"):
        assert secret.encode() not in file.read_bytes()


async def test_keys_that_are_nearly_right_are_refused(platform: Platform, stranger: httpx.AsyncClient) -> None:
    key = (await make(platform))["key"]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")

    for credential in (wrong, key + "0", key.upper(), "bf_", "bf_a_b", "bf_nothere_" + "0" * 48):
        assert (await stranger.get("/v1/users", headers=bearer(credential))).status_code == 401


async def test_a_banned_users_keys_are_refused_and_an_operators_are_not(
    platform: Platform, stranger: httpx.AsyncClient
) -> None:
    own = bearer((await make(platform, user="alice", scopes=["users:read"]))["key"])
    operators = bearer((await make(platform, user="alice", scopes=["admin"]))["key"])

    async def answers() -> list[int]:
        return [(await stranger.get("/v1/users", headers=key)).status_code for key in (own, operators)]

    assert await answers() == [200, 200]
    await platform.http.put("/v1/users/alice", json={"is_banned": True})
    assert await answers() == [401, 200], "an operator who was banned by mistake must be able to mend it"
    await platform.http.put("/v1/users/alice", json={})
    assert await answers() == [200, 200]


async def test_keys_expire(tmp_path: Path) -> None:
    clock = TestClock()
    async with start_platform(tmp_path, clock=clock) as site:
        key = await make(site, ttl_seconds=60)
        seen = []
        for seconds in (0, 59, 2):
            await clock.advance(seconds)
            seen.append((await site.http.get("/v1/users", headers=bearer(key["key"]))).status_code)

    assert seen == [200, 200, 401]


async def test_a_revoked_key_is_refused_at_once(platform: Platform, stranger: httpx.AsyncClient) -> None:
    key = await make(platform)
    assert (await stranger.get("/v1/users", headers=bearer(key["key"]))).status_code == 200

    assert (await platform.http.delete(f"/v1/keys/{key['id']}")).status_code == 204
    assert (await stranger.get("/v1/users", headers=bearer(key["key"]))).status_code == 401
    assert (await platform.http.delete("/v1/keys/nothere")).status_code == 404


async def test_use_is_noted(platform: Platform, stranger: httpx.AsyncClient) -> None:
    key = await make(platform)
    assert key["last_used_at"] == 0
    await stranger.get("/v1/users", headers=bearer(key["key"]))

    async with asyncio.timeout(5):
        while True:
            items = (await platform.http.get("/v1/keys")).json()["items"]
            if next(found["last_used_at"] for found in items if found["id"] == key["id"]):
                break
            await asyncio.sleep(0.01)


async def test_the_operators_key_is_private_survives_restarts_and_can_be_replaced(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    file = tmp_path / "data" / "secrets" / "auth-keys-operator"

    async def answers() -> int:
        async with start_platform(tmp_path) as site:
            key = f"bf_operator_{file.read_bytes().hex()}"
            assert key not in caplog.text + "".join(capfd.readouterr())
            return (await site.http.get("/v1/keys", headers=bearer(key))).status_code

    assert await answers() == 200
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await answers() == 200
    file.write_bytes(b"\x01" * 32)
    assert await answers() == 200

    async with start_platform(tmp_path) as site:
        await site.http.delete("/v1/keys/operator")
    assert await answers() == 401, "a revoked key does not come back with a restart"


async def test_keys_from_the_command_line(platform: Platform) -> None:
    from balefire_auth_keys.command import key as command

    config = SimpleNamespace(data_folder=platform.folder / "data")

    @click.group()
    @click.pass_context
    def main(ctx: click.Context) -> None:
        ctx.meta["balefire.config"] = lambda: config

    main.add_command(command)

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, main, ["key", *arguments])
        assert result.exit_code == 0, result.output
        return result.output.strip()

    config.server = SimpleNamespace(public_url="", host="127.0.0.1", port=platform.kernel.http.port)
    shown = await run("show")
    made = await run("new", "--label", "bot", "--scope", "messages:write", "--user", "bot", "--days", "1")

    assert shown.startswith("bf_operator_")
    assert (await platform.kernel.authenticate(made)).user == "bot"
    key_id = made.split("_")[1]
    assert key_id in await run("list")
    await run("revoke", key_id)
    assert f"{key_id:16}  revoked" in await run("list")


def test_the_command_line_says_when_nothing_answers(tmp_path: Path) -> None:
    from balefire_auth_keys.command import key as command

    server = SimpleNamespace(public_url="http://127.0.0.1:1", host="", port=0)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "auth-keys-operator").write_bytes(b"x" * 32)

    @click.group()
    @click.pass_context
    def main(ctx: click.Context) -> None:
        ctx.meta["balefire.config"] = lambda: SimpleNamespace(data_folder=tmp_path, server=server)

    main.add_command(command)
    result = CliRunner().invoke(main, ["key", "list"])

    assert result.exit_code == 1
    assert "is the platform running there?" in result.output
