"""Signed tokens: what they allow, when they end."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from balefire import Unauthenticated
from balefire.testing import Platform, TestClock, start_platform


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def who(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get("/v1/users/me", headers=bearer(token))).status_code


def forged(token: str, **changes: Any) -> str:
    """The same token saying something else, its signature unchanged."""
    header, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | changes
    altered = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{altered}.{signature}"


async def test_a_token_lets_in_until_it_expires_plus_the_stated_leeway(tmp_path: Path) -> None:
    clock = TestClock()
    async with start_platform(tmp_path, clock=clock) as site:
        await site.add_user("alice")
        made = await site.http.post("/v1/tokens", json={"user": "alice", "ttl_seconds": 60})
        token = made.json()["token"]
        assert made.json()["expires_at"] == clock.now_ms() + 60_000

        seen = []
        for seconds in (0, 60, 30, 0.1):
            await clock.advance(seconds)
            seen.append(await who(site.http, token))

    assert seen == [200, 200, 200, 401]


async def test_forged_and_foreign_tokens_are_refused(platform: Platform, stranger: httpx.AsyncClient) -> None:
    token = await platform.token("alice")
    header, body, signature = token.split(".")
    nothing = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()

    for wrong in (
        forged(token, sub="operator"),
        forged(token, scope="*"),
        forged(token, exp=9_999_999_999),
        f"{header}.{body}.{signature[:-4]}AAAA",
        f"{header}.{body}.",
        f"{nothing}.{body}.",
        f"{header}.{body}",
        f"{header}..{signature}",
        f"{header}.e30.{signature}",
        token + "x",
    ):
        assert await who(stranger, wrong) == 401
    assert await who(stranger, token) == 200


async def test_people_mint_for_themselves_what_they_may_do_themselves(platform: Platform) -> None:
    headers = bearer(await platform.token("alice"))
    await platform.add_user("bob")

    async def mint(**request: Any) -> httpx.Response:
        return await platform.http.post("/v1/tokens", json=request, headers=headers)

    narrow = await mint(user="alice", scopes=["messages:read"], ttl_seconds=86_400 * 300)
    assert (narrow.status_code, narrow.json()["scopes"]) == (201, ["messages:read"])
    limit = (await platform.kernel.authenticate(headers["Authorization"].removeprefix("Bearer "))).expires_at
    assert narrow.json()["expires_at"] <= limit, "it does not outlive the credential that made it"

    for request, status, code in (
        ({"user": "alice", "scopes": ["admin"]}, 403, "forbidden"),
        ({"user": "alice", "scopes": ["*"]}, 403, "forbidden"),
        ({"user": "bob"}, 403, "forbidden"),
        ({"user": "nobody-here"}, 403, "forbidden"),
        ({"user": "alice", "scopes": ["coffee:make"]}, 422, "invalid_input"),
        ({"user": "alice", "ttl_seconds": 0}, 422, "invalid_input"),
        ({"user": "a,b"}, 422, "invalid_input"),
    ):
        answer = await mint(**request)
        assert (answer.status_code, answer.json()["code"]) == (status, code), request


async def test_a_token_service_grants_what_people_may_do_and_no_more(platform: Platform) -> None:
    await platform.add_user("bob")
    headers = bearer(await platform.token("service", scopes=frozenset({"tokens:write"})))

    granted = await platform.http.post("/v1/tokens", json={"user": "bob"}, headers=headers)
    refused = await platform.http.post("/v1/tokens", json={"user": "bob", "scopes": ["admin"]}, headers=headers)
    unknown = await platform.http.post("/v1/tokens", json={"user": "nobody"}, headers=headers)

    assert [granted.status_code, refused.status_code, unknown.status_code] == [201, 403, 404]


async def test_a_revoked_token_stays_revoked_after_a_restart(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as site:
        token, other = await site.token("alice"), await site.token("alice")
        token_id = (await site.kernel.authenticate(token)).credential_id
        for _ in range(2):
            assert (await site.http.delete(f"/v1/tokens/{token_id}")).status_code == 204
        assert [await who(site.http, token), await who(site.http, other)] == [401, 200]

    async with start_platform(tmp_path) as site:
        assert [await who(site.http, token), await who(site.http, other)] == [401, 200]


async def test_revoking_a_user_ends_every_token_issued_before_and_none_after(tmp_path: Path) -> None:
    async with start_platform(tmp_path, clock=TestClock()) as site:
        before = await site.token("alice")
        assert (await site.http.post("/v1/users/alice/revoke-tokens")).status_code == 204
        after = await site.token("alice")
        assert [await who(site.http, before), await who(site.http, after)] == [401, 200]

    async with start_platform(tmp_path, clock=TestClock()) as site:
        assert [await who(site.http, before), await who(site.http, after)] == [401, 200]


async def test_people_revoke_their_own_tokens_and_nobody_elses(platform: Platform) -> None:
    headers = bearer(await platform.token("alice"))
    bobs = (await platform.kernel.authenticate(await platform.token("bob"))).credential_id
    own = (await platform.kernel.authenticate(await platform.token("alice"))).credential_id

    assert (await platform.http.delete(f"/v1/tokens/{bobs}", headers=headers)).status_code == 403
    assert (await platform.http.post("/v1/users/bob/revoke-tokens", headers=headers)).status_code == 403
    assert (await platform.http.delete(f"/v1/tokens/{own}", headers=headers)).status_code == 204


async def test_people_cannot_fill_the_list_of_revoked_tokens(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balefire_auth_tokens.operations.MOST_REVOKED", 2)
    headers = bearer(await platform.token("alice"))

    async def revoke(token_id: str, headers: dict[str, str]) -> int:
        return (await platform.http.delete(f"/v1/tokens/{token_id}", headers=headers)).status_code

    assert [await revoke(f"alice:{number}", headers) for number in (1, 2, 2, 3)] == [204, 204, 204, 409]
    assert await revoke("alice:3", {}) == 204, "an operator may"
    assert (await platform.http.post("/v1/users/alice/revoke-tokens", headers=headers)).status_code == 204


async def test_revoking_a_token_ends_the_session_that_was_opened_with_it(platform: Platform) -> None:
    token = await platform.token("alice")
    token_id = (await platform.kernel.authenticate(token)).credential_id
    async with httpx.AsyncClient(trust_env=False):
        import aiohttp

        async with aiohttp.ClientSession() as http, http.ws_connect(f"{platform.url}/v1/socket") as socket:
            await socket.send_json({"t": "hello", "id": "1", "token": token, "device": "d", "platform": "web"})
            assert (await socket.receive_json(timeout=5))["t"] == "welcome"

            await platform.http.delete(f"/v1/tokens/{token_id}")

            bye = await socket.receive_json(timeout=5)
            assert (bye["t"], bye["code"]) == ("bye", "token_revoked")


async def test_a_banned_user_gets_no_token_and_loses_those_they_have(platform: Platform) -> None:
    token = await platform.token("alice")
    banned = await platform.http.put("/v1/users/alice", json={"display_name": "Alice", "is_banned": True})
    again = await platform.http.post("/v1/tokens", json={"user": "alice"})

    assert (banned.status_code, again.status_code) == (200, 403)
    assert await who(platform.http, token) == 401


async def test_checking_is_remembered_and_bounded(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from balefire_auth_tokens import tokens
    from balefire_auth_tokens.signing import Claims, Signer

    monkeypatch.setattr(tokens, "MOST_CACHED", 3)
    reads: list[str] = []
    read = Signer.read

    def counted(self: Signer, token: str) -> Claims:
        reads.append(token)
        return read(self, token)

    monkeypatch.setattr(Signer, "read", counted)
    found = [await platform.token(f"user{number}") for number in range(6)]

    for _ in range(2):
        await platform.kernel.authenticate(found[0])
    assert len(reads) == 1
    for token in found:
        await platform.kernel.authenticate(token)
    authenticator = platform.kernel.providers.authenticators["token"]
    assert len(authenticator._verified) == 3  # type: ignore[attr-defined]  # looking inside is the point


async def test_expired_revocations_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from balefire_auth_tokens import tokens

    monkeypatch.setattr(tokens, "LONGEST_TTL_SECONDS", 60)
    clock = TestClock()
    async with start_platform(tmp_path, clock=clock) as site:
        token = await site.token("alice")
        issuer = site.kernel.providers.token_issuers["token"]
        await issuer.revoke((await site.kernel.authenticate(token)).credential_id)
        await issuer.revoke("not a token's id")
        revocations = issuer._revocations  # type: ignore[attr-defined]  # looking inside is the point
        await revocations.forget_expired()
        assert len(revocations._tokens) == 1

        await clock.advance(120)
        await revocations.forget_expired()
        assert revocations._tokens == {}


async def test_the_command_line_makes_a_token_that_works(platform: Platform, stranger: httpx.AsyncClient) -> None:
    from balefire_auth_tokens.command import token as command

    await platform.add_user("alice")
    data = str(platform.folder / "data")
    made = await asyncio.to_thread(CliRunner().invoke, command, ["--user", "alice", "--ttl", "5m", "--data", data])
    admin = await asyncio.to_thread(CliRunner().invoke, command, ["--user", "root", "--admin", "--data", data])

    assert await who(stranger, made.output.strip()) == 200
    assert (await stranger.get("/v1/keys", headers=bearer(made.output.strip()))).status_code == 403
    assert (await stranger.get("/v1/keys", headers=bearer(admin.output.strip()))).status_code == 200


def test_the_command_line_says_what_is_missing(tmp_path: Path) -> None:
    from balefire_auth_tokens.command import token as command

    missing = CliRunner().invoke(command, ["--user", "alice", "--data", str(tmp_path)])
    assert missing.exit_code == 1
    assert "start it once" in missing.output

    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "auth-tokens-signing-key").write_bytes(b"k" * 32)
    for arguments in (["--user", "a,b"], ["--user", "a", "--ttl", "soon"], ["--user", "a", "--ttl", "999d"]):
        assert CliRunner().invoke(command, [*arguments, "--data", str(tmp_path)]).exit_code != 0


async def test_an_unknown_credential_names_no_reason(platform: Platform) -> None:
    with pytest.raises(Unauthenticated, match="not known"):
        await platform.kernel.authenticate("something else")
