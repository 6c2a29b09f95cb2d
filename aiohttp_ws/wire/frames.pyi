from aiohttp_ws.argument_types import Byteish
from aiohttp_ws.errors.faults import ProtocolFault

class FrameReader:
    server: bool
    allow_rsv1: bool
    allow_reserved: bool
    check_utf8: bool
    max_frame_size: int
    max_message_size: int
    error_code: int
    error: ProtocolFault | None
    def __init__(
        self,
        server: bool,
        *,
        max_frame_size: int = 0,
        max_message_size: int = 0,
        check_utf8: bool = True,
        allow_rsv1: bool = False,
        allow_reserved: bool = False,
    ) -> None: ...
    def feed(self, data: Byteish) -> list[tuple[int, int, bytes]]: ...
    @property
    def buffered(self) -> int: ...
    @property
    def capacity(self) -> int: ...

def encode_frame(
    opcode: int,
    payload: Byteish = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: Byteish | None = None,
) -> bytes: ...
def mask(data: Byteish, key: Byteish, phase: int = 0) -> bytes: ...
def mask_backend() -> str: ...
def force_mask_backend(name: str) -> bool: ...
def utf8_check(*chunks: Byteish) -> tuple[int, bool]: ...
