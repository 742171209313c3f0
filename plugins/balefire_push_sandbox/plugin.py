"""Wires the sandbox into a platform, and into the command line by itself."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from balefire import Device, Manifest, Metric, PluginContext, Route, Settings, hookimpl
from balefire_push_sandbox.desks import DESKS

if TYPE_CHECKING:
    import click

    from balefire_push_sandbox.phones import Phone
    from balefire_push_sandbox.sandbox import Sandbox


class PhoneSettings(BaseModel):
    """One entry of ``phones``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: str = Field(description="whose device it becomes")
    name: str = Field("", description="what the page calls it")
    environment: Literal["production", "sandbox"] = "production"
    vendor: str = Field("apns", description="whose push service it is reached by; one of ``vendors``")


class Config(Settings):
    """The table ``[plugins.push-sandbox]``. Give ``account_file = "../push-sandbox/apns.json"`` to push-apns."""

    vendors: list[str] = Field(["apns"], min_length=1, description="the push services to stand in for; apns always is")
    topics: list[str] = Field(["com.example.app"], min_length=1, description="bundle ids that the account may push to")
    phones: list[PhoneSettings] = Field([], description="simulated phones that exist from the start")
    is_open: bool = Field(False, description="let anybody who reaches the port see and control the phones (demo only)")
    host: str = Field("127.0.0.1", description="address for the stand-ins")
    production_port: int = Field(0, ge=0, le=65535, description="port of the production stand-in; 0 takes a free one")
    sandbox_port: int = Field(0, ge=0, le=65535, description="port of the development stand-in; 0 takes a free one")
    vendors_port: int = Field(0, ge=0, le=65535, description="port of all other vendors; 0 takes a free one")
    answer_delay_ms: int = Field(0, ge=0, le=60_000, description="how long a vendor thinks about each request")

    @model_validator(mode="after")
    def _phones_are_reachable(self) -> Self:
        if strange := {phone.vendor for phone in self.phones} - {"apns", *self.vendors}:
            raise ValueError(f"phones: {', '.join(sorted(strange))} is not among vendors")
        return self

    @field_validator("vendors")
    @classmethod
    def _are_known(cls, vendors: list[str]) -> list[str]:
        if unknown := set(vendors) - {"apns", *DESKS}:
            raise ValueError(f"{', '.join(sorted(unknown))}: not among apns, {', '.join(DESKS)}")
        return vendors


class Plugin:
    """Runs the sandbox while the platform runs."""

    sandbox: "Sandbox"

    @hookimpl
    def describe(self) -> Manifest:
        """Needs the store, to enter the phones as devices of their users."""
        return Manifest(
            summary="Strict stand-ins for push services with simulated phones, at /sandbox",
            summary_zh="各家推送服务的严格替身，附带模拟手机，页面在 /sandbox",
            config=Config,
            requires=("storage",),
        )

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Config]) -> AsyncIterator[None]:
        """Listen on loopback, write each vendor's account file, enter the phones."""
        from balefire_push_sandbox.sandbox import Sandbox

        config = ctx.config
        self.sandbox = Sandbox(ctx.data_folder, ctx.clock, topics=config.topics, vendors=config.vendors)
        self.sandbox.delay(config.answer_delay_ms)
        apple = (config.production_port, config.sandbox_port)
        await self.sandbox.start(host=config.host, ports=apple, desk_port=config.vendors_port)
        try:
            for phone in config.phones:
                # The same tokens after every restart, as a real phone would have.
                seed = hmac.digest(ctx.secret("phones"), f"{phone.user}/{phone.name}".encode(), hashlib.sha256)
                made = self.sandbox.make_phone(
                    user=phone.user, name=phone.name, environment=phone.environment, vendor=phone.vendor, seed=seed
                )
                await hand_out(ctx, made)
            yield
        finally:
            await self.sandbox.stop()

    @hookimpl
    def register_routes(self, ctx: PluginContext[Config]) -> list[Route]:
        """The page at ``/sandbox`` and the calls it makes."""
        from balefire_push_sandbox.routes import SandboxRoutes, let_everybody_in, operators_only

        async def enter(phone: "Phone") -> None:
            await hand_out(ctx, phone)

        guard = let_everybody_in if ctx.config.is_open else operators_only(ctx.authenticate)
        return list(SandboxRoutes(self.sandbox, guard=guard, hand_out=enter).all())

    @hookimpl
    def register_metrics(self, ctx: PluginContext[Config]) -> list[Metric]:
        """How many notifications reached a phone."""
        phones = self.sandbox.phones
        return [Metric("balefire_sandbox_shown", "Notifications shown on phones", lambda: phones.count, kind="counter")]

    @hookimpl
    def register_commands(self) -> "Iterable[click.Command]":
        """``balefire sandbox``: the sandbox without a platform."""
        from balefire_push_sandbox.command import sandbox

        return [sandbox]


async def hand_out(ctx: PluginContext[Config], phone: "Phone") -> None:
    """Enter a phone as a device of its user, as the user's app would."""
    if not phone.user:
        return
    device = Device(
        user=phone.user,
        id=f"sandbox-{phone.id}",
        platform=phone.platform,
        vendor=phone.vendor,
        token=phone.token,
        voip_token=phone.voip_token,
        app=phone.topic,
        environment=phone.environment,
        last_seen_at=ctx.clock.now_ms(),
        registered_at=ctx.clock.now_ms(),
    )
    await ctx.store.put_device(device)
