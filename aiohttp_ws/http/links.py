"""The ``Link`` header (RFC 8288)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .field_values import FieldScanner

__all__ = ("parse_links",)


def parse_links(values: Iterable[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Parse ``Link`` fields: the target of each link, as it is written, and its parameters.

    Names are in lower case; a parameter without a value has ``""``. A link that is malformed is
    left out (RFC 8288 appendix B.2).
    """
    for value in values:
        scanner = FieldScanner(value)
        while not scanner.ended:
            link = _link(scanner)
            scanner.spaces()
            if link is not None and (scanner.ended or scanner.text[scanner.at] == ","):
                yield link
            scanner.skip_element()
            scanner.take(",")


def _link(scanner: FieldScanner) -> tuple[str, list[tuple[str, str]]] | None:
    scanner.spaces()
    if not scanner.take("<"):
        return None
    target = scanner.until(">")
    if not scanner.take(">"):
        return None
    parameters = []
    scanner.spaces()
    while scanner.take(";"):
        scanner.spaces()
        name = scanner.until("=;, \t")
        scanner.spaces()
        value = ""
        if scanner.take("="):
            scanner.spaces()
            quoted = scanner.quoted_string()
            value = _bare(scanner.until(";,")) if quoted is None else quoted
            if quoted is None and '"' in value:
                return None
            scanner.spaces()
        if name:
            parameters.append((name.lower(), value))
    return target, parameters


def _bare(value: str) -> str:
    # Not RFC 8288, but written: rel='next'.
    value = value.strip(" \t")
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == "'" else value
