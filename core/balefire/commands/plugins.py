"""``balefire plugins``: which plugins there are, and how they are doing."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balefire.cli import read_config, silenced
from balefire.commands.language import say
from balefire.commands.running import call

if TYPE_CHECKING:
    from balefire.config import Config
    from balefire.plugin_host import PluginHost


@click.command(
    help=say(
        None,
        """列出已配置的插件：版本、状态、钩子，以及没有运行的原因。

        \b
        不带 --url 时不启动任何东西：只导入插件并让它们自我说明，
        可以启动的显示为 loaded。带 --url 则显示运行中平台的实际状态。

        \b
        示例：
          balefire plugins
          balefire plugins --json
          balefire plugins --url http://127.0.0.1:8450 --token "$(balefire token --user operator --admin)"
        """,
    )
)
@click.option(
    "--url",
    help=say(
        "Ask the platform running there, for example http://127.0.0.1:8450.",
        "询问在此运行的平台，例如 http://127.0.0.1:8450。",
    ),
)
@click.option(
    "--token",
    envvar="BALEFIRE_TOKEN",
    help=say("A token or key with scope admin, for --url.", "权限范围含 admin 的令牌或密钥，配合 --url。"),
)
@click.option("--json", "as_json", is_flag=True, help=say("Print JSON instead of a table.", "输出 JSON，而不是表格。"))
@click.pass_obj
def plugins(path: Path | None, url: str | None, token: str | None, as_json: bool) -> None:
    """List the configured plugins: version, state, hooks, and why one is not running.

    Without --url nothing is started: plugins are imported and describe themselves, and one that could be started is
    shown as "loaded". With --url you see the state of a running platform.

    \b
    Examples:
      balefire plugins
      balefire plugins --json
      balefire plugins --url http://127.0.0.1:8450 --token "$(balefire token --user operator --admin)"
    """
    listed = call(url, "GET", "/v1/plugins", token)["items"] if url else describe(read_config(path))
    if as_json:
        click.echo(json.dumps(listed, ensure_ascii=False, indent=2))
    else:
        click.echo(table(listed))


def examine(config: Config) -> PluginHost:
    """Load and describe the configured plugins without starting them; what fails is told in their records."""
    from balefire.plugin_host import offline_host

    host = offline_host(config.plugins, config.plugin_files)
    with silenced():  # the records say it
        host.load()
    return host


def describe(config: Config) -> list[dict[str, Any]]:
    """The plugins as ``GET /v1/plugins`` lists them."""
    return [dataclasses.asdict(record.status()) for record in examine(config).records.values()]


def table(listed: Sequence[dict[str, Any]]) -> str:
    """A table for people: a line per plugin, the reason below those that are not well."""
    width = max((len(plugin["name"]) for plugin in listed), default=4)
    head = f"{say('NAME', '名称'):{width}}  {'VERSION':9}  {'STATE':8}  {say('WHAT IT DOES', '用途')}"
    return "\n".join([head, *(line for plugin in listed for line in _lines(plugin, width))])


def _lines(plugin: dict[str, Any], width: int) -> list[str]:
    summary = say(plugin["summary"], plugin.get("summary_zh") or plugin["summary"])
    lines = [f"{plugin['name']:{width}}  {plugin['version']:9}  {plugin['state']:8}  {summary}".rstrip()]
    indent = " " * (width + 2)
    if hooks := ", ".join(hook for hook in plugin.get("hooks", ()) if hook != "describe"):
        lines += textwrap.wrap(hooks, 100, initial_indent=indent, subsequent_indent=indent)
    if plugin["reason"]:
        lines += textwrap.wrap(f"→ {plugin['reason']}", 100, initial_indent=indent, subsequent_indent=indent + "  ")
    return lines
