"""The charsets that a peer may name."""

import codecs

import pytest

from aiohttp_ws.http.charsets import known_charset

WEB = "utf-8 UTF8 latin1 ISO-8859-1 iso-8859-15 windows-1252 Shift_JIS EUC-JP gb2312 GBK gb18030"
WEB += " Big5 koi8-r us-ascii UTF-16LE tis-620 euc-kr"
ODD = "idna punycode unicode_escape raw-unicode-escape undefined mbcs oem utf-7 hex base64 zlib"
ODD += " rot13 uu bz2 quopri charmap palmos nonsense utf-8\0 \udcff ..aliases u\u0308tf-8"


@pytest.mark.parametrize("name", WEB.split())
def test_charsets_of_the_web_are_known(name):
    assert known_charset(name) == codecs.lookup(name).name


@pytest.mark.parametrize("name", [*ODD.split(), "", "x" * 10_000])
def test_other_codecs_of_python_are_not(name):
    assert known_charset(name) is None


def test_unknown_names_leave_nothing_behind():
    import encodings

    before = len(encodings._cache)
    for number in range(1000):
        assert known_charset(f"nonsense-{number}") is None
    assert len(encodings._cache) == before
