"""Values that applications keep with a request or a response."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

__all__ = ("ValueMapping",)


class ValueMapping(MutableMapping[Any, Any]):
    """Base of requests and responses: a mapping of its own values, equal to itself only."""

    __slots__ = ()

    # Made when a value is first kept, or asked for.
    _state: dict[Any, Any] | None

    def _values(self) -> dict[Any, Any]:
        if self._state is None:
            self._state = {}
        return self._state

    def __getitem__(self, key: Any) -> Any:
        return self._values()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._values()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._values()[key]

    def __len__(self) -> int:
        return len(self._values())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values())

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__
