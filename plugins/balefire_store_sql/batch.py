"""One call of ``append``: which drafts are new, which repeat an earlier one, and what became of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from balefire import Appended, Conversation, Draft, Message, MessageFlags
from balefire_store_sql.recent import Recent
from balefire_store_sql.rows import MESSAGE_COLUMNS, message_values

Once = tuple[str, str]
"""What makes a draft unique: sender and client message id (I3)."""

_COUNTED = int(MessageFlags.COUNTED)
_BODY = MESSAGE_COLUMNS.index("body")
_LONGEST_REMEMBERED = 1024
"""Characters of a body beyond which a message is not kept in memory: that many entries of 60 KB would be a gigabyte."""


class Tally:
    """A conversation's counters while a batch is being numbered."""

    __slots__ = ("counted", "id", "is_new", "last_seq")

    def __init__(self, id_: int, last_seq: int, counted: int, *, is_new: bool = False) -> None:
        self.id = id_
        self.last_seq = last_seq
        self.counted = counted
        self.is_new = is_new


class Batch:
    """The drafts of one append. ``fresh`` maps what is not known to be stored yet to its draft, in order."""

    def __init__(self, drafts: Sequence[Draft], recent: Recent[Once, Message]) -> None:
        self._keys: list[Once] = []
        self._stored: dict[Once, Message] = {}
        self._new: set[Once] = set()
        self.fresh: dict[Once, Draft] = {}
        for draft in drafts:
            submission = draft.submission
            key = (submission.sender, submission.client_message_id)
            self._keys.append(key)
            if key in self.fresh or key in self._stored:
                continue
            known = recent.get(key)
            if known is None:
                self.fresh[key] = draft
            else:
                self._stored[key] = known

    def repeats(self, messages: Iterable[Message]) -> bool:
        """Take out drafts that turned out to be stored already; whether there were any."""
        found = False
        for message in messages:
            key = (message.sender, message.client_message_id)
            if self.fresh.pop(key, None) is not None:
                self._stored[key] = message
                found = True
        return found

    def committed(self, messages: Iterable[Message]) -> None:
        """The fresh drafts are stored, as these messages in the same order."""
        for key, message in zip(self.fresh, messages, strict=True):
            self._stored[key] = message
            self._new.add(key)
        self.fresh.clear()

    def results(self) -> list[Appended]:
        """One for each draft, in order; only the first of equal drafts is new."""
        results = []
        for key in self._keys:
            is_new = key in self._new
            self._new.discard(key)
            results.append(Appended(self._stored[key], is_new))
        return results


def number(
    drafts: Iterable[Draft], tallies: Mapping[Conversation, Tally], ids: Sequence[int]
) -> tuple[list[Message], list[tuple[Any, ...]]]:
    """Turn drafts into messages and their rows: the next seq of the conversation each, and these ids.

    Advances the tallies. This loop and ``message_values`` are what a message costs in Python.
    """
    messages = []
    rows = []
    for draft, id_ in zip(drafts, ids, strict=True):
        submission = draft.submission
        tally = tallies[submission.conversation]
        tally.last_seq += 1
        tally.counted += draft.flags & _COUNTED
        message = Message(
            id=id_,
            conversation=submission.conversation,
            seq=tally.last_seq,
            sender=submission.sender,
            client_message_id=submission.client_message_id,
            payload=submission.payload,
            at=draft.at,
            origin=submission.origin,
            to=submission.to,
            expires_at=draft.at + submission.expires_after_ms if submission.expires_after_ms else 0,
            flags=draft.flags,
        )
        messages.append(message)
        rows.append(message_values(message, tally.id, tally.counted))
    return messages, rows


def memorable(
    keys: Iterable[Once], messages: Iterable[Message], rows: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[Once, Message]]:
    """What to remember of a commit; a repeat of anything else is found in the database."""
    for key, message, row in zip(keys, messages, rows, strict=True):
        if len(row[_BODY]) <= _LONGEST_REMEMBERED:
            yield key, message
