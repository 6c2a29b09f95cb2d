import asyncio
from collections.abc import Callable

from aiohttp_ws.argument_types import Byteish
from aiohttp_ws.wire.deflate import DeflateOptions, DeflateParams
from aiohttp_ws.ws.engine.transport import WSListener, WSTransport

class MessageConnection(WSListener):
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
        deflate_options: DeflateOptions,
    ) -> None: ...
    def start(
        self, transport: asyncio.Transport, rest: bytes, writer_limit: int | None
    ) -> None: ...
    close_timeout: float
    exception_value: BaseException | None
    @property
    def transport(self) -> WSTransport: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def server(self) -> bool: ...
    @property
    def deflate(self) -> DeflateParams | None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def queued_bytes(self) -> int: ...
    @property
    def close_code_value(self) -> int: ...
    @property
    def close_reason(self) -> str | None: ...
    async def close(self, code: int, message: Byteish | str, drain: bool) -> bool: ...
    def abort(self) -> None: ...
    def abort_later(self) -> None: ...
    def when_lost(self, callback: Callable[[BaseException | None], object]) -> None: ...
