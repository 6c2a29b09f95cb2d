"""The names, members and parameters of ``aiohttp.web`` are ours too."""

from __future__ import annotations

import inspect

import aiohttp.abc
import aiohttp.web
import pytest

import aiohttp_ws.abc
from aiohttp_ws import web

pytestmark = pytest.mark.skipif(
    not aiohttp.__version__.startswith("3.14."),
    reason="the interface followed is that of aiohttp 3.14: pip install 'aiohttp==3.14.*'",
)

#: How aiohttp guards attributes of its own; and fields, which a dataclass has on instances.
INTERNAL = {"ATTRS"}
FIELDS = {
    "RouteDef": {"method", "path", "handler", "kwargs"},
    "StaticDef": {"prefix", "path", "kwargs"},
}
CLASSES = [
    name
    for name in aiohttp.web.__all__
    # RequestHandler shows aiohttp's parser and its loop; ours has what handlers use of it.
    if name != "RequestHandler" and inspect.isclass(getattr(aiohttp.web, name))
]


def parameters(function):
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    return {
        name: parameter.kind
        for name, parameter in found.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        and not name.startswith("_")
        and name != "self"
    }


def test_every_name_of_aiohttp_web_is_there():
    assert set(aiohttp.web.__all__) <= set(web.__all__)
    assert all(hasattr(web, name) for name in web.__all__)


@pytest.mark.parametrize("name", CLASSES)
def test_every_member_is_there(name):
    theirs, ours = getattr(aiohttp.web, name), getattr(web, name)
    missing = {
        member for member in dir(theirs) if not member.startswith("_") and not hasattr(ours, member)
    }
    assert missing - INTERNAL - FIELDS.get(name, set()) == set()


@pytest.mark.parametrize("name", CLASSES)
def test_every_parameter_is_accepted(name):
    theirs, ours = getattr(aiohttp.web, name), getattr(web, name)
    pairs = [(name, theirs, ours)]
    for member, value in inspect.getmembers(theirs, inspect.isfunction):
        if not member.startswith("_"):
            pairs.append((f"{name}.{member}", value, getattr(ours, member, None)))
    for label, their, our in pairs:
        wanted, found = parameters(their), parameters(our)
        if wanted is None or found is None:
            continue
        assert set(wanted) <= set(found) or any(
            p.kind is p.VAR_KEYWORD for p in inspect.signature(our).parameters.values()
        ), label
        for parameter, kind in wanted.items():
            if parameter in found and kind is inspect.Parameter.KEYWORD_ONLY:
                assert found[parameter] is not inspect.Parameter.POSITIONAL_ONLY, label


def test_the_abstract_classes_are_there():
    names = [n for n in dir(aiohttp.abc) if n.startswith("Abstract") or n == "ResolveResult"]
    for name in names:
        theirs, ours = getattr(aiohttp.abc, name), getattr(aiohttp_ws.abc, name)
        missing = {m for m in dir(theirs) if not m.startswith("_") and not hasattr(ours, m)}
        assert missing == set(), name
        assert getattr(ours, "__abstractmethods__", None) == getattr(
            theirs, "__abstractmethods__", None
        ), name
