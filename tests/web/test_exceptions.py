"""HTTP exceptions: statuses, bodies, headers, and their life as exceptions."""

from __future__ import annotations

import pickle

import aiohttp.web
import pytest
from yarl import URL

from aiohttp_ws import web
from aiohttp_ws.web import exceptions

ARGUMENTS = {
    "HTTPMethodNotAllowed": ("GET", ["POST", "PUT"]),
    "HTTPRequestEntityTooLarge": (10, 20),
    "HTTPUnavailableForLegalReasons": ("http://example.org/",),
}
NAMES = [name for name in exceptions.__all__ if name.startswith("HTTP")]


def make(module, name):
    cls = getattr(module, name)
    arguments = ("/there",) if issubclass(cls, module.HTTPMove) else ARGUMENTS.get(name, ())
    return cls(*arguments)


def test_the_family_has_every_name_of_aiohttp():
    theirs = {name for name in dir(aiohttp.web) if name.startswith("HTTP")}
    assert theirs <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_exception_answers_as_in_aiohttp(name):
    ours, theirs = make(web, name), make(aiohttp.web, name)
    assert ours.status == theirs.status
    assert ours.reason == theirs.reason
    assert ours.text == theirs.text
    assert dict(ours.headers) == dict(theirs.headers)
    assert str(ours) == str(theirs)
    assert ours.args == theirs.args
    assert type(ours).status_code == type(theirs).status_code
    assert type(ours).empty_body == type(theirs).empty_body
    assert [c.__name__ for c in type(ours).__mro__ if c.__name__.startswith("HTTP")] == [
        c.__name__ for c in type(theirs).__mro__ if c.__name__.startswith("HTTP")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_exception_is_a_response_that_can_be_raised(name):
    with pytest.raises(web.HTTPException) as caught:
        raise make(web, name)
    assert isinstance(caught.value, web.Response)
    assert bool(caught.value)
    assert hash(caught.value) == hash(caught.value)


def test_text_reason_type_and_headers_are_taken():
    exc = web.HTTPNotFound(
        text="<p>", reason="Gone fishing", content_type="text/html", headers={"X-Why": "fish"}
    )
    assert (exc.status, exc.reason, exc.text) == (404, "Gone fishing", "<p>")
    assert exc.content_type == "text/html"
    assert exc.headers["X-Why"] == "fish"


def test_own_reason_is_in_the_default_body():
    assert web.HTTPNotFound(reason="Nope").text == "404: Nope"


def test_empty_text_stays_empty():
    assert web.HTTPNotFound(text="").text == ""


def test_a_status_without_body_has_none():
    assert web.HTTPNoContent().body is None
    assert web.HTTPNotModified().body is None


def test_body_warns_and_excludes_text():
    with pytest.warns(DeprecationWarning, match="body"):
        assert web.HTTPNotFound(body=b"x").body == b"x"
    with pytest.warns(DeprecationWarning, match="body"), pytest.raises(ValueError, match="body"):
        web.HTTPNotFound(body=b"x", text="y")


def test_a_reason_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match=r"[Rr]eason"):
        web.HTTPBadRequest(reason="a\r\nSet-Cookie: b")


@pytest.mark.parametrize("location", ["", None])
def test_a_redirection_without_location_is_refused(location):
    with pytest.raises(ValueError, match="location"):
        web.HTTPFound(location)


def test_the_location_is_encoded_and_kept_as_given():
    exc = web.HTTPFound("/a b/é?x=ы")
    assert exc.headers["Location"] == "/a%20b/%C3%A9?x=%D1%8B"
    assert exc.location == "/a b/é?x=ы"
    assert web.HTTPSeeOther(URL("http://h/p")).headers["Location"] == "http://h/p"


def test_405_names_the_allowed_methods():
    exc = web.HTTPMethodNotAllowed("GET", ["PUT", "POST"])
    assert exc.headers["Allow"] == "POST,PUT"
    assert exc.method == "GET"
    assert exc.allowed_methods == {"POST", "PUT"}


def test_413_names_the_limit():
    assert web.HTTPRequestEntityTooLarge(10).text == "Maximum request body size 10 exceeded."
    assert web.HTTPRequestEntityTooLarge(10, text="big").text == "big"


def test_451_links_to_who_demands_it():
    exc = web.HTTPUnavailableForLegalReasons("http://example.org/x")
    assert exc.headers["Link"] == '<http://example.org/x>; rel="blocked-by"'
    assert exc.link == URL("http://example.org/x")
    assert "Link" not in web.HTTPUnavailableForLegalReasons(None).headers


def test_exceptions_can_be_pickled():
    exc = pickle.loads(pickle.dumps(web.HTTPFound("/there", text="hi")))
    assert (exc.status, exc.location, exc.text) == (302, "/there", "hi")
