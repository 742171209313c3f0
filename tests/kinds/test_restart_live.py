"""What people arranged is still so after a restart."""

from pathlib import Path
from typing import Any

from tests.kinds.listening import person

from balefire.testing import Platform, start_platform


async def arrange(platform: Platform) -> None:
    for user in ("alice", "bob", "carol"):
        await platform.add_user(user)
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/v1/groups", {"id": "team", "owner": "alice", "members": ["bob", "carol"]}),
        ("PATCH", "/v1/groups/team", {"name": "Team", "is_muted": True}),
        ("PATCH", "/v1/groups/team/members/bob", {"role": "allowed", "alias": "Bobby"}),
        ("DELETE", "/v1/groups/team/members/carol", None),
        ("POST", "/v1/channels", {"id": "news", "owner": "alice", "publishers": ["bob"]}),
        ("PUT", "/v1/channels/news/subscription?user=carol", None),
        ("POST", "/v1/channels", {"id": "old", "owner": "alice"}),
        ("DELETE", "/v1/channels/old", None),
        ("PUT", "/v1/blocks/carol?user=bob", None),
    ]
    for method, path, body in asked:
        (await platform.http.request(method, path, json=body)).raise_for_status()


async def test_groups_channels_and_blocks_survive(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as platform:
        await arrange(platform)

    async with start_platform(tmp_path) as platform:
        alice, bob, carol = [await person(platform, name) for name in ("alice", "bob", "carol")]

        assert (await alice.ask("GET", "/v1/groups/team"))["name"] == "Team"
        members = (await alice.ask("GET", "/v1/groups/team/members"))["items"]
        assert [(m["user"], m["role"], m["alias"]) for m in members] == [
            ("alice", "owner", ""),
            ("bob", "allowed", "Bobby"),
        ]
        assert await bob.say("group/team", "still allowed") == "group/team"
        assert await carol.say("group/team") == "not_a_member"
        assert await bob.say("channel/news", "still a publisher") == "channel/news"
        await carol.hears("channel/news", "still a publisher")
        assert await carol.say("channel/news") == "channel/news,carol"
        assert await alice.say("channel/old") == "no_such_channel"
        assert await carol.say("private/bob") == "blocked"
        for who in (alice, bob, carol):
            await who.stop()


async def test_a_creation_repeated_with_its_key_is_answered_as_before(platform: Platform) -> None:
    await platform.add_user("alice")
    key = {"Idempotency-Key": "once"}

    answers = [await platform.http.post("/v1/groups", json={"owner": "alice"}, headers=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    listed = (await platform.http.get("/v1/groups?user=alice")).json()["items"]
    assert [group["id"] for group in listed] == [answers[0].json()["id"]]
