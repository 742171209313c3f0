"""Content types are strangers' code: one that fails is not pushed, and holds up nobody."""

from pathlib import Path
from typing import Any

from tests.push.test_push_hub import PLUGINS, explain, say, shown

from balefire import ContentType, Conversation, Manifest, Payload, Submission, hookimpl
from balefire.testing import start_platform


class Riddle:
    name = "riddle"
    number = 0
    is_counted = is_stored = True
    sent_by_server_only = False

    def check(self, fields: dict[str, Any]) -> None:
        """Anything will do."""

    def digest(self, payload: Payload, language: str) -> str:
        raise LookupError("nobody knows")


class Riddles:
    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(summary="riddles of a test")

    @hookimpl
    def register_content_types(self, ctx: Any) -> list[ContentType]:
        return [Riddle()]


async def test_a_content_type_that_cannot_be_worded_holds_up_no_other_message(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins=PLUGINS, extra={"riddles": Riddles()}) as platform:
        for user in ("alice", "carol"):
            await platform.add_user(user)
        riddle = await platform.kernel.path.submit(
            Submission(
                sender="alice",
                conversation=Conversation("private", "alice,carol"),
                payload=Payload("riddle"),
                client_message_id="riddle",
            )
        )
        await say(platform, "alice", "private/carol", "tea?")

        [note] = await shown(platform)
        decision = await explain(platform, "carol", riddle)

    assert note.body == "tea?"
    assert (decision["is_pushed"], decision["rule"]) == (False, "text")
