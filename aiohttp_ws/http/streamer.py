"""The deprecated way to write a body piece by piece: a coroutine function of the writer.

An asynchronous generator does the same, and the writer stays ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from .interfaces import AbstractStreamWriter
from .payload import PAYLOAD_REGISTRY
from .payload_base import Payload

__all__ = ("streamer",)


class streamer:
    """Let a coroutine function write bodies. Deprecated: use an asynchronous generator.

    ::

        @streamer
        async def numbers(writer, count):
            for number in range(count):
                await writer.write(b"%d" % number)

        web.Response(body=numbers(10))

    :param coro: takes a writer, whose ``write()`` is awaited with bytes, and what the call of the
        decorated function is given. Without further parameters the function itself is a body.
    """

    def __init__(self, coro: Callable[..., Awaitable[None]]) -> None:
        warnings.warn(
            "@streamer is deprecated, write an asynchronous generator",
            DeprecationWarning,
            stacklevel=2,
        )
        self.coro = coro

    def __call__(self, *args: Any, **kwargs: Any) -> _Stream:
        return _Stream(self.coro, args, kwargs)


class _Stream:
    """A function and what it is to be called with after the writer."""

    def __init__(
        self,
        coro: Callable[..., Awaitable[None]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.coro = coro
        self.args = args
        self.kwargs = kwargs


class StreamPayload(Payload):
    """What a :class:`streamer` writes; its size is not known."""

    async def write(self, writer: AbstractStreamWriter) -> None:
        value: streamer | _Stream = self._value
        stream = value() if isinstance(value, streamer) else value
        await stream.coro(writer, *stream.args, **stream.kwargs)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Not possible: only a writer gets the content.

        :raises TypeError: always.
        """
        raise TypeError("the content of a streamer cannot be decoded; write() sends it")


PAYLOAD_REGISTRY.register(StreamPayload, (streamer, _Stream))
