"""Which waiting notifications are not worth sending any more: what was read meanwhile rings for nobody."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from balefire import Clock, Conversation, MessageStore
from balefire_push.outbox import Job

FRESH_MS: Final = 30_000
"""A notification that waited no longer was decided about just now."""


class Readership:
    """Looks again at what had to wait for its vendor."""

    def __init__(self, store: Callable[[], MessageStore], clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def read_among(self, jobs: Sequence[Job]) -> frozenset[int]:
        """The ids of those jobs whose message the user has read since it was queued."""
        waited = defaultdict[Conversation, list[Job]](list)
        for job in jobs:
            if self._clock.now_ms() - job.created_at > FRESH_MS and "seq" in job.content.data:
                waited[_conversation(job)].append(job)
        read: set[int] = set()
        for conversation, held in waited.items():
            members = await self._store().get_members(conversation, [job.user for job in held])
            read_seq = {member.user: member.read_seq for member in members}
            read |= {job.id for job in held if read_seq.get(job.user, 0) >= job.content.data["seq"]}
        return frozenset(read)


def _conversation(job: Job) -> Conversation:
    """The conversation named in the job's data, as ``Conversation.key`` writes it."""
    kind, _, rest = str(job.content.data["conversation"]).partition("/")
    target, _, line = rest.partition("#")
    return Conversation(kind, target, int(line or 0))
