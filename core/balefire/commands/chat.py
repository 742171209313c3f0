"""``balefire chat``: a chat in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from balefire.commands.chat_sign_in import find_token
from balefire.commands.language import say

if TYPE_CHECKING:
    from balefire.client import ChatMessage, Client, Event

HELP = """\
/to bob         write to bob, to group/team or to channel/news
/list           show your conversations
/more           show what was said before
/help, /quit"""

HELP_ZH = """\
/to bob         切换到 bob，也可以是 group/team 或 channel/news
/list           显示会话列表
/more           显示更早的消息
/help, /quit    帮助，退出"""


@click.command(
    help=say(
        None,
        """在终端里以某个用户的身份聊天。

        \b
        令牌来自 --token、运行中的演示的一键登录，或现场输入的密码。

        \b
        示例：
          balefire chat --as alice --to bob
          BALEFIRE_TOKEN=$(balefire token --user alice) balefire chat --as alice --to group/team
        """,
    )
)
@click.option("--as", "user", required=True, help=say("Who you are: a user id.", "你是谁：用户 id。"))
@click.option(
    "--to",
    "to",
    default="",
    help=say("Whom to write to: bob, group/team, channel/news.", "发给谁：bob、group/team、channel/news。"),
)
@click.option(
    "--url",
    default="http://127.0.0.1:8450",
    show_default=True,
    help=say("The platform's address.", "平台的地址。"),
)
@click.option(
    "--token",
    envvar="BALEFIRE_TOKEN",
    default="",
    help=say("A user token; asked for otherwise.", "用户令牌；没有则现场询问。"),
)
@click.option(
    "--cursors",
    type=click.Path(dir_okay=False, path_type=Path),
    help=say("A file that remembers what was shown.", "记录已显示到哪里的文件。"),
)
def chat(user: str, to: str, url: str, token: str, cursors: Path | None) -> None:
    """Chat in the terminal as a user.

    The token comes from --token, from a running demo's one-click sign-in, or from a password that is asked for.

    \b
    Examples:
      balefire chat --as alice --to bob
      BALEFIRE_TOKEN=$(balefire token --user alice) balefire chat --as alice --to group/team
    """
    from balefire.client import Client, ClientError

    token = token or find_token(url, user)

    async def main() -> None:
        async with Client(url, token, platform="terminal", cursors=cursors) as client:
            if client.user != user:
                raise click.ClickException(f"this token belongs to {client.user}, not to {user}")
            await Terminal(client, to).run()

    try:
        asyncio.run(main())
    except ClientError as error:
        raise click.ClickException(f"{url}: {error}") from error
    except KeyboardInterrupt:
        click.echo()


class Terminal:
    """Lines in, lines out, over one client."""

    def __init__(self, client: Client, to: str) -> None:
        self._client = client
        self._to = conversation_key(to, client.user) if to else ""
        self._shown_down_to = 0

    async def run(self) -> None:
        """Show events and obey lines until the input ends, ``/quit`` comes, or the server ends the session.

        :raises ClientError: what the server ended the session with.
        """
        self._show_help()
        tasks = [asyncio.create_task(self._obey_lines()), asyncio.create_task(self._show_events())]
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            task.result()

    async def _obey_lines(self) -> None:
        async for line in _lines():
            if line.strip() in ("/quit", "/exit"):
                return
            await self._obey(line.strip())

    async def _show_events(self) -> None:
        """Show what arrives; what is shown of the open conversation counts as read."""
        from balefire.client import ChatMessage, ClientError

        async for event in self._client.events():
            if text := describe(event):
                click.echo(text)
            if isinstance(event, ChatMessage) and event.conversation == self._to and event.seq:
                with contextlib.suppress(ClientError):
                    await self._client.mark(event.conversation, read=event.seq)

    async def _obey(self, line: str) -> None:
        from balefire.client import NoAnswer, RequestFailed

        word, _, rest = line.partition(" ")
        try:
            if word == "/to" and rest:
                self._to = conversation_key(rest.strip(), self._client.user)
                self._shown_down_to = 0
                click.secho(f"→ {self._to}", dim=True)
            elif word == "/list":
                await self._show_list()
            elif word == "/more" and self._to:
                await self._show_more()
            elif line.startswith("/"):
                self._show_help()
            elif line and not self._to:
                click.secho(say("write to whom? /to bob", "发给谁？/to bob"), fg="yellow")
            elif line:
                self._to = (await self._client.send(self._to, line)).conversation
        except (RequestFailed, NoAnswer) as error:
            click.secho(f"! {error}", fg="red", err=True)

    async def _show_more(self) -> None:
        """The messages before those that ``/more`` showed last; the newest the first time."""
        found = await self._client.history(self._to, before=self._shown_down_to, limit=20)
        if not found:
            click.secho(say("nothing was said before", "没有更早的消息了"), dim=True)
            return
        for message in reversed(found):
            click.echo(describe(message))
        self._shown_down_to = found[-1].seq

    async def _show_list(self) -> None:
        for summary in await self._client.conversations():
            unread = click.style(f" ({summary.unread})", fg="yellow") if summary.unread else ""
            click.echo(f"{summary.conversation}{unread}")

    def _show_help(self) -> None:
        click.secho(f"{self._client.user} → {self._to or '?'}", bold=True)
        click.secho(say(HELP, HELP_ZH), dim=True)


def conversation_key(name: str, user: str) -> str:
    """The conversation that this user means: ``bob`` or ``private/bob`` is the one with bob."""
    kind, slash, target = name.partition("/")
    kind, target = (kind, target) if slash else ("private", name)
    if kind == "private" and "," not in target:
        target = ",".join(sorted((user, target)))
    return f"{kind}/{target}"


def describe(event: Event) -> str:
    """An event as a line; "" for those a terminal does not show. Control characters of others are taken out."""
    from balefire.client import ChatMessage, Joined, Left, Replaced

    if isinstance(event, Replaced):
        return click.style(say("(a message was recalled or changed)", "（一条消息被撤回或修改）"), dim=True)
    if isinstance(event, ChatMessage):
        time = datetime.fromtimestamp(event.at / 1000).astimezone().strftime("%H:%M")
        head = f"{click.style(time, dim=True)} {click.style(event.sender, fg='cyan', bold=True)}"
        return f"{head} {click.style(event.conversation, dim=True)}  {_printable(_said(event))}"
    if isinstance(event, Joined | Left):
        verb = say("joined", "加入") if isinstance(event, Joined) else say("left", "离开")
        return click.style(f"{event.user} {verb} {event.conversation}", dim=True)
    return ""


def _said(message: ChatMessage) -> str:
    return message.text or f"[{message.type}] {message.fields.get('title', '')}".strip()


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


async def _lines() -> AsyncIterator[str]:
    """Lines of standard input, without holding the loop up. Ends with the input.

    They are read in a thread: a terminal made non-blocking for the loop would be so for the output too, and for the
    shell afterwards. The thread ends with the process.
    """
    lines: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
    loop = asyncio.get_running_loop()

    def hand_over(line: str) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    threading.Thread(target=_read_lines, args=(hand_over,), daemon=True).start()
    while line := await lines.get():
        yield line


def _read_lines(hand_over: Callable[[str], None]) -> None:
    """Every line with its end, then an empty one."""
    with open(sys.stdin.fileno(), encoding="utf-8", errors="replace", closefd=False) as source:
        for line in source:
            hand_over(line)
    hand_over("")
