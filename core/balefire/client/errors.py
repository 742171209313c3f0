"""What can go wrong for a client. The type says what to do, ``code`` is the protocol's stable code."""


class ClientError(Exception):
    """Base of everything the client raises. ``code`` is stable, the text is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code = code
        self.reason = reason


class RequestFailed(ClientError):
    """The server refused a request; asking again unchanged will not help before ``retry_after_ms``, if it is set."""

    def __init__(self, code: str, reason: str, *, where: str = "", retry_after_ms: int | None = None) -> None:
        super().__init__(code, reason)
        self.where = where
        self.retry_after_ms = retry_after_ms


class NotAuthenticated(ClientError):
    """The server does not accept the token, or ended the session for good: get another one."""


class NoAnswer(ClientError):
    """The deadline passed without an answer. A message may or may not have been stored: send again with the same id."""

    def __init__(self, reason: str) -> None:
        super().__init__("no_answer", reason)


class ConnectionEnded(ClientError):
    """The client was closed, or the server said good-bye without inviting it back."""


class CursorsFailed(ClientError):
    """The file of local cursors cannot be read or written."""

    def __init__(self, reason: str) -> None:
        super().__init__("cursors_failed", reason)


class ProtocolBroken(ClientError):
    """The peer does not speak version 1 of the protocol."""

    def __init__(self, reason: str) -> None:
        super().__init__("protocol_broken", reason)
