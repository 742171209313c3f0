"""Access tokens as OAuth 2 gives them out."""

from __future__ import annotations

from balefire.vendor_kit.access_tokens import AccessTokens
from balefire.vendor_kit.http import Answer, VendorHttp
from balefire_hookspecs import Clock, Misconfigured, TryLater


def client_credentials(
    vendor: str,
    http: VendorHttp,
    clock: Clock,
    *,
    url: str,
    client_id: str,
    client_secret: str,
    timeout_seconds: float,
    hint: str,
) -> AccessTokens:
    """The access tokens of a client with a secret (RFC 6749, section 4.4, the secret in the form).

    :param hint: what the operator should look at when the vendor refuses the pair.
    """
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}

    async def fetch() -> tuple[str, float]:
        return read_grant(vendor, await http.post(url, form=form, timeout_seconds=timeout_seconds), hint)

    return AccessTokens(fetch, clock)


def read_grant(vendor: str, answer: Answer, hint: str) -> tuple[str, float]:
    """The access token in a token endpoint's answer, and how many seconds it lives.

    :raises TryLater: there will be one later.
    :raises Misconfigured: the credentials are refused; the text ends with ``hint``.
    """
    token, life = answer.fields.get("access_token"), answer.fields.get("expires_in")
    if answer.is_success and isinstance(token, str) and isinstance(life, int | float):
        return token, float(life)
    if answer.status >= 500 or answer.status == 429 or (answer.is_success and not answer.fields):
        raise TryLater(f"{vendor} gives no access token: {answer.status}", after_seconds=answer.retry_after_seconds)
    raise Misconfigured(f"{vendor} refuses the credentials ({answer.status}): {hint}")
