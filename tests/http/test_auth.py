"""Basic authentication (RFC 7617)."""

import pytest
from yarl import URL

from aiohttp_ws.http.auth import BasicAuth, encode_basic_auth


def test_encoding():
    assert encode_basic_auth("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert BasicAuth("u", "pß").encode() == encode_basic_auth("u", "pß", "latin1")
    assert BasicAuth("u", "pß", "utf-8").encode() == encode_basic_auth("u", "pß")


def test_decoding():
    auth = BasicAuth("u", "p:p")
    assert BasicAuth.decode(auth.encode()) == auth
    assert BasicAuth.decode("bAsIc  dTpw").login == "u"
    assert BasicAuth.decode(encode_basic_auth("é"), "utf-8").login == "é"


@pytest.mark.parametrize(
    "header", ["Basic", "Bearer dTpw", "Basic !!!", "Basic dQ==", "Basic é", "Basic /w==", ""]
)
def test_what_is_no_credentials(header):
    with pytest.raises(ValueError, match=r"Basic|scheme|Authorization"):
        BasicAuth.decode(header, "utf-8")


@pytest.mark.parametrize("arguments", [(None,), ("a", None), ("a:b",)])
def test_what_cannot_be_encoded(arguments):
    with pytest.raises(ValueError, match="allowed"):
        BasicAuth(*arguments)


def test_credentials_of_a_url():
    assert BasicAuth.from_url(URL("http://u:p%40@h/")) == BasicAuth("u", "p@")
    assert BasicAuth.from_url(URL("http://u@h/")) == BasicAuth("u", "")
    assert BasicAuth.from_url(URL("http://h/")) is None
    with pytest.raises(TypeError, match="URL"):
        BasicAuth.from_url("http://h/")
