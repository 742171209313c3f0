"""Finds a token for ``balefire chat``: the demo's one-click sign-in, or a password."""

import json
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import quote

import click

from balefire.commands.language import say

TIMEOUT_SECONDS: Final = 20.0


def find_token(url: str, user: str) -> str:
    """A token for this user from the platform at ``url``.

    :raises click.ClickException: nobody is there, or it does not let the user in.
    """
    answer = _post(url, f"/demo/accounts/{quote(user, safe='')}/token", {})
    if answer is None:
        password = click.prompt(say(f"Password of {user}", f"{user} 的密码"), hide_input=True, err=True)
        answer = _post(url, "/v1/login", {"user": user, "password": password})
    if answer is None:
        raise click.ClickException(f"{url} offers neither passwords nor a demo; use --token, see 'balefire token'")
    return str(answer["token"])


def _post(url: str, path: str, body: dict[str, str]) -> dict[str, Any] | None:
    """The decoded answer; ``None`` if there is no such thing there."""
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"must begin with http:// or https://, got {url!r}", param_hint="--url")
    request = urllib.request.Request(  # noqa: S310 # the scheme was just checked
        url.rstrip("/") + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            decoded: dict[str, Any] = json.load(response)
            return decoded
    except urllib.error.HTTPError as error:
        if error.code in (404, 405):
            return None
        raise click.ClickException(f"{url} answered {error.code}: {_reason(error.read())}") from error
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{url} does not answer as a balefire does: {error}") from error


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
