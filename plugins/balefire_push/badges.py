"""The number on the app's icon: what the user has not read, as the conversation list counts it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from balefire import MessageStore

PAGE: Final = 100
MOST_PAGES: Final = 5


class Badges:
    """Counts unread messages at the moment of sending. A user with more than 500 conversations gets the sum of 500."""

    def __init__(self, store: Callable[[], MessageStore]) -> None:
        self._store = store

    async def count(self, users: Sequence[str]) -> Mapping[str, int]:
        """The unread total of each user."""
        return {user: await self._total(user) for user in users}

    async def _total(self, user: str) -> int:
        total, after = 0, ""
        for _ in range(MOST_PAGES):
            page = await self._store().summaries(user, after=after, limit=PAGE)
            total += sum(summary.unread for summary in page)
            if len(page) < PAGE:
                break
            after = page[-1].conversation.key
        return total


async def no_badges(users: Sequence[str]) -> Mapping[str, int]:
    """For platforms that leave the number to the app."""
    return {}
