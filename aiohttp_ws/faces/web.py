"""``aiohttp.web``: the server framework."""

# Not relative: python -m aiohttp.web runs it by that name.
from aiohttp_ws import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    whole="web",
)

if __name__ == "__main__":  # python -m aiohttp.web
    import runpy

    runpy.run_module("aiohttp_ws.web", run_name="__main__", alter_sys=True)
