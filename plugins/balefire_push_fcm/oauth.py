"""Access tokens from Google: a signed assertion is exchanged for one (RFC 7523)."""

from typing import Any, Final

from balefire import AccessTokens, Clock, Misconfigured, TryLater, VendorHttp
from balefire_push_fcm.settings import ServiceAccount

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_SECONDS: Final = 3600  # Google allows no more


def google_tokens(account: ServiceAccount, http: VendorHttp, clock: Clock, timeout_seconds: float) -> AccessTokens:
    """The access tokens of one service account.

    :raises Misconfigured: its private key cannot be used.
    """
    key = _read_key(account.private_key)

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
        answer = await http.post(
            account.token_uri, form={"grant_type": GRANT, "assertion": assertion}, timeout_seconds=timeout_seconds
        )
        token, life = answer.fields.get("access_token"), answer.fields.get("expires_in")
        if answer.is_success and isinstance(token, str) and isinstance(life, int | float):
            return token, float(life)
        if answer.status >= 500 or answer.status == 429:
            raise TryLater(f"fcm gives no access token: {answer.status}", after_seconds=answer.retry_after_seconds)
        raise Misconfigured(
            f"plugins.push-fcm.service_account: google refuses it ({answer.status}); "
            "compare the key with Firebase's console, and this machine's clock"
        )

    return AccessTokens(fetch, clock)


def _read_key(pem: str) -> Any:
    """Parsed once: it takes longer than a signature."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("plugins.push-fcm.service_account: its private_key is not an RSA key in PEM form")
    return key
