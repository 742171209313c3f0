"""The native client protocol over WebSocket: docs/reference/client-protocol.md."""

from collections.abc import AsyncIterator, Iterable

from balefire import Gateway, Manifest, Metric, PluginContext, RawRoute, Route, hookimpl
from balefire_gateway_websocket.gateway import Config, WebSocketGateway


class Plugin:
    """Wires the gateway."""

    gateway: WebSocketGateway

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Clients connect over WebSocket, in JSON or MessagePack",
            summary_zh="客户端通过 WebSocket 连接，支持 JSON 与 MessagePack",
            config=Config,
            requires=("storage",),
            provides=("gateway:websocket",),
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        self.gateway = WebSocketGateway(ctx)
        ctx.spawn(self.gateway.keep_time(), name="heartbeat")
        yield

    @hookimpl
    def register_gateways(self) -> Iterable[Gateway]:
        return [self.gateway]

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> Iterable[Route]:
        return [RawRoute("GET", ctx.config.path, self.gateway.upgrade)]

    @hookimpl
    def register_metrics(self) -> Iterable[Metric]:
        return [Metric("balefire_connections", "Open client connections", self.gateway.count)]
