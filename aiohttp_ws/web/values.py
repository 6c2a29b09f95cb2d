"""Values that applications keep with a request or a response."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, Final

from .app_keys import RequestKey, ResponseKey, warn_plain_key

__all__ = ("ValueMapping",)


_warned_of: set[Any] = set()
# A key may be made of what a client sent.
_MOST_WARNINGS: Final = 256


class ValueMapping(MutableMapping[Any, Any]):
    """Base of requests and responses: a mapping of its own values, equal to itself only."""

    __slots__ = ()

    _key_type: type[RequestKey[Any] | ResponseKey[Any]]
    # Made when a value is first kept, or asked for.
    _state: dict[Any, Any] | None

    def _values(self) -> dict[Any, Any]:
        if self._state is None:
            self._state = {}
        return self._state

    def __getitem__(self, key: Any) -> Any:
        return self._values()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        # Once for each key: it is used with every request.
        if (
            not isinstance(key, self._key_type)
            and key not in _warned_of
            and len(_warned_of) < _MOST_WARNINGS
        ):
            _warned_of.add(key)
            warn_plain_key(self._key_type.__name__)
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
