"""The demo's course: wait until the platform listens, set the stage, then let GitHub events come in."""

import asyncio
from typing import Any, Final

import httpx

from balefire import PluginContext
from balefire_demo.github import headers_of, read_events
from balefire_demo.panel import show_panel
from balefire_demo.people import OPERATOR
from balefire_demo.stage import Hook, Stage

LOOK_EVERY_SECONDS: Final = 0.05
TOKEN_SECONDS: Final = 86_400


async def play(ctx: PluginContext[Any]) -> None:
    """Run the demo; cancelled with the plugin."""
    async with ctx.http_client(allow_private=True) as http:
        await _until_listening(ctx, http)
        http.base_url = httpx.URL(ctx.public_url)
        http.headers["Authorization"] = f"Bearer {await _operator_token(ctx)}"
        hook = await Stage(ctx, http).set()
        await asyncio.to_thread(show_panel, ctx.public_url)
        await _replay(ctx, http, hook)


async def _until_listening(ctx: PluginContext[Any], http: httpx.AsyncClient) -> None:
    """Plugins start before the port is open."""
    while True:
        try:
            if (await http.get(f"{ctx.public_url}/healthz")).is_success:
                return
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            pass
        await ctx.clock.sleep(LOOK_EVERY_SECONDS)


async def _operator_token(ctx: PluginContext[Any]) -> str:
    issuer = next(iter(ctx.providers.token_issuers.values()))
    token, _ = await issuer.issue(OPERATOR, scopes=frozenset({"admin"}), ttl_seconds=TOKEN_SECONDS)
    return token


async def _replay(ctx: PluginContext[Any], http: httpx.AsyncClient, hook: Hook) -> None:
    """Post the events one after another, as GitHub would, round after round."""
    events = read_events()
    started = ctx.clock.now_ms()
    for round_number in range(ctx.config.replay_rounds):
        for number, (event, body) in enumerate(events):
            await ctx.clock.sleep(ctx.config.replay_every_seconds)
            headers = headers_of(event, body, key=hook.key, delivery=f"demo-{started}-{round_number}-{number}")
            try:
                response = await http.post(hook.path, content=body, headers=headers)
            except httpx.HTTPError:  # the platform is about to stop
                continue
            if response.is_error:
                ctx.log.warning("the demo's event %s was refused: %s", event, response.text)
