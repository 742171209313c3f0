"""The common REST API, through the front door."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from balefire.answers.table import ANSWERS
from balefire.testing import Platform

Clients = dict[str, httpx.AsyncClient]


@pytest.fixture
async def people(platform: Platform) -> AsyncIterator[Clients]:
    """HTTP clients of alice, bob and eve."""
    clients = {}
    for name in ("alice", "bob", "eve"):
        headers = {"Authorization": f"Bearer {await platform.token(name)}"}
        clients[name] = httpx.AsyncClient(base_url=platform.url, headers=headers, trust_env=False)
    yield clients
    for client in clients.values():
        await client.aclose()


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "fields": {"text": words}, **more}


async def say(client: httpx.AsyncClient, to: str, words: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/conversations/{to}/messages", json=text(words, **more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_profiles_are_written_by_operators_and_by_their_owners(platform: Platform, people: Clients) -> None:
    put = await platform.http.put("/v1/users/zoe", json={"display_name": "Zoe", "extra": {"floor": 3}})
    assert (put.status_code, put.json()["extra"]) == (200, {"floor": 3})
    assert (await people["alice"].get("/v1/users/zoe")).json()["display_name"] == "Zoe"
    assert (await people["alice"].put("/v1/users/zoe", json={})).status_code == 403

    changed = await people["alice"].patch("/v1/users/me", json={"language": "zh-CN"})
    assert (changed.json()["language"], changed.json()["display_name"]) == ("zh-CN", "Alice")
    assert (await people["alice"].patch("/v1/users/me", json={"is_banned": True})).status_code == 422
    assert (await people["alice"].get("/v1/users/nobody")).status_code == 404


async def test_lists_are_pages(platform: Platform, people: Clients) -> None:
    for number in range(5):
        await platform.add_user(f"page{number}")
    seen, after = [], ""
    while True:
        page = (await people["alice"].get("/v1/users", params={"q": "page", "limit": 2, "after": after})).json()
        seen += [user["id"] for user in page["items"]]
        if not (after := page["next"]):
            break

    assert seen == [f"page{number}" for number in range(5)]
    assert (await people["alice"].get("/v1/users?limit=201")).status_code == 422


async def test_a_message_is_stored_once_however_often_it_is_sent(people: Clients) -> None:
    sent = [await say(people["alice"], "private/bob", "hi", client_message_id="m1") for _ in range(3)]

    assert {message["id"] for message in sent} == {sent[0]["id"]}
    assert sent[0]["conversation"] == "private/alice,bob"
    assert (sent[0]["sender"], sent[0]["origin"], sent[0]["is_counted"]) == ("alice", "user", True)
    page = (await people["bob"].get("/v1/conversations/private/alice/messages")).json()
    assert [message["fields"]["text"] for message in page["items"]] == ["hi"]


async def test_history_is_read_forwards_and_backwards_in_pages(people: Clients) -> None:
    for number in range(1, 8):
        await say(people["alice"], "private/bob", str(number))
    path = "/v1/conversations/private/alice/messages"

    async def pages(**params: Any) -> list[list[int]]:
        found = []
        cursor = "before" if params.get("newest_first") else "after"
        while True:
            page = (await people["bob"].get(path, params=params)).json()
            found.append([message["seq"] for message in page["items"]])
            if not page["next"]:
                return found
            params[cursor] = page["next"]

    assert await pages(limit=3) == [[1, 2, 3], [4, 5, 6], [7]]
    assert await pages(limit=3, newest_first=True) == [[7, 6, 5], [4, 3, 2], [1]]
    assert await pages(limit=7) == [[1, 2, 3, 4, 5, 6, 7]]
    assert await pages(after=5) == [[6, 7]]
    assert await pages(after=2, before=4) == [[3]]


async def test_others_cannot_read_answer_or_see_who_is_in(people: Clients, platform: Platform) -> None:
    message = await say(people["alice"], "private/bob", "for you only")
    eve = people["eve"]

    for path in (
        "/v1/conversations/private/alice,bob/messages",
        "/v1/conversations/private/alice,bob/members",
        f"/v1/messages/{message['id']}",
        "/v1/messages/1",
    ):
        assert (await eve.get(path)).status_code in (404, 422), path
    assert (await eve.post(f"/v1/messages/{message['id']}/recall")).status_code == 404
    assert (await eve.get("/v1/conversations", params={"user": "alice"})).status_code == 403
    forged = await eve.post("/v1/conversations/private/bob/messages", json=text("I am alice", sender="alice"))
    assert (forged.status_code, forged.json()["where"]) == (403, "body.sender")


async def test_operators_speak_and_read_for_others(people: Clients, platform: Platform) -> None:
    sent = await say(platform.http, "private/bob", "from the system", sender="alice")
    assert (sent["sender"], sent["origin"], sent["conversation"]) == ("alice", "admin", "private/alice,bob")

    read = await platform.http.get("/v1/conversations/private/alice,bob/messages")
    assert [message["id"] for message in read.json()["items"]] == [sent["id"]]
    as_bob = await platform.http.get("/v1/conversations", params={"user": "bob"})
    assert [line["unread"] for line in as_bob.json()["items"]] == [1]


async def test_marks_and_unread_figures_agree(people: Clients) -> None:
    for words in ("one", "two", "three"):
        await say(people["alice"], "private/bob", words)
    marks = "/v1/conversations/private/alice/marks"

    first = (await people["bob"].get("/v1/conversations")).json()["items"][0]
    assert (first["unread"], first["last_seq"], first["last_message"]["fields"]["text"]) == (3, 3, "three")
    assert (await people["bob"].post(marks, json={"read_seq": 2})).json()["read_seq"] == 2
    assert (await people["bob"].post(marks, json={"read_seq": 1})).json()["read_seq"] == 2, "never back"
    assert (await people["bob"].post(marks, json={"read_seq": 99})).json()["read_seq"] == 3, "never beyond the end"
    assert (await people["bob"].get("/v1/conversations")).json()["items"][0]["unread"] == 0
    assert (await people["eve"].post(marks, json={"read_seq": 1})).status_code == 404

    members = (await people["bob"].get("/v1/conversations/private/alice/members")).json()["items"]
    assert [(member["user"], member["read_seq"]) for member in members] == [("alice", 0), ("bob", 3)]


async def test_a_message_is_recalled_by_its_author(people: Clients) -> None:
    message = await say(people["alice"], "private/bob", "a slip")

    assert (await people["bob"].post(f"/v1/messages/{message['id']}/recall")).status_code == 403
    recalled = await people["alice"].post(f"/v1/messages/{message['id']}/recall")
    assert (recalled.status_code, recalled.json()["is_recalled"]) == (200, True)
    assert "a slip" not in (await people["bob"].get(f"/v1/messages/{message['id']}")).text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("private/bob", {"type": "no-such-type"}, 422),
        ("private/bob", {"type": "text", "fields": {"text": 7}}, 422),
        ("private/bob", {"type": "text", "fields": {"text": "x" * 70_000}}, 413),
        ("private/bob", {"type": "text", "fields": {"text": "x"}, "client_message_id": "x" * 65}, 422),
        ("private/bob", {"type": "text", "fields": {"text": "x"}, "typo": 1}, 422),
        ("nothing/bob", {"type": "text", "fields": {"text": "x"}}, 422),
        ("private/a%20b", {"type": "text", "fields": {"text": "x"}}, 422),
        ("private/" + "x" * 161, {"type": "text", "fields": {"text": "x"}}, 422),
        ("group/nowhere", {"type": "text", "fields": {"text": "x"}}, 403),
    ],
)
async def test_messages_that_cannot_be_sent_say_why(
    people: Clients, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await people["alice"].post(f"/v1/conversations/{path}/messages", json=body)

    assert answer.status_code == status, answer.text
    assert answer.json()["code"]
    assert (await people["alice"].get("/v1/conversations")).json()["items"] == []


async def test_devices_keep_their_tokens_to_themselves(people: Clients, platform: Platform) -> None:
    device = {"vendor": "apns", "token": "f00d" * 16, "app": "com.example.app", "platform": "ios"}
    put = await people["alice"].put("/v1/devices/phone", json=device)
    listed = await people["alice"].get("/v1/devices")

    assert put.status_code == 200 and listed.json()["items"][0]["has_token"] is True
    assert "f00d" not in put.text + listed.text
    stored = (await platform.kernel.store.devices(["alice"]))["alice"]
    assert [found.token for found in stored] == ["f00d" * 16]
    assert (await people["bob"].get("/v1/devices", params={"user": "alice"})).status_code == 403
    for _ in range(2):
        assert (await people["alice"].delete("/v1/devices/phone")).status_code == 204
    assert (await people["alice"].get("/v1/devices")).json()["items"] == []


async def test_presence_follows_sessions_and_operators_end_them(people: Clients, platform: Platform) -> None:
    import aiohttp

    async def online() -> list[bool]:
        answer = await people["bob"].get("/v1/presence", params={"users": ["alice", "bob"]})
        return [found["is_online"] for found in answer.json()["items"]]

    assert await online() == [False, False]
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{platform.url}/v1/socket") as socket:
        hello = {"t": "hello", "id": "1", "token": await platform.token("alice"), "device": "d", "platform": "web"}
        await socket.send_json(hello)
        await socket.receive_json(timeout=5)
        assert await online() == [True, False]

        assert (await platform.http.delete("/v1/users/alice/sessions")).status_code == 204
        assert (await socket.receive_json(timeout=5))["code"] == "disconnected"
    assert (await people["bob"].get("/v1/presence")).status_code == 422
    crowd = [f"{number:064}" for number in range(500)]
    assert (await people["bob"].get("/v1/presence", params={"users": crowd})).status_code == 200


async def test_plugins_are_listed_and_reloaded_while_serving(people: Clients, platform: Platform) -> None:
    listed = {found["name"]: found for found in (await platform.http.get("/v1/plugins")).json()["items"]}
    assert listed["rest"]["state"] == "running"
    assert listed["rest"]["summary_zh"]

    for name in ("rest", "auth-tokens", "auth-keys", "auth-passwords", "directory-hosted"):
        reloaded = await platform.http.post(f"/v1/plugins/{name}/reload")
        assert (reloaded.status_code, reloaded.json()["state"]) == (200, "running"), reloaded.text
        assert (await people["alice"].get("/v1/users/me")).status_code == 200
    assert (await platform.http.post("/v1/plugins/nothing/reload")).status_code == 404
    assert (await people["alice"].get("/v1/plugins")).status_code == 403


async def test_followers_of_a_channel_do_not_see_each_other(people: Clients, platform: Platform) -> None:
    await people["alice"].post("/v1/channels", json={"id": "news", "name": "News"})
    await people["alice"].post("/v1/channels", json={"id": "open", "name": "Open"})
    await platform.http.patch("/v1/channels/open", json={"is_global": True})
    for follower in ("bob", "eve"):
        await people[follower].put("/v1/channels/news/subscription")

    async def seen(client: httpx.AsyncClient, channel: str) -> list[str]:
        page = (await client.get(f"/v1/conversations/channel/{channel}/members?limit=2")).json()
        return [member["user"] for member in page["items"]] + [page["next"]]

    assert await seen(people["eve"], "news") == ["eve", ""]
    assert await seen(people["eve"], "open") == [""], "everybody may read it, and nobody sees its staff"
    assert await seen(people["alice"], "news") == ["alice", "bob", "bob"]
    assert await seen(platform.http, "news") == ["alice", "bob", "bob"]


async def test_an_idempotent_message_is_sent_once_even_if_its_answer_was_lost(
    people: Clients, platform: Platform
) -> None:
    path, key = "/v1/conversations/private/bob/messages", {"Idempotency-Key": "order-7"}
    sent = (await people["alice"].post(path, json=text("paid"), headers=key)).json()
    async with platform.kernel.database.write() as connection:  # as after a crash, once the claim has lapsed
        await connection.execute(delete(ANSWERS))
    again = (await people["alice"].post(path, json=text("paid"), headers=key)).json()
    async with platform.kernel.database.write() as connection:
        await connection.execute(delete(ANSWERS))
    other = (await people["alice"].post(path, json=text("paid twice"), headers=key)).json()

    assert again == sent
    assert (other["seq"], other["fields"]["text"]) == (2, "paid twice"), "a key that was used up is free"


async def test_what_is_done_with_more_than_a_persons_powers_is_in_the_audit_log(
    people: Clients, platform: Platform
) -> None:
    asked = {"label": "hr", "user": "hr", "scopes": ["users:write", "tokens:write"]}
    key = (await platform.http.post("/v1/keys", json=asked)).json()
    headers = {"Authorization": f"Bearer {key['key']}"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers, trust_env=False) as hr:
        assert (await hr.put("/v1/users/zoe", json={})).status_code == 200
        assert (await hr.post("/v1/tokens", json={"user": "alice"})).status_code == 201
    await people["alice"].post("/v1/tokens", json={"user": "alice"})

    async with asyncio.timeout(5):
        while len(items := (await platform.http.get("/v1/audit")).json()["items"]) < 3:
            await asyncio.sleep(0.01)
    assert [(entry["actor"], entry["operation"], entry["credential"]) for entry in items[:2]] == [
        ("hr", "create_token", f"key:{key['id']}"),
        ("hr", "put_user", f"key:{key['id']}"),
    ]


async def test_acting_in_another_s_place_is_in_the_audit_log_with_their_name(platform: Platform) -> None:
    await platform.http.put("/v1/devices/phone?user=alice", json={})
    await platform.http.put("/v1/devices/phone", json={})

    async with asyncio.timeout(5):
        while not (items := (await platform.http.get("/v1/audit")).json()["items"]):
            await asyncio.sleep(0.01)
    assert [(entry["operation"], entry["path"]) for entry in items] == [("put_device", "/v1/devices/phone?user=alice")]


async def test_a_repeated_act_is_audited_once_and_a_refused_one_not(platform: Platform) -> None:
    asked = {"json": {"id": "fire", "name": "Fire"}}
    for key in ("k", "k", "other"):
        await platform.http.post("/v1/groups", headers={"Idempotency-Key": key}, **asked)  # type: ignore[arg-type]
    await platform.http.delete("/v1/groups/fire")

    items: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while "DELETE" not in [entry["method"] for entry in items]:
            items = (await platform.http.get("/v1/audit")).json()["items"]
            await asyncio.sleep(0.01)
    assert [(entry["method"], entry["status"]) for entry in items] == [("DELETE", 204), ("POST", 201)]


async def test_what_operators_do_is_in_the_audit_log(people: Clients, platform: Platform) -> None:
    await platform.http.put("/v1/users/zoe", json={"display_name": "Zoe"})
    refused = await platform.http.post("/v1/passwords", json={"user": "nobody", "password": "long enough"})
    await people["alice"].patch("/v1/users/me", json={"language": "en"})
    await platform.http.get("/v1/users")
    await platform.http.delete("/v1/users/zoe/sessions", headers={"X-Request-Id": "the-one"})

    async with asyncio.timeout(5):
        while len(items := (await platform.http.get("/v1/audit")).json()["items"]) < 2:
            await asyncio.sleep(0.01)
    assert refused.status_code == 404
    assert [entry["operation"] for entry in items] == ["end_sessions", "put_user"]
    assert (items[0]["actor"], items[0]["path"], items[0]["request_id"]) == (
        "operator",
        "/v1/users/zoe/sessions",
        "the-one",
    )
    one = (await platform.http.get("/v1/audit?limit=1")).json()
    rest = (await platform.http.get(f"/v1/audit?limit=1&after={one['next']}")).json()
    assert [one["items"][0]["id"], rest["items"][0]["id"]] == [entry["id"] for entry in items]
    assert (await platform.http.get("/v1/audit?actor=alice")).json()["items"] == []
    assert (await people["alice"].get("/v1/audit")).status_code == 403
