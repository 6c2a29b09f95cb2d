"""The charsets that a peer may name.

Python's codecs are more than character encodings: ``punycode`` and ``idna`` take time that grows
with the square of the text, ``unicode_escape`` reads a language of its own, and each name that
is looked up and not found stays in memory. So a peer's name is looked up here.
"""

from __future__ import annotations

import codecs
from encodings.aliases import aliases
from functools import lru_cache
from typing import Final

__all__ = ("known_charset",)

_LONGEST_NAME = 40

# By the name of Python's module. UTF-7 is left out as in browsers: text in it is not what its
# bytes look like to a filter.
_CHARSETS: Final = frozenset(
    {
        "ascii",
        "big5",
        "big5hkscs",
        *(f"cp{page}" for page in ("037", "273", "424", "437", "500", "720", "737", "775")),
        *(f"cp{page}" for page in (850, 852, *range(855, 859), *range(860, 867), 869)),
        *(f"cp{page}" for page in (874, 875, 932, 949, 950, 1006, 1026, 1125, 1140)),
        *(f"cp{page}" for page in range(1250, 1259)),
        *("euc_jis_2004", "euc_jisx0213", "euc_jp", "euc_kr"),
        *("gb18030", "gb2312", "gbk", "hp_roman8", "hz"),
        "iso2022_jp",
        *(f"iso2022_jp_{variant}" for variant in ("1", "2", "2004", "3", "ext")),
        "iso2022_kr",
        *(f"iso8859_{part}" for part in range(1, 17) if part != 12),
        *("johab", "koi8_r", "koi8_t", "koi8_u", "kz1048", "latin_1"),
        *(f"mac_{name}" for name in ("cyrillic", "greek", "iceland", "latin2", "roman", "turkish")),
        *("ptcp154", "shift_jis", "shift_jis_2004", "shift_jisx0213", "tis_620"),
        *("utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"),
        *("utf_8", "utf_8_sig"),
    }
)


@lru_cache(maxsize=256)
def known_charset(name: str) -> str | None:
    """Return Python's name of the character encoding *name*, or ``None`` when it is unknown.

    Unknown are also the encodings of Python that are not charsets of the web, such as
    ``idna``, ``punycode``, ``unicode_escape``, ``utf-7`` and ``hex``.
    """
    if len(name) > _LONGEST_NAME or not name.isascii():
        return None
    folded = name.strip().lower().replace("-", "_").replace(" ", "_")
    module = aliases.get(folded, aliases.get(folded.replace(".", "_"), folded))
    return codecs.lookup(module).name if module in _CHARSETS else None
