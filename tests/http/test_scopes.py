"""Each operation insists on its scope: nothing is left open by an oversight."""

import re
from typing import Final

import httpx

from balefire.testing import Platform

OPEN_TO_STRANGERS: Final = {("post", "/v1/login")}

OPEN_TO_ANY_CREDENTIAL: Final = {
    ("get", "/v1/users/me"),
    ("patch", "/v1/users/me"),
    ("post", "/v1/passwords/me"),
    ("post", "/v1/tokens"),
    ("delete", "/v1/tokens/{id}"),
    ("post", "/v1/users/{id}/revoke-tokens"),
}
"""About oneself only; whose token it is, and what may be granted, is asked in the operation."""


async def refusals(client: httpx.AsyncClient, status: int) -> set[tuple[str, str]]:
    """Method and path of each operation that does not answer with this status."""
    answers = set()
    for path, operations in (await client.get("/openapi.json")).json()["paths"].items():
        for method, operation in operations.items():
            body: dict[str, str] | None = {} if "requestBody" in operation else None
            answer = await client.request(method, re.sub(r"{\w+}", "1", path), json=body)
            if answer.status_code != status:
                answers.add((method, path))
    return answers


async def test_a_stranger_may_do_nothing_but_sign_in(platform: Platform) -> None:
    async with httpx.AsyncClient(base_url=platform.url, trust_env=False) as stranger:
        assert await refusals(stranger, 401) == OPEN_TO_STRANGERS


async def test_a_credential_without_scopes_may_do_nothing_but_look_after_itself(platform: Platform) -> None:
    await platform.add_user("alice")
    asked = {"user": "alice", "scopes": []}
    token = (await platform.http.post("/v1/tokens", json=asked)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers, trust_env=False) as client:
        found = await refusals(client, 403)
        assert found <= OPEN_TO_STRANGERS | OPEN_TO_ANY_CREDENTIAL
        for request in ({"user": "alice"}, {"user": "alice", "scopes": ["*"]}, {"user": "alice", "scopes": ["admin"]}):
            assert (await client.post("/v1/tokens", json=request)).status_code == 403


async def test_a_person_may_not_administrate(platform: Platform) -> None:
    headers = {"Authorization": f"Bearer {await platform.token('alice')}"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers, trust_env=False) as alice:
        documented = (await alice.get("/openapi.json")).json()["paths"]
        beyond = {
            (method, path)
            for path, operations in documented.items()
            for method, operation in operations.items()
            if {"bearer": ["admin"]} in operation["security"]
        }
        assert len(beyond) >= 8
        assert not beyond & await refusals(alice, 403)
