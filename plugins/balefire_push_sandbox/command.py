"""``balefire sandbox``: develop any push client against it, without an account and without a platform."""

import asyncio
import contextlib
import signal
import time
from pathlib import Path

import click

from balefire import say


class _WallClock:
    """The real time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@click.command(help=say(None, "运行各家推送服务的替身，页面上有模拟手机。"))
@click.option("--host", default="127.0.0.1", show_default=True, help=say("Address to listen on.", "监听地址。"))
@click.option(
    "--port",
    default=8451,
    show_default=True,
    help=say("Port of the page and the control calls.", "页面与控制接口的端口。"),
)
@click.option(
    "--apns-port",
    default=8452,
    show_default=True,
    help=say(
        "Port of Apple's production host; the next one is development.", "苹果生产环境的端口；下一个端口是开发环境。"
    ),
)
@click.option(
    "--vendors-port",
    default=8454,
    show_default=True,
    help=say("Port of all other vendors, one path each.", "其余各家厂商共用的端口，每家一个路径。"),
)
@click.option(
    "--topic",
    "topics",
    multiple=True,
    default=("com.example.app",),
    show_default=True,
    help=say("Bundle id.", "应用的 bundle id。"),
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("sandbox"),
    show_default=True,
    help=say("Where its keys are kept.", "密钥保存在哪里。"),
)
def sandbox(host: str, port: int, apns_port: int, vendors_port: int, topics: tuple[str, ...], folder: Path) -> None:
    """Run stand-ins for push services, with simulated phones on a page."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(host, port, apns_port, vendors_port, topics, folder))


async def _run(host: str, port: int, apns_port: int, vendors_port: int, topics: tuple[str, ...], folder: Path) -> None:
    from aiohttp import web

    from balefire_push_sandbox.desks import DESKS
    from balefire_push_sandbox.phones import Phone
    from balefire_push_sandbox.routes import SandboxRoutes, let_everybody_in
    from balefire_push_sandbox.sandbox import Sandbox

    async def keep(phone: Phone) -> None:
        """There is no platform to tell."""

    here = Sandbox(folder, _WallClock(), topics=topics, vendors=["apns", *DESKS])
    await here.start(host=host, ports=(apns_port, apns_port + 1 if apns_port else 0), desk_port=vendors_port)
    app = web.Application()
    for route in SandboxRoutes(here, guard=let_everybody_in, hand_out=keep).all():
        app.router.add_route(route.method, route.path, route.handler)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
        found = runner.addresses[0][1]
        click.echo(f"phones 手机      http://{host}:{found}/sandbox")
        for name, value in here.account().items():
            click.echo(f"{name:<16} {', '.join(value) if isinstance(value, list) else value}")
        for vendor in here.vendors:
            click.echo(f"{vendor:<16} {here.account_file_of(vendor)}")
        await _until_stopped()
    finally:
        await runner.cleanup()
        await here.stop()


async def _until_stopped() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
