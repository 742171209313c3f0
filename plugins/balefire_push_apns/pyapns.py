"""The alternative transport: the pyapns-client package, in threads.

It opens a TLS connection for every push and cuts texts at 2048 bytes. Apple takes many short connections for an attack,
so use it for comparison, or where something in between breaks long-lived ones.
"""

import asyncio
import logging
import ssl
from typing import Any, Final

from pyapns_client import (
    APNSClient,
    APNSConnectionException,
    APNSException,
    IOSNotification,
    IOSPayload,
    IOSPayloadAlert,
)

from balefire import (
    AuthExpired,
    Clock,
    Misconfigured,
    Notification,
    NotificationRejected,
    TryLater,
)
from balefire_push_apns.answers import explain
from balefire_push_apns.exchange import Answer
from balefire_push_apns.payload import PUSH_TYPES, TOPIC_SUFFIXES, build_payload, choose_topic
from balefire_push_apns.settings import Account, AccountSource, Config
from balefire_push_apns.signing import ProviderTokens

TALKATIVE: Final = ("pyapns_client", "httpx", "httpcore")


class PyApns:
    """A ``PushVendor`` that hands every notification to pyapns-client. A cancelled send runs on in its thread."""

    name = "apns"

    def __init__(self, config: Config, accounts: AccountSource, clock: Clock) -> None:
        self._config, self._accounts, self._clock = config, accounts, clock
        self._tokens: tuple[Account, ProviderTokens] | None = None
        for name in TALKATIVE:  # they log device tokens: one with the payload, the others as part of the address
            logging.getLogger(name).setLevel(logging.WARNING)

    async def send(self, note: Notification) -> str | None:
        """See ``PushVendor.send``."""
        account = self._accounts.read()
        push = _notification(note, account, self._clock.now_ms() // 1000 + note.ttl_seconds)
        environment = note.environment or self._config.default_environment
        tokens = self._provider_tokens(account)
        signed = tokens.current()
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                await asyncio.to_thread(self._push, account, environment, push, note.token.lower(), signed)
        except TimeoutError:
            raise TryLater(f"apple did not answer within {self._config.timeout_seconds:g} seconds") from None
        except AuthExpired as error:
            if tokens.renew(signed):
                raise
            reason = f"{error.reason}, though it was just signed: compare this machine's clock"
            raise Misconfigured(reason) from None
        return note.id

    def _provider_tokens(self, account: Account) -> ProviderTokens:
        if self._tokens is None or self._tokens[0] != account:
            tokens = ProviderTokens(account.key, key_id=account.key_id, team_id=account.team_id, clock=self._clock)
            self._tokens = account, tokens
        return self._tokens[1]

    def _push(self, account: Account, environment: str, push: Any, token: str, signed: str) -> None:
        client = _Client(account, account.host(environment), signed)
        try:
            client.push(push, token)
        except APNSConnectionException:
            raise TryLater("apple cannot be reached") from None
        except APNSException as error:
            reason = type(error).__name__.removesuffix("Exception")
            body = f'{{"reason": "{reason}", "timestamp": {getattr(error, "timestamp", None) or "null"}}}'
            raise explain(Answer(error.status_code or 500, {}, body.encode())) from None
        except ValueError:
            raise TryLater("something between here and apple gave an answer that is no JSON") from None
        except (NotImplementedError, KeyError):
            raise NotificationRejected("apple gave a reason that pyapns-client does not know") from None
        finally:
            client.close()


class _Client(APNSClient):  # type: ignore[misc]  # ships no types
    """Speaks to the host of the account, with the provider token that all pushes share."""

    def __init__(self, account: Account, host: str, signed: str) -> None:
        self.BASE_URLS = {"here": f"https://{host}"}
        self._signed = signed
        super().__init__("here", _trust(account), None, account.key_id, account.team_id)

    def _get_auth_key(self, auth_key_path: None) -> str:
        return ""  # nothing is signed here

    @property
    def _auth_token(self) -> str:
        return self._signed


def _trust(account: Account) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=account.ca_file or None)
    except OSError as error:
        raise Misconfigured(f"plugins.push-apns.ca_file: {error.strerror}") from None


def _notification(note: Notification, account: Account, expires_at: int) -> Any:
    build_payload(note)  # refuses what no transport could send
    is_silent = note.style == "data"
    payload = IOSPayload(
        alert=None if is_silent else IOSPayloadAlert(title=note.title, body=note.body),
        badge=None if is_silent else note.badge,
        sound=None if is_silent else note.sound or None,
        category=note.category or None,
        thread_id=note.thread or None,
        content_available=is_silent,
        custom={key: value for key, value in note.data.items() if key != "aps"},
    )
    return IOSNotification(
        payload=payload,
        topic=choose_topic(note, account.topics) + TOPIC_SUFFIXES[note.style],
        apns_id=note.id,
        collapse_id=note.collapse_key or None,
        expiration=str(expires_at),
        priority="5" if is_silent or note.urgency == "bulk" else "10",
        push_type=PUSH_TYPES[note.style],
    )
