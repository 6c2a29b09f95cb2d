"""Types of arguments that several floors take; users import them from ``typedefs``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy, istr
from yarl import URL, Query

__all__ = (
    "DEFAULT_JSON_DECODER",
    "DEFAULT_JSON_ENCODER",
    "Byteish",
    "JSONDecoder",
    "JSONEncoder",
    "LooseCookies",
    "LooseHeaders",
    "PathLike",
    "Query",
    "RawHeaders",
    "StrOrURL",
)

DEFAULT_JSON_ENCODER = json.dumps
DEFAULT_JSON_DECODER = json.loads

# Not text: programs make unions of them at run time.
JSONEncoder: TypeAlias = Callable[[Any], str]
JSONDecoder: TypeAlias = Callable[[str], Any]
Byteish: TypeAlias = bytes | bytearray | memoryview
RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]
StrOrURL: TypeAlias = str | URL
PathLike: TypeAlias = str | os.PathLike[str]
LooseHeaders: TypeAlias = (
    Mapping[str, str]
    | Mapping[istr, str]
    | CIMultiDict[str]
    | CIMultiDictProxy[str]
    | Iterable[tuple[str, str]]
)
LooseCookies: TypeAlias = (
    Mapping[str, Any] | Iterable[tuple[str, Any]] | MultiDict[Any] | MultiDictProxy[Any]
)
