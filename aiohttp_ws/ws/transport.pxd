# For users' modules: the declarations stand in engine/.

from aiohttp_ws.ws.engine.transport cimport WSListener, WSTransport
