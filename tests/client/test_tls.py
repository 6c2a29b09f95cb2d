"""TLS: verification, pinned certificates, and the errors of both."""

import asyncio
import hashlib
import ssl

import pytest
import trustme
from aiohttp import web

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession, Fingerprint, TCPConnector
from aiohttp_ws.client.protocol import ClientProtocol


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("localhost", "127.0.0.1")


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
async def url(serve, certificate: trustme.LeafCert):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request.scheme)

    return await serve(handler, ssl=context)


def digest(certificate: trustme.LeafCert) -> bytes:
    pem = certificate.cert_chain_pems[0].bytes().decode()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


async def test_a_context_decides_whom_to_trust(session, url, trusting):
    for _ in range(2):
        async with session.get(url, ssl=trusting) as response:
            assert await response.text() == "https"
    assert session.connector._idle_count == 1


async def test_a_connection_cancelled_when_its_handshake_is_done_leaves_nothing_behind(
    session, url, trusting, monkeypatch
):
    made: list[asyncio.Transport] = []
    established = ClientProtocol.connection_made

    def connection_made(self: ClientProtocol, transport: asyncio.Transport) -> None:
        established(self, transport)
        made.append(transport)
        asking.cancel()

    monkeypatch.setattr(ClientProtocol, "connection_made", connection_made)
    asking = asyncio.ensure_future(session.get(url, ssl=trusting))
    with pytest.raises(asyncio.CancelledError):
        await asking
    (transport,) = made
    assert transport.is_closing()
    monkeypatch.undo()
    # Takes the descriptor that the first one gave back.
    async with session.get(url, ssl=trusting) as response:
        assert await response.text() == "https"


async def test_an_unknown_authority_is_a_certificate_error(session, url):
    with pytest.raises(errors.ClientConnectorCertificateError) as caught:
        await session.get(url)
    error = caught.value
    assert isinstance(error, errors.ClientConnectorError)
    assert isinstance(error, ssl.CertificateError)
    assert (error.host, error.port, error.ssl) == (url.host, url.port, True)
    assert "certificate verify failed" in str(error).lower().replace("_", " ")
    assert isinstance(error.certificate_error, ssl.SSLError)


async def test_verification_can_be_turned_off(session, url):
    async with session.get(url, ssl=False) as response:
        assert response.status == 200


async def test_the_connector_has_a_default(url, trusting):
    for arguments in ({"ssl": trusting}, {"verify_ssl": False}):
        connector = TCPConnector(**arguments)
        async with ClientSession(connector=connector) as session, session.get(url) as response:
            assert response.status == 200


async def test_requests_with_other_settings_use_other_connections(session, url, trusting):
    for setting in (trusting, False):
        async with session.get(url, ssl=setting) as response:
            await response.read()
    assert session.connector._idle_count == 2


async def test_the_name_to_verify_can_be_given(session, url, trusting):
    with pytest.raises(errors.ClientConnectorCertificateError, match=r"example|hostname mismatch"):
        await session.get(url, ssl=trusting, server_hostname="example.com")
    async with session.get(url, ssl=trusting, server_hostname="localhost") as response:
        assert response.status == 200


async def test_a_pinned_certificate_is_trusted_by_its_digest(session, url, certificate):
    async with session.get(url, ssl=Fingerprint(digest(certificate))) as response:
        assert response.status == 200
    async with session.get(url, fingerprint=digest(certificate)) as response:
        assert response.status == 200
    wrong = Fingerprint(b"x" * 32)
    with pytest.raises(errors.ServerFingerprintMismatch) as caught:
        await session.get(url, ssl=wrong)
    assert caught.value.expected == b"x" * 32
    assert caught.value.got == digest(certificate)
    assert session.connector._taken == 0


@pytest.mark.parametrize("length", [16, 20, 31])
def test_only_sha256_digests_pin(length):
    with pytest.raises(ValueError, match=f"has {length} bytes"):
        Fingerprint(b"x" * length)


async def test_settings_that_are_none_are_refused(session):
    with pytest.raises(TypeError, match="SSLContext"):
        await session.get("https://localhost/", ssl="yes")
    with pytest.raises(ValueError, match="exclude"):
        await session.get("https://localhost/", ssl=False, verify_ssl=False)


async def test_a_server_without_tls_is_an_ssl_error(session, raw):
    server = await raw(b"")

    async def talk(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await raw(talk)
    with pytest.raises(errors.ClientConnectorSSLError):
        await session.get(server.url.with_scheme("https"))


async def test_closing_waits_for_tls_to_end(url, trusting):
    session = ClientSession()
    async with session.get(url, ssl=trusting) as response:
        await response.read()
    protocol = next(iter(session.connector._idle.values()))[0][0]
    await session.close()
    assert protocol.transport is None
