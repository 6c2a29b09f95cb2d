"""Many resources that begin alike, told apart by another segment of the path.

Such as ``/{tenant}/orders``, ``/{tenant}/invoices`` and a hundred more: tried in turn, each costs
a regular expression. One segment decides which of them can match; these are tried, in their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .resources import AbstractResource

__all__ = ("BySegment",)


class BySegment:
    """What can match of *resources*, by the number of a path's segments and one of them.

    :param resources: in the order in which they are tried.
    """

    __slots__ = ("_at", "_by_number", "_by_text", "_others")

    def __init__(self, resources: Sequence[AbstractResource]) -> None:
        known = [(resource, resource.segments()) for resource in resources]
        self._at = at = _telling_place([segments for _, segments in known if segments is not None])
        keys = {
            (len(segments), segments[at])
            for _, segments in known
            if segments is not None and at < len(segments)
        }

        def fit(number: int, text: str | None) -> list[AbstractResource]:
            return [
                resource
                for resource, segments in known
                if segments is None
                or (
                    len(segments) == number
                    and (at >= number or segments[at] is None or segments[at] == text)
                )
            ]

        self._by_text = {(n, text): fit(n, text) for n, text in keys if text is not None}
        numbers = {len(segments) for _, segments in known if segments is not None}
        self._by_number = {number: fit(number, None) for number in numbers}
        self._others = [resource for resource, segments in known if segments is None]

    def fitting(self, path: str) -> list[AbstractResource]:
        """Return those that may match the safe *path*."""
        parts = path.split("/")
        number = len(parts)
        if self._at < number:
            found = self._by_text.get((number, parts[self._at]))
            if found is not None:
                return found
        return self._by_number.get(number, self._others)


def _telling_place(known: list[Sequence[str | None]]) -> int:
    """The place where most of the segments differ."""
    texts: defaultdict[int, set[str]] = defaultdict(set)
    for segments in known:
        for place, text in enumerate(segments):
            if text is not None:
                texts[place].add(text)
    return max(texts, key=lambda place: len(texts[place]), default=0)
