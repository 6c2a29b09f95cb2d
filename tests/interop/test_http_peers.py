"""HTTP between aiohttp and this project, each as client and as server."""

import hashlib
import io
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest

from tests.interop.talk import Tls, soon
from tests.peers import require

MIB = 1024 * 1024
MODULES = {"ours": "aiohttp_ws", "aiohttp": "aiohttp"}


@dataclass
class Http:
    """A client session of one library, and a server of the other."""

    session: Any
    client: Any
    url: str
    # The remote address of each request, to see which connection it came by.
    remotes: list[Any]
    tls: ssl.SSLContext | None = None

    def __call__(self, method: str, path: str, **kwargs: Any) -> Any:
        if self.tls:
            kwargs["ssl"] = self.tls
        return self.session.request(method, self.url + path, **kwargs)


def application(web: Any, remotes: list[Any]) -> Any:
    async def echo(request: Any) -> Any:
        remotes.append(request.transport.get_extra_info("peername"))
        response = web.StreamResponse(headers={"X-Method": request.method})
        response.content_type = request.content_type
        if request.content_length is not None:
            response.content_length = request.content_length
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response

    async def facts(request: Any) -> Any:
        return web.json_response(
            {
                "query": dict(request.query),
                "path": request.path,
                "agent": request.headers.get("X-Agent"),
                "cookies": dict(request.cookies),
                "authorization": request.headers.get("Authorization"),
            }
        )

    async def form(request: Any) -> Any:
        return web.json_response(dict(await request.post()))

    async def login(request: Any) -> Any:
        response = web.Response(status=302, headers={"Location": "/facts?from=login"})
        response.set_cookie("user", "somebody")
        return response

    async def squeezed(request: Any) -> Any:
        response = web.Response(body=b"0123456789abcdef" * MIB)
        coding = request.query["coding"]
        response.enable_compression(getattr(web.ContentCoding, coding))
        return response

    async def download(request: Any) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(64):
            await response.write(bytes([number]) * (MIB // 4))
        return response

    async def digest(request: Any) -> Any:
        sha256 = hashlib.sha256()
        async for chunk in request.content.iter_chunked(65536):
            sha256.update(chunk)
        return web.Response(text=sha256.hexdigest())

    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/echo", echo)
    app.router.add_get("/facts", facts)
    app.router.add_get("/facts/{tail:.*}", facts)
    app.router.add_post("/form", form)
    app.router.add_post("/login", login)
    app.router.add_get("/squeezed", squeezed)
    app.router.add_get("/download", download)
    app.router.add_post("/digest", digest)
    return app


Open = Callable[..., Any]


@pytest.fixture(
    params=[("aiohttp", "ours"), ("ours", "aiohttp"), ("ours", "ours")], ids="-to-".join
)
async def open_http(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """``await open_http(tls=None, **kwargs)`` starts a server and opens a session."""
    client_name, server_name = request.param
    if "aiohttp" in request.param:
        require("aiohttp")
    client = import_module(MODULES[client_name])
    web = import_module(MODULES[server_name] + ".web")

    async with AsyncExitStack() as stack:

        async def open_pair(tls: Tls | None = None, **session_arguments: Any) -> Http:
            remotes: list[Any] = []
            runner = web.AppRunner(application(web, remotes))
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.server if tls else None)
            await site.start()
            session_arguments.setdefault("cookie_jar", client.CookieJar(unsafe=True))
            session = await stack.enter_async_context(client.ClientSession(**session_arguments))
            url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
            return Http(session, client, url, remotes, tls.client if tls else None)

        yield open_pair


@pytest.fixture
async def http(open_http: Open) -> Http:
    opened: Http = await open_http()
    return opened


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_reaches_the_server(http: Http, method: str) -> None:
    async with http(method, "/echo") as response:
        assert (response.status, response.headers["X-Method"]) == (200, method)
        assert await response.read() == b""


async def test_head_has_no_body_and_leaves_the_connection_usable(http: Http) -> None:
    for _ in range(3):
        async with http("HEAD", "/facts") as response:
            assert response.status == 200
            assert int(response.headers["Content-Length"]) > 0
            assert await response.read() == b""
    async with http("GET", "/echo") as response:
        assert await response.read() == b""


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 3 * MIB])
async def test_body_of_known_length_comes_back(http: Http, size: int) -> None:
    async with http("POST", "/echo", data=io.BytesIO(b"x" * size)) as response:
        assert response.content_length == size
        same = await soon(response.read()) == b"x" * size
        assert same


