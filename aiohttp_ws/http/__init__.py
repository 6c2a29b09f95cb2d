"""What the server and the client share: headers, bodies, cookies, forms, compression.

Programs written for aiohttp import a few names from here that are at home in modules beside it.
"""

from typing import TYPE_CHECKING

from .. import exports as _exports

if TYPE_CHECKING:
    from ..errors import WebSocketError as WebSocketError
    from .headers import HttpVersion as HttpVersion
    from .headers import HttpVersion10 as HttpVersion10
    from .headers import HttpVersion11 as HttpVersion11
    from .software import SERVER_SOFTWARE as SERVER_SOFTWARE
    from .writer import StreamWriter as StreamWriter
else:
    __getattr__, __dir__ = _exports.lazily(
        __name__,
        alone={
            "HttpVersion": "headers",
            "HttpVersion10": "headers",
            "HttpVersion11": "headers",
            "SERVER_SOFTWARE": "software",
            "StreamWriter": "writer",
            "WSCloseCode": ".ws.types",
            "WSMessage": ".ws.types",
            "WSMsgType": ".ws.types",
            "WebSocketError": ".errors",
        },
    )
