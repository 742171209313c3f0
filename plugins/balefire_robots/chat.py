"""What a robot is handed: the message, and a way to answer it exactly once."""

from typing import Any

from balefire import (
    Message,
    Overloaded,
    Payload,
    PluginContext,
    SlowDown,
    StorageUnavailable,
    Submission,
)
from balefire_robots.delivery import Delivery
from balefire_robots.hops import answer_key, hops_of

RETRY_AFTER_SECONDS = (0.2, 1.0, 5.0, 20.0)


class DeliveryChat:
    """Implements ``Chat`` for one delivery. Answers are numbered, and their keys derived from event and number."""

    def __init__(self, ctx: PluginContext[Any], delivery: Delivery, message: Message) -> None:
        self._ctx = ctx
        self._delivery = delivery
        self._message = message
        self._answered = 0

    @property
    def message(self) -> Message:
        """What was said."""
        return self._message

    async def reply(self, text: str, **fields: Any) -> Message:
        """Answer with a text in the same conversation; ``fields`` are added to the payload's.

        :raises MessageDenied: the robot may not speak there.
        """
        return await self.send(Payload("text", {"text": text, **fields}))

    async def send(self, payload: Payload) -> Message:
        """Answer with any payload in the same conversation. What can be tried again is tried again, for half a minute.

        :raises MessageDenied: the robot may not speak there. :raises InvalidInput: the payload is malformed.
        """
        submission = self._submission(payload)
        answer = await self._submit(submission)
        if answer.seq and answer.id not in self._delivery.answers:
            self._delivery.answers.append(answer.id)
        return answer

    def _submission(self, payload: Payload) -> Submission:
        said, delivery = self._message, self._delivery
        key = answer_key(delivery.event_id, hops=hops_of(said) + 1, round_=delivery.round, index=self._answered)
        self._answered += 1
        # What was said to some members only is answered to the same people only.
        circle = tuple(user for user in dict.fromkeys((said.sender, *said.to)) if user != delivery.robot)
        return Submission(
            sender=delivery.robot,
            conversation=said.conversation,
            payload=payload,
            client_message_id=key,
            origin="robot",
            to=circle if said.to else (),
        )

    async def _submit(self, submission: Submission) -> Message:
        for pause in RETRY_AFTER_SECONDS:
            try:
                return await self._ctx.submit(submission)
            except (StorageUnavailable, Overloaded, SlowDown) as error:
                await self._ctx.clock.sleep(error.retry_after_seconds or pause)
        return await self._ctx.submit(submission)
