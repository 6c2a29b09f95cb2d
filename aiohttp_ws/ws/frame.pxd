# For users' modules: the declarations stand in engine/.

from aiohttp_ws.ws.engine.frame cimport WSCloseHandshake, WSCloseInfo, WSFrame
