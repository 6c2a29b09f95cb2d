"""Logging in with HTTP Digest (RFC 7616), at a server that checks what it is told."""

import hashlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from aiohttp_ws import ClientError, ClientSession, DigestAuthMiddleware
from aiohttp_ws.client.digest_auth import challenges

HASHES: dict[str, Callable[[bytes], Any]] = {
    "MD5": hashlib.md5,
    "SHA-256": hashlib.sha256,
    "SHA-512": hashlib.sha512,
}


class Guard:
    """Asks for the login of Mufasa, and checks each answer by the formulas of RFC 7616 3.4."""

    def __init__(self, algorithm: str = "MD5", qop: str = "auth", **more: str) -> None:
        self.algorithm, self.qop, self.more = algorithm, qop, more
        self.nonces = (f"nonce{number}" for number in itertools.count())
        self.nonce = next(self.nonces)
        self.seen: list[dict[str, str]] = []
        self.asked = 0

    def challenge(self, **more: str) -> str:
        fields = {"realm": 'the "realm"', "nonce": self.nonce, **self.more, **more}
        if self.qop:
            fields["qop"] = self.qop
        quoted = [
            '{}="{}"'.format(name, value.replace('"', '\\"')) for name, value in fields.items()
        ]
        return f"Digest {', '.join(quoted)}, algorithm={self.algorithm}"

    def check(self, told: dict[str, str], method: str, target: str, body: bytes) -> bool:
        algorithm = self.algorithm.removesuffix("-sess")

        def h(*parts: str | bytes) -> str:
            joined = b":".join(p if isinstance(p, bytes) else p.encode() for p in parts)
            return HASHES[algorithm](joined).hexdigest()

        secret = h("Mufasa", 'the "realm"', "Circle of Life")
        if self.algorithm.endswith("-sess"):
            secret = h(secret, told["nonce"], told["cnonce"])
        signed = [method, target]
        if told.get("qop") == "auth-int":
            signed.append(h(body))
        middle = [told["nonce"]]
        if "qop" in told:
            middle += [told["nc"], told["cnonce"], told["qop"]]
        return told["uri"] == target and told["response"] == h(secret, *middle, h(*signed))

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked += 1
        told = request.headers.get("Authorization")
        if told is not None:
            ((scheme, fields),) = challenges(told)
            assert scheme == "digest"
            self.seen.append(fields)
            if fields["nonce"] == self.nonce and self.check(
                fields, request.method, request.raw_path, body
            ):
                return web.Response(text=f"welcome {fields['username']}: {body.decode()}")
        headers = {"WWW-Authenticate": self.challenge()}
        return web.Response(status=401, headers=headers, text="who are you?")


def session_of(*args: Any, password: str = "Circle of Life", **kwargs: Any) -> ClientSession:
    return ClientSession(middlewares=(DigestAuthMiddleware("Mufasa", password, **kwargs),))


@pytest.mark.parametrize(
    ("session", "qop"),
    [
        ("", ""),
        ("", "auth"),
        ("", "auth-int"),
        ("-sess", "auth"),
        ("-sess", "auth, auth-int"),
    ],
)
@pytest.mark.parametrize("algorithm", HASHES)
async def test_a_login_is_accepted(serve, algorithm, session, qop):
    guard = Guard(algorithm + session, qop, opaque="o\\paque")
    url = await serve(guard.handle)
    async with session_of() as client:
        for number in range(3):
            path = url / f"a b{number}?q=%22"
            async with client.post(path, data=b"body%d" % number) as response:
                assert await response.text() == f"welcome Mufasa: body{number}"
    # One challenge in all: afterwards the nonce is known, and each use of it is counted.
    assert guard.asked == 4
    if qop:
        assert [told["nc"] for told in guard.seen] == ["00000001", "00000002", "00000003"]
        assert {told["qop"] for told in guard.seen} == {"auth-int" if "auth-int" in qop else "auth"}


async def test_without_preemption_each_request_waits_for_its_challenge(serve):
    guard = Guard()
    url = await serve(guard.handle)
    async with session_of(preemptive=False) as client:
        for _ in range(2):
            assert (await client.get(url)).status == 200
    assert guard.asked == 4


async def test_a_new_nonce_is_used_and_counted_from_one(serve):
    guard = Guard()
    url = await serve(guard.handle)
    async with session_of() as client:
        assert (await client.get(url)).status == 200
        guard.nonce = next(guard.nonces)
        assert (await client.get(url)).status == 200
    assert [(told["nonce"], told["nc"]) for told in guard.seen] == [
        ("nonce0", "00000001"),
        ("nonce0", "00000002"),
        ("nonce1", "00000001"),
    ]


