"""Asks a running platform something through its REST API."""

import json
import urllib.error
import urllib.request
from typing import Any, Final

import click

TIMEOUT_SECONDS: Final = 60.0
"""Reloading a plugin may take as long as it may take to start."""


def call(url: str, method: str, path: str, token: str | None) -> Any:
    """Make one call and return the decoded answer.

    :raises click.ClickException: nobody answers there, or the answer is an error; its text is passed on.
    """
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"must begin with http:// or https://, got {url!r}", param_hint="--url")
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url.rstrip("/") + path, method=method, headers=headers)  # noqa: S310 - see above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise click.ClickException(f"{url} answered {error.code}: {_detail(error.read())}") from error
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{url} does not answer as a balefire does: {error}") from error


def _detail(body: bytes) -> str:
    try:
        problem = json.loads(body)
        return str(problem.get("detail") or problem.get("title") or problem)
    except (ValueError, AttributeError):
        return "no reason given"
