"""The table ``[plugins.push-web]`` and the key by which push services know us."""

import os
from pathlib import Path
from typing import ClassVar, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import Field

from balefire import Account, Misconfigured, VendorSettings

KEY_FILE: Final = "vapid.pem"


class Config(VendorSettings):
    """The table ``[plugins.push-web]``. The signing key is made on the first start and kept in the data folder."""

    needed: ClassVar[tuple[str, ...]] = ("contact",)

    contact: str = Field(
        "",
        pattern="^(mailto:.+@.+|https://.+)?$",
        description="mailto: or https: address at which a push service can complain about us",
    )
    key_file: Path | None = Field(None, description="an EC P-256 private key in PEM form, instead of the one made here")
    allow_http: bool = Field(False, description="let endpoints be http, as the sandbox's are; browsers' are https")


def vapid_key(account: Account[Config]) -> ec.EllipticCurvePrivateKey:
    """The signing key: the configured one, or our own, made when missing. A new key loses every subscription.

    :raises Misconfigured: it cannot be read, or is no key on P-256.
    """
    configured = account.read().key_file
    path = configured or account.folder / KEY_FILE
    if configured is None and not path.exists():
        _make(path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misconfigured(f"plugins.push-web.key_file: {path.name} is not a private EC key on P-256 in PEM form")
    return key


def _make(path: Path) -> None:
    """Written beside and moved into place: half a key would lose every subscription."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
