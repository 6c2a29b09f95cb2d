"""The same input to aiohttp and to this package: the same result, or a difference that is listed.

The differences are those of ``docs/guide/from_aiohttp.rst``; each is named where it is let pass.
"""

import asyncio
import functools
import importlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

import aiohttp_ws
from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request
from tests.peers import import_peer

aiohttp = import_peer("aiohttp")
OURS_AND_THEIRS = (
    (aiohttp_ws, web, make_mocked_request),
    (
        aiohttp,
        importlib.import_module("aiohttp.web"),
        importlib.import_module("aiohttp.test_utils").make_mocked_request,
    ),
)


def both(ask: Any) -> tuple[Any, Any]:
    """What *ask* returns of ours and of theirs; of an exception its kind."""
    results = []
    for library, server, make in OURS_AND_THEIRS:
        try:
            results.append(ask(library, server, make))
        except (ValueError, TypeError, KeyError) as exc:
            results.append("ValueError" if isinstance(exc, ValueError) else type(exc).__name__)
    return results[0], results[1]


RANGES = st.from_regex(r"\A(bytes|Bytes|items|)=?[0-9]{0,3}-?[0-9]{0,3}(,[0-9]-[0-9])?\Z")


@given(RANGES | st.text(alphabet="bytes=-,0123456789 ", max_size=12).map(str.strip))
def test_ranges_of_requests(value: str) -> None:
    ours, theirs = both(
        lambda _, __, make: make("GET", "/", headers=CIMultiDict(Range=value)).http_range
    )
    assert ours == theirs


TOKENS = st.sampled_from(
    [
        "for",
        "by",
        "proto",
        "=",
        ";",
        ",",
        " ",
        '"',
        "\\",
        "192.0.2.1",
        "[::1]",
        ":80",
        "_x",
        "https",
    ]
)


@given(st.lists(TOKENS, max_size=12).map("".join))
@example('for="[2001:db8::1]:80";proto=https, for=x')
@example('for="[2001:db8::1]":80;proto=https')
def test_forwarded_fields(value: str) -> None:
    ours, theirs = both(
        lambda _, __, make: [
            dict(each) for each in make("GET", "/", headers={"Forwarded": value}).forwarded
        ]
    )
    assert ours == theirs


NAMES = st.text(alphabet="ab$-_.", min_size=1, max_size=3)
VALUES = st.text(alphabet="ab=-.[]{}()/", max_size=6) | st.just('"a;b"') | st.just('"a\\"b"')


@given(st.lists(st.tuples(NAMES, VALUES) | NAMES.map(lambda name: (name, None)), max_size=5))
def test_cookies_of_requests(pairs: list[tuple[str, str | None]]) -> None:
    # Not names with spaces: those are cookies of that name here.
    header = "; ".join(name if value is None else f"{name}={value}" for name, value in pairs)
    ours, theirs = both(
        lambda _, __, make: dict(make("GET", "/", headers={"Cookie": header}).cookies)
    )
    assert ours == theirs


@given(st.text(alphabet="ab&=+%;é20F\n", max_size=20))
def test_urlencoded_forms_are_read_alike(text: str) -> None:
    body = text.encode()

    def read(library: Any, server: Any, make: Any) -> list[tuple[str, str]]:
        async def post() -> list[tuple[str, str]]:
            loop = asyncio.get_running_loop()
            payload = library.StreamReader(_NoConnection(), 2**16, loop=loop)
            payload.feed_data(body)
            payload.feed_eof()
            headers = CIMultiDict({"Content-Type": "application/x-www-form-urlencoded"})
            request = make("POST", "/", headers=headers, payload=payload)
            return list((await request.post()).items())

        return asyncio.run(post())

    ours, theirs = both(read)
    assert ours == theirs


class _NoConnection:
    """What a reader asks of its connection: to be read further, or not."""

    _reading_paused = False

    def pause_reading(self) -> None: ...
    def resume_reading(self, *args: Any, **kwargs: Any) -> None: ...


