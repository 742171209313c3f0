"""``/v1/hooks``: owners make, change and delete their hooks, and nobody else does."""

from pathlib import Path

from tests.robots.hearing import make_group
from tests.robots.hooking import make_hook, make_places, post

from balefire.testing import Platform, start_platform

HOOKS = frozenset({"hooks:write"})


async def _as(platform: Platform, user: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await platform.token(user, scopes=HOOKS)}"}


async def test_only_those_who_run_a_conversation_may_hook_into_it(platform: Platform) -> None:
    await make_places(platform, "alice")
    body = {"name": "Notes", "conversations": ["group/team", "channel/news"], "template": "x"}

    by_owner = await platform.http.post("/v1/hooks", json=body, headers=await _as(platform, "owner"))
    by_member = await platform.http.post("/v1/hooks", json=body, headers=await _as(platform, "alice"))
    private = await platform.http.post("/v1/hooks", json={**body, "conversations": ["private/owner"]})
    nowhere = await platform.http.post("/v1/hooks", json={**body, "conversations": ["group/none"]})

    assert [a.status_code for a in (by_owner, by_member, private, nowhere)] == [201, 403, 422, 404]


async def test_a_hook_is_its_owners_alone(platform: Platform) -> None:
    await make_places(platform, "alice")
    owner, alice = await _as(platform, "owner"), await _as(platform, "alice")
    body = {"name": "Notes", "conversations": ["group/team"], "template": "x"}
    hook = (await platform.http.post("/v1/hooks", json=body, headers=owner)).json()
    path = f"/v1/hooks/{hook['id']}"

    theirs = [
        await platform.http.get(path, headers=alice),
        await platform.http.patch(path, json={"name": "Mine"}, headers=alice),
        await platform.http.post(f"{path}/rotate", headers=alice),
        await platform.http.delete(path, headers=alice),
    ]
    lists = [len((await platform.http.get("/v1/hooks", headers=who)).json()["items"]) for who in (owner, alice)]

    assert {answer.status_code for answer in theirs} == {403}
    assert lists == [1, 0]


async def test_an_address_and_a_key_are_shown_once_and_stored_sealed(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as platform:
        await make_places(platform)
        made = await make_hook(platform, verify="github")
        shown = (await platform.http.get(f"/v1/hooks/{made['id']}")).json()

    secret = made["url"].rpartition("/")[2]
    stored = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("balefire.db*"))
    assert not {"url", "signing_key"} & shown.keys()
    assert len(secret) == 43
    assert secret.encode() not in stored
    assert made["signing_key"].encode() not in stored


async def test_hooks_outlive_a_restart(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as platform:
        await make_places(platform)
        hook = await make_hook(platform, verify="none")
        await post(platform, hook, {"text": "x"})

    async with start_platform(tmp_path) as platform:
        moved = {"url": f"{platform.url}/hooks/{hook['url'].rpartition('/')[2]}"}
        answer = await post(platform, moved, {"text": "y"})
        state = (await platform.http.get(f"/v1/hooks/{hook['id']}")).json()

    assert answer.status_code == 200
    assert (state["delivered"], state["refused"]) == (2, 0)


async def test_a_hook_moves_with_its_conversations(platform: Platform) -> None:
    await make_places(platform)
    await make_group(platform, "owner", id="other")
    hook = await make_hook(platform, sender="notes")

    changed = await platform.http.patch(f"/v1/hooks/{hook['id']}", json={"conversations": ["group/other"]})
    answer = await post(platform, hook, {"text": "x"})
    members = [
        [each["user"] for each in (await platform.http.get(f"/v1/groups/{group}/members")).json()["items"]]
        for group in ("team", "other")
    ]

    assert changed.status_code == 200, changed.text
    assert [each["in"] for each in answer.json()["messages"]] == ["group/other"]
    assert members == [["owner"], ["notes", "owner"]]


async def test_a_deleted_hook_leaves_the_group_unless_another_uses_its_account(platform: Platform) -> None:
    await make_places(platform)
    one, two = await make_hook(platform, sender="notes"), await make_hook(platform, sender="notes")

    await platform.http.delete(f"/v1/hooks/{one['id']}")
    still = (await post(platform, two, {"text": "x"})).status_code
    await platform.http.delete(f"/v1/hooks/{two['id']}")
    members = (await platform.http.get("/v1/groups/team/members")).json()["items"]

    assert still == 200
    assert [each["user"] for each in members] == ["owner"]


async def test_a_hook_can_not_speak_as_a_person_or_as_somebody_elses_robot(platform: Platform) -> None:
    await make_places(platform, "alice")
    await make_group(platform, "alice", id="hers")
    body = {"name": "Notes", "template": "x"}
    await make_hook(platform, sender="notes")
    alice = await _as(platform, "alice")

    person = await platform.http.post(
        "/v1/hooks", json={**body, "conversations": ["group/hers"], "sender": "owner"}, headers=alice
    )
    robot = await platform.http.post(
        "/v1/hooks", json={**body, "conversations": ["group/hers"], "sender": "notes"}, headers=alice
    )

    assert [answer.status_code for answer in (person, robot)] == [409, 409]


async def test_mistakes_in_a_definition_are_named(platform: Platform) -> None:
    await make_places(platform)
    body = {"name": "Notes", "conversations": ["group/team"]}

    syntax = await platform.http.post("/v1/hooks", json={**body, "templates": {"push": "a\n{{ b"}})
    macro = await platform.http.post("/v1/hooks", json={**body, "template": "{% macro m() %}{% endmacro %}"})
    place = await platform.http.post("/v1/hooks", json={**body, "event_from": "cookie:x"})
    unknown = await platform.http.post("/v1/hooks", json={**body, "tempalte": "x"})
    keyless = await platform.http.patch(f"/v1/hooks/{(await make_hook(platform))['id']}", json={"verify": "github"})

    answers = (syntax, macro, place, unknown, keyless)
    assert {answer.status_code for answer in answers} == {422}
    assert [answer.json()["where"] for answer in answers] == [
        "templates.push:2",
        "template:1",
        "body.event_from",
        "body.tempalte",
        "body.signing_key",
    ]


async def test_hooks_are_listed_in_pages(platform: Platform) -> None:
    await make_places(platform)
    made = {(await make_hook(platform))["id"] for _ in range(3)}

    first = (await platform.http.get("/v1/hooks", params={"limit": 2})).json()
    second = (await platform.http.get("/v1/hooks", params={"limit": 2, "after": first["next"]})).json()

    assert {each["id"] for each in (*first["items"], *second["items"])} == made
    assert second["next"] == ""
