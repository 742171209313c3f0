"""The life of groups by REST, as the members' clients see it."""

import asyncio

import pytest
from tests.kinds.listening import Meet, Person, until

from balefire.client import Joined, Left, RequestFailed
from balefire.testing import Platform

TEAM = "group/team"


async def founded(alice: Person, *members: str, **record: object) -> None:
    body = {"id": "team", "name": "Team", "members": list(members), **record}
    group = await alice.ask("POST", "/v1/groups", body)
    assert group["member_count"] == 1 + len(members)


async def roles(who: Person) -> dict[str, str]:
    page = await who.ask("GET", "/v1/groups/team/members")
    return {item["user"]: item["role"] for item in page["items"]}


async def test_a_new_group_is_there_at_once_for_everyone_in_it(meet: Meet) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")

    await founded(alice, "bob", "carol")
    assert await bob.say(TEAM, "hello all") == TEAM

    for person in (alice, carol):
        heard = await person.hears(TEAM, "group.created", "hello all")
        assert [message.seq for message in heard] == [1, 2]
        assert (heard[0].origin, heard[0].sender) == ("admin", "alice")
    assert await roles(alice) == {"alice": "owner", "bob": "member", "carol": "member"}
    assert TEAM in await bob.lists()


async def test_members_come_and_go_and_everyone_is_told_in_order(meet: Meet) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")
    await founded(alice, "bob")
    await bob.say(TEAM, "before carol")

    assert await bob.ask("POST", "/v1/groups/team/members", {"users": ["carol", "bob"]}) == {"users": ["carol"]}
    await carol.say(TEAM, "carol speaks")
    assert await bob.ask("DELETE", "/v1/groups/team/members/carol") == "forbidden"
    assert await alice.ask("DELETE", "/v1/groups/team/members/carol") is None

    await alice.hears(
        TEAM, "group.created", "before carol", "group.members_added", "carol speaks", "group.members_removed"
    )
    # who is removed still hears of it, but nothing of before and after
    await carol.hears(TEAM, "group.members_added", "group.members_removed")
    await bob.say(TEAM, "after carol")
    await alice.hears(
        TEAM,
        *("group.created", "before carol", "group.members_added", "carol speaks", "group.members_removed"),
        "after carol",
    )
    assert await carol.reads(TEAM) == "not_found"
    assert await carol.say(TEAM) == "not_a_member"
    assert TEAM not in await carol.lists()
    assert len(carol.messages(TEAM)) == 2
    await until(lambda: any(type(e) is Left and e.user == "carol" for e in bob.heard), lambda: "bob saw no one leave")


async def test_newcomers_read_from_their_arrival_on_or_everything_if_the_group_says_so(meet: Meet) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")
    await founded(alice)
    await alice.say(TEAM, "old")

    await alice.ask("POST", "/v1/groups/team/members", {"users": ["bob"]})
    assert await bob.reads(TEAM) == ["group.members_added"]
    assert (await alice.ask("PATCH", "/v1/groups/team", {"shows_history": True}))["shows_history"]
    await alice.ask("POST", "/v1/groups/team/members", {"users": ["carol"]})

    assert await carol.reads(TEAM) == ["group.created", "old", "group.members_added", "group.members_added"]


