"""Private conversations and blocks on a running platform."""

from tests.kinds.listening import Meet

from balefire.testing import Platform


async def test_two_people_talk_under_either_name_of_their_conversation(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")

    assert await alice.say("private/bob", "hi bob") == "private/alice,bob"
    assert await bob.say("private/alice", "hi alice") == "private/alice,bob"
    assert await bob.say("private/bob,alice", "again") == "private/alice,bob"

    await bob.hears("private/alice,bob", "hi bob")
    await alice.hears("private/alice,bob", "hi alice", "again")
    assert await alice.reads("private/bob") == ["hi bob", "hi alice", "again"]


async def test_lines_are_conversations_of_their_own(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")

    assert await alice.say("private/bob", "plain") == "private/alice,bob"
    assert await alice.say("private/bob#3", "on line three") == "private/alice,bob#3"

    assert [message.seq for message in await bob.hears("private/alice,bob#3", "on line three")] == [1]
    assert await bob.reads("private/alice#3") == ["on line three"]
    assert await bob.lists() == {"private/alice,bob", "private/alice,bob#3"}


async def test_notes_to_oneself_are_kept(meet: Meet) -> None:
    [alice] = await meet("alice")

    assert await alice.say("private/alice", "buy milk") == "private/alice,alice"

    assert await alice.reads("private/alice") == ["buy milk"]
    assert await alice.lists() == {"private/alice,alice"}


async def test_a_third_person_neither_writes_nor_reads(meet: Meet) -> None:
    [alice, _] = await meet("alice", "carol")
    await alice.client.send("private/carol", "hello")
    [bob] = await meet("bob")

    assert await bob.say("private/alice,carol") == "not_a_member"
    assert await bob.reads("private/alice,carol") == "not_found"


async def test_nobody_can_be_written_to_who_does_not_exist(meet: Meet) -> None:
    [alice] = await meet("alice")

    assert await alice.say("private/nobody") == "unknown_user"


async def test_a_block_takes_effect_with_the_next_message_and_so_does_its_end(meet: Meet) -> None:
    alice, bob = await meet("alice", "bob")
    assert await alice.say("private/bob", "one") == "private/alice,bob"

    assert await bob.ask("PUT", "/v1/blocks/alice") is None
    assert await alice.say("private/bob", "two") == "blocked"
    assert await bob.say("private/alice", "from the blocker") == "private/alice,bob"
    assert [item["user"] for item in (await bob.ask("GET", "/v1/blocks"))["items"]] == ["alice"]

    assert await bob.ask("DELETE", "/v1/blocks/alice") is None
    assert await alice.say("private/bob", "three") == "private/alice,bob"
    await bob.hears("private/alice,bob", "one", "three")


async def test_block_lists_are_paged_private_and_take_only_real_users(meet: Meet, platform: Platform) -> None:
    alice, bob = await meet("alice", "bob")
    for name in ("u1", "u2", "u3"):
        await platform.add_user(name)
        await alice.ask("PUT", f"/v1/blocks/{name}")
        await alice.ask("PUT", f"/v1/blocks/{name}")

    first = await alice.ask("GET", "/v1/blocks?limit=2")
    second = await alice.ask("GET", f"/v1/blocks?limit=2&after={first['next']}")

    assert [item["user"] for item in first["items"] + second["items"]] == ["u1", "u2", "u3"]
    assert second["next"] == ""
    assert await bob.ask("GET", "/v1/blocks?user=alice") == "forbidden"
    assert await alice.ask("PUT", "/v1/blocks/nobody") == "not_found"
    assert await alice.ask("PUT", "/v1/blocks/alice") == "invalid_input"


async def test_content_that_breaks_its_schema_is_refused_and_the_connection_stays(meet: Meet) -> None:
    alice, _ = await meet("alice", "bob")

    assert await alice.say("private/bob", type="image", fields={"url": "javascript:alert(1)"}) == "invalid_input"
    assert await alice.say("private/bob", type="recalled", fields={"by": "bob"}) == "server_only"
    assert await alice.say("private/bob", type="group.dissolved", fields={"operator": "alice"}) == "server_only"
    assert await alice.say("private/bob", "fine") == "private/alice,bob"
