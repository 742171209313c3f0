"""The command line: ``balefire``.

Commands are imported when they are called, so that ``balefire --help`` is quick; plugins add their own.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from balefire.commands.language import say

if TYPE_CHECKING:
    from balefire.config import Config
    from balefire.plugin_record import PluginRecord

COMMANDS: Final = {
    "serve": "balefire.commands.serve:serve",
    "check": "balefire.commands.check:check",
    "config": "balefire.commands.config:config",
    "doctor": "balefire.commands.doctor:doctor",
    "plugins": "balefire.commands.plugins:plugins",
    "plugin": "balefire.commands.plugin:plugin",
    "chat": "balefire.commands.chat:chat",
}
"""The kernel's own commands: name, and where they are."""

EXIT_FAILED: Final = 1
EXIT_CONFIG: Final = 2


class Commands(click.Group):
    """The kernel's commands and those of the plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name: the kernel's in the order of a first day, then the plugins'."""
        return [*COMMANDS, *sorted(plugin_commands(_config_path(ctx)))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name].partition(":")
            found: click.Command = getattr(importlib.import_module(module), attribute)
            return found
        return plugin_commands(_config_path(ctx)).get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what is wrong is a sentence on standard error, not a traceback."""
        from balefire_hookspecs import BalefireError, ConfigError

        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(str(error), err=True)
            ctx.exit(EXIT_CONFIG)
        except BalefireError as error:
            click.echo(f"balefire: {error.reason}", err=True)
            ctx.exit(EXIT_FAILED)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=say(
        None,
        """Balefire（烽火）：小巧的即时通讯平台；机器人、频道与推送都是插件。

        \b
        从这里开始：
          balefire serve                    就地启动，并告诉你该打开哪个网址
          balefire doctor                   检查哪里不对，该怎么办
          balefire plugin new push acme     开始编写自己的插件
        """,
    ),
)
@click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="BALEFIRE_CONFIG",
    help=say(
        "Configuration file; balefire.toml of this folder when there is one, otherwise the defaults.",
        "配置文件；默认用当前文件夹的 balefire.toml，没有则用默认配置。",
    ),
)
@click.version_option(
    package_name="balefire",
    message="balefire %(version)s",
    help=say("Show the version and exit.", "显示版本并退出。"),
)
@click.pass_context
def main(ctx: click.Context, path: Path | None) -> None:
    """Balefire: a small messaging platform; bots, channels and push as plugins.

    \b
    First steps:
      balefire serve                    start it here; prints where to click
      balefire doctor                   what is wrong, and what to do about it
      balefire plugin new push acme     begin a plugin of your own
    """
    ctx.obj = path
    ctx.meta["balefire.config"] = lambda: read_sections(path)


def find_config(path: Path | None) -> Path | None:
    """The configuration file: the one given, or ``balefire.toml`` of this folder if there is one."""
    from balefire.config import DEFAULT_FILE

    return path or (Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None)


def read_config(path: Path | None, overrides: dict[str, Any] | None = None) -> Config:
    """Read the configuration a command runs with.

    :raises ConfigError: with every problem in it.
    """
    from balefire.config import load_config

    return load_config(find_config(path), overrides=overrides)


def read_sections(path: Path | None) -> Config:
    """As ``read_config``, for commands that speak to a running platform: the plugins' tables are not their business.

    :raises ConfigError: with every problem in the other sections.
    """
    from balefire.config import load_config

    return load_config(find_config(path), only_sections=True)


@contextmanager
def silenced() -> Iterator[None]:
    """No log lines inside: what is found is told in another way, once and in order."""
    logger = logging.getLogger("balefire")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def plugin_commands(path: Path | None) -> dict[str, click.Command]:
    """The commands of installed plugins and of the configuration's plugin files, by name.

    A plugin need not be enabled for that, unless its table says ``enabled = false``: whoever types a command has
    decided. One that fails leaves its commands out, with a warning.
    """
    commands: dict[str, click.Command] = {}
    owners = dict.fromkeys(COMMANDS, "balefire")
    for record in _commanding(path):
        for command in _commands_of(record):
            name = command.name or ""
            if name in owners:
                _warn(f"command {name!r} of plugin {record.name!r} is left out: {owners[name]!r} has one already")
            else:
                commands[name], owners[name] = command, record.name
    return commands


def _commanding(path: Path | None) -> Iterable[PluginRecord]:
    from importlib.metadata import entry_points

    from balefire.plugin_host import offline_host
    from balefire_hookspecs import PROJECT, ConfigError

    try:
        config = read_config(path)
        tables, files = config.plugins, config.plugin_files
    except ConfigError:
        tables, files = {}, ()  # the command itself will say what is wrong
    installed: dict[str, Any] = {entry.name: {} for entry in entry_points(group=PROJECT)}
    host = offline_host({**installed, **tables}, files)
    with silenced():
        host.examine()
    return [record for record in host.records.values() if "register_commands" in record.hooks]


def _commands_of(record: PluginRecord) -> list[click.Command]:
    try:
        return list(cast("Iterable[click.Command]", record.hooks["register_commands"].function()))
    except (Exception, SystemExit) as error:
        _warn(f"the commands of plugin {record.name!r} are left out: {type(error).__name__}: {error}")
        return []


def _warn(text: str) -> None:
    click.echo(f"balefire: {text}", err=True)


def _config_path(ctx: click.Context) -> Path | None:
    """The file given with ``--config``, also while help or completion runs before options are read."""
    given = ctx.find_root().params.get("path")
    return given if isinstance(given, Path) else None


if __name__ == "__main__":
    sys.exit(main())
