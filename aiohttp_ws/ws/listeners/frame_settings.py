"""What a connection of the frame API is opened with."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from ...wire.deflate import DeflateOptions
from ..types import WSAutoPingStrategy

__all__ = ("FrameSettings",)


@dataclass(slots=True)
class FrameSettings:
    """The options that ``ws_connect`` and ``ws_create_server`` have in common.

    :param disconnect_on_exception: an exception in ``on_ws_frame`` ends the connection.
    :param logger: what the connection reports to.
    :param enable_auto_ping: ping, and give up on a peer that does not answer.
    :param auto_ping_idle_timeout: seconds until a ping, as *auto_ping_strategy* counts them.
    :param auto_ping_reply_timeout: seconds that the peer has for its pong.
    :param enable_auto_pong: answer pings; they do not reach the listener then.
    :param max_frame_size: bytes of payload, inflated, that a frame may have; 0 for no limit.
    :param compression: what is wanted of permessage-deflate, ``None`` for none of it.
    :param check_utf8: fail a connection whose text is not UTF-8, as it comes.
    :raises TypeError: a value is of another type.
    :raises ValueError: a value is out of its range.
    """

    disconnect_on_exception: bool
    logger: logging.Logger | logging.LoggerAdapter[Any]
    enable_auto_ping: bool
    auto_ping_idle_timeout: float
    auto_ping_reply_timeout: float
    auto_ping_strategy: WSAutoPingStrategy
    enable_auto_pong: bool
    max_frame_size: int
    compression: DeflateOptions | None = None
    check_utf8: bool = False

    def __post_init__(self) -> None:
        self.auto_ping_strategy = WSAutoPingStrategy(self.auto_ping_strategy)
        for name in ("auto_ping_idle_timeout", "auto_ping_reply_timeout"):
            seconds = getattr(self, name)
            if not isinstance(seconds, (int, float)):
                raise TypeError(f"{name}={seconds!r} must be a number of seconds")
            if not seconds > 0:  # NaN neither
                raise ValueError(f"{name}={seconds} must be more than 0 seconds")
        if not isinstance(self.max_frame_size, int):
            raise TypeError(f"max_frame_size={self.max_frame_size!r} must be an int of bytes")
        if self.max_frame_size < 0:
            raise ValueError(
                f"max_frame_size={self.max_frame_size} is negative; 0 stands for no limit"
            )
