"""``balefire demo``: everything at once, on one's own computer."""

import os
import socket
import sys
from pathlib import Path
from typing import Final

import click

from balefire import say

USUAL_PORT: Final = 8450
USUAL_FOLDER: Final = Path("data") / "demo"

CONFIGURATION: Final = """\
# The demo's configuration, written by "balefire demo". Delete the folder to begin anew.
# 演示的配置，由 balefire demo 生成。删除整个文件夹即可重新开始。

[server]
drain_seconds = 1

[log]
level = "warning"

[plugins.chat-page]
accounts_url = "/demo/accounts"

[plugins.push-sandbox]
is_open = true
topics = ["com.example.balefire"]
phones = [{ user = "carol", name = "Carol's iPhone · 卡萝的手机" }]

[plugins.push-apns]
account_file = "../push-sandbox/apns.json"

[plugins.robot-echo]

[plugins.demo]
"""


@click.command(
    help=say(
        None,
        """启动一个用来试玩的平台：有用户、群组、频道、机器人和手机。

        \b
        只在本机监听。再次运行时沿用原有数据。
        """,
    )
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=say(
        f"Port to listen on, 0 for a free one; {USUAL_PORT}.", f"监听端口，0 表示任选空闲端口；默认 {USUAL_PORT}。"
    ),
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=USUAL_FOLDER,
    show_default=True,
    help=say("Where the demo keeps its configuration and data.", "演示的配置和数据保存在哪里。"),
)
@click.option(
    "--every",
    type=click.FloatRange(0.2, 3600),
    help=say("Seconds between two GitHub events.", "两个 GitHub 事件之间的秒数。"),
)
def demo(port: int | None, folder: Path, every: float | None) -> None:
    """Start a platform to play with: people, a group, a channel, robots, a phone.

    It listens on this computer only. Run it again and it goes on with the same data.
    """
    configuration = prepare(folder)
    listen = ["--host", "127.0.0.1", "--port", str(choose_port(port)), "--data", str(folder / "data"), "--quiet"]
    if every is not None:
        os.environ["BALEFIRE_PLUGINS__DEMO__REPLAY_EVERY_SECONDS"] = str(every)
    click.echo("Starting the demo … 正在启动演示 …", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    # The very command an operator would use, in place of this process: Ctrl+C reaches it as usual.
    os.execv(sys.executable, [sys.executable, "-m", "balefire", "--config", str(configuration), "serve", *listen])  # noqa: S606 # no shell is wanted


def prepare(folder: Path) -> Path:
    """Make the folder and its configuration file, unless it is there; the file's path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "balefire.toml"
    if not file.exists():
        file.write_text(CONFIGURATION, encoding="utf-8")
    return file


def choose_port(wanted: int | None) -> int:
    """The wanted port, or the usual one; a free one, said aloud, if the usual one is taken.

    :raises click.ClickException: the port that was asked for is taken.
    """
    port = USUAL_PORT if wanted is None else wanted
    if port == 0 or is_free(port):
        return port
    if wanted is not None:
        raise click.ClickException(
            f"port {port} is taken; choose another with --port, 0 takes a free one\n"
            f"端口 {port} 已被占用，请用 --port 指定其他端口，0 表示自动选择"
        )
    click.echo(
        f"Port {port} is taken, so the demo takes a free one; choose one with --port.\n"
        f"端口 {port} 已被占用，演示将使用其他空闲端口；可用 --port 指定。",
        err=True,
    )
    return 0


def is_free(port: int) -> bool:
    """Whether this port of the loopback interface can be listened on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
