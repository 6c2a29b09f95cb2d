"""The grammar that the values of header fields share (RFC 9110 5.6), read in linear time.

A value comes from a peer, and a peer chooses what is expensive. A :class:`FieldScanner` moves
through it from left to right and never back, so that parsing costs what reading costs.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ("FieldScanner", "is_token", "unquoted")

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_QUOTED_RUN: Final = re.compile(r'[^"\\]*')
_PLAIN: Final = re.compile(r'[^,"]*')
_BARE: Final = re.compile(r'[^;,"]*')
# What is read up to: the end of a parameter, an element, a link's target, a name or a bare value.
_UNTIL: Final = {
    ";": re.compile(r"[^;]*"),
    ",": re.compile(r"[^,]*"),
    ";,": re.compile(r"[^;,]*"),
    ">": re.compile(r"[^>]*"),
    "=;, \t": re.compile(r"[^=;, \t]*"),
    ' \t;"': re.compile(r'[^ \t;"]*'),
}


def is_token(text: str) -> bool:
    """Whether *text* is a token (RFC 9110 5.6.2)."""
    found = _TOKEN.match(text)
    return bool(text) and found is not None and found.end() == len(text)


def unquoted(text: str) -> str:
    """Return the content of the quoted string that *text* is; any other text as it is."""
    if len(text) < 2 or text[0] != '"':
        return text
    scanner = FieldScanner(text)
    content = scanner.quoted_string()
    return text if content is None or not scanner.ended else content


class FieldScanner:
    """Reads the value of a header field from left to right.

    :param text: the value.
    :param at: where to begin.
    """

    __slots__ = ("_unclosed", "at", "text")

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        #: How much has been read.
        self.at = at
        self._unclosed = False

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return self.at >= len(self.text)

    def _run(self, pattern: re.Pattern[str]) -> str:
        start = self.at
        found = pattern.match(self.text, start)
        assert found is not None  # every pattern here matches the empty text
        self.at = found.end()
        return self.text[start : self.at]

    def spaces(self) -> None:
        """Pass over spaces and tabs (RFC 9110 5.6.3)."""
        # Mostly there are none, or one: cheaper than an expression.
        text, at = self.text, self.at
        size = len(text)
        while at < size and text[at] in " \t":
            at += 1
        self.at = at

    def token(self) -> str:
        """Read a token; ``""`` when none begins here."""
        return self._run(_TOKEN)

    def until(self, stop: str) -> str:
        """Read up to one of the characters of *stop*, a key of ``_UNTIL``, or to the end."""
        return self._run(_UNTIL[stop])

    def take(self, char: str) -> bool:
        """Read *char* when it comes next; return whether it did."""
        if self.text.startswith(char, self.at):
            self.at += 1
            return True
        return False

    def quoted_string(self) -> str | None:
        """Read the quoted string that begins here (RFC 9110 5.6.4) and return its content.

        ``None``, and nothing is read, when none begins here or its end is missing.
        """
        # Where one quote is never closed, none after it is: it is looked for once.
        if self._unclosed or not self.text.startswith('"', self.at):
            return None
        start = self.at
        self.at += 1
        parts = [self._run(_QUOTED_RUN)]
        while not self.take('"'):
            if self.at + 1 >= len(self.text):
                self.at = start
                self._unclosed = True
                return None
            parts.append(self.text[self.at + 1])
            self.at += 2
            parts.append(self._run(_QUOTED_RUN))
        return "".join(parts)

    def parameter(self) -> tuple[str, str | None]:
        """Read ``name``, ``name=value`` or ``name="value"`` and the spaces around it.

        The name is ``""`` where no token begins; the value is ``None`` without one. A value
        that is neither a token nor quoted is what precedes the next semicolon, comma or quote.
        """
        self.spaces()
        name = self.token()
        self.spaces()
        if not name or not self.take("="):
            return name, None
        self.spaces()
        value = self.quoted_string()
        if value is None:
            value = self._run(_BARE).rstrip(" \t")
        else:
            self.spaces()
        return name, value

    def skip_element(self) -> None:
        """Pass over the rest of a list's element; a comma within quotes does not end it."""
        while not self.ended:
            self._run(_PLAIN)
            if self.quoted_string() is None and not self.ended:
                if self.text[self.at] == ",":
                    return
                self.at += 1  # a quote that is never closed
