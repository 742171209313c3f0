"""``/metrics``: figures in Prometheus' text format."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from balefire_hookspecs import Metric

if TYPE_CHECKING:
    from balefire.http_server import HttpServer

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def own_figures(server: HttpServer) -> list[Metric]:
    """What the platform says about itself."""

    def plugin_states() -> dict[tuple[str, ...], float]:
        return {(name, record.state): 1 for name, record in server.host.records.items()}

    def uptime() -> float:
        return server.clock.monotonic() - server.started_at

    return [
        Metric("balefire_uptime_seconds", "Seconds since the start", uptime),
        Metric("balefire_plugin_state", "1 for the state a plugin is in", plugin_states, ("plugin", "state")),
        Metric("balefire_http_answers_total", "HTTP answers", lambda: dict(server.counts), ("status",), "counter"),
        *server.own_metrics,
    ]


def figures_text(metrics: Iterable[tuple[str, Metric]]) -> str:
    """One page of figures; what cannot be read is left out and logged with its plugin.

    :param metrics: each with the plugin it belongs to.
    """
    return "".join(f"{line}\n" for plugin, metric in metrics for line in _lines(plugin, metric))


def _lines(plugin: str, metric: Metric) -> Iterator[str]:
    try:
        value = metric.read()
        samples = [((), float(value))] if isinstance(value, (int, float)) else [(k, float(v)) for k, v in value.items()]
    except (Exception, SystemExit):
        log.exception("plugin %r: metric %s could not be read", plugin, metric.name)
        return
    yield f"# HELP {metric.name} {_escape(metric.help)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, number in samples:
        pairs = ",".join(f'{k}="{_escape(v)}"' for k, v in zip(metric.labels, labels, strict=False))
        yield f"{metric.name}{{{pairs}}} {number:.17g}" if pairs else f"{metric.name} {number:.17g}"


def _escape(text: str) -> str:
    return str(text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
