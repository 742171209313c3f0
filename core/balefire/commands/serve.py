"""``balefire serve``: run the platform until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from balefire.cli import read_config
from balefire.commands.language import say
from balefire.plugin_life import GRACE_SECONDS

if TYPE_CHECKING:
    from balefire.config import Config
    from balefire.kernel import Kernel

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 20.0
"""Beyond the time in which clients are asked to leave, this is all the time there is to stop."""


@click.command(
    help=say(
        None,
        """启动平台，一直运行到按下 Ctrl+C 或收到 SIGTERM。

        \b
        没有配置文件时，使用 ./data 里的 SQLite，并启用全部内置插件。

        \b
        示例：
          balefire serve
          balefire serve --port 9000 --data /var/lib/balefire
          BALEFIRE_DATABASE__URL=postgresql://me@localhost/chat balefire serve
          balefire -c production.toml serve
        """,
    )
)
@click.option("--host", help=say("Address to listen on; overrides [server] host.", "监听地址；优先于 [server] host。"))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=say("Port to listen on, 0 for a free one.", "监听端口；0 表示任选空闲端口。"),
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help=say("Data folder; made when missing.", "数据文件夹；不存在则新建。"),
)
@click.option("--quiet", "is_quiet", is_flag=True, help=say("Do not say where to click.", "不显示该打开的网址。"))
@click.pass_obj
def serve(path: Path | None, host: str | None, port: int | None, data: Path | None, *, is_quiet: bool) -> None:
    """Start the platform and run it until Ctrl+C or SIGTERM.

    Without a configuration file it runs on SQLite in ./data with every built-in plugin.

    \b
    Examples:
      balefire serve
      balefire serve --port 9000 --data /var/lib/balefire
      BALEFIRE_DATABASE__URL=postgresql://me@localhost/chat balefire serve
      balefire -c production.toml serve
    """
    gc.disable()  # until it listens: looking through modules being imported costs a tenth of the start
    from balefire.logs import setup_logging

    config = read_config(path, _overrides(host, port, data))
    setup_logging(config.log)
    run(config, on_ready=(lambda _: None) if is_quiet else announce)


def run(config: Config, on_ready: Callable[[Kernel], None] | None = None) -> None:
    """Run a platform until a signal stops it.

    :param on_ready: called once it listens; prints where to click by default.
    :raises BalefireError: it cannot start.
    """
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(config, on_ready or announce))
    except OSError as error:
        raise click.ClickException(_explain_start(config, error)) from error


async def _serve(config: Config, on_ready: Callable[[Kernel], None]) -> None:
    from balefire.kernel import Kernel

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _on_signal, stopping)
    kernel = Kernel(config)
    await kernel.start()
    gc.enable()
    gc.freeze()  # what is there now stays; looking through it at every collection costs pauses
    gc.set_threshold(20_000, 50, 100)  # messages hold no cycles: the collector has little to find
    # The store's thread needs the interpreter a few times per commit; by default a busy loop makes it wait 5 ms each.
    sys.setswitchinterval(0.0005)
    try:
        on_ready(kernel)
        await stopping.wait()
        click.echo(say("balefire: stopping", "balefire：正在停止"), err=True)
    finally:
        limit = config.server.drain_seconds + STOP_SECONDS
        try:
            await asyncio.wait_for(kernel.stop(), limit)
        except TimeoutError:
            log.error("not everything stopped within %g s; what is left is cut off", limit)
    await _leave_behind()


async def _leave_behind() -> None:
    """Go without the tasks that ignore that they were cancelled, which asyncio would wait for until the end of days."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    stuck = (await asyncio.wait(others, timeout=GRACE_SECONDS))[1] if others else ()
    if stuck:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # what was acknowledged is stored; only their code would still run


def _on_signal(stopping: asyncio.Event) -> None:
    """The first asks politely; whoever presses Ctrl+C again means now."""
    if stopping.is_set():
        sys.exit(130)
    stopping.set()


def announce(kernel: Kernel) -> None:
    """Say where to click."""
    from importlib.metadata import version

    lines = [say(f"Balefire {version('balefire')} is running.", f"Balefire {version('balefire')} 已启动。")]
    paths = {route.path for _, route in kernel.host.registered("register_routes")}
    if "/" in paths:
        lines.append(f"  {say('chat', '聊天')}      {kernel.url}/")
    lines.append(f"  {say('REST API', '接口文档')}  {kernel.url}/docs")
    lines.append(f"  {say('health', '健康状况')}    {kernel.url}/readyz")
    lines.append(f"  {say('data in', '数据目录')}   {kernel.config.data_folder}")
    if troubled := [record for record in kernel.host.records.values() if record.reason and record.state != "off"]:
        lines.append(f"  {say('plugins that are not running', '未运行的插件')}:")
        lines += [f"    {record.name} ({record.state}): {record.reason}" for record in troubled]
        lines.append(f"    {say('later, ask', '之后可运行')}: balefire plugins --url {kernel.url}")
    lines.append(say("Press Ctrl+C to stop.", "按 Ctrl+C 停止。"))
    click.echo("\n".join(lines))


def _overrides(host: str | None, port: int | None, data: Path | None) -> dict[str, Any]:
    server = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    return {"server": server} | ({"kernel": {"data_folder": str(data.absolute())}} if data else {})


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _explain_start(config: Config, error: OSError) -> str:
    where = f"{config.server.host}:{config.server.port}"
    return say(
        f"cannot start on {where}: {error.strerror or error}; 'balefire doctor' says more",
        f"无法在 {where} 启动：{error.strerror or error}；运行 balefire doctor 查看详情",
    )
