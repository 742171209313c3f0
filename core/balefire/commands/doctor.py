"""``balefire doctor``: what is wrong, and what to do about it."""

import asyncio
import dataclasses
import json
from pathlib import Path

import click

from balefire.cli import EXIT_FAILED, find_config, silenced


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Look for what keeps the platform from starting or running well, and say what to do.

    Looks at the configuration, the plugins, the port, the data folder and its permissions, the open-file limit, the
    clock, and the database with its migrations. Changes nothing. Exits with 0, or with 1 when something must be done.

    \b
    Examples:
      balefire doctor
      balefire -c production.toml doctor --json
    """
    from balefire.doctor import Diagnosis, examine

    async def collect() -> list[Diagnosis]:
        return [found async for found in examine(find_config(path))]

    path: Path | None = ctx.obj
    with silenced():
        diagnoses = asyncio.run(collect())
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(found) for found in diagnoses], ensure_ascii=False, indent=2))
    else:
        for found in diagnoses:
            mark = {"good": "✓", "advice": "·", "bad": "✗"}[found.level]
            click.echo(f"{mark} {found.topic:13}  {found.text}")
            if found.remedy:
                click.echo(f"{'':15}  → {found.remedy}")
    ctx.exit(EXIT_FAILED if any(found.level == "bad" for found in diagnoses) else 0)
