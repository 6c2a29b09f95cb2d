import asyncio

from aiohttp_ws.argument_types import Byteish
from aiohttp_ws.net.output import Output
from aiohttp_ws.ws.typed_messages import OutgoingMessage, Ping
from aiohttp_ws.ws.types import WSMsgType

class FrameSender(Output):
    @property
    def underlying_transport(self) -> asyncio.Transport: ...
    @property
    def is_client_side(self) -> bool: ...
    @property
    def is_secure(self) -> bool: ...
    @property
    def is_close_frame_sent(self) -> bool: ...
    def send(
        self,
        msg_type: WSMsgType,
        message: Byteish | str | OutgoingMessage | None,
        fin: bool = True,
        rsv1: bool = False,
        rsv2: bool = False,
        rsv3: bool = False,
    ) -> None: ...
    def send_message(self, message: OutgoingMessage | Ping) -> None: ...
    def send_reuse_external_bytearray(
        self,
        msg_type: WSMsgType,
        buffer: bytearray,
        msg_offset: int,
        fin: bool = True,
        rsv1: bool = False,
        rsv2: bool = False,
        rsv3: bool = False,
    ) -> None: ...
    def send_ping(self, message: Byteish | str | None = None) -> None: ...
    def send_pong(self, message: Byteish | str | None = None) -> None: ...
    def send_close(
        self, close_code: int = 0, close_message: Byteish | str | None = None
    ) -> None: ...
    def disconnect(self, graceful: bool = True) -> None: ...

def check_control(message: Byteish | str | None) -> Byteish: ...
