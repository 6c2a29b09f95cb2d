"""The responses a server makes itself, when a handler or a client fails, and what it logs.

What a handler raises is the server's fault and is logged as an error. It is not when it reports
that the client's connection has ended, which :class:`HTTPConnection` decides.
"""

from __future__ import annotations

import asyncio
import html
import logging
import sys
import traceback
from typing import TYPE_CHECKING

from .. import hdrs
from ..errors import BadHttpMessage, RequestPayloadError
from ..http.headers import reason_of
from .response import Response
from .stream_response import StreamResponse

if TYPE_CHECKING:
    from .base_request import BaseRequest

__all__ = (
    "answer_bad_message",
    "answer_error",
    "answer_wrong_result",
    "cancelled_within",
    "is_being_cancelled",
    "log_lost_client",
    "log_short_body",
    "log_wrong_end",
    "log_wrong_result",
)

_HTML = "<html><head><title>{0}</title></head><body>\n<h1>{0}</h1>\n{1}\n</body></html>\n"
_TROUBLE = "Server got itself in trouble"


def answer_bad_message(error: BadHttpMessage, logger: logging.Logger, peer: object) -> Response:
    """Return the answer to bytes that are not a request; log one line at debug level."""
    logger.debug("bad request from %s: %s", peer, error)
    status = error.code
    response = Response(status=status, text=f"{status} {reason_of(status)}: {error.message}\n")
    if isinstance(error.headers, dict):
        response.headers.update(error.headers)
    response.force_close()
    return response


def answer_error(
    request: BaseRequest, error: Exception, logger: logging.Logger, debug: bool
) -> Response:
    """Return the answer to a request whose handler raised.

    The client learns nothing more, but for a traceback in *debug* mode, the server's or the loop's.

    A client that broke its own body off gets 400 and a line at debug level, one whose answer
    waited too long for something 504 (:exc:`asyncio.TimeoutError`), anything else 500 and a
    traceback in the log.
    """
    response: Response
    if isinstance(error, asyncio.TimeoutError):
        logger.debug("the handler of %r timed out", request, exc_info=error)
        response = Response(status=504, text=f"504: {reason_of(504)}")
    elif isinstance(error, RequestPayloadError):
        logger.debug("bad request body from %s: %s", request.remote, error)
        response = Response(status=400, text=f"400 Bad Request: {error}\n")
    else:
        logger.error("Error handling request from %s: %r", request.remote, request, exc_info=error)
        response = _internal_error(request, error if debug or request._loop.get_debug() else None)
    response.force_close()
    return response


def answer_wrong_result(request: BaseRequest, result: object, logger: logging.Logger) -> Response:
    """Return the answer to a request whose handler returned nothing that can be sent."""
    log_wrong_result(request, result, logger)
    response = _internal_error(request)
    response.force_close()
    return response


def log_wrong_result(request: BaseRequest, result: object, logger: logging.Logger) -> None:
    """Say why what a handler returned cannot be sent."""
    if isinstance(result, StreamResponse):
        what = (
            "was sent already"
            if result.prepared
            else f"comes after another one has begun, its status {result.status} unsent"
        )
        logger.error("%r returned by the handler of %r %s", result, request, what)
    elif result is None:
        logger.error("the handler of %r returned None: is a return missing?", request)
    else:
        logger.error("the handler of %r returned %r, which is not a response", request, result)


def is_being_cancelled(task: asyncio.Task[None]) -> bool:
    """Whether *task* was asked to end; before Python 3.11 a task does not tell."""
    return sys.version_info < (3, 11) or task.cancelling() > 0


def cancelled_within(error: asyncio.CancelledError) -> RuntimeError:
    """Return the failure of a handler that was not cancelled itself: what it awaited was."""
    failure = RuntimeError("the handler awaited a task or future that was cancelled")
    failure.__cause__ = error
    return failure


def log_lost_client(request: BaseRequest, error: BaseException, logger: logging.Logger) -> None:
    """Note at debug level that a handler ended because its client's connection did."""
    logger.debug("the client of %r closed the connection: %s", request, error)


def log_wrong_end(request: BaseRequest, error: BaseException, logger: logging.Logger) -> None:
    """Log that a handler failed after its response had begun, which the client sees cut off."""
    logger.error("error handling %r after its response began", request, exc_info=error)


def log_short_body(
    request: BaseRequest, response: StreamResponse, missing: int, logger: logging.Logger
) -> None:
    """Log that a response ended *missing* bytes before its ``Content-Length``."""
    promised = int(response.headers[hdrs.CONTENT_LENGTH])
    logger.error(
        "the response to %r has %d bytes of body and promised Content-Length: %d;"
        " the connection is closed after it",
        request,
        promised - missing,
        promised,
    )


def _internal_error(request: BaseRequest, shown_error: Exception | None = None) -> Response:
    title = f"500 {reason_of(500)}"
    trace = None
    if shown_error is not None:
        kind = type(shown_error)
        trace = "".join(traceback.format_exception(kind, shown_error, shown_error.__traceback__))
    if "text/html" in request.headers.get("Accept", ""):
        shown = _TROUBLE
        if trace is not None:
            shown = f"<h2>Traceback:</h2>\n<pre>{html.escape(trace)}</pre>"
        return Response(status=500, text=_HTML.format(title, shown), content_type="text/html")
    return Response(status=500, text=f"{title}\n\n{_TROUBLE if trace is None else trace}")
