"""Short ways to say things to a store."""

from balefire import Appended, Conversation, Draft, Message, MessageFlags, MessageStore, Payload, Submission

TEAM = Conversation("group", "team")
NEWS = Conversation("channel", "news")
PAIR = Conversation("private", "alice,bob")

COUNTED = int(MessageFlags.COUNTED)


def draft(
    sender: str,
    client_message_id: str,
    conversation: Conversation = TEAM,
    *,
    text: str = "hello",
    flags: int = COUNTED,
    to: tuple[str, ...] = (),
    at: int = 1_767_225_600_000,
    expires_after_ms: int = 0,
    initial_members: tuple[str, ...] = (),
) -> Draft:
    """What ``sender`` wants to say."""
    submission = Submission(
        sender=sender,
        conversation=conversation,
        payload=Payload("text", {"text": text}),
        client_message_id=client_message_id,
        to=to,
        expires_after_ms=expires_after_ms,
    )
    return Draft(submission, at=at, flags=flags, initial_members=initial_members)


async def say(store: MessageStore, *drafts: Draft) -> list[Message]:
    """Append and give the messages."""
    return [appended.message for appended in await store.append(drafts)]


async def say_many(store: MessageStore, sender: str, count: int, conversation: Conversation = TEAM) -> list[Message]:
    """Append ``count`` messages in one batch."""
    prefix = f"{sender}-{conversation.key}"
    return await say(store, *(draft(sender, f"{prefix}-{n}", conversation) for n in range(count)))


def numbers(appended: list[Appended]) -> list[int]:
    """The seqs."""
    return [one.message.seq for one in appended]
