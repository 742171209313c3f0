"""Log lines for people (text) and for machines (JSON), with what they are about, and without secrets."""

import json
import logging
import re
import sys
import time
from contextvars import ContextVar
from typing import Any, Final, TextIO

from balefire.config import LogSection

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; what goes beyond them was given as ``extra``."""

_SECRETS: Final = re.compile(
    r"(?i)(\bbearer\s+|\b(?:authorization|password|passwd|secret|api[-_]?key|token)[\"']?\s*[=:]\s*[\"']?(?:bearer\s+)?)"
    r"[^\s\"',;&]{6,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?<=://)([^/\s:@]+):[^@\s/]+(?=@)"
)
"""What looks like a credential: after a telling word, a JSON web token, a password in a URL. A second line of defence:
the first is that nobody logs one."""


CURRENT_REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the HTTP request being answered, "" outside of one; log lines written meanwhile carry it."""


def setup_logging(section: LogSection, stream: TextIO | None = None) -> None:
    """Send every log line of this process to standard error in the configured form. Replaces earlier set-ups."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if section.format == "json" else TextLines())
    handler.addFilter(_note_request)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(section.level.upper())
    # Their info is our debug: a line per request, per connection, per query.
    for chatty in ("aiohttp.access", "httpx", "httpcore", "hpack", "asyncio", "sqlalchemy.engine", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def _note_request(record: logging.LogRecord) -> bool:
    if request := CURRENT_REQUEST.get():
        record.request = request
    return True


def masked(text: str) -> str:
    """The text without what looks like a credential."""
    return _SECRETS.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    before, user = found.groups()
    return f"{before or ''}{user + ':' if user else ''}***"


class TextLines(logging.Formatter):
    """``12:00:01.250 warning balefire.hooks  what happened  key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it if there is one."""
        when = time.strftime("%H:%M:%S", time.localtime(record.created))
        about = "".join(f"  {key}={value}" for key, value in _extra(record).items())
        line = (
            f"{when}.{int(record.msecs):03} {record.levelname.lower():<7} {record.name}  {record.getMessage()}{about}"
        )
        return masked(line + _trace(self, record))


class JsonLines(logging.Formatter):
    """One JSON object per line: ``at`` (milliseconds, UTC), ``level``, ``logger``, ``text``, and the extras."""

    def format(self, record: logging.LogRecord) -> str:
        """One object; a traceback is in ``error``."""
        line: dict[str, Any] = {
            "at": int(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": masked(record.getMessage()),
        }
        line |= {key: value if _is_plain(value) else masked(str(value)) for key, value in _extra(record).items()}
        if trace := _trace(self, record).strip():
            line["error"] = masked(trace)
        return json.dumps(line, ensure_ascii=False, default=str)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return "\n" + formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
