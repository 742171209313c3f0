"""What Huawei knows us by: an assertion that the service account signs, used as access token itself."""

import asyncio
from typing import TYPE_CHECKING, Final

from balefire import AccessTokens, Clock, read_rsa_key
from balefire_push_harmony.settings import ServiceAccount

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFE_SECONDS: Final = 3600


def signed_tokens(account: ServiceAccount, clock: Clock) -> AccessTokens:
    """The access tokens of one service account. A 4096-bit key is slow, so it is read once, and in a thread."""
    signer = _Signer(account, clock)

    async def sign() -> tuple[str, float]:
        return await asyncio.to_thread(signer.sign), LIFE_SECONDS

    return AccessTokens(sign, clock)


class _Signer:
    def __init__(self, account: ServiceAccount, clock: Clock) -> None:
        self._account, self._clock = account, clock
        self._key: RSAPrivateKey | None = None

    def sign(self) -> str:
        """
        :raises Misconfigured: the private key cannot be used.
        """
        import jwt

        if self._key is None:
            self._key = read_rsa_key("push-harmony", self._account.private_key)
        now = self._clock.now_ms() // 1000
        claims = {
            "iss": self._account.sub_account,
            "aud": self._account.token_uri,
            "iat": now,
            "exp": now + LIFE_SECONDS,
        }
        return jwt.encode(claims, self._key, algorithm="PS256", headers={"kid": self._account.key_id})
