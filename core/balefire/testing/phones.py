"""Phones that ring in a test: the push sandbox, driven through the platform's own port."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from balefire.testing.platform import Platform

PUSH_SANDBOX: Final[Mapping[str, Mapping[str, Any]]] = {
    "push-sandbox": {},
    "push-apns": {"account_file": "../push-sandbox/apns.json"},
}
"""Plugin tables of a platform whose Apple is the sandbox: ``start_platform(folder, plugins=PUSH_SANDBOX)``."""

LONGEST_WAIT_SECONDS: Final = 30.0


class Phones:
    """Simulated phones of users, on a platform that runs with ``PUSH_SANDBOX``."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def give(self, user: str) -> str:
        """A phone with the app on it, registered as a device of this user; its id in the sandbox."""
        await self.platform.add_user(user)
        answer = await self.platform.http.post("/sandbox/api/phones", json={"user": user})
        return str(answer.raise_for_status().json()["id"])

    async def uninstall(self, phone: str) -> None:
        """The user removes the app: the vendor rejects this phone's token from now on."""
        (await self.platform.http.delete(f"/sandbox/api/phones/{phone}")).raise_for_status()

    async def shown(self, phone: str) -> list[dict[str, Any]]:
        """What the phone shows: one entry per notification, with ``title``, ``body``, ``badge`` and more."""
        return _screen(await self._state(), phone)

    async def ring(self, phone: str, *, within_seconds: float = 10.0) -> dict[str, Any]:
        """Wait until the phone shows a notification; the first it shows.

        :raises TimeoutError: it stayed silent.
        """
        async with asyncio.timeout(within_seconds):
            state = await self._state()
            while not (shown := _screen(state, phone)):
                state = await self._state(state["version"])
        return shown[0]

    async def _state(self, newer_than: int | None = None) -> dict[str, Any]:
        """The sandbox's state; at once, or when it has changed."""
        params = {} if newer_than is None else {"version": newer_than}
        answer = await self.platform.http.get("/sandbox/api/state", params=params, timeout=LONGEST_WAIT_SECONDS)
        state: dict[str, Any] = answer.raise_for_status().json()
        return state


def _screen(state: dict[str, Any], phone: str) -> list[dict[str, Any]]:
    [shown] = [each["shown"] for each in state["phones"] if each["id"] == phone]
    return list(shown)
