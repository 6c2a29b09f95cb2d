"""The access log's format language."""

from __future__ import annotations

import logging
import os
import re

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request


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
