"""Single frames on any stream, as :mod:`aiohttp_ws.websockets.framing` has them."""

from ..framing import *
from ..framing import __all__ as __all__
