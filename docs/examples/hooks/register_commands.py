import click

from balefire import hookimpl


@click.command()
def coo() -> None:
    """Call the pigeons home."""
    click.echo("coo")


@hookimpl
def register_commands() -> list[click.Command]:
    return [coo]
