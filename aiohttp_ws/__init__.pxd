# What compiled listeners of users cimport. All of it stays by these names; nothing that they
# reach needs a header of ours, so that no include path is to be set.

from aiohttp_ws.ws.engine.frame cimport WSCloseHandshake, WSCloseInfo, WSFrame
from aiohttp_ws.ws.listeners.frame cimport WSListener, WSTransport
from aiohttp_ws.ws.types cimport WSAutoPingStrategy, WSCloseCode, WSMsgType
