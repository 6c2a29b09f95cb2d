"""HTTP dates: written as IMF-fixdate, read in all three forms of RFC 9110 5.6.7."""

from __future__ import annotations

import datetime
import time
from email.utils import parsedate

__all__ = ("current_http_date", "format_http_date", "parse_http_date")

# Not strftime(): names of days and months must not follow the locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_current: tuple[int, str] = (-1, "")


def format_http_date(timestamp: float) -> str:
    """Return *timestamp* (seconds since the epoch) as HTTP writes it, whole seconds, GMT."""
    t = time.gmtime(timestamp)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04d}"
        f" {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} GMT"
    )


def current_http_date() -> str:
    """Return the value of ``Date`` for a message sent now; formatted once a second."""
    global _current
    now = int(time.time())
    if _current[0] != now:
        _current = (now, format_http_date(now))
    return _current[1]


def parse_http_date(value: str | None) -> datetime.datetime | None:
    """Return the moment *value* names, in UTC; ``None`` when it is not a date.

    RFC 9110 13.1.3: a recipient ignores a conditional field whose date is invalid.
    """
    # int(), which parsedate() calls, takes the digits of every script.
    if not value or not value.isascii():
        return None
    parts = parsedate(value)
    if parts is None:
        return None
    try:
        return datetime.datetime(*parts[:6], tzinfo=datetime.timezone.utc)
    except (ValueError, OverflowError):
        return None
