"""Compares what was acknowledged, what is stored and what every receiver was shown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """One message, as an acknowledgement, the store or a receiver's screen tells of it."""

    conversation: str
    sender: str
    client_id: str
    message: str
    seq: int

    def line(self) -> bytes:
        """One line of a file; none of the fields contains white space."""
        return (" ".join(map(str, self)) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Count:
    """The outcome of a comparison; all but ``acknowledged`` should be 0."""

    acknowledged: int
    lost: int
    doubled: int
    out_of_order: int

    @property
    def is_clean(self) -> bool:
        return self.acknowledged > 0 and not (self.lost or self.doubled or self.out_of_order)


def read(file: Path) -> list[Entry]:
    """The entries of a file; a last line that was cut off in the middle counts as never written."""
    text = file.read_text() if file.exists() else ""
    whole = text[: text.rfind("\n") + 1].splitlines()
    return [_parse(line) for line in whole]


def _parse(line: str) -> Entry:
    conversation, sender, client_id, message, seq = line.split(" ")
    return Entry(conversation, sender, client_id, message, int(seq))


def compare(
    acknowledged: Sequence[Entry],
    stored: Sequence[Entry],
    shown: Mapping[str, Sequence[Entry]],
    members: Mapping[str, set[str]],
) -> Count:
    """Count what is missing, repeated or out of order.

    :param shown: what each receiver saw, in order.
    :param members: who should have seen the messages of each conversation, the sender always excepted.
    """
    promised = set(acknowledged)
    lost = len(promised - set(stored))
    lost += sum(len(_due(promised, user, members) - set(shown[user])) for user in shown)
    doubled = _repeats((entry.sender, entry.client_id) for entry in stored)
    doubled += sum(_repeats((entry.sender, entry.client_id) for entry in seen) for seen in shown.values())
    out_of_order = sum(_backward(seen) for seen in shown.values()) + _gaps(stored)
    return Count(len(promised), lost, doubled, out_of_order)


def _due(promised: set[Entry], user: str, members: Mapping[str, set[str]]) -> set[Entry]:
    return {entry for entry in promised if user != entry.sender and user in members[entry.conversation]}


def _repeats(keys: Iterable[tuple[str, str]]) -> int:
    return sum(times - 1 for times in Counter(keys).values())


def _backward(seen: Iterable[Entry]) -> int:
    """How often a receiver's sequence went back."""
    last: dict[str, int] = {}
    steps = 0
    for entry in seen:
        steps += entry.seq < last.get(entry.conversation, 0)
        last[entry.conversation] = entry.seq
    return steps


def _gaps(stored: Iterable[Entry]) -> int:
    """How many conversations do not count 1, 2, 3 …"""
    seqs: dict[str, list[int]] = {}
    for entry in stored:
        seqs.setdefault(entry.conversation, []).append(entry.seq)
    return sum(sorted(numbers) != list(range(1, len(numbers) + 1)) for numbers in seqs.values())
