"""The tables of ``docs/guide/from_aiohttp.rst``: each row has a test that holds it.

A row that is added needs an entry here; one whose test is gone or renamed fails.
"""

from __future__ import annotations

import ast
import functools
import logging
import re
from pathlib import Path

import pytest
from multidict import CIMultiDict

import aiohttp_ws
from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpClient
from aiohttp_ws.test_utils import make_mocked_request
from tests.programs import ROOT

HERE = "tests/test_aiohttp_differences.py"
#: How the first cell of a row begins, and the test.
TESTS = {
    # WebSockets
    "pings, pongs,": "contract/test_pings.py::test_a_ping_is_answered_while_nobody_receives",
    "a connection that dies": "test_dead_peer_ends_a_pending_receive",
    "messages that are not received": "test_socket_is_not_read_while_the_queue_is_full",
    "``origins=``": "test_a_foreign_origin_is_refused_with_403",
    "``send_*``, ``ping``": "test_a_send_waits_above_the_high_water_mark_and_goes_on_below",
    "the peer's close, or its fault": (
        "test_a_close_behind_messages_that_nobody_reads_is_answered_in_the_end"
    ),
    "an exception of a handler": (
        "test_an_exception_after_the_upgrade_closes_with_1011_and_is_logged"
    ),
    "a second response": "test_a_second_response_to_a_request_is_refused",
    "``close_code``": "test_the_close_code_is_the_peers_or_1006",
    "codes that cannot": "test_such_a_code_cannot_be_sent_either",
    "``close()`` of a client": "test_a_client_lets_the_server_end_tcp_first",
    "opening handshakes": "test_another_version_is_refused_with_426_and_the_one_that_is_spoken",
    "``compress=`` of ``ws_connect``": "test_window_bits_that_do_not_exist_are_refused",
    "``session.close()``": "test_closing_the_session_closes_its_connections",
    # Servers
    "heads and bodies": "test_head_timeout_answers_half_a_head_with_408",
    "bad requests": "test_a_bad_request_is_answered_and_the_connection_closed",
    "``run_app()``": "test_uvloop_is_used_when_installed",
    "the loggers": f"{HERE}::test_the_loggers_have_names_of_their_own",
    "a handler that awaits": "test_a_handler_that_waits_for_a_cancelled_task_answers_500",
    "a body that is not as long": "test_a_body_shorter_than_promised_ends_the_connection",
    "an answer in the place": "test_a_body_is_not_sent_after_an_answer_that_comes_instead_of_100",
    "charsets that a client": "test_a_charset_that_is_not_of_the_web_is_415",
    "multipart bodies": "test_bad_forms_are_400_with_the_reason",
    "multipart messages": "test_nesting_and_the_number_of_parts_are_limited",
    "names of files": "test_fields_and_files_of_a_form",
    "text after a nested": "test_messages_are_read_as_aiohttp_reads_them",
    "quotes, backslashes": "test_what_could_end_a_field_or_a_line_is_escaped",
    "``%{Date}o``": "test_headers_of_the_response_are_logged_as_they_were_sent",
    "bytes that are not": "test_what_is_no_request_is_answered_once_and_closed",
    "``enable_compression()``": "test_a_coding_the_client_accepts_is_used",
    "``set_zlib_backend()``": "test_another_zlib_can_be_set",
    "``Cookie`` headers": f"{HERE}::test_the_name_of_a_cookie_may_hold_spaces",
    "middlewares without": "test_the_mark_is_not_needed_where_the_parameter_says_it",
    "``UrlDispatcher.resolve``": "test_a_replaced_resolve_is_asked_for_every_request",
    "an unknown argument": f"{HERE}::test_unknown_arguments_of_servers_are_refused",
    "a colon in a parameter": "test_urls_are_built_alike",
    "paths of routes": f"{HERE}::test_paths_of_routes_may_be_encoded",
    "``url_for()`` of a plain": f"{HERE}::test_urls_of_plain_paths_are_encoded",
    "control characters in the names": f"{HERE}::test_any_text_is_a_name_in_an_urlencoded_form",
    "the page that": f"{HERE}::test_the_index_says_what_it_is",
    "wrong types": f"{HERE}::test_mistakes_are_no_assertions",
    "``Range`` of a file": f"{HERE}::test_ranges_that_are_not_one_of_bytes",
    "``If-Range``": f"{HERE}::test_if_range_knows_tags_and_exact_dates",
    "``request.protocol``": f"{HERE}::test_the_protocol_has_what_handlers_use",
    # Clients
    "making a ``ClientWebSocketResponse``": f"{HERE}::test_the_session_makes_websockets",
    "``write_bytes()``": "test_a_step_that_would_not_be_taken_is_refused",
    "``DigestAuthMiddleware``": "test_the_best_challenge_that_is_known_is_answered",
    "a final answer": "test_an_answer_that_comes_early_is_read_and_its_connection_closed",
    "hosts such as": "test_a_host_that_is_no_name_and_no_canonical_address_is_refused",
    "a ``Location`` with a login": "test_a_login_in_a_location_comes_before_that_of_the_request",
    "``auth=``": "test_the_sessions_login_belongs_to_the_origin_of_base_url",
    "cookies named": "test_a_prefix_of_a_name_is_a_promise",
    "bytes and collections": "test_collections_that_a_form_cannot_hold_are_refused",
    "an asynchronous body": "test_a_body_that_was_used_up_cannot_be_repeated",
    "a file opened": "test_text_files_are_encoded",
    "charsets that a server": "test_a_charset_that_is_not_of_the_web_counts_as_unknown",
    "responses that are not quite": "test_what_aiohttp_reads_is_read_alike_and_the_connection_kept",
    "101 in answer": "test_an_upgrade_that_nobody_asked_for_is_an_error",
    "``ws:`` URLs": "client/test_proxies.py::test_a_websocket_goes_through_a_tunnel",
    "values in ``cookies=``": "test_a_value_is_quoted_only_where_it_has_to_be",
    "a new connection": "test_a_request_on_a_new_connection_is_not_repeated",
    "``proxy_headers=``": "test_headers_of_the_session_are_not_for_the_proxy",
    "``URL(..., encoded=True)``": "test_a_url_that_says_it_is_encoded_is_encoded_where_it_is_not",
    "``DefaultResolver``": "test_the_threaded_resolver_asks_the_system",
    "a session's ``auth=``": f"{HERE}::test_a_header_counts_more_than_the_login_of_the_session",
    "a connector's methods": "test_a_hook_that_nothing_would_call_is_refused",
    "files of ``CookieJar.save()``": (
        "test_what_aiohttp_has_saved_is_loaded_and_the_other_way_round"
    ),
    "``https`` and ``socks``": "client/test_proxies.py::test_a_proxy_may_be_spoken_to_over_tls",
}


