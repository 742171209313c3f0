"""A running platform for one test: the real kernel, real sockets, a data folder of its own."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from balefire.config import load_config
from balefire.kernel import Kernel
from balefire.testing.template import template_folder
from balefire_hookspecs import USER_SCOPES, Clock, User

if TYPE_CHECKING:
    from balefire.client import Client


class Platform:
    """A running platform and the virtual people on it. Made by ``start_platform``; ends with it."""

    def __init__(self, kernel: Kernel, folder: Path, http: httpx.AsyncClient, exits: AsyncExitStack) -> None:
        self.kernel = kernel
        self.folder = folder
        self.http = http
        """An HTTP client on this platform that carries an operator's token."""
        self._exits = exits

    @property
    def url(self) -> str:
        """Where the platform listens: ``http://127.0.0.1:PORT``."""
        return self.kernel.url

    async def token(self, user: str, *, scopes: frozenset[str] = USER_SCOPES, device_id: str = "") -> str:
        """A bearer token for a user, who is created when missing."""
        await self.add_user(user)
        return await _issue(self.kernel, user, scopes, device_id)

    async def add_user(self, user: str, **profile: Any) -> User:
        """Create a user; one who exists already is returned as they are."""
        known = (await self.kernel.directory.get([user])).get(user)
        return known or await self.kernel.directory.put(User(id=user, **{"display_name": user.capitalize(), **profile}))

    async def client(self, user: str, **options: Any) -> "Client":
        """A connected client of this user; closed when the platform stops.

        :param options: handed to ``balefire.client.Client``.
        """
        from balefire.client import Client

        client = Client(self.url, await self.token(user), **options)
        return await self._exits.enter_async_context(client)


@asynccontextmanager
async def start_platform(
    folder: Path,
    *,
    plugins: Mapping[str, Mapping[str, Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    extra: Mapping[str, object] | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Platform]:
    """Run a platform on an ephemeral port of the loopback interface.

    :param folder: holds the data folder; give the same folder again to restart on the same data.
    :param plugins: plugin tables, as ``[plugins.<name>]`` in ``balefire.toml``.
    :param settings: the other sections, as in ``balefire.toml``.
    :param extra: plugin objects (or modules or classes) that are not installed, by the name they get.
    :param clock: a ``TestClock``, or ``None`` for real time.
    """
    data = folder / "data"
    if not data.exists():
        shutil.copytree(await template_folder(), data)
    extra = dict(extra or {})
    kernel = Kernel(_config(data, plugins, settings, extra), clock=clock, plugins=extra)
    async with kernel.running(), AsyncExitStack() as exits:
        token = await _issue(kernel, "operator", frozenset({"admin"}))
        http = httpx.AsyncClient(base_url=kernel.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        yield Platform(kernel, folder, await exits.enter_async_context(http), exits)


def _config(
    data: Path, plugins: Mapping[str, Any] | None, settings: Mapping[str, Any] | None, extra: Mapping[str, object]
) -> Any:
    sections = {name: dict(section) for name, section in (settings or {}).items()}
    tables = {**{name: {} for name in extra}, **sections.pop("plugins", {}), **(plugins or {})}
    sections["server"] = {"host": "127.0.0.1", "port": 0, **sections.get("server", {})}
    sections["kernel"] = {"data_folder": str(data), **sections.get("kernel", {})}
    return load_config(overrides={**sections, "plugins": tables}, environ={})


async def _issue(kernel: Kernel, user: str, scopes: frozenset[str], device_id: str = "") -> str:
    issuer = next(iter(kernel.providers.token_issuers.values()))
    token, _ = await issuer.issue(user, scopes=scopes, ttl_seconds=3600, device_id=device_id)
    return token
