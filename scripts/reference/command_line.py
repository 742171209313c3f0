"""``cli.md``: the command line, as its own help tells it."""

import os
from collections.abc import Iterator

import click
from scripts.reference.markdown import GENERATED

from balefire.cli import main

INTRODUCTION = """\
# Command line

`balefire COMMAND --help` prints the same on the spot.
"""


def page() -> str:
    """The page: the command itself, then every command below it."""
    os.environ["COLUMNS"] = "100"
    return "\n".join([GENERATED, INTRODUCTION, *_entries(main, "balefire", None)])


def _entries(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    settings = {**command.context_settings, "terminal_width": 100}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            if (found := command.get_command(context, child)) and not found.hidden:
                yield from _entries(found, child, context)