# Without control characters, which we encode.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)
FIELDS = st.lists(st.tuples(TEXTS, TEXTS), max_size=4)


@given(FIELDS, st.sampled_from([None, "utf-8", "utf-16", "latin-1"]))
def test_urlencoded_forms_are_written_alike(
    fields: list[tuple[str, str]], charset: str | None
) -> None:
    def write(library: Any, *_: Any) -> tuple[bytes, str]:
        payload = library.FormData(fields, charset=charset)()
        return payload._value, payload.content_type

    ours, theirs = both(write)
    assert ours == theirs


TEMPLATES = [
    "/plain",
    "/a b",
    "/{name}",
    "/x/{name}/y",
    "/x/{first}-{second}",
    r"/n/{number:\d+}",
    r"/t/{tail:.*}",
    r"/w/{word:[a-z%2F/]+}",
    "/é/{name}",
]
NEVER_FOUND = f"r{TEMPLATES.index('/é/{name}')}"  # by aiohttp: a parameter beside text not in ASCII
PIECES = st.sampled_from(
    [
        "/",
        "x",
        "n",
        "t",
        "w",
        "y",
        "plain",
        "a b",
        "a%20b",
        "12",
        "-",
        "%2F",
        "%25",
        "é",
        "%C3%A9",
        "+",
    ]
)


@functools.cache
def router_of(server: Any) -> Any:
    async def handler(request: Any) -> Any:
        return None

    app = server.Application()
    for number, template in enumerate(TEMPLATES):
        app.router.add_get(template, handler, name=f"r{number}")
    app.freeze()
    return app.router


@example("/é/x")
@given(st.lists(PIECES, max_size=7).map(lambda pieces: "/" + "".join(pieces)))
def test_paths_are_matched_alike(path: str) -> None:
    target = str(URL(path, encoded=True).with_path(path, encoded=True)) if "//" in path else path

    def match(_: Any, server: Any, make: Any) -> Any:
        request = make("GET", str(URL(target)))
        found = asyncio.run(router_of(server).resolve(request))
        if found.http_exception is not None:
            return found.http_exception.status
        return found.route.resource.name, dict(found)

    ours, theirs = both(match)
    if isinstance(ours, tuple) and ours[0] == NEVER_FOUND:
        # The guide's table of differences has it; no other resource has a say then.
        assert theirs == 404
    else:
        assert ours == theirs


@example(2, ["a:b", ""])
@given(
    st.integers(0, len(TEMPLATES) - 1),
    st.lists(st.text(max_size=6), min_size=2, max_size=2),
)
def test_urls_are_built_alike(number: int, values: list[str]) -> None:
    if " " in TEMPLATES[number]:
        return  # we encode what is no parameter as well

    def build(_: Any, server: Any, __: Any) -> str:
        resource = router_of(server)[f"r{number}"]
        names = [
            name
            for name in ("name", "first", "second", "number", "tail", "word")
            if f"{{{name}" in TEMPLATES[number]
        ]
        return str(resource.url_for(**dict(zip(names, values, strict=False))))

    ours, theirs = both(build)
    # The guide's table of differences has the colon.
    assert ours == theirs.replace("%3A", ":")


CODINGS = st.sampled_from(["gzip", "deflate", "identity", "*", "x"])


@pytest.mark.parametrize("separator", [",", ", "])
@given(st.lists(CODINGS, max_size=4))
def test_unweighted_accept_encoding_chooses_alike(separator: str, codings: list[str]) -> None:
    # With weights we obey them; and "*" is any coding here.
    if "*" in codings or codings[:1] == ["identity"]:
        return
    accepted = separator.join(codings)

    def choose(_: Any, server: Any, make: Any) -> str | None:
        async def prepared() -> str | None:
            response = server.Response(body=b"x" * 100)
            response.enable_compression()
            await response.prepare(make("GET", "/", headers={"Accept-Encoding": accepted}))
            value: str | None = response.headers.get("Content-Encoding")
            return value

        return asyncio.run(prepared())

    ours, theirs = both(choose)
    assert ours == theirs
