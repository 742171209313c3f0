"""``balefire key``: API keys from the command line, with the operator's key of the data folder."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

KEY_FILE = Path("secrets") / "auth-keys-operator"


@click.group()
def key() -> None:
    """API keys: show, new, list, revoke. / 管理 API 密钥。

    "show" reads the data folder; the others ask the running platform.
    """


@key.command()
def show() -> None:
    """Print the operator's key. / 显示管理员密钥。"""
    click.echo(_operator_key())


@key.command()
@click.option("--label", required=True, help="what it is for / 用途")
@click.option("--scope", "scopes", multiple=True, required=True, help="what it allows; repeat for more / 权限范围")
@click.option("--user", default="operator", show_default=True, help="in whose name it acts / 以谁的名义")
@click.option("--days", type=click.IntRange(0, 3660), default=0, help="how long it lives; 0 for ever / 有效天数")
@click.option("--url", help="the platform's address, if not the configured one / 平台地址")
def new(label: str, scopes: tuple[str, ...], user: str, days: int, url: str | None) -> None:
    """Make a key and print it. / 新建密钥。"""
    wanted = {"label": label, "scopes": scopes, "user": user, "ttl_seconds": days * 86_400}
    click.echo(_call(url, "POST", "/v1/keys", wanted)["key"])


@key.command(name="list")
@click.option("--url", help="the platform's address, if not the configured one / 平台地址")
def list_keys(url: str | None) -> None:
    """List the keys, without their secrets. / 列出密钥。"""
    for found in _call(url, "GET", "/v1/keys")["items"]:
        state = "revoked" if found["revoked_at"] else "valid"
        click.echo(f"{found['id']:16}  {state:8}  {found['user']:16}  {' '.join(found['scopes']):30}  {found['label']}")


@key.command()
@click.argument("key_id")
@click.option("--url", help="the platform's address, if not the configured one / 平台地址")
def revoke(key_id: str, url: str | None) -> None:
    """Refuse a key from now on. / 吊销密钥。"""
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
