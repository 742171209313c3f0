"""Makes hooks over the API, and posts to them."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
from tests.robots.hearing import make_group

from balefire.testing import Platform


async def make_places(platform: Platform, *members: str) -> None:
    """A group "team" and a channel "news", owned by "owner"; the members are in both."""
    await make_group(platform, "owner", *members)
    made = await platform.http.post("/v1/channels", json={"id": "news", "owner": "owner"})
    assert made.status_code == 201, made.text
    if members:
        joined = await platform.http.post("/v1/channels/news/subscribers", json={"users": list(members)})
        assert joined.is_success, joined.text


async def make_hook(platform: Platform, **definition: Any) -> dict[str, Any]:
    """A hook that posts ``text`` of its payload to the group, unless told otherwise."""
    body = {"name": "Notes", "conversations": ["group/team"], "template": "{{ text }}", **definition}
    answer = await platform.http.post("/v1/hooks", json=body)
    assert answer.status_code == 201, answer.text
    hook: dict[str, Any] = answer.json()
    return hook


async def post(
    platform: Platform, hook: Mapping[str, Any], payload: Any, *, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Post to a hook as the outside world does: without credentials. Bytes are sent as they are."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        return await http.post(hook["url"], content=body, headers=given)
