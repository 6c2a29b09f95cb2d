"""``aiohttp.web``: the server framework."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    whole="web",
)

if __name__ == "__main__":  # python -m aiohttp.web
    import runpy

    runpy.run_module("aiohttp_ws.web", run_name="__main__", alter_sys=True)
