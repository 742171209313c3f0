"""Whose credential is this? Asks the authenticators in turn; one that fails does not speak for the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from balefire.bounded import contained
from balefire_hookspecs import BalefireError, Identity, Unauthenticated

if TYPE_CHECKING:
    from balefire_hookspecs import Authenticator

log = logging.getLogger(__name__)

AUTHENTICATE_SECONDS: Final = 5.0
"""One authenticator's time; the contract promises an answer within one second."""


class AuthenticationUnavailable(BalefireError):
    """Whoever could vouch for these credentials cannot answer now. Try again later; they may be good."""

    code = "authentication_unavailable"
    status = 503


async def authenticate(authenticators: Mapping[str, Authenticator], credential: str) -> Identity:
    """The identity behind a credential.

    :raises Unauthenticated: it is wrong, or nobody here knows this sort.
    :raises AuthenticationUnavailable: nobody knows it, but one of those asked failed and might have.
    """
    failed = ""
    for name, authenticator in authenticators.items():
        try:
            identity = await _ask(authenticator, credential)
        except Unauthenticated:
            raise
        except (Exception, SystemExit) as error:
            log.error("authenticator %r failed", name, exc_info=error)
            failed = name
            continue
        if identity is not None:
            return identity
    if failed:
        raise AuthenticationUnavailable("these credentials cannot be checked now; try again later")
    raise Unauthenticated("these credentials are not known here")


async def _ask(authenticator: Authenticator, credential: str) -> Identity | None:
    found = authenticator.authenticate(credential)
    if found is None or isinstance(found, Identity):
        return found
    async with asyncio.timeout(AUTHENTICATE_SECONDS):
        return await contained(found)
