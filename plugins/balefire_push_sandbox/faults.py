"""Faults on order: what the sandbox does wrong when a test or a developer asks for it."""

from typing import Any, Literal, TypeGuard, get_args

import msgspec

Refusal = Literal["overload", "server_error", "refuse_credentials"]
FaultKind = Literal["answer", "silence", "drop", "goaway", "refuse", "slow", Refusal]


class Fault(msgspec.Struct, kw_only=True):
    """One fault.

    "answer": give ``status`` and ``reason`` (or ``body``, not at Apple's) instead of judging. "silence": never answer.
    "drop": cut the connection.
    "goaway": serve this request and announce that it is the last. "refuse": reset the stream with REFUSED_STREAM.
    "slow": answer after ``delay_ms``. "overload", "server_error", "refuse_credentials": what the vendor would say.
    The fault lets the next ``after`` requests pass, then strikes ``times`` times (``None``: always), if ``vendor`` is
    set only at that one's server, if ``token`` is set only for requests to that device (Apple's servers only).
    """

    kind: FaultKind
    status: int = 500
    reason: str = "InternalServerError"
    retry_after_seconds: int | None = None
    after: int = 0
    times: int | None = 1
    delay_ms: int = 100
    token: str = ""
    vendor: str = ""
    body: dict[str, Any] | None = None


def is_refusal(kind: FaultKind) -> TypeGuard[Refusal]:
    """Whether the vendor answers, in its own words."""
    return kind in get_args(Refusal)


class Faults:
    """The faults in force, in the order they were ordered; the first that fits strikes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @property
    def all(self) -> list[Fault]:
        return list(self._faults)

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, vendor: str, token: str = "") -> Fault | None:
        """The fault for a request to this vendor and device, used up by one."""
        for fault in self._faults:
            if fault.vendor not in ("", vendor) or fault.token not in ("", token):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
            return fault
        return None