def rows() -> list[str]:
    """The first cells of the tables."""
    text = (ROOT / "docs" / "guide" / "from_aiohttp.rst").read_text()
    text = text[text.index("What differs") :]
    cells = [re.split(r"\n     - ", each)[0] for each in re.split(r"\n   \* - ", text)[1:]]
    return [cell for each in cells if (cell := " ".join(each.split())) != "what"]


@functools.cache
def functions() -> dict[str, set[str]]:
    """The tests of each file."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text())
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        names = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
        found[str(path.relative_to(ROOT))] = names
    return found


@pytest.mark.parametrize("row", rows())
def test_each_row_has_a_test(row: str) -> None:
    tests = [test for begin, test in TESTS.items() if row.startswith(begin)]
    assert len(tests) == 1, f"enter a test for the row {row!r} in TESTS"
    test = tests[0]
    path, _, name = test.rpartition("::")
    holding = [file for file, names in functions().items() if name in names and path in file]
    assert holding, f"the test of {row!r} is gone: {test}"


def test_each_entry_has_a_row() -> None:
    assert [begin for begin in TESTS if not any(row.startswith(begin) for row in rows())] == []


# ------------------------------------------------------------------ those that stand here


async def test_a_header_counts_more_than_the_login_of_the_session(
    aiohttp_client: AiohttpClient,
) -> None:
    async def told(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Authorization"])

    app = web.Application()
    app.router.add_get("/", told)
    client = await aiohttp_client(app)
    async with (
        aiohttp_ws.ClientSession(auth=aiohttp_ws.BasicAuth("a", "b")) as session,
        session.get(client.make_url("/"), headers={"Authorization": "Own"}) as response,
    ):
        assert await response.text() == "Own"


def test_the_session_makes_websockets() -> None:
    with pytest.raises(TypeError):
        aiohttp_ws.ClientWebSocketResponse(None, None, None, None, 10.0, True, True, None)  # type: ignore[call-arg]


def test_the_loggers_have_names_of_their_own() -> None:
    assert web.access_logger.name == "aiohttp_ws.access"
    assert web.Application().logger is logging.getLogger("aiohttp_ws.web")


def test_the_name_of_a_cookie_may_hold_spaces() -> None:
    assert make_mocked_request("GET", "/", headers={"Cookie": "a b=1"}).cookies == {"a b": "1"}


async def test_unknown_arguments_of_servers_are_refused() -> None:
    runner = web.AppRunner(web.Application(handler_args={"keepalive_time": 5}))
    with pytest.raises(TypeError, match="keepalive_time"):
        await runner.setup()
    await runner.cleanup()


async def hello(request: web.Request) -> web.Response:
    return web.Response()


async def test_paths_of_routes_may_be_encoded() -> None:
    app = web.Application()
    app.router.add_get("/1%2C3", hello)
    for path in ("/1%2C3", "/1,3"):
        found = await app.router.resolve(make_mocked_request("GET", path))
        assert found.http_exception is None


def test_urls_of_plain_paths_are_encoded() -> None:
    app = web.Application()
    app.router.add_get("/a b", hello, name="spaced")
    assert str(app.router["spaced"].url_for()) == "/a%20b"


def test_any_text_is_a_name_in_an_urlencoded_form() -> None:
    assert aiohttp_ws.FormData({"\x1f": "x"})()._value == b"%1F=x"


async def test_the_index_says_what_it_is(aiohttp_client: AiohttpClient, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    app = web.Application()
    app.router.add_static("/files", tmp_path, show_index=True)
    client = await aiohttp_client(app)
    async with client.get("/files/") as response:
        page = await response.text()
    assert page.startswith("<!DOCTYPE html>")
    assert '<meta charset="utf-8">' in page
    assert ">folder/<" in page


async def test_mistakes_are_no_assertions() -> None:
    with pytest.raises(RuntimeError, match="before prepare"):
        await web.StreamResponse().write_eof()
    with pytest.raises(TypeError, match="pass str"):
        web.Response().text = b"bytes"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="cannot both be true"):
        web.normalize_path_middleware(append_slash=True, remove_slash=True)


@pytest.fixture
async def file(aiohttp_client: AiohttpClient, tmp_path: Path) -> object:
    (tmp_path / "file").write_bytes(b"0123456789")

    async def send(request: web.Request) -> web.FileResponse:
        return web.FileResponse(tmp_path / "file")

    app = web.Application()
    app.router.add_get("/", send)
    client = await aiohttp_client(app)

    async def ask(**fields: str) -> tuple[int, bytes, CIMultiDict[str]]:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        async with client.get("/", headers=headers) as response:
            return response.status, await response.read(), CIMultiDict(response.headers)

    return ask


async def test_ranges_that_are_not_one_of_bytes(file) -> None:
    assert (await file(Range="bytes=0-1,4-5"))[:2] == (200, b"0123456789")
    assert (await file(Range="items=0-1"))[:2] == (200, b"0123456789")
    assert (await file(Range="bytes=-0"))[0] == 416


async def test_if_range_knows_tags_and_exact_dates(file) -> None:
    _, _, headers = await file()
    for validator in (headers["ETag"], headers["Last-Modified"]):
        assert (await file(Range="bytes=0-1", If_Range=validator))[:2] == (206, b"01")
    for validator in ('"other"', "Fri, 01 Jan 2100 00:00:00 GMT"):
        assert (await file(Range="bytes=0-1", If_Range=validator))[0] == 200


async def test_the_protocol_has_what_handlers_use(aiohttp_client: AiohttpClient) -> None:
    async def asking(request: web.Request) -> web.Response:
        protocol = request.protocol
        assert protocol.transport is request.transport
        assert protocol.peername[0] == request.remote
        assert protocol.keepalive_timeout > 0
        assert not hasattr(protocol, "access_logger")
        protocol.close()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", asking)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 200
        assert response.headers["Connection"] == "close"
