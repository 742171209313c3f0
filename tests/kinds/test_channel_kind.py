"""Channels as the message path asks about them: where a message goes, who may send it, who hears and reads it."""

import pytest
from tests.kinds.memory import KnownMembers, text_of

from balefire import EVERYONE, MEMBERS, Audience, Conversation, Denied, InvalidInput, Message, Payload, Visibility
from balefire_channels.book import ChannelBook
from balefire_channels.channel import Channel
from balefire_channels.kind import ChannelKind

NEWS = Conversation("channel", "news")
ALICES = Conversation("channel", "news,alice")
STRANGERS = Conversation("channel", "news,stranger")


class Shelf:
    """Stands for the table: holds one record."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def load_all(self) -> list[Channel]:
        return [self._channel]


async def kind(*, is_slow: bool = False, **record: object) -> ChannelKind:
    """The channel "news": olga owns it, paul publishes, alice and bob subscribe, carol did."""
    from balefire.testing import TestClock

    channel = Channel(id="news", owner="olga", publishers=("paul",), **record)  # type: ignore[arg-type]  # columns
    book = ChannelBook(Shelf(channel), TestClock())  # type: ignore[arg-type]  # all of a table that a book reads
    await book.load()
    members = KnownMembers(is_slow=is_slow)
    members.enter(NEWS, "olga", "owner")
    members.enter(NEWS, "paul", "manager")
    members.enter(NEWS, "alice", "subscriber", visible_from_seq=5)
    members.enter(NEWS, "bob", "subscriber")
    members.enter(NEWS, "carol", "removed")
    return ChannelKind(book, members.as_members())


async def verdict(rules: ChannelKind, sender: str, conversation: Conversation = NEWS, origin: str = "user") -> str:
    answer = rules.authorize(rules.redirect(text_of(sender, conversation, origin=origin)))
    if not (answer is None or isinstance(answer, Denied)):
        answer = await answer
    return "" if answer is None else answer.code


async def hear(rules: ChannelKind, conversation: Conversation, to: tuple[str, ...] = ()) -> Audience:
    message = Message(
        id=1,
        conversation=conversation,
        seq=1,
        sender="olga",
        client_message_id="1",
        payload=Payload("text"),
        at=1,
        to=to,
    )
    audience = rules.audience(message)
    return audience if isinstance(audience, Audience) else await audience


@pytest.mark.parametrize(
    ("sender", "origin", "goes_to"),
    [
        ("alice", "user", ALICES),
        ("stranger", "user", STRANGERS),
        ("helper", "robot", Conversation("channel", "news,helper")),
        ("olga", "user", NEWS),
        ("paul", "user", NEWS),
        ("paul", "robot", NEWS),
        ("olga", "channel", NEWS),
        ("system", "admin", NEWS),
    ],
)
async def test_followers_write_into_their_thread_and_staff_into_the_channel(
    sender: str, origin: str, goes_to: Conversation
) -> None:
    rules = await kind()

    assert rules.redirect(text_of(sender, NEWS, origin=origin)).conversation == goes_to


async def test_a_thread_named_outright_stays_where_it_is() -> None:
    rules = await kind()

    assert rules.redirect(text_of("olga", ALICES)).conversation == ALICES
    assert rules.redirect(text_of("alice", ALICES)).conversation == ALICES


@pytest.mark.parametrize("is_slow", [False, True])
async def test_subscribers_write_to_the_channel_and_strangers_do_not(is_slow: bool) -> None:
    rules = await kind(is_slow=is_slow)

    assert await verdict(rules, "alice") == ""
    assert await verdict(rules, "carol") == "not_subscribed"
    assert await verdict(rules, "stranger") == "not_subscribed"


async def test_staff_publish_and_answer_subscribers_only() -> None:
    rules = await kind()

    for staff in ("olga", "paul"):
        assert await verdict(rules, staff) == ""
        assert await verdict(rules, staff, ALICES) == ""
        assert await verdict(rules, staff, STRANGERS) == "not_subscribed"


async def test_nobody_writes_into_the_thread_of_another_follower() -> None:
    assert await verdict(await kind(), "bob", ALICES) == "not_a_member"


@pytest.mark.parametrize("flag", ["is_global", "accepts_unsubscribed"])
async def test_wide_reaching_channels_talk_with_everyone(flag: str) -> None:
    rules = await kind(**{flag: True})

    assert await verdict(rules, "stranger") == ""
    assert await verdict(rules, "olga", STRANGERS) == ""


async def test_a_channel_that_is_unknown_or_closed_takes_no_messages_not_even_from_operators() -> None:
    for rules, conversation in ((await kind(), Conversation("channel", "old")), (await kind(is_closed=True), NEWS)):
        for origin in ("user", "admin"):
            assert await verdict(rules, "olga", conversation, origin) == "no_such_channel"


async def test_a_post_is_heard_by_members_or_everyone_never_by_a_list() -> None:
    assert await hear(await kind(), NEWS) == MEMBERS
    assert await hear(await kind(is_global=True), NEWS) == EVERYONE


async def test_a_thread_is_heard_by_its_follower_and_the_staff() -> None:
    rules = await kind()

    assert set((await hear(rules, ALICES)).users) == {"alice", "olga", "paul"}
    assert set(rules.initial_members(ALICES)) == {"alice", "olga", "paul"}
    assert rules.initial_members(NEWS) == ()


async def test_a_directed_post_reaches_the_subscribers_listed() -> None:
    rules, wide = await kind(), await kind(accepts_unsubscribed=True)

    assert set((await hear(rules, NEWS, ("alice", "carol", "stranger"))).users) == {"olga", "alice"}
    assert set((await hear(wide, NEWS, ("alice", "stranger"))).users) == {"olga", "alice", "stranger"}


async def test_subscribers_read_from_their_subscription_on_staff_everything_strangers_nothing() -> None:
    rules = await kind()

    assert await rules.visibility(NEWS, "olga") == Visibility()
    assert await rules.visibility(NEWS, "alice") == Visibility(from_seq=5)
    assert isinstance(await rules.visibility(NEWS, "carol"), Denied)
    assert isinstance(await rules.visibility(NEWS, "stranger"), Denied)
    assert await (await kind(is_global=True)).visibility(NEWS, "stranger") == Visibility()


async def test_a_thread_is_read_by_its_follower_and_the_staff() -> None:
    rules = await kind()

    assert await rules.visibility(ALICES, "alice") == await rules.visibility(ALICES, "paul") == Visibility()
    assert isinstance(await rules.visibility(ALICES, "bob"), Denied)


@pytest.mark.parametrize("target", ["", ",", "news,", ",alice", "a,b,c", "a b", "news\n", "x" * 65])
async def test_what_names_no_channel_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput):
        (await kind()).resolve(target, "alice")


async def test_staff_take_back_what_the_channel_said_only() -> None:
    rules = await kind()

    def said_by(sender: str) -> Message:
        return Message(
            id=1, conversation=ALICES, seq=1, sender=sender, client_message_id="1", payload=Payload("text"), at=1
        )

    assert rules.may_recall(said_by("olga"), "paul")
    assert not rules.may_recall(said_by("alice"), "paul")
    assert not rules.may_recall(said_by("olga"), "alice")
