"""Service accounts: the JSON key file that some vendors give out instead of a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

import msgspec
from pydantic import Field, SecretStr

from balefire.vendor_kit.account import VendorSettings
from balefire_hookspecs import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

K = TypeVar("K", bound=msgspec.Struct)


class ServiceAccountSettings(VendorSettings):
    """The settings of a vendor with a service account: its key as text or as a file."""

    needed: ClassVar[tuple[str, ...]] = ("service_account",)

    service_account: SecretStr = Field(SecretStr(""), description="the service account's JSON key, or use its file")
    service_account_file: Path | None = Field(None, description="path of the service account's JSON key")

    @property
    def has_account(self) -> bool:
        """A file will do too."""
        return super().has_account or self.service_account_file is not None

    def read_key(self, plugin: str, shape: type[K]) -> K:
        """The key file's contents.

        :param plugin: the table's name, for messages.
        :raises Misconfigured: it is not there, or not of this shape.
        """
        text = self.service_account.get_secret_value()
        if self.service_account_file is not None:
            try:
                text = self.service_account_file.read_text()
            except (OSError, UnicodeDecodeError):
                raise Misconfigured(f"plugins.{plugin}.service_account_file: cannot be read") from None
        try:
            return msgspec.convert(json.loads(text), shape)
        except (ValueError, RecursionError):
            raise Misconfigured(
                f"plugins.{plugin}.service_account: not the JSON key of a service account; make one in the vendor's "
                "console"
            ) from None


def read_rsa_key(plugin: str, pem: str) -> RSAPrivateKey:
    """The private key of a service account. Keep it: reading takes far longer than signing.

    :raises Misconfigured: it is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured(f"plugins.{plugin}.service_account: its private_key is not an RSA key in PEM form")
    return key
