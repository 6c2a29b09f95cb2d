"""``Content-Disposition`` (RFC 6266)."""

import warnings
from urllib.parse import unquote

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.http.disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    content_disposition_filename,
    content_disposition_header,
    parse_content_disposition,
)


@pytest.mark.parametrize(
    ("header", "kind", "filename"),
    [
        ("inline", "inline", None),
        ("ATTACHMENT; filename=plain.txt", "attachment", "plain.txt"),
        ('attachment; filename="a b;c.txt"', "attachment", "a b;c.txt"),
        (r'attachment; filename="q\"q.txt"', "attachment", 'q"q.txt'),
        ("attachment; filename=x; filename*=UTF-8''%e2%82%ac.txt", "attachment", "€.txt"),
        ("attachment; filename*0=a; filename*1=b.txt", "attachment", "ab.txt"),
        ("attachment; filename*0*=UTF-8''%c3%a9; filename*1=b", "attachment", "éb"),
        ('attachment; filename="../../etc/passwd"', "attachment", "passwd"),
        ('attachment; filename="C:\\\\dir\\\\x.txt"', "attachment", "x.txt"),
        (None, None, None),
    ],
)
def test_file_names(header, kind, filename):
    parsed, params = parse_content_disposition(header)
    assert parsed == kind
    assert content_disposition_filename(params) == filename


@pytest.mark.parametrize(
    "header", ['"x"', "a b", "a; x", "a; ;x=1", "a; x=1; x=2", 'a; x="open', "a; x=1 ;y=2", "a; x="]
)
def test_malformed_headers_are_ignored_with_a_warning(header):
    with pytest.warns(BadContentDispositionHeader):
        assert parse_content_disposition(header) == (None, {})


def test_a_malformed_parameter_is_left_out_with_a_warning():
    with pytest.warns(BadContentDispositionParam):
        kind, params = parse_content_disposition("a; x*=nothing; y=1")
    assert (kind, dict(params)) == ("a", {"y": "1"})
    with pytest.warns(BadContentDispositionParam):
        assert parse_content_disposition("a; =x") == ("a", {})


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "nonsense"])
def test_a_name_in_a_charset_that_is_not_of_the_web_is_left_out(charset):
    with pytest.warns(BadContentDispositionParam):
        _, params = parse_content_disposition(f"a; filename*={charset}''x-y; filename=z")
    assert content_disposition_filename(params) == "z"


@pytest.mark.parametrize("name", ["plain.txt", "a b.txt", 'q"uote.txt', "é€.txt", "a;b=c.txt"])
@pytest.mark.parametrize("quote_fields", [True, False])
def test_what_is_built_is_read_back(name, quote_fields):
    header = content_disposition_header("attachment", quote_fields, filename=name)
    assert header.isascii() or not quote_fields
    _, params = parse_content_disposition(header)
    found = content_disposition_filename(params) or ""
    assert (unquote(found) if quote_fields else found) == name


@pytest.mark.parametrize("value", ["plain", "a b", 'q"uote\\', "é€", "a;b=c"])
@pytest.mark.parametrize("quote_fields", [True, False])
def test_names_of_fields_are_read_back(value, quote_fields):
    header = content_disposition_header("form-data", quote_fields, name=value)
    _, params = parse_content_disposition(header)
    assert content_disposition_filename(params, "name") == value


@given(
    parts=st.lists(
        st.sampled_from(
            [*"a =\"\\;*'/é", "filename", "name=", "x*=", "*0", 'n="v"', "; ", "utf-8''%41"]
        ),
        max_size=14,
    )
)
def test_headers_are_read_as_aiohttp_reads_them(parts):
    header = "form-data; " + "".join(parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = parse_content_disposition(header)
        theirs = aiohttp.parse_content_disposition(header)
    # Quotes may hold more than one semicolon here, and charsets are those of the web.
    assert ours == theirs or '"' in header or "*=" in header


@pytest.mark.parametrize(
    ("kind", "params"),
    [("a b", {}), ("a", {"x y": "1"}), ("a", {"x": "1\r\n2"}), ("a", {"x": "\0"})],
)
def test_what_would_break_the_header_is_refused(kind, params):
    with pytest.raises(ValueError, match=r"token|CR"):
        content_disposition_header(kind, **params)
