"""Fetches what was missed: after every connect, after a gap, after the server left frames out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from balefire.client.errors import NoAnswer, RequestFailed
from balefire.client.frames import ConversationSummary, Page
from balefire.client.inbox import Inbox

log = logging.getLogger(__name__)

Start = Literal["all", "delivered", "now"]
CONVERSATIONS_A_PAGE: Final = 200
PAUSE_SECONDS: Final = 1.0


class CatchUp:
    """Keeps an inbox complete.

    :param summaries: asks for the whole conversation list.
    :param sync: asks for one page from these cursors.
    """

    def __init__(
        self,
        inbox: Inbox,
        start: Start,
        *,
        summaries: Callable[[], Awaitable[list[ConversationSummary]]],
        sync: Callable[[dict[str, int]], Awaitable[Page]],
    ) -> None:
        self._inbox, self._start = inbox, start
        self._summaries, self._sync = summaries, sync
        self._is_listed = False

    def restart(self) -> None:
        """Compare the whole list again: frames were left out."""
        self._is_listed = False
        self._inbox.missing.set()

    async def run(self) -> None:
        """Work for as long as one connection lives; cancelled with it."""
        self.restart()
        while True:
            await self._inbox.missing.wait()
            await self._inbox.room.wait()
            self._inbox.missing.clear()
            try:
                await self._step()
            except (RequestFailed, NoAnswer) as error:
                log.warning("catching up failed and is repeated: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
                self._inbox.missing.set()

    async def _step(self) -> None:
        if not self._is_listed:
            self._is_listed = True
            try:
                self._compare(await self._summaries())
            except BaseException:
                self._is_listed = False
                raise
        asked = {
            conversation: self._inbox.position(conversation) or 0
            for conversation in list(self._inbox.behind)[:CONVERSATIONS_A_PAGE]
        }
        if asked:
            self._inbox.add_page(await self._sync(asked), asked)
        if self._inbox.behind:
            self._inbox.missing.set()

    def _compare(self, summaries: list[ConversationSummary]) -> None:
        for summary in summaries:
            if self._start == "delivered":
                self._inbox.start_at(summary.conversation, max(summary.read, summary.delivered))
            elif self._start == "now":
                self._inbox.start_at(summary.conversation, summary.last_seq)
            self._inbox.expect(summary.conversation, summary.last_seq)