async def test_body_of_unknown_length_is_streamed_both_ways(http: Http) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%d\n" % number

    async with http("POST", "/echo", data=pieces()) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        lines = [line async for line in response.content]
        assert lines == [b"%d\n" % number for number in range(100)]


@pytest.mark.filterwarnings("ignore:.*(BasicAuth|auth).* is deprecated:DeprecationWarning")
async def test_query_headers_cookies_and_credentials_arrive(open_http: Open) -> None:
    http = await open_http(
        headers={"X-Agent": "tester"},
        cookies={"a": "1"},
    )
    credentials = http.client.BasicAuth("user", "pa ss")
    params = {"name": "\N{EURO SIGN} & co", "empty": ""}
    async with http("GET", "/facts", params=params, auth=credentials) as response:
        facts = await response.json()
    assert facts["query"] == params
    assert facts["agent"] == "tester"
    assert facts["cookies"] == {"a": "1"}
    assert facts["authorization"] == "Basic dXNlcjpwYSBzcw=="


async def test_path_with_non_ascii_and_encoded_characters(http: Http) -> None:
    async with http("GET", "/facts/\N{EURO SIGN}/a%20b") as response:
        assert (await response.json())["path"] == "/facts/\N{EURO SIGN}/a b"


async def test_form_is_understood(http: Http) -> None:
    fields = {"name": "\N{EURO SIGN} & = +", "empty": ""}
    async with http("POST", "/form", data=fields) as response:
        assert await response.json() == fields


async def test_redirect_is_followed_with_the_cookie_it_set(http: Http) -> None:
    async with http("POST", "/login") as response:
        facts = await response.json()
        assert [each.status for each in response.history] == [302]
    assert facts["query"] == {"from": "login"}
    assert facts["cookies"] == {"user": "somebody"}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_response_is_read_as_it_was(http: Http, coding: str) -> None:
    async with http("GET", "/squeezed", params={"coding": coding}) as response:
        assert response.headers["Content-Encoding"] == coding
        same = await soon(response.read()) == b"0123456789abcdef" * MIB
        assert same


async def test_download_of_16_mib_is_streamed(http: Http) -> None:
    async with http("GET", "/download") as response:
        sha256 = hashlib.sha256()
        async for chunk in response.content.iter_chunked(65536):
            sha256.update(chunk)
    expected = b"".join(bytes([number]) * (MIB // 4) for number in range(64))
    assert sha256.hexdigest() == hashlib.sha256(expected).hexdigest()


async def test_upload_of_16_mib_is_streamed(http: Http) -> None:
    body = bytes(range(256)) * (16 * MIB // 256)
    async with http("POST", "/digest", data=io.BytesIO(body)) as response:
        assert await soon(response.text()) == hashlib.sha256(body).hexdigest()


async def test_requests_in_turn_share_a_connection(http: Http) -> None:
    for method in ("GET", "POST", "GET", "PUT"):
        async with http(method, "/echo", data=b"x" if method != "GET" else None) as response:
            await response.read()
    assert len(set(http.remotes)) == 1


async def test_404_and_405_do_not_end_the_connection(http: Http) -> None:
    async with http("GET", "/echo") as response:
        await response.read()
    async with http("GET", "/missing") as response:
        assert response.status == 404
        await response.read()
    async with http("DELETE", "/form") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        await response.read()
    async with http("GET", "/echo") as response:
        await response.read()
    assert len(http.remotes) == 2
    assert len(set(http.remotes)) == 1


@pytest.mark.peer("trustme")
async def test_everything_passes_over_tls(open_http: Open, tls: Tls) -> None:
    http = await open_http(tls)
    for size in (0, 1, 65536, 3 * MIB):
        async with http("POST", "/echo", data=io.BytesIO(b"x" * size)) as response:
            same = await soon(response.read()) == b"x" * size
            assert same
    assert len(set(http.remotes)) == 1


@pytest.mark.peer("trustme")
async def test_unknown_authority_is_refused(open_http: Open, tls: Tls) -> None:
    http = await open_http(tls)
    http.tls = None
    with pytest.raises(http.client.ClientConnectorCertificateError):
        await http("GET", "/echo")
