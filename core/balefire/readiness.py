"""``/healthz`` and ``/readyz``: whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from balefire.bounded import bounded
from balefire_hookspecs import HealthCheck

if TYPE_CHECKING:
    from balefire.http_server import HttpServer

CHECK_SECONDS: Final = 2.0
_KEPT_SECONDS: Final = 1.0

State = Literal["ok", "degraded", "unavailable"]


class Readiness:
    """Asks the store, the plugins and the registered checks; the answer is kept for a second."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._asked_at = float("-inf")
        self._answer: dict[str, Any] = {}
        self._asking = asyncio.Lock()

    async def report(self) -> dict[str, Any]:
        """``state``, and a line for each part with what is wrong with it."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at > _KEPT_SECONDS or self._server.is_draining:
                self._answer, self._asked_at = await self._ask(), now
            return self._answer

    async def _ask(self) -> dict[str, Any]:
        checks = [
            ("store", True, _wrong(self._server.store_check)),
            *(
                (f"{plugin}/{check.name}", check.is_critical, _wrong(check.check))
                for plugin, check in self._server.host.registered("register_health_checks")
                if isinstance(check, HealthCheck)
            ),
        ]
        reasons = await asyncio.gather(*(asking for _, _, asking in checks))
        lines = {
            name: {"state": _state(reason, is_critical=is_critical), "reason": reason or ""}
            for (name, is_critical, _), reason in zip(checks, reasons, strict=True)
        }
        lines |= self._plugins()
        lines |= {name: {"state": "degraded", "reason": reason} for name, reason in self._server.troubles().items()}
        if self._server.is_draining:
            lines["server"] = {"state": "unavailable", "reason": "the server is stopping"}
        states = {line["state"] for line in lines.values()}
        worst: State = "unavailable" if "unavailable" in states else "degraded" if "degraded" in states else "ok"
        return {"state": worst, "checks": lines}

    def _plugins(self) -> dict[str, dict[str, str]]:
        lines = {}
        for name, record in self._server.host.records.items():
            state: State = "ok"
            if record.state in ("failed", "skipped", "muted"):
                state = "unavailable" if record.is_critical else "degraded"
            if record.state != "off":
                reason = f"{record.state}: {record.reason}" if state != "ok" else ""
                lines[f"plugin {name}"] = {"state": state, "reason": reason}
        return lines


def without_reasons(report: dict[str, Any]) -> dict[str, Any]:
    """The report for strangers: which part is in which state, not why; reasons may name hosts and paths."""
    lines = {name: {"state": line["state"]} for name, line in report["checks"].items()}
    return {"state": report["state"], "checks": lines}


def _state(reason: str | None, *, is_critical: bool) -> State:
    return "ok" if reason is None else "unavailable" if is_critical else "degraded"


async def _wrong(check: Callable[[], Awaitable[str | None]]) -> str | None:
    """The check's finding; one that raises or hangs has found something too."""
    try:
        return await bounded(check, CHECK_SECONDS)
    except Exception as error:
        return str(error) or type(error).__name__
