import asyncio
from collections.abc import Callable

from aiohttp_ws.argument_types import Byteish
from aiohttp_ws.wire.deflate import DeflateOptions, DeflateParams
from aiohttp_ws.ws.engine.connection import Connection
from aiohttp_ws.ws.listeners.assembly import MessageAssembler

MSG_SIZE_OVERHEAD: int

class MessageConnection(MessageAssembler):
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        server: bool,
        max_msg_size: int,
        max_queue: int,
        autoping: bool,
        autoclose: bool,
        decode_text: bool,
        heartbeat: float | None,
        close_timeout: float,
        deflate: DeflateParams | None,
    ) -> None: ...
    def start(
        self,
        transport: asyncio.Transport,
        rest: bytes,
        writer_limit: int | None,
        deflate_options: DeflateOptions,
    ) -> None: ...
    @property
    def transport(self) -> Connection: ...
    @property
    def exception_value(self) -> BaseException | None: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def deflate(self) -> DeflateParams | None: ...
    @property
    def heartbeat(self) -> float: ...
    @property
    def closed(self) -> bool: ...
    @property
    def close_code(self) -> int | None: ...
    @property
    def queued_bytes(self) -> int: ...
    async def close(self, code: int, message: Byteish | str, drain: bool) -> bool: ...
    def abort(self) -> None: ...
    def forget(self) -> None: ...
    def when_lost(self, callback: Callable[[BaseException | None], object]) -> None: ...
