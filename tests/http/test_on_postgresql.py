"""What these plugins keep in SQL works on PostgreSQL as it does on SQLite: one walk through all of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.http.probe import Probe
from tests.servers import PostgreSQL

from balefire.testing import start_platform


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    found = PostgreSQL()
    found.start()
    yield found
    found.remove()


async def test_users_tokens_keys_passwords_answers_and_audit(server: PostgreSQL, tmp_path: Path) -> None:
    settings = {"database": {"url": server.create_database()}}
    quick = {"auth-passwords": {"time_cost": 1, "memory_kib": 64}}
    probe = Probe()

    async with start_platform(tmp_path, settings=settings, plugins=quick, extra={"probe": probe}) as site:
        profile = {"display_name": "李雷 100%", "extra": {"floor": 3}}
        for _ in range(2):
            assert (await site.http.put("/v1/users/lilei", json=profile)).json()["extra"] == {"floor": 3}
        found = await site.http.get("/v1/users", params={"q": "雷 100%"})
        assert [user["id"] for user in found.json()["items"]] == ["lilei"]

        for password in ("first password", "second password"):
            body = {"user": "lilei", "password": password}
            assert (await site.http.post("/v1/passwords", json=body)).status_code == 204
        assert (await site.http.post("/v1/login", json=body)).status_code == 200

        token = await site.token("lilei")
        token_id = (await site.kernel.authenticate(token)).credential_id
        assert (await site.http.delete(f"/v1/tokens/{token_id}")).status_code == 204
        for _ in range(2):
            assert (await site.http.post("/v1/users/lilei/revoke-tokens")).status_code == 204

        key = (await site.http.post("/v1/keys", json={"label": "bot", "scopes": ["admin"]})).json()
        assert (await site.kernel.authenticate(key["key"])).may("admin")
        assert (await site.http.delete(f"/v1/keys/{key['id']}")).status_code == 204

        header = {"Idempotency-Key": "k"}
        numbers = [
            (await site.http.post("/probe/1/parcels", json={"weight": 1}, headers=header)).json()["number"]
            for _ in range(2)
        ]
        assert (numbers, probe.calls) == ([1, 1], 1)

        async with asyncio.timeout(5):
            while len((await site.http.get("/v1/audit")).json()["items"]) != 9:
                await asyncio.sleep(0.01)

    async with start_platform(tmp_path, settings=settings, plugins=quick, extra={"probe": probe}) as site:
        assert (await site.http.get("/v1/users/lilei")).json()["display_name"] == "李雷 100%"
        answer = await site.http.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
