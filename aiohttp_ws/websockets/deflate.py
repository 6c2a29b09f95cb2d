"""permessage-deflate on frames, for connections without input and output (RFC 7692)."""

from __future__ import annotations

from dataclasses import replace

from ..errors import WebSocketError
from ..wire.contexts import MessageDeflater, MessageInflater
from ..wire.deflate import DeflateOptions, DeflateParams
from .exceptions import PayloadTooBig, ProtocolError
from .frames import CONT, DATA_OPCODES, CloseCode, Frame

__all__ = ("PerMessageDeflate",)


class PerMessageDeflate:
    """permessage-deflate as agreed on, for the frames of one connection (RFC 7692).

    :param params: what was agreed on.
    :param is_server: whether this end is the server.
    :param options: the level and the memory of this end's compression.
    """

    name = "permessage-deflate"

    def __init__(self, params: DeflateParams, is_server: bool, options: DeflateOptions) -> None:
        self.params = params
        self._inflater = MessageInflater(params, is_server)
        self._deflater = MessageDeflater(params, is_server, options.level, options.mem_level)
        self._inflating = False

    def __repr__(self) -> str:
        return f"PerMessageDeflate({self.params!r})"

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """*frame* inflated, when its message is compressed.

        :raises PayloadTooBig: it inflates to more than *max_size* bytes.
        :raises ProtocolError: it is not a DEFLATE stream.
        """
        if frame.opcode not in DATA_OPCODES:
            return frame
        if frame.opcode is not CONT:
            self._inflating = frame.rsv1
        if not self._inflating:
            return frame
        try:
            # The inflater takes 0 for no limit.
            limit = 0 if max_size is None else max(max_size, 1)
            data = self._inflater.inflate(frame.data, frame.fin, limit)
        except WebSocketError as exc:
            if exc.code == CloseCode.MESSAGE_TOO_BIG:
                raise PayloadTooBig(None, max_size or 0) from exc
            raise ProtocolError(str(exc)) from exc
        if max_size is not None and len(data) > max_size:
            raise PayloadTooBig(len(data), max_size)
        return replace(frame, data=data, rsv1=False)

    def encode(self, frame: Frame) -> Frame:
        """*frame* compressed, when it is one of a message."""
        if frame.opcode not in DATA_OPCODES:
            return frame
        data = self._deflater.compress(frame.data, frame.fin)
        return replace(frame, data=data, rsv1=frame.opcode is not CONT)
