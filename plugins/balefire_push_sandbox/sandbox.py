"""The sandbox as a whole: an authority, two Apple servers, the phones they reach."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from balefire import Clock
from balefire_push_sandbox.apple import Judge
from balefire_push_sandbox.authority import Authority
from balefire_push_sandbox.faults import Faults
from balefire_push_sandbox.phones import Environment, Phone, Phones
from balefire_push_sandbox.provider_token import ProviderTokenCheck
from balefire_push_sandbox.server import AppleServer

ENVIRONMENTS: Final[tuple[Environment, ...]] = ("production", "sandbox")
ACCOUNT_FILE: Final = "apns.json"


class Sandbox:
    """Stands in for Apple on loopback. ``start`` writes the account for the APNs plugin into ``account_file``."""

    def __init__(self, folder: Path, clock: Clock, *, topics: Sequence[str]) -> None:
        self.topics = tuple(topics)
        self.authority = Authority(folder)
        self.phones = Phones(clock)
        self.faults = Faults()
        identity = self.authority.identity
        self.tokens = ProviderTokenCheck(
            self.authority.public_key, key_id=identity.key_id, team_id=identity.team_id, clock=clock
        )
        self.account_file = folder / ACCOUNT_FILE
        self.servers: dict[Environment, AppleServer] = {}
        for environment in ENVIRONMENTS:
            judge = Judge(self.phones, self.tokens, topics=topics, environment=environment)
            tls = self.authority.server_tls()
            self.servers[environment] = AppleServer(judge, self.faults, tls, clock)
        self._addresses: dict[Environment, str] = {}

    async def start(self, *, host: str = "127.0.0.1", ports: Sequence[int] = (0, 0)) -> None:
        """Listen for both environments and write the account file.

        :raises OSError: a port is taken.
        """
        for environment, port in zip(ENVIRONMENTS, ports, strict=True):
            self._addresses[environment] = f"{host}:{await self.servers[environment].start(host, port)}"
        draft = self.account_file.with_suffix(".draft")
        draft.write_text(json.dumps(self.account(), indent=1))
        draft.chmod(0o600)
        draft.replace(self.account_file)

    async def stop(self) -> None:
        for server in self.servers.values():
            await server.stop()

    def account(self) -> dict[str, Any]:
        """Settings of ``[plugins.push-apns]`` that point it here."""
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
        self, *, user: str = "", name: str = "", environment: Environment = "production", seed: bytes = b""
    ) -> Phone:
        """Add a phone with tokens as long as Apple's: random, or the same for the same ``seed``."""
        seed = seed or secrets.token_bytes(32)
        phone = Phone(
            id=hashlib.sha256(b"id" + seed).hexdigest()[:16],
            token=hashlib.sha256(b"alert" + seed).hexdigest(),
            voip_token=hashlib.sha256(b"voip" + seed).hexdigest(),
            topic=self.topics[0],
            environment=environment,
            user=user,
            name=name,
        )
        self.phones.add(phone)
        return phone
