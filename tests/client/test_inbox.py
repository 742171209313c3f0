"""Whatever reaches the inbox, in whatever order: every message comes out once, in the order of its conversation."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from balefire.client.cursors import Cursors
from balefire.client.frames import ChatMessage, Hole, Page, PageItem, Sent
from balefire.client.inbox import Inbox

PLACES = ("group/a", "group/b")


def message(place: str, seq: int, *, sender: str = "bob") -> ChatMessage:
    return ChatMessage(
        id=f"{place}-{seq}",
        message=str(seq),
        conversation=place,
        seq=seq,
        sender=sender,
        at=seq,
        type="text",
        fields={},
    )


@dataclass
class Server:
    """Conversations of messages and holes, and the pages it answers with."""

    holes: set[tuple[str, int]]
    lengths: dict[str, int] = field(default_factory=dict)

    def page(self, cursors: dict[str, int], limit: int) -> Page:
        items: list[PageItem] = []
        upto, more = {}, []
        for place, cursor in cursors.items():
            upto[place] = cursor
            for seq in range(cursor + 1, self.lengths[place] + 1):
                if len(items) == limit:
                    more.append(place)
                    break
                upto[place] = seq
                if (place, seq) not in self.holes:
                    live = message(place, seq)
                    items.append(
                        PageItem(
                            message=live.message,
                            conversation=place,
                            seq=seq,
                            sender="bob",
                            at=seq,
                            type="text",
                            id=live.id,
                        )
                    )
        return Page(messages=tuple(items), upto=upto, more=tuple(more))


def catch_up(inbox: Inbox, server: Server, limit: int) -> None:
    for _ in range(1000):
        if not inbox.behind:
            return
        asked = {place: inbox.position(place) or 0 for place in inbox.behind}
        inbox.add_page(server.page(asked, limit), asked)
    raise AssertionError("catching up never ended")


def take_all(inbox: Inbox) -> list[tuple[str, int]]:
    async def take() -> list[tuple[str, int]]:
        taken: list[tuple[str, int]] = []
        inbox.end(EOFError())
        while True:
            try:
                event = await inbox.take()
            except EOFError:
                return taken
            if isinstance(event, ChatMessage):
                taken.append((event.conversation, event.seq))
            inbox.done(event)

    return asyncio.run(take())


STEP = st.tuples(
    st.sampled_from(PLACES),
    st.sampled_from(["live", "lost", "hole", "repeat", "sent", "skip ahead"]),
    st.booleans(),  # whether catching up gets a turn afterwards
)


@given(steps=st.lists(STEP, max_size=60), size=st.integers(1, 20), limit=st.integers(1, 7))
def test_every_message_comes_once_and_in_order(steps: list[tuple[str, str, bool]], size: int, limit: int) -> None:
    server = Server(holes=set(), lengths=dict.fromkeys(PLACES, 0))
    inbox = Inbox(Cursors(), size=size)
    inbox.user = "bob"
    own: set[tuple[str, int]] = set()
    for place, kind, syncs in steps:
        seq = server.lengths[place] = server.lengths[place] + (kind != "repeat")
        if not seq:
            continue
        if kind == "hole":
            server.holes.add((place, seq))
            inbox.receive(Hole(conversation=place, seq=seq))
        elif kind == "sent":
            own.add((place, seq))
            inbox.sent_by_us(f"{place}-{seq}")
            inbox.receive(Sent(id=f"{place}-{seq}", message=str(seq), conversation=place, seq=seq, at=seq))
        elif kind in ("live", "skip ahead") or (kind == "repeat" and (place, seq) not in server.holes | own):
            inbox.receive(message(place, seq))
        if syncs:
            catch_up(inbox, server, limit)
    for place in PLACES:
        inbox.expect(place, server.lengths[place])
    catch_up(inbox, server, limit)

    taken = take_all(inbox)

    for place in PLACES:
        everything = [(place, n) for n in range(1, server.lengths[place] + 1)]
        assert [entry for entry in taken if entry[0] == place] == [e for e in everything if e not in server.holes | own]
        assert (inbox.cursors.get(place) or 0) == server.lengths[place]


def test_a_conversation_that_is_no_longer_shown_is_not_asked_for_again_and_again() -> None:
    inbox = Inbox(Cursors(), size=10)
    inbox.expect("group/gone", 7)

    inbox.add_page(Page(), {"group/gone": 0})

    assert not inbox.behind


def test_a_cursor_waits_for_what_was_not_taken_over_yet() -> None:
    inbox = Inbox(Cursors(), size=10)
    for seq in (1, 2):
        inbox.receive(message("group/a", seq))
    inbox.receive(Hole(conversation="group/a", seq=3))
    assert inbox.cursors.get("group/a") is None

    async def take_one() -> int | None:
        inbox.done(await inbox.take())
        return inbox.cursors.get("group/a")

    assert asyncio.run(take_one()) == 1
    assert asyncio.run(take_one()) == 3


def test_a_message_under_an_id_that_we_used_too_is_still_shown() -> None:
    inbox = Inbox(Cursors(), size=10)
    inbox.user = "alice"
    inbox.sent_by_us("group/a-1")
    inbox.receive(message("group/a", 1, sender="bob"))

    assert take_all(inbox) == [("group/a", 1)]
