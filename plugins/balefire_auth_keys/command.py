"""``balefire key``: API keys from the command line, with the operator's key of the data folder."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from balefire import say

KEY_FILE = Path("secrets") / "auth-keys-operator"

url_option = click.option(
    "--url",
    help=say("The platform's address, if not the configured one.", "平台的地址；不给出则以配置为准。"),
)


@click.group(
    help=say(
        None,
        """API 密钥：显示、新建、列出、吊销。

        \b
        show 读取数据文件夹，其余命令询问运行中的平台。
        """,
    )
)
def key() -> None:
    """API keys: show, new, list, revoke.

    "show" reads the data folder; the others ask the running platform.
    """


@key.command(help=say(None, "输出管理员密钥。"))
def show() -> None:
    """Print the operator's key."""
    click.echo(_operator_key())


@key.command(help=say(None, "新建密钥并输出。"))
@click.option("--label", required=True, help=say("What it is for.", "用途。"))
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=say("What it allows; repeat for more.", "权限范围；可多次给出。"),
)
@click.option("--user", default="operator", show_default=True, help=say("In whose name it acts.", "以谁的名义操作。"))
@click.option(
    "--days",
    type=click.IntRange(0, 3660),
    default=0,
    help=say("How many days it lives; 0 for ever.", "有效天数；0 表示永久。"),
)
@url_option
def new(label: str, scopes: tuple[str, ...], user: str, days: int, url: str | None) -> None:
    """Make a key and print it."""
    wanted = {"label": label, "scopes": scopes, "user": user, "ttl_seconds": days * 86_400}
    click.echo(_call(url, "POST", "/v1/keys", wanted)["key"])


@key.command(name="list", help=say(None, "列出密钥，不含密钥本身的内容。"))
@url_option
def list_keys(url: str | None) -> None:
    """List the keys, without their secrets."""
    for found in _call(url, "GET", "/v1/keys")["items"]:
        state = "revoked" if found["revoked_at"] else "valid"
        click.echo(f"{found['id']:16}  {state:8}  {found['user']:16}  {' '.join(found['scopes']):30}  {found['label']}")


@key.command(help=say(None, "吊销密钥，此后不再接受。"))
@click.argument("key_id")
@url_option
def revoke(key_id: str, url: str | None) -> None:
    """Refuse a key from now on."""
    _call(url, "DELETE", f"/v1/keys/{key_id}")


def _operator_key() -> str:
    file = _config().data_folder / KEY_FILE
    try:
        return f"bf_operator_{file.read_bytes().hex()}"
    except OSError as error:
        raise click.ClickException(
            f"{file}: {error.strerror}; the key is made when the platform starts for the first time"
        ) from error


def _call(url: str | None, method: str, path: str, body: object = None) -> Any:
    server = _config().server
    address = (url or server.public_url or f"http://{server.host}:{server.port}").rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise click.BadParameter(f"must begin with http:// or https://, got {address!r}", param_hint="--url")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        address + path,
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {_operator_key()}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=15) as response:
            answer = response.read()
    except urllib.error.HTTPError as error:
        raise click.ClickException(f"{address} answered {error.code}: {_detail(error.read())}") from error
    except OSError as error:
        raise click.ClickException(f"{address}: {error}; is the platform running there?") from error
    return json.loads(answer) if answer else None


def _detail(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["detail"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"


def _config() -> Any:
    return click.get_current_context().meta["balefire.config"]()
