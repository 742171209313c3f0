import click

from balefire import hookimpl, say


@click.command(help=say(None, "叫鸽子回家。"))
def coo() -> None:
    """Call the pigeons home."""
    click.echo("coo")


@hookimpl
def register_commands() -> list[click.Command]:
    return [coo]
