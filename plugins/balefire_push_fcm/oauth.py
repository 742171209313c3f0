"""Access tokens from Google: a signed assertion is exchanged for one (RFC 7523)."""

from typing import Final

from balefire import AccessTokens, Clock, VendorHttp, read_grant, read_rsa_key
from balefire_push_fcm.settings import ServiceAccount

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_SECONDS: Final = 3600  # Google allows no more
HINT: Final = "compare plugins.push-fcm.service_account with Firebase's console, and this machine's clock"


def google_tokens(account: ServiceAccount, http: VendorHttp, clock: Clock, timeout_seconds: float) -> AccessTokens:
    """The access tokens of one service account.

    :raises Misconfigured: its private key cannot be used.
    """
    key = read_rsa_key("push-fcm", account.private_key)

    async def fetch() -> tuple[str, float]:
        import jwt

        now = clock.now_ms() // 1000
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": now,
            "exp": now + LIFE_SECONDS,
        }
        assertion = jwt.encode(claims, key, algorithm="RS256", headers={"kid": account.private_key_id})
        form = {"grant_type": GRANT, "assertion": assertion}
        return read_grant("fcm", await http.post(account.token_uri, form=form, timeout_seconds=timeout_seconds), HINT)

    return AccessTokens(fetch, clock)
