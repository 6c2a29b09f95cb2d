"""The sides and wires that a test runs with, and how long it may take.

A test that takes ``sides`` runs with every API in both roles, over TCP and over TLS with and
without aiofastnet; one that takes ``then`` too, with every way to end those. A module that has
``call`` chooses the sides itself. The marker ``only(api=..., role=..., wire=...)`` leaves some of
that out.
"""

from __future__ import annotations

import asyncio
import fnmatch
import functools
import inspect
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.peers import import_peer

from .drift import DRIFT, SOMETIMES
from .sides import SIDES, WIRES, Side, Sides, Wire

# Seconds; only a test that fails takes them.
PATIENCE = 20.0
DRIFT_PATIENCE = 0.5
# How a peer can end a connection without a word, by whether there is TLS.
ENDS = {False: ["cut", "fin"], True: ["cut", "fin", "close_notify"]}
HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "only(api=(), role=(), wire=()): the APIs, roles and wires that a test runs with",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("only")
    chosen = marker.kwargs if marker else {}
    if "side" in metafunc.fixturenames and "call" not in metafunc.fixturenames:
        sides = [
            side
            for side in SIDES
            if side.api in chosen.get("api", side.api)
            and side.role in chosen.get("role", side.role)
        ]
        metafunc.parametrize("side", sides, ids=str)
    if "wire" in metafunc.fixturenames:
        wires = [wire for name, wire in WIRES.items() if name in chosen.get("wire", WIRES)]
        if "then" in metafunc.fixturenames:
            both = [(wire, then) for wire in wires for then in ENDS[wire.tls]]
            metafunc.parametrize(("wire", "then"), both, ids=[f"{w}-{t}" for w, t in both])
        else:
            metafunc.parametrize("wire", wires, ids=str)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents or not isinstance(item, pytest.Function):
            continue
        # A bracket in a pattern would be a set of characters.
        name = item.nodeid.rpartition("contract/")[2].replace("[", "(").replace("]", ")")
        reasons = [why for pattern, why in DRIFT.items() if fnmatch.fnmatchcase(name, pattern)]
        if reasons:
            strict = not reasons[0].startswith(SOMETIMES)
            item.add_marker(pytest.mark.xfail(strict=strict, reason=reasons[0]))
        if inspect.iscoroutinefunction(item.obj):
            item.obj = bounded(item.obj, DRIFT_PATIENCE if reasons else PATIENCE)


def bounded(
    test: Callable[..., Awaitable[None]], patience: float
) -> Callable[..., Awaitable[None]]:
    """*test*, failing when it waits for what never comes, or the loop was told of an exception."""

    @functools.wraps(test)
    async def run(*args: Any, **kwargs: Any) -> None:
        reports: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: reports.append(told))
        await asyncio.wait_for(test(*args, **kwargs), patience)
        assert reports == []

    return run


@pytest.fixture(scope="session")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS contexts of a server called localhost and of a client that trusts it."""
    authority = import_peer("trustme").CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.fixture
async def sides(
    side: Side, wire: Wire, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> AsyncIterator[Sides]:
    """Opens connections: ``end, peer = await sides.open()``."""
    if wire.fast:
        pytest.importorskip("aiofastnet")
    opened = Sides(side, wire, contexts)
    yield opened
    await asyncio.wait_for(opened.aclose(), PATIENCE)
