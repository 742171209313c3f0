"""What a user wants of their phone, read from the profile's ``extra["push"]``.

.. code-block:: json

    {"muted": false, "calls_muted": false, "hide_detail": false, "quiet_hours": {"from": "22:00", "to": "07:00"}}
"""

import re
import zoneinfo
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import msgspec

from balefire import User

MINUTES_A_DAY: Final = 24 * 60
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class QuietHours(msgspec.Struct, frozen=True):
    """From one minute of the day to another, in the user's own time zone; may wrap midnight."""

    start: int
    end: int

    def covers(self, minute: int) -> bool:
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02} to {self.end // 60:02}:{self.end % 60:02}"


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    is_muted: bool = False
    mutes_calls: bool = False
    hides_detail: bool = False
    quiet_hours: QuietHours | None = None


def read_preferences(user: User | None) -> Preferences:
    """The user's wishes. What is malformed counts as not said."""
    told = user.extra.get("push") if user is not None else None
    if not isinstance(told, dict):
        return Preferences()
    return Preferences(
        is_muted=told.get("muted") is True,
        mutes_calls=told.get("calls_muted") is True,
        hides_detail=told.get("hide_detail") is True,
        quiet_hours=_quiet_hours(told.get("quiet_hours")),
    )


def local_minute(now_ms: int, timezone: str) -> int:
    """The minute of the day there; an unknown time zone counts as UTC."""
    there = datetime.fromtimestamp(now_ms / 1000, _zone(timezone))
    return there.hour * 60 + there.minute


def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name) if name else UTC
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _quiet_hours(told: Any) -> QuietHours | None:
    if not isinstance(told, dict):
        return None
    start, end = _minute(told.get("from")), _minute(told.get("to"))
    return None if start is None or end is None or start == end else QuietHours(start, end)


def _minute(told: Any) -> int | None:
    found = _TIME.fullmatch(told) if isinstance(told, str) else None
    return int(found[1]) * 60 + int(found[2]) if found else None
