"""One message on its way to one robot."""

from dataclasses import dataclass, field
from typing import Final, Literal

from balefire import Conversation, Message

State = Literal["waiting", "running", "done", "failed", "skipped"]

OPEN: Final = ("waiting", "running")
"""States of deliveries that a restart takes up again."""

MAX_ERROR: Final = 500


@dataclass(slots=True, eq=False)
class Delivery:
    """A row of ``robots_delivery`` in memory; ``message`` is kept while it waits close to its turn."""

    robot: str
    event_id: int
    conversation: Conversation
    received_at: int
    message: Message | None = None
    state: State = "waiting"
    attempts: int = 0
    round: int = 0
    answers: list[int] = field(default_factory=list)
    error: str = ""
    started_at: int = 0
    finished_at: int = 0

    def finish(self, state: State, at: int, *, error: str = "") -> None:
        """Note the outcome."""
        self.state, self.finished_at, self.error = state, at, error[:MAX_ERROR]
        self.message = None
