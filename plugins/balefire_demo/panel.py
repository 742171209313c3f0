"""Tells where to click, in English and Chinese."""

import sys
from io import TextIOWrapper
from typing import Final

from balefire_demo.people import PLACES

HINTS: Final = (
    "",
    "Try: write to Echo · message Carol, her phone rings · open two windows",
    "试试：给 Echo 发消息 · 给卡萝发消息，她的手机会响 · 打开两个窗口",
    "",
    "Ctrl+C stops it; the next run goes on from here.",
    "按 Ctrl+C 停止；下次运行会接着使用这些数据。",
)
"""Each fits a terminal of 80 columns."""


def show_panel(url: str) -> None:
    """Print the panel on standard output."""
    from rich import box
    from rich.console import Console, Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    places = Table.grid(padding=(0, 2))
    for english, chinese, address in where_to_click(url):
        places.add_row(Text(english), Text(chinese), Text(address, style=f"bold link {address}"))
    hint = Text("\n".join(HINTS), style="dim")
    panel = Panel(
        Group(places, hint),
        title="[bold]🔥 Balefire demo · 演示[/]",
        border_style="#e8590c",
        box=box.ROUNDED,
        padding=(1, 3),
        expand=False,
    )
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks the letters shows what it can
    Console().print(panel)


def where_to_click(url: str) -> list[tuple[str, str, str]]:
    """English words, Chinese words, address."""
    return [
        ("Chat as Alice", "以爱丽丝的身份聊天", f"{url}/?as=alice"),
        ("Chat as Bob", "以 Bob 的身份聊天", f"{url}/?as=bob"),
        *((english, chinese, url + path) for english, chinese, path in PLACES),
        ("Health", "运行状况", f"{url}/readyz"),
    ]
