"""Bytes to events and back: no socket, no event loop."""

try:
    from . import frames as frames
except ImportError as exc:
    if exc.name != "aiohttp_ws.wire":
        raise  # It is there and cannot be loaded: that is another fault, with its own message.
    raise ImportError(
        "aiohttp_ws is not built: its compiled modules are missing; run `make build` in a"
        " checkout, or `pip install .` (both need a C compiler)"
    ) from None