async def test_open_groups_are_joined_and_left_by_oneself(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")
    await founded(alice)

    assert await bob.ask("GET", "/v1/groups/team/members") == "not_a_member"
    outside = await bob.ask("GET", "/v1/groups/team")
    assert (outside["name"], outside["is_member"], outside["owner"]) == ("Team", False, "")
    assert await bob.ask("POST", "/v1/groups/team/members", {"users": ["bob"]}) == {"users": ["bob"]}
    assert await bob.ask("POST", "/v1/groups/team/members", {"users": ["bob"]}) == "already_member"
    assert await bob.ask("DELETE", "/v1/groups/team/members/bob") is None
    assert await bob.ask("DELETE", "/v1/groups/team/members/bob") == "not_a_member"

    await alice.hears(TEAM, "group.created", "group.members_added", "group.member_left")
    assert await alice.ask("PATCH", "/v1/groups/team", {"join_type": "invited"}) != "forbidden"
    assert await bob.ask("POST", "/v1/groups/team/members", {"users": ["bob"]}) == "forbidden"


async def test_mute_and_roles_act_on_the_next_message(meet: Meet) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")
    await founded(alice, "bob", "carol")
    assert await bob.say(TEAM, "one") == TEAM

    assert await bob.ask("PATCH", "/v1/groups/team", {"is_muted": True}) == "forbidden"
    assert (await alice.ask("PATCH", "/v1/groups/team", {"is_muted": True}))["is_muted"]
    assert await bob.say(TEAM) == "group_muted"
    assert await alice.say(TEAM, "two") == TEAM
    assert (await alice.ask("PATCH", "/v1/groups/team/members/bob", {"role": "manager"}))["role"] == "manager"
    assert await bob.say(TEAM, "three") == TEAM
    await bob.ask("PATCH", "/v1/groups/team/members/carol", {"role": "allowed"})
    assert await carol.say(TEAM, "four") == TEAM
    await bob.ask("PATCH", "/v1/groups/team", {"is_muted": False})
    await bob.ask("PATCH", "/v1/groups/team/members/carol", {"role": "muted"})
    assert await carol.say(TEAM) == "muted"
    assert await carol.ask("POST", "/v1/groups/team/members", {"users": ["alice"]}) == "forbidden"
    assert await carol.ask("PATCH", "/v1/groups/team/members/bob", {"role": "member"}) == "forbidden"

    await carol.hears(
        TEAM,
        *("group.created", "one", "group.mute_all_changed", "two", "group.managers_changed", "three"),
        *("group.members_allowed", "group.mute_all_changed", "group.members_allowed", "group.members_muted"),
    )


async def test_names_and_aliases_are_announced_and_unchanged_ones_are_not(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")
    await founded(alice, "bob")

    await bob.ask("PATCH", "/v1/groups/team", {"name": "Team", "portrait": "https://example.org/p.png"})
    await bob.ask("PATCH", "/v1/groups/team", {"name": "The team", "extra": {"topic": "tea"}})
    await bob.ask("PATCH", "/v1/groups/team/members/bob", {"alias": "Bobby"})
    assert await bob.ask("PATCH", "/v1/groups/team/members/alice", {"alias": "Al"}) == "forbidden"

    heard = await alice.hears(
        TEAM,
        *("group.created", "group.portrait_changed", "group.renamed", "group.extra_changed", "group.alias_changed"),
    )
    assert heard[-1].fields == {"operator": "bob", "user": "bob", "alias": "Bobby"}
    group = await alice.ask("GET", "/v1/groups/team")
    assert (group["name"], group["extra"]) == ("The team", {"topic": "tea"})
    await until(
        lambda: any(type(e) is Joined and e.user == "bob" and e.alias == "Bobby" for e in alice.heard),
        lambda: "alice was not told of the alias",
    )


async def test_a_group_passes_to_another_member_only(meet: Meet) -> None:
    alice, bob, _ = await meet("alice", "bob", "carol")
    await founded(alice, "bob")

    assert await alice.ask("PUT", "/v1/groups/team/owner", {"owner": "carol"}) == "not_a_member"
    assert await bob.ask("PUT", "/v1/groups/team/owner", {"owner": "bob"}) == "forbidden"
    assert (await alice.ask("PUT", "/v1/groups/team/owner", {"owner": "bob"}))["owner"] == "bob"

    assert await roles(bob) == {"alice": "member", "bob": "owner"}
    assert await alice.ask("DELETE", "/v1/groups/team") == "forbidden"


async def test_a_leaving_owner_is_succeeded_and_the_last_one_ends_the_group(meet: Meet) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")
    await founded(alice, "bob", "carol")
    await alice.ask("PATCH", "/v1/groups/team/members/carol", {"role": "manager"})

    assert await alice.ask("DELETE", "/v1/groups/team/members/alice") is None
    assert await roles(bob) == {"bob": "member", "carol": "owner"}
    assert await bob.ask("DELETE", "/v1/groups/team/members/bob") is None
    assert await carol.ask("DELETE", "/v1/groups/team/members/carol") is None

    await carol.hears(
        TEAM,
        *("group.created", "group.managers_changed", "group.owner_transferred", "group.member_left"),
        *("group.member_left", "group.dissolved"),
    )
    assert await carol.ask("GET", "/v1/groups/team") == "no_such_group"
    assert await carol.say(TEAM) == "no_such_group"
    assert TEAM not in await carol.lists()


async def test_a_dissolved_group_is_gone_for_all_and_its_id_with_it(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")
    await founded(alice, "bob")

    assert await bob.ask("DELETE", "/v1/groups/team") == "forbidden"
    assert await alice.ask("DELETE", "/v1/groups/team") is None

    await bob.hears(TEAM, "group.created", "group.dissolved")
    assert await bob.say(TEAM) == "no_such_group"
    assert await bob.reads(TEAM) == "not_found"
    assert await alice.ask("POST", "/v1/groups", {"id": "team"}) == "conflict"
    assert (await bob.ask("GET", "/v1/groups"))["items"] == []


async def test_directed_messages_are_for_the_listed_members_only(meet: Meet) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")
    await founded(alice, "bob", "carol")
    [dave] = await meet("dave")

    await alice.say(TEAM, "for bob", only=["bob", "dave"])
    await alice.say(TEAM, "for all")

    await bob.hears(TEAM, "group.created", "for bob", "for all")
    heard = await carol.hears(TEAM, "group.created", "for all")
    assert [message.seq for message in heard] == [1, 3]
    assert dave.messages(TEAM) == []
    assert await carol.reads(TEAM) == ["group.created", "for all"]
    assert await alice.reads(TEAM) == ["group.created", "for bob", "for all"]


async def test_organisation_groups_are_changed_by_operators_only(meet: Meet, platform: Platform) -> None:
    alice, bob, _ = await meet("alice", "bob", "carol")
    assert await alice.ask("POST", "/v1/groups", {"id": "team", "type": "organisation"}) == "forbidden"
    body = {"id": "team", "type": "organisation", "owner": "alice", "members": ["bob"]}
    (await platform.http.post("/v1/groups", json=body)).raise_for_status()

    assert await alice.ask("POST", "/v1/groups/team/members", {"users": ["carol"]}) == "forbidden"
    assert await bob.ask("DELETE", "/v1/groups/team/members/bob") == "forbidden"
    added = await platform.http.post("/v1/groups/team/members?operator=alice", json={"users": ["carol"]})

    assert added.json() == {"users": ["carol"]}
    await bob.hears(TEAM, "group.created", "group.members_added")


@pytest.mark.parametrize("balefire_config", [{"plugins": {"groups": {"max_members": 3}}}])
async def test_a_full_group_takes_nobody_but_from_an_operator(meet: Meet, platform: Platform) -> None:
    [alice, *_] = await meet("alice", "bob", "carol", "dave")
    await founded(alice, "bob", "carol")

    assert await alice.ask("POST", "/v1/groups/team/members", {"users": ["dave"]}) == "group_full"
    answer = await platform.http.post("/v1/groups/team/members", json={"users": ["dave"]})

    assert answer.status_code == 200


async def test_groups_hold_users_who_exist_and_ids_that_are_free(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")
    await founded(alice)

    assert await bob.ask("POST", "/v1/groups", {"id": "team"}) == "conflict"
    assert await alice.ask("POST", "/v1/groups", {"members": ["nobody"]}) == "invalid_input"
    assert await alice.ask("POST", "/v1/groups/team/members", {"users": ["nobody"]}) == "invalid_input"
    assert await alice.ask("POST", "/v1/groups", {"id": "a b"}) == "invalid_input"
    assert await alice.ask("POST", "/v1/groups", {"owner": "bob"}) == "forbidden"
    unnamed = await alice.ask("POST", "/v1/groups", {"name": "Unnamed"})
    assert {item["id"] for item in (await alice.ask("GET", "/v1/groups"))["items"]} == {"team", unnamed["id"]}


async def test_managers_take_back_what_members_said_and_members_only_their_own(meet: Meet) -> None:
    alice, bob, carol = await meet("alice", "bob", "carol")
    await founded(alice, "bob", "carol")
    sent = await carol.client.send(TEAM, "oops")

    with pytest.raises(RequestFailed, match="forbidden"):
        await bob.client.recall(sent.message)
    await alice.client.recall(sent.message)

    assert await bob.reads(TEAM) == ["group.created", "recalled"]


@pytest.mark.parametrize("balefire_config", [{"plugins": {"groups": {"max_members": 5}}}])
async def test_people_who_join_at_the_same_moment_never_overfill_a_group(meet: Meet) -> None:
    names = [f"u{number}" for number in range(12)]
    alice, *others = await meet("alice", *names)
    await founded(alice)

    joining = (who.ask("POST", "/v1/groups/team/members", {"users": [who.client.user]}) for who in others)
    answers = await asyncio.gather(*joining)

    assert answers.count("group_full") == 8
    assert len(await roles(alice)) == 5


async def test_of_people_who_found_the_same_group_at_the_same_moment_one_succeeds(meet: Meet) -> None:
    people = await meet("alice", "bob", "carol", "dave")

    answers = await asyncio.gather(*(who.ask("POST", "/v1/groups", {"id": "team"}) for who in people))

    assert answers.count("conflict") == 3
    [founder] = [answer["owner"] for answer in answers if answer != "conflict"]
    lists = {str(who.client.user): await who.lists() for who in people}
    assert lists == {name: {TEAM} if name == founder else set() for name in ("alice", "bob", "carol", "dave")}


async def test_a_large_group_is_announced_in_several_notices(meet: Meet, platform: Platform) -> None:
    [alice] = await meet("alice")
    await founded(alice)
    users = [f"{number:03}-{'x' * 60}" for number in range(600)]
    for user in users:
        await platform.add_user(user)

    assert await alice.ask("POST", "/v1/groups/team/members", {"users": users}) == {"users": users}

    heard = await alice.hears(TEAM, "group.created", "group.members_added", "group.members_added")
    assert [user for message in heard[1:] for user in message.fields["users"]] == users
