"""Which hosts of URLs are asked for at all."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

__all__ = ("host_fault", "without_zone")

# WHATWG URL 3.5: a host whose last label is a number is an IPv4 address, or nothing.
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_INVISIBLE: Final = re.compile(r"[^\x21-\x7e]")
# RFC 1035 2.3.4
_LONGEST_LABEL: Final = 63
_LONGEST_NAME: Final = 253


@lru_cache(maxsize=1024)
def host_fault(host: str) -> str | None:
    """What is wrong with the host of a URL, or ``None``.

    ``127.1``, ``0177.0.0.1`` and ``2130706433`` are addresses to the system's resolver and names to
    a filter that compares text, which is why they are refused.

    :param host: as of :attr:`yarl.URL.raw_host`.
    """
    if _INVISIBLE.search(host):
        return f"{host!a:.100} is not a host name: percent-encode what is not visible ASCII"
    if ":" in host:
        return None  # an IPv6 address, which URL() has read
    labels = host.split(".")
    if labels[-1] == "" and len(labels) > 1:
        labels.pop()  # the root
    if _NUMBER.fullmatch(labels[-1]):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return f"{host:.100} is not a canonical IPv4 address"
        return None
    if len(host) > _LONGEST_NAME + 1 or not all(0 < len(each) <= _LONGEST_LABEL for each in labels):
        return (
            f"{host:.100} is not a host name: it has at most {_LONGEST_NAME} characters, and 1 to"
            f" {_LONGEST_LABEL} between dots"
        )
    return None


def without_zone(authority: str) -> str:
    """Take the zone off an IPv6 address in brackets: it means nothing elsewhere (RFC 6874 1)."""
    address, percent, rest = authority.partition("%")
    return f"{address}]{rest.partition(']')[2]}" if percent else authority
