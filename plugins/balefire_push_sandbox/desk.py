"""What the stand-ins of vendors that speak HTTP have in common; one module of ``desks`` per vendor."""

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
from aiohttp import web

from balefire import Clock
from balefire_push_sandbox.faults import Refusal
from balefire_push_sandbox.phones import Phone, Phones

Handler = Callable[[web.Request], Awaitable[web.Response]]

SECRETS_FILE: Final = "desk-{}.json"


class Door(msgspec.Struct, frozen=True):
    """One path of a vendor's API. Faults that were ordered strike where notifications are sent."""

    method: str
    path: str
    handler: Handler
    sends: bool = True


class Desk(ABC):
    """One vendor's stand-in. It refuses what the vendor documents to refuse, and shows the rest on the phones.

    Everything runs on the event loop. Credentials are made on the first start and kept in the sandbox's folder.
    """

    vendor: ClassVar[str]
    platform: ClassVar[str] = "android"

    def __init__(self, phones: Phones, clock: Clock, folder: Path) -> None:
        self.phones, self.clock, self._folder = phones, clock, folder

    @abstractmethod
    def doors(self) -> Sequence[Door]:
        """The vendor's paths, without the prefix that tells the vendors apart."""

    @abstractmethod
    def account(self, url: str) -> dict[str, Any]:
        """Settings of the vendor's plugin that point it at this desk, which is reached at ``url``."""

    @abstractmethod
    def refuse(self, refusal: Refusal) -> web.Response:
        """The vendor's wording of a failure that was ordered; "overload" asks for 7 seconds where it can."""

    def make_token(self, seed: bytes) -> str:
        """A device token as the vendor's look; the same for the same seed."""
        return seed.hex()

    def secret_texts(self) -> list[str]:
        """What must never show in a client's logs: keys, and access tokens that were given out."""
        return [self.kept_secrets()["app_secret"]]

    # -- for the desks -----------------------------------------------------------------------------------------

    def kept_secrets(self) -> dict[str, str]:
        """The credentials by name; made when missing."""
        path = self._folder / SECRETS_FILE.format(self.vendor)
        try:
            found: dict[str, str] = json.loads(path.read_bytes())
        except OSError:
            found = self.make_secrets()
            write_secret(path, json.dumps(found, indent=1))
        return found

    def make_secrets(self) -> dict[str, str]:
        """Fresh credentials, for the first start."""
        return {"app_id": str(secrets.randbelow(9 * 10**8) + 10**8), "app_secret": secrets.token_hex(32)}

    def phone(self, token: str) -> Phone | None:
        """The phone with this token, if it is one of this vendor's; it may have been uninstalled."""
        found = self.phones.find(token)
        return found if found is not None and found.vendor == self.vendor else None


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read; all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.chmod(0o600)
    draft.write_text(text)
    draft.replace(path)


async def read_json(request: web.Request) -> Any:
    """The body as JSON, ``None`` if it is none."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None
