"""``balefire token``: a token on the spot, made with the data folder's key; no server needs to run."""

import time
from pathlib import Path

import click

from balefire import SCOPES, USER_SCOPES, BalefireError, say
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


@click.command(
    help=say(
        None,
        """为用户签发令牌并输出。

        \b
        用数据文件夹里的密钥签发：能读取该文件夹的人就能签发，其他人都不能。

        \b
        示例：
          balefire token --user alice
          balefire token --user operator --admin --ttl 15m
        """,
    )
)
@click.option("--user", required=True, help=say("Whom it is for: a user id.", "给谁：用户 id。"))
@click.option("--admin", "is_admin", is_flag=True, help=say("Allow everything.", "允许一切操作。"))
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(SCOPES)),
    help=say("What it allows; repeat for more.", "权限范围；可多次给出。"),
)
@click.option(
    "--ttl",
    "ttl_seconds",
    type=Duration(),
    default="1h",
    show_default=True,
    help=say("How long it lives.", "有效期。"),
)
@click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help=say("The platform's data folder, instead of the configured one.", "平台的数据文件夹；不给出则以配置为准。"),
)
def token(*, user: str, is_admin: bool, scopes: tuple[str, ...], ttl_seconds: int, data_folder: Path | None) -> None:
    """Print a token for a user.

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
