"""Which close codes exist, and what a close frame can carry (RFC 6455 5.5.1, 7.4)."""

from aiohttp_ws.ws.types import WSCloseCode

cdef dict NAMED = {int(code): code for code in WSCloseCode}


cpdef bint sendable_close_code(int code) noexcept:
    """Say whether *code* may stand in a close frame (RFC 6455 7.4 and the IANA registry)."""
    return (
        1000 <= code <= 1003
        or 1007 <= code <= 1014
        or 3000 <= code <= 4999
    )


cpdef object named_close_code(int code):
    """Return the WSCloseCode of *code*, or *code* where it has no name."""
    return NAMED.get(code, code)


def check_close(code, message):
    """Return *code* and *message* as a close frame can carry them (RFC 6455 5.5.1, 7.4)."""
    if isinstance(message, str):
        message = message.encode()
    message = bytes(message or b"")
    if not isinstance(code, int):
        raise TypeError(f"close code must be int, not {type(code).__name__}")
    if not sendable_close_code(code):
        raise ValueError(
            f"close code {int(code)} cannot be sent; use 1000-1003, 1007-1014 or 3000-4999"
            " (RFC 6455 7.4)"
        )
    if len(message) > 123:
        raise ValueError(
            f"close message of {len(message)} bytes exceeds 123 (RFC 6455 5.5); shorten it"
        )
    return int(code), message
