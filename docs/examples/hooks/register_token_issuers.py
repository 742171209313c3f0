from balefire import TokenIssuer, hookimpl


@hookimpl
def register_token_issuers() -> list[TokenIssuer]:
    # Hand over an object with issue, revoke and revoke_user; log-in pages and the token API use it.
    return []
