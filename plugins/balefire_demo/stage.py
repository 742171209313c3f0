"""Sets the stage: people, a group, a channel, first messages, and the hook that GitHub would call.

Everything is done through the REST API, as any program would. Running it again finds what is there.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from balefire import Conversation, MessageDenied, Payload, PluginContext, Submission, User
from balefire_demo.github import hook_definition
from balefire_demo.people import CHANNEL, CHANNEL_NAME, ECHO, GITHUB, GROUP, GROUP_NAME, PEOPLE

CONFLICT: Final = 409

WELCOME: Final = (
    (
        "bob",
        "group",
        GROUP,
        "Morning! GitHub events arrive in here by themselves. 早上好！GitHub 的事件会自动出现在这里。",
    ),
    ("carol", "group", GROUP, "I am on my way, my phone will tell me. 我在路上，手机会提醒我。"),
    ("alice", "channel", CHANNEL, "Welcome! Releases are announced here. 欢迎！新版本会在这里发布。"),
    (
        "bob",
        "private",
        "alice,bob",
        "Hi Alice 👋 Open a second window as me and we can talk. 用另一个窗口登录我，就可以对话。",
    ),
    ("alice", "private", f"alice,{ECHO}", "help"),
)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where GitHub's events go, and the secret they are signed with. Both are secrets: never log them."""

    path: str
    key: str


class Stage:
    """Prepares the platform through its API.

    :param http: a client on the platform that carries an operator's token.
    """

    def __init__(self, ctx: PluginContext[Any], http: httpx.AsyncClient) -> None:
        self._ctx = ctx
        self._http = http
        self._file = ctx.data_folder / "hook.json"

    async def set(self) -> Hook:
        """Prepare everything; the hook that takes GitHub's events."""
        for person in PEOPLE:
            await self._ctx.directory.put(User(id=person.id, display_name=person.name, language=person.language))
        everybody = [ECHO, *(person.id for person in PEOPLE if person.id != "dave")]
        group = {"id": GROUP, "name": GROUP_NAME, "owner": "alice", "members": everybody, "shows_history": True}
        await self._make("/v1/groups?operator=alice", group)
        channel = {"id": CHANNEL, "name": CHANNEL_NAME, "owner": "alice", "shows_history": True}
        await self._make("/v1/channels?operator=alice", channel)
        await self._call("POST", f"/v1/channels/{CHANNEL}/subscribers", {"users": [p.id for p in PEOPLE[1:]]})
        await self._welcome()
        return await self._hook()

    async def _welcome(self) -> None:
        for number, (sender, kind, target, text) in enumerate(WELCOME):
            submission = Submission(
                sender=sender,
                conversation=Conversation(kind, target),
                payload=Payload("text", {"text": text}),
                client_message_id=f"demo-welcome-{number}",
                origin="channel" if kind == "channel" else "user",
            )
            try:
                await self._ctx.submit(submission)
            except MessageDenied as error:
                self._ctx.log.warning("the demo's message %d was refused: %s", number, error)

    async def _hook(self) -> Hook:
        """The hook. Its address is shown when it is made only, so it is kept in the plugin's own folder."""
        if self._file.exists():
            return Hook(**json.loads(self._file.read_text()))
        for old in (await self._call("GET", "/v1/hooks", None))["items"]:
            if old["sender"] == GITHUB:  # its address was lost
                await self._call("DELETE", f"/v1/hooks/{old['id']}", None)
        definition = hook_definition(GITHUB, [f"group/{GROUP}", f"channel/{CHANNEL}"])
        made = await self._call("POST", "/v1/hooks", definition)
        hook = Hook(path=httpx.URL(made["url"]).path, key=made["signing_key"])
        _write_privately(self._file, json.dumps(asdict(hook)))
        return hook

    async def _make(self, path: str, body: dict[str, Any]) -> None:
        response = await self._http.post(path, json=body)
        if response.status_code != CONFLICT:
            _check(response)

    async def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        response = await self._http.request(method, path, json=body)
        _check(response)
        return response.json() if response.content else None


def _check(response: httpx.Response) -> None:
    if response.is_error:
        raise RuntimeError(
            f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
        )


def _write_privately(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
