"""``balefire doctor``: what is wrong, and what to do about it."""

import asyncio
import dataclasses
import json
from pathlib import Path

import click

from balefire.cli import EXIT_FAILED, find_config, silenced
from balefire.commands.language import say


@click.command(
    help=say(
        None,
        """找出妨碍平台启动或正常运行的问题，并说明怎么办。

        \b
        检查配置、插件、端口、数据文件夹及其权限、打开文件数上限、时钟，
        以及数据库和它的迁移。不做任何改动。
        没有需要处理的问题时退出码为 0，否则为 1。

        \b
        示例：
          balefire doctor
          balefire -c production.toml doctor --json
        """,
    )
)
@click.option("--json", "as_json", is_flag=True, help=say("Print JSON instead of lines.", "输出 JSON，而不是文本行。"))
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
