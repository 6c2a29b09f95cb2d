"""An aiohttp-style HTTP framework in which WebSockets come first.

The names of the public interface; the server framework is :mod:`aiohttp_ws.web`. A part of the
package is imported when a name of it is first asked for: a server does not load the client.
"""

from typing import TYPE_CHECKING

from . import exports as _exports
from . import hdrs as hdrs
from . import wire as _wire  # noqa: F401  It says so where nothing is compiled.

__version__ = "0.1.0"

#: A logging level below DEBUG, for compatibility with picows; nothing is logged at it.
PICOWS_DEBUG_LL = 9

if TYPE_CHECKING:
    from .client import *
    from .client.digest_auth import *
    from .client.tracing import *
    from .errors.client import *
    from .errors.frames import *
    from .errors.http import *
    from .errors.websocket import *
    from .frames import *
    from .http.auth import *
    from .http.body_part import *
    from .http.data_queue import *
    from .http.disposition import *
    from .http.forms import *
    from .http.headers import *
    from .http.multipart_reader import *
    from .http.multipart_writer import *
    from .http.payload import *
    from .http.stream_iteration import *
    from .http.streamer import streamer as streamer
    from .http.streams import *
    from .http.zlib_codings import set_zlib_backend as set_zlib_backend
    from .installation import *
    from .web.values import ChainMapProxy as ChainMapProxy
    from .websockets.asyncio.client import connect as connect
    from .websockets.asyncio.server import serve as serve
    from .wire.deflate import *
    from .worker import GunicornUVLoopWebWorker as GunicornUVLoopWebWorker
    from .worker import GunicornWebWorker as GunicornWebWorker
    from .ws.engine.frame import *
    from .ws.listeners.broadcast import *
    from .ws.listeners.frame import *
    from .ws.opening.decisions import *
    from .ws.typed_messages import *
    from .ws.types import *
else:
    __getattr__, __dir__ = _exports.lazily(
        __name__,
        (
            "errors.client",
            "errors.frames",
            "errors.http",
            "errors.websocket",
            "wire.deflate",
            "ws.types",
            "ws.typed_messages",
            "ws.engine.frame",
            "ws.listeners.frame",
            "ws.listeners.broadcast",
            "ws.opening.decisions",
            "http.auth",
            "http.disposition",
            "http.forms",
            "http.headers",
            "http.payload",
            "http.multipart_writer",
            "http.body_part",
            "http.multipart_reader",
            "http.streams",
            "http.stream_iteration",
            "http.data_queue",
            "frames",
            "client",
            "client.digest_auth",
            "client.tracing",
            "installation",
        ),
        alone={
            # What most programs begin with, without a look at the parts before.
            "ClientSession": "client",
            "install_as_aiohttp": "installation",
            "connect": "websockets.asyncio.client",
            "serve": "websockets.asyncio.server",
            "set_zlib_backend": "http.zlib_codings",
            "streamer": "http.streamer",
            "ChainMapProxy": "web.values",
            "GunicornUVLoopWebWorker": "worker",
            "GunicornWebWorker": "worker",
        },
        needing={"GunicornUVLoopWebWorker": "gunicorn", "GunicornWebWorker": "gunicorn"},
        own=("PICOWS_DEBUG_LL", "hdrs"),
    )
