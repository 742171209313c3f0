"""The APNs vendor passes the kit that strangers' vendors pass, against the strict sandbox over TLS and HTTP/2."""

from collections.abc import Sequence

import pytest
from tests.push.conftest import MakeVendor, MovableClock

from balefire.testing.push_vendor import Accepted, Behaviour, PushVendorContract
from balefire_push_apns.vendor import Apns
from balefire_push_sandbox.faults import Fault
from balefire_push_sandbox.sandbox import Sandbox

FAULTS = {
    "overload": Fault(kind="answer", status=429, reason="TooManyRequests", retry_after_seconds=7),
    "server_error": Fault(kind="answer", status=503, reason="ServiceUnavailable"),
    "refuse_credentials": Fault(kind="answer", status=403, reason="ExpiredProviderToken"),
    "hang": Fault(kind="silence"),
    "drop": Fault(kind="drop"),
}


class DeadTokens(set[str]):
    """Phones whose app was removed."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def add(self, token: str) -> None:
        phone = self._sandbox.phones.find(token)
        assert phone is not None
        self._sandbox.phones.uninstall(phone.id)
        super().add(token)


class AppleStandIn:
    """The sandbox as the kit wants to see it."""

    retry_after_seconds = 7.0

    def __init__(self, sandbox: Sandbox, clock: MovableClock) -> None:
        self._sandbox, self._clock = sandbox, clock
        self.tokens = [sandbox.make_phone().token for _ in range(50)]
        self.dead_tokens: set[str] = DeadTokens(sandbox)

    @property
    def secrets(self) -> Sequence[str]:
        return [line for line in self._sandbox.authority.key_file.read_text().splitlines() if len(line) > 20]

    @property
    def accepted(self) -> Sequence[Accepted]:
        tokens = {phone.id: phone.token for phone in self._sandbox.phones.all()}
        return [
            Accepted(token=tokens[shown.phone], id=shown.id, title=shown.title, body=shown.body)
            for shown in self._sandbox.phones.accepted
        ]

    @property
    def waiting(self) -> int:
        return sum(server.waiting for server in self._sandbox.servers.values())

    def behave(self, behaviour: Behaviour, *, times: int | None = None) -> None:
        self._sandbox.faults.clear()
        if behaviour == "refuse_credentials":
            self._clock.move(25 * 60)  # a token that was just signed would not be signed again
        if behaviour != "accept":
            fault = FAULTS[behaviour]
            self._sandbox.faults.add(
                Fault(
                    kind=fault.kind,
                    status=fault.status,
                    reason=fault.reason,
                    retry_after_seconds=fault.retry_after_seconds,
                    times=times,
                )
            )


class TestApns(PushVendorContract):
    refreshes = True

    @pytest.fixture
    def stand_in(self, sandbox: Sandbox, clock: MovableClock) -> AppleStandIn:
        self.tokens = (stand_in := AppleStandIn(sandbox, clock)).tokens
        return stand_in

    @pytest.fixture
    def vendor(self, make_vendor: MakeVendor, stand_in: AppleStandIn) -> Apns:
        return make_vendor(timeout_seconds=0.5)

    def make_token(self, number: int) -> str:
        return self.tokens[number]
