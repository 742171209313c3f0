"""The simulated phones: which tokens exist, and what each phone shows."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from typing import Any, Final, Literal

import msgspec

from balefire import Clock

Environment = Literal["production", "sandbox"]

SHOWN_PER_PHONE: Final = 50
REMEMBERED: Final = 1000


class Phone(msgspec.Struct, kw_only=True):
    """A device with the app on it. ``gone_since`` is when the app was removed (ms), 0 while it is there."""

    id: str
    token: str
    voip_token: str
    topic: str
    environment: Environment = "production"
    user: str = ""
    name: str = ""
    gone_since: int = 0
    badge: int = 0
    vendor: str = "apns"
    platform: str = "ios"

    def __repr__(self) -> str:
        return f"Phone({self.id!r}, user={self.user!r})"  # no tokens in logs


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that reached a phone. ``number`` counts over all phones."""

    number: int
    phone: str
    at: int
    id: str
    push_type: str
    title: str = ""
    body: str = ""
    badge: int | None = None
    sound: str = ""
    thread: str = ""
    collapse_id: str = ""
    data: dict[str, Any] = {}


class Phones:
    """The registry. Touch it from the event loop only; it holds the newest ``REMEMBERED`` notifications."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._phones: dict[str, Phone] = {}
        self._by_token: dict[str, Phone] = {}
        self._shown: dict[str, OrderedDict[str, Shown]] = {}
        self._stream: deque[Shown] = deque(maxlen=REMEMBERED)
        self._number = 0
        self.version = 0
        self._news = asyncio.Event()

    def add(self, phone: Phone) -> None:
        """Register a phone, or replace the one with its id."""
        self.remove(phone.id)
        self._phones[phone.id] = phone
        self._by_token.update({token: phone for token in (phone.token, phone.voip_token) if token})
        self._shown.setdefault(phone.id, OrderedDict())
        self._tell()

    def remove(self, phone_id: str) -> Phone | None:
        """Forget a phone: its tokens were never given out."""
        phone = self._phones.pop(phone_id, None)
        if phone is not None:
            self._by_token.pop(phone.token, None)
            self._by_token.pop(phone.voip_token, None)
            self._tell()
        return phone

    def uninstall(self, phone_id: str) -> bool:
        """The user removes the app: the tokens are gone from now on. Whether there is such a phone."""
        phone = self._phones.get(phone_id)
        if phone is not None:
            phone.gone_since = phone.gone_since or self._clock.now_ms()
            self._tell()
        return phone is not None

    def find(self, token: str) -> Phone | None:
        """The phone with this token, alert or voip."""
        return self._by_token.get(token)

    def all(self) -> list[Phone]:
        """Every phone, in order of registration."""
        return list(self._phones.values())

    def screen(self, phone_id: str) -> list[Shown]:
        """What the phone shows, newest first; a notification replaced the one with the same collapse id."""
        return list(reversed(self._shown.get(phone_id, OrderedDict()).values()))

    @property
    def accepted(self) -> list[Shown]:
        """The newest notifications of all phones, oldest first."""
        return list(self._stream)

    @property
    def count(self) -> int:
        """How many notifications were ever accepted."""
        return self._number

    def show(self, phone: Phone, *, id: str, push_type: str = "alert", **fields: Any) -> Shown:
        """Let a notification reach its phone. A repeat of one with the same id replaces it.

        :param fields: the other fields of ``Shown``.
        """
        self._number += 1
        shown = Shown(
            number=self._number, phone=phone.id, at=self._clock.now_ms(), id=id, push_type=push_type, **fields
        )
        self._put(phone, shown)
        return shown

    async def news(self, version: int, wait_seconds: float) -> int:
        """Wait until anything differs from ``version``, but not for ever; the version to ask with next time."""
        if self.version == version:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._news.wait()
        return self.version

    def _put(self, phone: Phone, shown: Shown) -> None:
        if shown.badge is not None:
            phone.badge = shown.badge
        screen = self._shown[phone.id]
        key = shown.collapse_id or shown.id
        screen.pop(key, None)
        screen[key] = shown
        while len(screen) > SHOWN_PER_PHONE:
            screen.popitem(last=False)
        self._stream.append(shown)
        self._tell()

    def _tell(self) -> None:
        self.version += 1
        self._news.set()
        self._news = asyncio.Event()
