"""A vendor's desk in the sandbox, as the conformance kit wants a stand-in; and the vendor that points at it."""

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.push.conftest import MovableClock

from balefire import Account, BatchPushVendor, Notification, PushVendor, VendorHttp, VendorPlugin
from balefire.outgoing import make_client
from balefire.testing.push_vendor import Accepted, Behaviour, PushVendorContract
from balefire_push_sandbox.desk import Desk
from balefire_push_sandbox.desk_server import DeskServer
from balefire_push_sandbox.faults import Fault, FaultKind, Faults
from balefire_push_sandbox.phones import Phone, Phones

KINDS: dict[Behaviour, FaultKind] = {
    "overload": "overload",
    "server_error": "server_error",
    "refuse_credentials": "refuse_credentials",
    "hang": "silence",
    "drop": "drop",
}
PHONES = 50


class Uninstalled(set[str]):
    """Tokens whose app is gone: entering one uninstalls it."""

    def __init__(self, phones: Phones) -> None:
        super().__init__()
        self._phones = phones

    def add(self, token: str) -> None:
        super().add(token)
        phone = self._phones.find(token)
        assert phone is not None, "make_token gives tokens that the desk knows"
        self._phones.uninstall(phone.id)


class DeskStandIn:
    """Implements the kit's ``StandIn`` on a desk. ``retry_after_seconds`` is what "overload" asks for."""

    def __init__(self, desk: Desk, faults: Faults, server: DeskServer, retry_after_seconds: float | None) -> None:
        self.desk, self.faults, self.server = desk, faults, server
        self.dead_tokens: set[str] = Uninstalled(desk.phones)
        self.retry_after_seconds = retry_after_seconds
        self.url = ""

    async def start(self) -> None:
        """Listen, and give out fifty phones."""
        self.url = f"http://127.0.0.1:{await self.server.start('127.0.0.1')}/{self.desk.vendor}"
        self.account()
        for number in range(PHONES):
            self.add_phone(number)

    @property
    def phones(self) -> Phones:
        return self.desk.phones

    @property
    def accepted(self) -> Sequence[Accepted]:
        tokens = {phone.id: phone.token for phone in self.phones.all()}
        return [
            Accepted(token=tokens[shown.phone], title=shown.title, body=shown.body) for shown in self.phones.accepted
        ]

    @property
    def secrets(self) -> Sequence[str]:
        return self.desk.secret_texts()

    @property
    def waiting(self) -> int:
        return self.server.waiting

    def behave(self, behaviour: Behaviour, *, times: int | None = None) -> None:
        self.faults.clear()
        if behaviour != "accept":
            self.faults.add(Fault(kind=KINDS[behaviour], times=times, vendor=self.desk.vendor))

    def answer(self, body: dict[str, Any], *, status: int = 200) -> None:
        """Give this answer to everything from now on."""
        self.faults.clear()
        self.faults.add(Fault(kind="answer", status=status, body=body, times=None, vendor=self.desk.vendor))

    def account(self) -> dict[str, Any]:
        """Settings of the vendor's plugin."""
        return self.desk.account(self.url)

    def token(self, number: int) -> str:
        return self.desk.make_token(number.to_bytes(32))

    def add_phone(self, number: int) -> Phone:
        phone = Phone(
            id=f"phone-{number}",
            token=self.token(number),
            voip_token="",
            topic="com.example.app",
            vendor=self.desk.vendor,
            platform=self.desk.platform,
        )
        self.phones.add(phone)
        return phone


@asynccontextmanager
async def open_desk(
    desk_type: type[Desk], folder: Path, clock: MovableClock, *, retry_after_seconds: float | None = 7.0
) -> AsyncIterator[DeskStandIn]:
    """A desk, listening, with fifty phones."""
    faults = Faults()
    desk = desk_type(Phones(clock), clock, folder)
    server = DeskServer([desk], faults, clock)
    stand_in = DeskStandIn(desk, faults, server, retry_after_seconds)
    await stand_in.start()
    try:
        yield stand_in
    finally:
        faults.clear()
        await server.stop()


MakeVendor = Callable[..., Any]


@asynccontextmanager
async def vendors(plugin: VendorPlugin[Any], stand_in: DeskStandIn, clock: MovableClock) -> AsyncIterator[MakeVendor]:
    """Makes vendors of a plugin that point at a desk, with settings of your own on top."""
    async with make_client(allow_private=True) as client:

        def make(**settings: Any) -> PushVendor | BatchPushVendor:
            values = {**stand_in.account(), **settings}
            config = plugin.settings.model_validate({key: value for key, value in values.items() if value is not None})
            account = Account(f"push-{plugin.vendor}", config, Path())
            return plugin.build(account, VendorHttp(plugin.vendor, client, clock), clock)

        yield make


class DeskContract(PushVendorContract):
    """The conformance kit on a desk. Give ``desk_type`` and ``plugin``."""

    desk_type: type[Desk]
    plugin: type[VendorPlugin[Any]]
    desk_retry_after_seconds: float | None = 7.0

    @pytest.fixture(scope="class")
    @classmethod
    def credentials(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Made once: some keys take seconds."""
        folder = tmp_path_factory.mktemp("desk")
        cls.desk_type(Phones(MovableClock()), MovableClock(), folder).kept_secrets()
        return folder

    @pytest.fixture
    async def stand_in(self, credentials: Path, tmp_path: Path, clock: MovableClock) -> AsyncIterator[DeskStandIn]:
        folder = tmp_path / "desk"
        shutil.copytree(credentials, folder)
        async with open_desk(
            self.desk_type, folder, clock, retry_after_seconds=self.desk_retry_after_seconds
        ) as stand_in:
            yield stand_in

    @pytest.fixture
    async def make_vendor(self, stand_in: DeskStandIn, clock: MovableClock) -> AsyncIterator[MakeVendor]:
        async with vendors(self.plugin(), stand_in, clock) as make:
            yield make

    @pytest.fixture
    def vendor(self, make_vendor: MakeVendor, request: pytest.FixtureRequest) -> Any:
        """Only the tests of silence want little patience: the others must not fail on a busy machine."""
        is_about_silence = any(word in request.node.name for word in ("silence", "[hang]"))
        return make_vendor(timeout_seconds=0.5 if is_about_silence else 10.0)

    @pytest.fixture(autouse=True)
    def _know_tokens(self, stand_in: DeskStandIn) -> None:
        self._stand_in = stand_in

    def make_token(self, number: int) -> str:
        return self._stand_in.token(number)


async def post(url: str, **options: Any) -> httpx.Response:
    """What a client that is not ours sends."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # the desks speak plain HTTP
        return await client.post(url, **options)


def note(token: str, **fields: Any) -> Notification:
    values: dict[str, Any] = {"id": "00000000-0000-4000-8000-000000000001", "title": "Ada", "body": "tea?"}
    return Notification(token=token, **(values | fields))
