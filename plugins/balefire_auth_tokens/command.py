"""``balefire token``: a token on the spot, made with the data folder's key; no server needs to run."""

import time
from pathlib import Path

import click

from balefire import SCOPES, USER_SCOPES, BalefireError
from balefire_auth_tokens.signing import Signer, new_claims

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
KEY_FILE = Path("secrets") / "auth-tokens-signing-key"


class Duration(click.ParamType[int]):
    """``90s``, ``15m``, ``1h``, ``30d`` as seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if text[:-1].isascii() and text[:-1].isdigit() and text[-1] in _UNITS:
            return int(text[:-1]) * _UNITS[text[-1]]
        return self.fail(f"{text!r} is no duration; write 90s, 15m, 1h or 30d", param, ctx)


@click.command()
@click.option("--user", required=True, help="whom it is for / 用户 id")
@click.option("--admin", "is_admin", is_flag=True, help="allow everything / 管理员权限")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(sorted(SCOPES)), help="what it allows / 权限范围")
@click.option(
    "--ttl", "ttl_seconds", type=Duration(), default="1h", show_default=True, help="how long it lives / 有效期"
)
@click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="the platform's data folder, instead of the configured one / 数据目录",
)
def token(*, user: str, is_admin: bool, scopes: tuple[str, ...], ttl_seconds: int, data_folder: Path | None) -> None:
    """Print a token for a user. / 为用户签发令牌。

    It is made with the key in the data folder, so whoever can read that folder can do this, and nobody else.

    \b
    Examples:
      balefire token --user alice
      balefire token --user operator --admin --ttl 15m
    """
    key_file = (data_folder or _configured_folder()) / KEY_FILE
    try:
        key = key_file.read_bytes()
    except OSError as error:
        raise click.ClickException(
            f"{key_file}: {error.strerror}; the key is made when the platform starts for the first time, "
            "so start it once or name its folder with --data"
        ) from error
    granted = frozenset({"admin"} if is_admin else scopes or USER_SCOPES)
    try:
        claims = new_claims(user, granted, ttl_seconds=ttl_seconds, issued_at=time.time_ns() // 1_000_000)
    except BalefireError as error:
        raise click.ClickException(error.reason) from error
    click.echo(Signer(key).sign(claims))


def _configured_folder() -> Path:
    folder: Path = click.get_current_context().meta["balefire.config"]().data_folder
    return folder
