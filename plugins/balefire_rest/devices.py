"""Devices over REST: where to push. Push tokens come in and never go out."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from balefire import Device, Identity, Operation, PluginContext, Settings
from balefire_rest.acting import acting_user
from balefire_rest.fields import Acting

DeviceId = Annotated[str, Field(pattern=r"^[!-~]{1,64}$", description="an installation's id, chosen by the client")]
Short = Annotated[str, Field(max_length=64)]


class DeviceRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    platform: Short = Field("", description="ios, android, web …")
    vendor: Short = Field("", description="push vendor: apns …")
    token: Annotated[str, Field(max_length=4096)] = Field("", description="the push token")
    voip_token: Annotated[str, Field(max_length=4096)] = Field("", description="the push token for calls")
    app: Annotated[str, Field(max_length=200)] = Field("", description="package or bundle id")
    environment: Short = Field("", description="the vendor's: production, sandbox")
    language: Short = ""
    timezone: Short = ""


class DeviceView(BaseModel):
    """An installation. Times are milliseconds since the epoch."""

    user: str
    id: str
    platform: str
    vendor: str
    app: str
    environment: str
    language: str
    timezone: str
    has_token: bool
    has_voip_token: bool
    last_seen_at: int
    registered_at: int


class DeviceList(BaseModel):
    items: list[DeviceView]


class DeviceApi:
    """Operations on devices."""

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags = ("devices",)
        return [
            Operation("GET", "/v1/devices", self.list_devices, "devices:write", tags),
            Operation("PUT", "/v1/devices/{id}", self.put_device, "devices:write", tags),
            Operation("DELETE", "/v1/devices/{id}", self.forget_device, "devices:write", tags, 204),
        ]

    async def list_devices(self, identity: Identity, user: Acting = "") -> DeviceList:
        """Your devices."""
        owner = acting_user(identity, user)
        found = (await self._ctx.store.devices([owner])).get(owner, ())
        return DeviceList(items=[_view(device) for device in found])

    async def put_device(
        self, id: DeviceId, request: DeviceRequest, identity: Identity, user: Acting = ""
    ) -> DeviceView:
        """Register a device, or replace what is known of it. A push token belongs to one device at a time."""
        now = self._ctx.clock.now_ms()
        device = Device(
            user=acting_user(identity, user), id=id, last_seen_at=now, registered_at=now, **request.model_dump()
        )
        await self._ctx.store.put_device(device)
        await self._ctx.emit("device.registered", user=device.user, data={"device": id, "vendor": device.vendor})
        return _view(device)

    async def forget_device(self, id: DeviceId, identity: Identity, user: Acting = "") -> None:
        """Forget a device: nothing is pushed to it any more. Forgetting twice is no error."""
        await self._ctx.store.forget_device(acting_user(identity, user), id)


def _view(device: Device) -> DeviceView:
    return DeviceView(
        user=device.user,
        id=device.id,
        platform=device.platform,
        vendor=device.vendor,
        app=device.app,
        environment=device.environment,
        language=device.language,
        timezone=device.timezone,
        has_token=bool(device.token),
        has_voip_token=bool(device.voip_token),
        last_seen_at=device.last_seen_at,
        registered_at=device.registered_at,
    )
