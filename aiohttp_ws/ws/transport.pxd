# For users' modules: the declarations stand in engine/.

from aiohttp_ws.ws.listeners.frame cimport WSListener, WSTransport
