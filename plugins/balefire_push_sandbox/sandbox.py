"""The sandbox as a whole: an authority, two Apple servers, the phones they reach."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from balefire import Clock
from balefire_push_sandbox.apple import Judge
from balefire_push_sandbox.authority import Authority
from balefire_push_sandbox.desk import write_secret
from balefire_push_sandbox.desk_server import DeskServer
from balefire_push_sandbox.desks import desk_type
from balefire_push_sandbox.faults import Faults
from balefire_push_sandbox.phones import Environment, Phone, Phones
from balefire_push_sandbox.provider_token import ProviderTokenCheck
from balefire_push_sandbox.server import AppleServer

ENVIRONMENTS: Final[tuple[Environment, ...]] = ("production", "sandbox")
ACCOUNT_FILE: Final = "{}.json"


class Sandbox:
    """Stands in for push services on loopback. ``start`` writes an account for each vendor's plugin."""

    def __init__(
        self, folder: Path, clock: Clock, *, topics: Sequence[str], vendors: Sequence[str] = ("apns",)
    ) -> None:
        self.topics = tuple(topics)
        self.authority = Authority(folder)
        self.phones = Phones(clock)
        self.faults = Faults()
        identity = self.authority.identity
        self.tokens = ProviderTokenCheck(
            self.authority.public_key, key_id=identity.key_id, team_id=identity.team_id, clock=clock
        )
        self.account_file = folder / ACCOUNT_FILE.format("apns")
        self.servers: dict[Environment, AppleServer] = {}
        for environment in ENVIRONMENTS:
            judge = Judge(self.phones, self.tokens, topics=topics, environment=environment)
            tls = self.authority.server_tls()
            self.servers[environment] = AppleServer(judge, self.faults, tls, clock)
        self._folder = folder
        desks = [desk_type(vendor)(self.phones, clock, folder) for vendor in vendors if vendor != "apns"]
        self.desks = DeskServer(desks, self.faults, clock)
        self._desks_url = ""
        self._addresses: dict[Environment, str] = {}

    async def start(self, *, host: str = "127.0.0.1", ports: Sequence[int] = (0, 0), desk_port: int = 0) -> None:
        """Listen for Apple's two environments and for the other vendors, and write the account files.

        :raises OSError: a port is taken.
        """
        for environment, port in zip(ENVIRONMENTS, ports, strict=True):
            self._addresses[environment] = f"{host}:{await self.servers[environment].start(host, port)}"
        self._desks_url = f"http://{host}:{await self.desks.start(host, desk_port)}"
        for vendor in self.vendors:
            account = await asyncio.to_thread(self.account, vendor)  # the first one may have to make a large key
            write_secret(self.account_file_of(vendor), json.dumps(account, indent=1))

    def delay(self, milliseconds: int) -> None:
        """Let every answer take so long."""
        self.desks.answer_delay_ms = milliseconds
        for server in self.servers.values():
            server.limits.answer_delay_ms = milliseconds

    async def stop(self) -> None:
        await self.desks.stop()
        for server in self.servers.values():
            await server.stop()

    def account_file_of(self, vendor: str) -> Path:
        """The file that holds ``account(vendor)``."""
        return self._folder / ACCOUNT_FILE.format(vendor)

    @property
    def vendors(self) -> tuple[str, ...]:
        """Everybody it stands in for."""
        return ("apns", *self.desks.desks)

    def account(self, vendor: str = "apns") -> dict[str, Any]:
        """Settings of the vendor's plugin that point it here."""
        if vendor != "apns":
            return self.desks.desks[vendor].account(f"{self._desks_url}/{vendor}")
        return {
            "key_file": str(self.authority.key_file.resolve()),
            "key_id": self.authority.identity.key_id,
            "team_id": self.authority.identity.team_id,
            "topics": list(self.topics),
            "production_host": self._addresses["production"],
            "sandbox_host": self._addresses["sandbox"],
            "ca_file": str(self.authority.ca_file.resolve()),
        }

    def make_phone(
        self,
        *,
        user: str = "",
        name: str = "",
        environment: Environment = "production",
        vendor: str = "apns",
        seed: bytes = b"",
    ) -> Phone:
        """Add a phone with tokens as the vendor's look: random, or the same for the same ``seed``.

        :raises KeyError: no such vendor.
        """
        seed = seed or secrets.token_bytes(32)
        desk = None if vendor == "apns" else self.desks.desks[vendor]
        alert = hashlib.sha256(b"alert" + seed).digest()
        phone = Phone(
            id=hashlib.sha256(b"id" + seed).hexdigest()[:16],
            token=alert.hex() if desk is None else desk.make_token(alert),
            voip_token=hashlib.sha256(b"voip" + seed).hexdigest() if desk is None else "",
            vendor=vendor,
            platform="ios" if desk is None else desk.platform,
            topic=self.topics[0],
            environment=environment,
            user=user,
            name=name,
        )
        self.phones.add(phone)
        return phone