async def test_a_wrong_password_is_tried_once_and_the_answer_returned(serve):
    guard = Guard()
    url = await serve(guard.handle)
    async with session_of(password="wrong") as client, client.get(url) as response:
        assert response.status == 401
        assert await response.text() == "who are you?"
    assert guard.asked == 2


async def test_the_best_challenge_that_is_known_is_answered(serve):
    guard = Guard("SHA-256")

    async def handle(request: web.Request) -> web.Response:
        response = await guard.handle(request)
        if response.status == 401:
            del response.headers["WWW-Authenticate"]
            response.headers.add("WWW-Authenticate", 'Digest realm="x", nonce="y", algorithm=NEW')
            response.headers.add("WWW-Authenticate", f'Basic realm="z", {guard.challenge()}')
        return response

    url = await serve(handle)
    async with session_of() as client:
        assert (await client.get(url)).status == 200


async def test_other_origins_do_not_get_the_login(serve):
    mine, other = Guard(), Guard()
    first, second = await serve(mine.handle), await serve(other.handle)
    async with session_of() as client:
        assert (await client.get(first)).status == 200
        assert (await client.get(second)).status == 401
    assert other.seen == []
    assert other.asked == 1


async def test_the_protection_space_decides_where_the_login_goes_unasked(serve):
    guard = Guard(domain="/in /also/")
    url = await serve(guard.handle)
    async with session_of() as client:
        assert (await client.get(url / "in")).status == 200
        guard.seen.clear()
        for path, unasked in [("in/side", True), ("inside", False), ("also/x", True)]:
            before = guard.asked
            assert (await client.get(url / path)).status == 200
            assert (guard.asked - before == 1) is unasked


async def test_a_body_that_cannot_be_sent_twice_is_not(serve):
    guard = Guard()
    url = await serve(guard.handle)

    async def pieces():
        yield b"once"

    async with session_of() as client:
        assert (await client.post(url, data=pieces())).status == 401
        assert guard.seen == []
        assert (await client.post(url, data=pieces())).status == 200


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest nonce="abc"',
        'Digest realm="abc"',
        'Digest realm="abc", nonce=""',
        'Digest realm="abc", nonce="abc", algorithm=UNKNOWN',
        'Digest realm="abc", nonce="abc", qop="other"',
    ],
)
async def test_a_challenge_that_cannot_be_answered_is_an_error_of_the_client(serve, challenge):
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    url = await serve(handle)
    async with session_of() as client:
        with pytest.raises(ClientError):
            await client.get(url)
        assert not client.connector._acquired


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Digest",
        "Digest ,,,",
        "Digest x",
        'Basic realm="x"',
        'Digest "',
        'Digest foo="' + 'a="' * 2000,
        "Digest domain=" + "x," * 3000,
        'Digest realm="x", nonce="y", domain="http://[ //:99999999 x"',
    ],
)
async def test_a_challenge_that_makes_no_sense_is_left_to_the_caller(serve, challenge):
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    url = await serve(handle)
    async with session_of() as client:
        try:
            async with client.get(url) as response:
                assert response.status == 401
        except ClientError:
            pass
        assert not client.connector._acquired


@pytest.mark.parametrize("args", [("a:b", "c"), (None, "c"), ("a", None)])
def test_a_login_that_cannot_be_sent_is_refused(args):
    with pytest.raises(ValueError, match="not allowed"):
        DigestAuthMiddleware(*args)


async def test_middlewares_wrap_each_other_in_order_and_may_send_again(serve):
    order: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        order.append("server")
        return web.Response(status=503 if order.count("server") < 3 else 200)

    async def retry(request, handler):
        for _ in range(5):
            response = await handler(request)
            if response.status != 503:
                break
            response.release()
        order.append("retry")
        return response

    async def token(request, handler):
        request.headers["Authorization"] = "Bearer x"
        response = await handler(request)
        order.append("token")
        return response

    url = await serve(handle)
    async with ClientSession(middlewares=(retry, token)) as client:
        assert (await client.get(url)).status == 200
        assert order == ["server", "token"] * 3 + ["retry"]
        order.clear()
        assert (await client.get(url, middlewares=())).status == 503
    assert order == ["server"]
