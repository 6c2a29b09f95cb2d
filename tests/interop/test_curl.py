"""curl talks to our server: HTTP/1.1 as a client that no one here wrote speaks it."""

import asyncio
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.interop.talk import Tls, soon

pytestmark = pytest.mark.peer("curl")

MIB = 1024 * 1024


@dataclass
class Answer:
    """What curl printed: the body on standard output, the conversation on standard error."""

    body: bytes
    said: str

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(r"^< HTTP/1\.[01] (\d+)", self.said, re.M)]

    def header(self, name: str) -> str | None:
        found = re.search(rf"^< {name}: (.*?)\r?$", self.said, re.M | re.I)
        return found and found[1]

    @property
    def connections(self) -> int:
        return len(re.findall(r"^\* Connected to ", self.said, re.M))


class CurlError(Exception):
    pass


@pytest.fixture
def curl(peer: Callable[[str], str]) -> Callable[..., "asyncio.Future[Answer]"]:
    """``await curl(*arguments, stdin=b"")`` runs curl and gives its :class:`Answer`."""

    async def run(*arguments: object, stdin: bytes = b"") -> Answer:
        process = await asyncio.create_subprocess_exec(
            peer("curl"),
            # -q comes first: no one's ~/.curlrc has a say here.
            *("-q", "--silent", "--show-error", "--verbose", "--noproxy", "*"),
            *map(str, arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        body, said = await soon(process.communicate(stdin))
        if process.returncode:
            raise CurlError(f"curl exited with {process.returncode}:\n{said.decode()}")
        return Answer(body, said.decode("utf-8", "replace"))

    return run


Curl = Callable[..., "asyncio.Future[Answer]"]


async def describe(request: web.Request) -> web.Response:
    body = await request.read()
    facts = {
        "method": request.method,
        "path": request.path,
        "query": dict(request.query),
        "version": list(request.version),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return web.json_response(facts)


async def form(request: web.Request) -> web.Response:
    return web.json_response({name: str(value) for name, value in (await request.post()).items()})


async def upload(request: web.Request) -> web.Response:
    found = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            digest = hashlib.sha256(value.file.read()).hexdigest()
            found.append([name, value.filename, value.content_type, digest])
        else:
            found.append([name, value])
    return web.json_response(found)


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(100):
        await response.write(f"line {number}\n".encode())
    await response.write_eof()
    return response


async def compressed(request: web.Request) -> web.Response:
    response = web.Response(text="squeeze me " * 1000)
    response.enable_compression()
    return response


async def elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPFound("/describe")


async def cookie(request: web.Request) -> web.Response:
    response = web.Response(text=request.cookies.get("seen", "never"))
    response.set_cookie("seen", "before")
    return response


async def refuse_unread(request: web.Request) -> web.Response:
    raise web.HTTPRequestEntityTooLarge(max_size=1, actual_size=request.content_length or 0)


@pytest.fixture
def app(tmp_path: Path) -> web.Application:
    app = web.Application(client_max_size=64 * MIB)
    app.router.add_route("*", "/describe", describe)
    app.router.add_post("/form", form)
    app.router.add_post("/upload", upload)
    app.router.add_get("/stream", stream)
    app.router.add_get("/compressed", compressed)
    app.router.add_get("/elsewhere", elsewhere)
    app.router.add_get("/cookie", cookie)
    app.router.add_put("/refuse", refuse_unread)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "digits.txt").write_text("0123456789")
    app.router.add_static("/static", tmp_path / "static")
    return app


@pytest.fixture
async def url(aiohttp_server: AiohttpServer, app: web.Application) -> Callable[[str], str]:
    server = await aiohttp_server(app)
    return lambda path: str(server.make_url(path))


Url = Callable[[str], str]


async def test_get(curl: Curl, url: Url) -> None:
    answer = await curl(url("/describe?a=1&b=%20"))
    facts = json.loads(answer.body)
    assert answer.statuses == [200]
    assert (facts["method"], facts["path"]) == ("GET", "/describe")
    assert facts["query"] == {"a": "1", "b": " "}
    assert facts["version"] == [1, 1]
    assert answer.header("Content-Type") == "application/json; charset=utf-8"


async def test_head_has_the_length_and_no_body(curl: Curl, url: Url) -> None:
    answer = await curl("--head", "--output", "/dev/null", url("/static/digits.txt"))
    assert answer.statuses == [200]
    assert answer.header("Content-Length") == "10"


async def test_post(curl: Curl, url: Url) -> None:
    answer = await curl("--data-binary", "hello", url("/describe"))
    facts = json.loads(answer.body)
    assert (facts["method"], facts["length"]) == ("POST", 5)


async def test_post_of_a_form(curl: Curl, url: Url) -> None:
    answer = await curl(
        "--data-urlencode", "name=\N{EURO SIGN} & co", "--data", "empty=", url("/form")
    )
    assert json.loads(answer.body) == {"name": "\N{EURO SIGN} & co", "empty": ""}


async def test_post_of_a_form_with_files(curl: Curl, url: Url, tmp_path: Path) -> None:
    large = bytes(range(256)) * 8192  # 2 MiB, more than is held in memory
    (tmp_path / "large.bin").write_bytes(large)
    answer = await curl(
        *("--form", "text=\N{EURO SIGN}", "--form", f"a=@{tmp_path}/large.bin;type=image/png"),
        *("--form", "b=@-;filename=from stdin.txt", url("/upload")),
        stdin=b"typed",
    )
    assert json.loads(answer.body) == [
        ["text", "\N{EURO SIGN}"],
        ["a", "large.bin", "image/png", hashlib.sha256(large).hexdigest()],
        ["b", "from stdin.txt", "text/plain", hashlib.sha256(b"typed").hexdigest()],
    ]


async def test_a_form_with_a_path_as_the_name_of_a_file_is_refused(curl: Curl, url: Url) -> None:
    answer = await curl("--form", "a=@-;filename=../../etc/x", url("/upload"), stdin=b"1")
    assert answer.statuses == [400]
    assert b"path" in answer.body


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods(curl: Curl, url: Url, method: str) -> None:
    answer = await curl("--request", method, "--data", "x", url("/describe"))
    assert json.loads(answer.body)["method"] == method


async def test_chunked_upload(curl: Curl, url: Url) -> None:
    body = bytes(range(256)) * 4096
    answer = await curl("--upload-file", "-", url("/describe"), stdin=body)
    facts = json.loads(answer.body)
    assert facts["headers"]["transfer-encoding"] == "chunked"
    assert "content-length" not in facts["headers"]
    assert facts["sha256"] == hashlib.sha256(body).hexdigest()


async def test_upload_of_a_file_of_16_mib(curl: Curl, url: Url, tmp_path: Path) -> None:
    body = bytes(range(256)) * (16 * MIB // 256)
    (tmp_path / "large").write_bytes(body)
    answer = await curl("--upload-file", tmp_path / "large", url("/describe"))
    facts = json.loads(answer.body)
    assert facts["length"] == 16 * MIB
    assert facts["sha256"] == hashlib.sha256(body).hexdigest()


async def test_100_continue_is_sent_before_the_body(curl: Curl, url: Url) -> None:
    answer = await curl(
        *("--header", "Expect: 100-continue", "--expect100-timeout", "60"),
        *("--data-binary", "x" * 100_000, url("/describe")),
    )
    assert answer.statuses == [100, 200]
    assert json.loads(answer.body)["length"] == 100_000
    said = answer.said
    assert said.index("HTTP/1.1 100 Continue") < said.index("HTTP/1.1 200")


async def test_answer_to_an_upload_that_is_not_read(curl: Curl, url: Url, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (4 * MIB))
    answer = await curl("--upload-file", tmp_path / "large", url("/refuse"))
    assert answer.statuses[-1] == 413


async def test_keep_alive_uses_one_connection(curl: Curl, url: Url) -> None:
    answer = await curl(url("/describe"), url("/stream"), url("/missing"), url("/describe"))
    assert answer.statuses == [200, 200, 404, 200]
    assert answer.connections == 1


async def test_connection_close_is_obeyed(curl: Curl, url: Url) -> None:
    answer = await curl("--header", "Connection: close", url("/describe"), url("/describe"))
    assert answer.statuses == [200, 200]
    assert answer.connections == 2
    assert answer.header("Connection") == "close"


async def test_http_1_0_is_answered_without_chunks(curl: Curl, url: Url) -> None:
    answer = await curl("--http1.0", url("/stream"))
    assert answer.body.splitlines() == [f"line {number}".encode() for number in range(100)]
    assert answer.header("Transfer-Encoding") is None


async def test_streamed_response_is_chunked(curl: Curl, url: Url) -> None:
    answer = await curl(url("/stream"))
    assert answer.header("Transfer-Encoding") == "chunked"
    assert answer.body.splitlines() == [f"line {number}".encode() for number in range(100)]


async def test_compression_is_what_curl_asks_for(curl: Curl, url: Url) -> None:
    plain = await curl(url("/compressed"))
    assert plain.header("Content-Encoding") is None
    raw = await curl("--header", "Accept-Encoding: gzip", url("/compressed"))
    assert raw.header("Content-Encoding") == "gzip"
    assert gzip.decompress(raw.body) == plain.body
    assert (await curl("--compressed", url("/compressed"))).body == plain.body


async def test_redirect_is_followed(curl: Curl, url: Url) -> None:
    answer = await curl("--location", url("/elsewhere"))
    assert answer.statuses == [302, 200]
    assert json.loads(answer.body)["path"] == "/describe"


async def test_cookie_comes_back(curl: Curl, url: Url, tmp_path: Path) -> None:
    jar = tmp_path / "jar"
    arguments = ("--cookie", jar, "--cookie-jar", jar, url("/cookie"))
    assert (await curl(*arguments)).body == b"never"
    assert (await curl(*arguments)).body == b"before"


async def test_ranges_of_a_file(curl: Curl, url: Url) -> None:
    answer = await curl("--range", "2-4", url("/static/digits.txt"))
    assert (answer.statuses, answer.body) == ([206], b"234")
    assert answer.header("Content-Range") == "bytes 2-4/10"
    assert (await curl("--range", "-3", url("/static/digits.txt"))).body == b"789"
    beyond = await curl("--range", "10-", url("/static/digits.txt"))
    assert beyond.statuses == [416]


async def test_unchanged_file_is_not_sent_again(curl: Curl, url: Url, tmp_path: Path) -> None:
    etag = tmp_path / "etag"
    first = await curl("--etag-save", etag, url("/static/digits.txt"))
    assert (first.statuses, first.body) == ([200], b"0123456789")
    second = await curl("--etag-compare", etag, url("/static/digits.txt"))
    assert (second.statuses, second.body) == ([304], b"")


async def test_interrupted_download_is_resumed(curl: Curl, url: Url, tmp_path: Path) -> None:
    (tmp_path / "part").write_text("01234")
    await curl("--continue-at", "-", "--output", tmp_path / "part", url("/static/digits.txt"))
    assert (tmp_path / "part").read_text() == "0123456789"


async def test_a_path_does_not_leave_the_static_folder(curl: Curl, url: Url) -> None:
    for path in ("/static/../secret", "/static/%2e%2e/secret", "/static/..%2fsecret"):
        answer = await curl("--path-as-is", url("/") + path[1:])
        assert answer.statuses[0] in (400, 403, 404), path


async def test_wrong_method_is_told_the_right_ones(curl: Curl, url: Url) -> None:
    answer = await curl("--request", "DELETE", url("/form"))
    assert answer.statuses == [405]
    assert answer.header("Allow") == "POST"


async def test_many_connections_at_once(curl: Curl, url: Url) -> None:
    answer = await curl("--parallel", *[url("/describe")] * 50)
    assert answer.statuses == [200] * 50


@pytest.mark.peer("trustme")
async def test_tls(
    curl: Curl, aiohttp_server: AiohttpServer, app: web.Application, tls: Tls
) -> None:
    server = await aiohttp_server(app, ssl=tls.server)
    url = str(server.make_url("/describe"))
    assert url.startswith("https://")
    body = b"secret" * MIB
    answer = await curl("--cacert", tls.authority, "--upload-file", "-", url, stdin=body)
    assert json.loads(answer.body)["length"] == len(body)
    with pytest.raises(CurlError, match="certificate"):
        await curl(url)
    # The refused handshake harmed no one else.
    assert (await curl("--cacert", tls.authority, url)).statuses == [200]


async def test_websocket(curl: Curl, aiohttp_server: AiohttpServer) -> None:
    protocols = (await curl("--version")).body.decode()
    if not re.search(r"^Protocols:.*\bws\b", protocols, re.M):
        pytest.skip("this build of curl has no WebSocket")

    async def greet(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.send_str("hello, curl")
        await websocket.close()
        return websocket

    app = web.Application()
    app.router.add_get("/", greet)
    server = await aiohttp_server(app)
    answer = await curl("--no-buffer", str(server.make_url("/")).replace("http", "ws", 1))
    assert answer.statuses == [101]
    assert b"hello, curl" in answer.body
