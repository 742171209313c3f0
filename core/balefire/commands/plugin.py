"""``balefire plugin``: begin a plugin, check it, reload it."""

from pathlib import Path

import click

from balefire.cli import EXIT_FAILED, read_sections, silenced
from balefire.commands.language import say
from balefire.scaffold import KINDS, new_plugin


@click.group()
def plugin() -> None:
    """Begin a plugin of your own, check it, reload it in a running platform."""


@plugin.command()
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.argument("name")
@click.option(
    "--in", "parent", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where to put it."
)
def new(kind: str, name: str, parent: Path) -> None:
    """Write the folder of a new plugin: working code, a stand-in for its vendor, tests that pass.

    \b
    Examples:
      balefire plugin new push my_vendor
      balefire plugin new robot helper
    """
    folder = new_plugin(kind, name, parent)
    click.echo(say(f"{folder}: {KINDS[kind]}, ready to be changed", f"{folder}：已生成，可以开始修改"))
    click.echo(f"  balefire plugin check {folder}")


@plugin.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--skip-tests", is_flag=True, help="Only look at the plugin; do not run its tests.")
@click.pass_context
def check(ctx: click.Context, path: Path, skip_tests: bool) -> None:
    """Check a plugin that is a file or folder: it loads, fits the contract, explains itself, passes its tests.

    A push vendor's tests must inherit the conformance kit, balefire.testing.push_vendor.PushVendorContract. Exits
    with 0 when everything passes, otherwise with 1.

    \b
    Examples:
      balefire plugin check ./my_vendor
      balefire plugin check ./one_file.py --skip-tests
    """
    from balefire.plugin_check import check_plugin

    has_failed = False
    with silenced():
        for finding in check_plugin(path.absolute(), run_tests=not skip_tests):
            mark = {"good": "✓", "advice": "·", "bad": "✗"}[finding.level]
            click.echo(f"{mark} {finding.text}")
            has_failed = has_failed or finding.level == "bad"
    ctx.exit(EXIT_FAILED if has_failed else 0)


@plugin.command()
@click.argument("name")
@click.option("--url", help="Where the platform runs; where the configuration says, if not given.")
@click.option("--token", envvar="BALEFIRE_TOKEN", help="A token or key with scope admin.")
@click.pass_obj
def reload(path: Path | None, name: str, url: str | None, token: str | None) -> None:
    """Load a plugin's code again in a running platform, without dropping connections.

    If the new code does not start, the old keeps running and you are told why.

    \b
    Example:
      export BALEFIRE_TOKEN="$(balefire token --user me --admin)"
      balefire plugin reload push-my-vendor
    """
    from balefire.commands.running import call

    call(url or read_sections(path).address, "POST", f"/v1/plugins/{name}/reload", token)
    click.echo(say(f"plugin {name!r} was reloaded", f"插件 {name!r} 已重新加载"))
