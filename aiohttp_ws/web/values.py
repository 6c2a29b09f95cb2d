"""Values that applications keep with a request or a response."""

from __future__ import annotations

import os
import sys
import warnings
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final, TypeVar

from .app_keys import RequestKey, ResponseKey, warn_plain_key

__all__ = ("ChainMapProxy", "ValueMapping")


class ChainMapProxy(Mapping[Any, Any]):
    """Several mappings read as one: a key is looked for in the first, then in the next.

    ``request.config_dict`` is one of those of nested applications. It cannot be subclassed.

    :param maps: the mappings.
    """

    __slots__ = ("_maps",)

    def __init__(self, maps: Iterable[Mapping[Any, Any]]) -> None:
        self._maps = tuple(maps)

    def __init_subclass__(cls) -> None:
        raise TypeError(f"{cls.__name__} inherits from ChainMapProxy, which is not made for it")

    def __getitem__(self, key: Any) -> Any:
        for each in self._maps:
            if key in each:
                return each[key]
        raise KeyError(key)

    def __len__(self) -> int:
        return len(self._keys())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys())

    def _keys(self) -> ChainMap[Any, Any]:
        return ChainMap(*self._maps)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return any(self._maps)

    def __repr__(self) -> str:
        return f"ChainMapProxy({', '.join(map(repr, self._maps))})"


_warned_of: set[Any] = set()
# A key may be made of what a client sent.
_MOST_WARNINGS: Final = 256


# As asyncio decides about its debug mode.
_IN_DEVELOPMENT: Final = sys.flags.dev_mode or (
    not sys.flags.ignore_environment and bool(os.environ.get("PYTHONASYNCIODEBUG"))
)
_Class = TypeVar("_Class", bound=type)


def guarded(cls: _Class) -> _Class:
    """Let *cls* warn of attributes that are not its own, in Python's development mode."""
    if not _IN_DEVELOPMENT:
        return cls

    def set_attribute(self: Any, name: str, value: Any) -> None:
        if name not in self.ATTRS:
            warnings.warn(
                f"{name} is not an attribute of {type(self).__name__}: keep values under keys",
                DeprecationWarning,
                stacklevel=2,
            )
        object.__setattr__(self, name, value)

    cls.__setattr__ = set_attribute  # type: ignore[method-assign, assignment]
    return cls


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
