"""The access log's format language."""

from __future__ import annotations

import logging
import os
import re

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request
from tests.client.waiting import until
from tests.web.raw_server import get, running, status_of


@pytest.fixture
def logged(caplog):
    """Log one request with a format; return the record."""
    logger = logging.getLogger("test.access")

    def log(log_format, path="/p?q=1", seconds=1.23456789, **headers):
        request = make_mocked_request("GET", path, headers=headers)
        response = web.Response(status=201, headers={"X-Out": "o"})
        with caplog.at_level(logging.INFO, "test.access"):
            web.AccessLogger(logger, log_format).log(request, response, seconds)
        return caplog.records[-1]

    return log


@pytest.mark.parametrize(
    ("log_format", "line", "attribute", "value"),
    [
        ("%r", "GET /p?q=1 HTTP/1.1", "first_request_line", "GET /p?q=1 HTTP/1.1"),
        ("%s", "201", "response_status", 201),
        ("%b", "0", "response_size", 0),
        ("%T", "1", "request_time", "1"),
        ("%Tf", "1.234568", "request_time_frac", "1.234568"),
        ("%D", "1234568", "request_time_micro", "1234568"),
        ("%P", f"<{os.getpid()}>", "process_id", f"<{os.getpid()}>"),
        ("%{X-In}i", "i", "request_header", {"X-In": "i"}),
        ("%{X-Out}o", "o", "response_header", {"X-Out": "o"}),
        ("%{Nope}i %{X-In}i", "- i", "request_header", {"Nope": "-", "X-In": "i"}),
    ],
)
def test_each_atom_is_written_and_kept_as_an_attribute(logged, log_format, line, attribute, value):
    record = logged(log_format, **{"X-In": "i"})
    assert record.getMessage() == line
    assert getattr(record, attribute) == value


def test_the_default_format(logged):
    record = logged(web.AccessLogger.LOG_FORMAT, **{"User-Agent": "test/1"})
    assert re.fullmatch(
        r".+ \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
        r'"GET /p\?q=1 HTTP/1.1" 201 0 "-" "test/1"',
        record.getMessage(),
    )
    assert record.levelno == logging.INFO


def test_other_text_is_kept(logged):
    assert logged("100%% of %s, %Q %h %{x}y %").getMessage() == "100% of 201, %Q %h %{x}y %"


def test_a_client_cannot_close_the_quotes_of_a_field(logged):
    assert logged('"%{X}i" %s', X='" 500 "').getMessage() == r'"\" 500 \"" 201'


def test_bytes_that_are_no_text_can_be_written(logged):
    assert logged("%{X}i", X="\udcff").getMessage().encode() == b"\\udcff"


def test_a_failing_atom_is_logged_and_not_raised(caplog):
    class Broken:
        method = property(lambda self: 1 / 0)
        version = (1, 1)

    logger = logging.getLogger("test.access")
    web.AccessLogger(logger, "%r").log(Broken(), web.Response(), 0.0)
    assert caplog.records[-1].exc_info[0] is ZeroDivisionError


def test_enabled_follows_the_logger():
    logger = logging.getLogger("test.access.quiet")
    logger.setLevel(logging.WARNING)
    assert not web.AccessLogger(logger).enabled
    logger.setLevel(logging.INFO)
    assert web.AccessLogger(logger).enabled


# ------------------------------------------------------------------- what a peer chose

UNSAFE = '"\\\x00\t\n\r\x1b\x7f\x85\x9b\u2028\u2029'
ESCAPED = r"\"\\\x00\x09\x0a\x0d\x1b\x7f\u0085\u009b\u2028\u2029"


def test_what_could_end_a_field_or_a_line_is_escaped(logged):
    record = logged('"%{X}i"', X=f"a{UNSAFE}é日b")
    assert record.getMessage() == f'"a{ESCAPED}é日b"'
    assert record.request_header == {"X": f"a{ESCAPED}é日b"}


def test_no_character_of_a_peer_begins_a_line_or_a_field(logged):
    for code in (*range(0x100), 0x2028, 0x2029, 0xDCFF):
        line = logged('"%{X}i" end', X=f"x{chr(code)}x").getMessage()
        assert len(line.splitlines()) == 1
        assert line.encode().endswith(b'x" end')
        inside = line[1:-5].replace("\\\\", "").replace('\\"', "")
        assert '"' not in inside
        assert not inside.endswith("\\")


def test_an_address_that_a_middleware_took_from_a_header_is_escaped(caplog):
    request = make_mocked_request("GET", "/").clone(remote='1.2.3.4" "x\n')
    logger = logging.getLogger("test.access")
    with caplog.at_level(logging.INFO, "test.access"):
        web.AccessLogger(logger, '"%a"').log(request, web.Response(), 0.0)
    assert caplog.records[-1].getMessage() == r'"1.2.3.4\" \"x\x0a"'


LINE = "%s %{Content-Length}o|%{Server}o|%{Date}o|%{Content-Type}o|%{X}o|%{Nope}o"


async def streamed(request):
    response = web.StreamResponse(headers={"X": "é"})
    response.content_length = 5
    await response.prepare(request)
    await response.write(b"hello")
    return response


async def prepared(request):
    response = web.Response(text="hello", headers={"X": "é"})
    await response.prepare(request)
    return response


async def at_once(request):
    return web.Response(text="hello", headers={"X": "é"})


async def typed(request):
    return web.Response(body=b"hello")


async def refused(request):
    raise web.HTTPForbidden(headers={"X": "é"})


async def failing(request):
    raise RuntimeError


async def file(request):
    return web.FileResponse(__file__, headers={"X": "é"})


async def empty(request):
    return web.Response(status=204)


@pytest.mark.parametrize(
    "handler", [streamed, prepared, at_once, typed, refused, failing, file, empty]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_headers_of_the_response_are_logged_as_they_were_sent(handler, method, caplog):
    logger = logging.getLogger("test.access")
    with caplog.at_level(logging.INFO, "test.access"):
        async with (
            running(handler, access_log=logger, access_log_format=LINE) as server,
            server.connect() as peer,
        ):
            peer.send(get("/", method=method))
            head = await peer.reader.readuntil(b"\r\n\r\n")
            await until(lambda: any(each.name == "test.access" for each in caplog.records))
    (record,) = (each for each in caplog.records if each.name == "test.access")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    names = ("Content-Length", "Server", "Date", "Content-Type", "X", "Nope")
    sent = [fields.get(name, "-") for name in names]
    assert record.getMessage() == f"{status_of(head)} {'|'.join(sent)}"
    assert record.response_header == dict(zip(names, sent, strict=True))
    assert fields["Date"]
    assert fields["Server"]
