"""``POST /hooks/<secret>``: a payload comes in, a message goes out."""

import hashlib
import secrets
from typing import Any

import msgspec
from aiohttp import web

from balefire import (
    BalefireError,
    Conversation,
    MessageDenied,
    Payload,
    PluginContext,
    SlowDown,
    Submission,
)
from balefire_incoming_hooks.hook_book import Hook, HookBook, Seal
from balefire_incoming_hooks.pace import Pace
from balefire_incoming_hooks.payloads import look_up, parse, read_body
from balefire_incoming_hooks.rendering import Occasion
from balefire_incoming_hooks.senders import Senders
from balefire_incoming_hooks.signatures import check_github, check_standard
from balefire_incoming_hooks.turns import Turns


class Receiver:
    """Answers senders. Everything wrong with a request is a problem document; nothing is posted then."""

    def __init__(
        self, ctx: PluginContext[Any], book: HookBook, seal: Seal, pace: Pace, turns: Turns, senders: Senders
    ) -> None:
        self._ctx = ctx
        self._book = book
        self._seal = seal
        self._pace = pace
        self._turns = turns
        self._senders = senders

    async def receive(self, request: web.Request) -> web.Response:
        """Handle one request."""
        hook = self._book.find(request.match_info["secret"])
        turn = self._pace.take(hook.id, self._ctx.clock.monotonic())
        try:
            if turn.wait_seconds:
                raise SlowDown(
                    f"too many events for this hook; try again in {turn.wait_seconds:.1f} seconds",
                    retry_after_seconds=turn.wait_seconds,
                )
            hook.figures.used_at = self._ctx.clock.now_ms()
            response = await self._post(hook, request)
        except BalefireError as error:
            hook.figures.refused += 1
            hook.figures.last_error = f"{error.code}: {error.reason}"[:500]
            error.headers.update(turn.headers())
            raise
        finally:
            self._book.used(hook)
        response.headers.update(turn.headers())
        return response

    async def _post(self, hook: Hook, request: web.Request) -> web.Response:
        body = await read_body(request)
        self._check_signature(hook, body, request)
        occasion = occasion_of(hook, parse(body, request.content_type), request)
        text = await self._turns.render(hook.id, hook.definition.compiled(), occasion)
        if not text:
            hook.figures.ignored += 1
            return _json(202, {"status": "ignored", "event": occasion.event, "reason": "the template rendered nothing"})
        results = await self._send(hook, text, _delivery_key(hook, occasion, request))
        hook.figures.delivered += 1
        return _json(200, {"status": "delivered", "event": occasion.event, "messages": results})

    def _check_signature(self, hook: Hook, body: bytes, request: web.Request) -> None:
        if hook.definition.verify == "github":
            check_github(body, request.headers, self._seal.open(hook.sealed_key, hook.id))
        elif hook.definition.verify == "standard":
            now = self._ctx.clock.now_ms()
            check_standard(body, request.headers, self._seal.open(hook.sealed_key, hook.id), now)

    async def _send(self, hook: Hook, text: str, key: str) -> list[dict[str, Any]]:
        """Post to every conversation; what one of them refuses does not keep it from the others.

        :raises BalefireError: nowhere could it be posted; or some may take it later, and then the sender shall try
            again: the key keeps those that have it from getting it twice.
        """
        results: list[dict[str, Any]] = []
        refusal: BalefireError | None = None
        for name in hook.definition.conversations:
            conversation = self._ctx.resolve(name, hook.sender)
            try:
                await self._senders.check_place(hook, conversation)
                message = await self._ctx.submit(self._submission(hook, conversation, text, key))
            except BalefireError as error:
                if error.status >= 500 or isinstance(error, SlowDown):
                    raise
                refusal = error
                code = error.denied.code if isinstance(error, MessageDenied) else error.code
                results.append({"in": conversation.key, "code": code, "reason": error.reason})
                hook.figures.last_error = f"{conversation.key}: {error.reason}"[:500]
            else:
                results.append({"in": conversation.key, "message": str(message.id), "seq": message.seq})
        if refusal is not None and not any("message" in result for result in results):
            raise refusal
        return results

    @staticmethod
    def _submission(hook: Hook, conversation: Conversation, text: str, key: str) -> Submission:
        digest = hashlib.sha256("\n".join((hook.id, key, conversation.key)).encode()).hexdigest()
        return Submission(
            sender=hook.sender,
            conversation=conversation,
            payload=Payload("text", {"text": text}),
            client_message_id=f"hook:{digest[:48]}",
            # The channel's own voice; the account's place there was given by the channel's staff.
            origin="channel" if conversation.kind == "channel" else "robot",
        )


def occasion_of(hook: Hook, payload: Any, request: web.Request) -> Occasion:
    """What the templates get to see; of the headers only those that can hold no secret."""
    definition = hook.definition
    shown = {
        name.lower(): value
        for name, value in request.headers.items()
        if not any(word in name.lower() for word in ("auth", "cookie", "signature", "token", "secret", "key"))
    }
    return Occasion(
        payload,
        event=look_up(definition.event_from, payload, request.headers),
        action=look_up(definition.action_from, payload, request.headers),
        headers=shown,
    )


def _delivery_key(hook: Hook, occasion: Occasion, request: web.Request) -> str:
    """What makes a repeated delivery the same; random when the sender names nothing."""
    place = hook.definition.key_from or ("header:webhook-id" if hook.definition.verify == "standard" else "")
    return look_up(place, occasion.payload, request.headers) or secrets.token_hex(16)


def _json(status: int, answer: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(answer), content_type="application/json")
