"""The access log: one line for each answered request, in Apache's format language."""

from __future__ import annotations

import inspect
import logging
import os
import re
import time as clock
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from .interfaces import AbstractAccessLogger

if TYPE_CHECKING:
    from .base_request import BaseRequest
    from .stream_response import StreamResponse

__all__ = ("AccessLogger",)

access_logger = logging.getLogger("aiohttp_ws.access")

#: Makes the value of one atom.
_Atom: TypeAlias = "Callable[[BaseRequest, StreamResponse, float], str | int]"


class AccessLogger(AbstractAccessLogger):
    """Logs requests at level INFO.

    :param logger: where to write.
    :param log_format: text with these atoms:

    ========== ==============================================================
    ``%%``     a percent sign
    ``%a``     the client's address
    ``%t``     when the request came
    ``%P``     the process's id
    ``%r``     the request line
    ``%s``     the status
    ``%b``     the size of the response sent, in bytes, the head included
    ``%T``     seconds it took to answer
    ``%Tf``    the same with a fraction
    ``%D``     microseconds it took to answer
    ``%{X}i``  header ``X`` of the request
    ``%{X}o``  header ``X`` of the response
    ========== ==============================================================

    What is absent is logged as ``-``. In what a peer chose, quotes and backslashes have a
    backslash before them, and characters that control a terminal or separate lines are written
    as ``\\xNN`` or ``\\uNNNN``: no field ends early. Each record also carries the values as
    attributes, named as in :attr:`LOG_FORMAT_MAP`, for structured logs.
    """

    __slots__ = ("_atoms", "_template")

    LOG_FORMAT: ClassVar[str] = '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"'
    LOG_FORMAT_MAP: ClassVar[dict[str, str]] = {
        "a": "remote_address",
        "t": "request_start_time",
        "P": "process_id",
        "r": "first_request_line",
        "s": "response_status",
        "b": "response_size",
        "T": "request_time",
        "Tf": "request_time_frac",
        "D": "request_time_micro",
        "i": "request_header",
        "o": "response_header",
    }

    _ATOM: ClassVar[re.Pattern[str]] = re.compile(
        r"%(?:\{([A-Za-z0-9\-_]+)\}([io])|(Tf|[atPrsbTD%]))"
    )

    def __init__(self, logger: logging.Logger, log_format: str = LOG_FORMAT) -> None:
        super().__init__(logger, log_format)
        # (attribute of the record, key inside it or None, what makes the value)
        self._atoms: list[tuple[str, str | None, _Atom]] = []
        template, position = "", 0
        for match in self._ATOM.finditer(log_format):
            template += log_format[position : match.start()].replace("%", "%%")
            position = match.end()
            header, side, letter = match.groups()
            if letter == "%":
                template += "%%"
                continue
            template += "%s"
            atom = _header_atom(header, side) if header else _ATOMS[letter]
            self._atoms.append((self.LOG_FORMAT_MAP[side or letter], header, atom))
        self._template = template + log_format[position:].replace("%", "%%")

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        try:
            values: list[str | int] = []
            extra: dict[str, Any] = {}
            for attribute, key, atom in self._atoms:
                value = atom(request, response, time)
                values.append(value)
                if key is None:
                    extra[attribute] = value
                else:
                    extra.setdefault(attribute, {})[key] = value
            self.logger.info(self._template % tuple(values), extra=extra)
        except Exception:  # a line lost must not cost the connection
            self.logger.exception("Error in logging")


def _header_atom(name: str, side: str) -> _Atom:
    def field(request: BaseRequest, response: StreamResponse, time: float) -> str | int:
        message = request if side == "i" else response
        if message is None:
            return "(no headers)"
        sent = getattr(message, "_sent_field", None)
        value: Any = sent(name) if inspect.ismethod(sent) else message.headers.get(name)
        return _printable(value or "-") if isinstance(value or "-", str) else value

    return field


# What would end a line or a field early, or acts on the terminal that shows the log: quotes,
# backslashes, C0, C1, the separators of lines and paragraphs; and bytes that were no text, which
# came as lone surrogates and which no log file can take.
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char in '"\\':
        return "\\" + char
    return f"\\x{ord(char):02x}" if char < "\x80" else f"\\u{ord(char):04x}"


def _printable(value: str) -> str:
    return value if _UNSAFE.search(value) is None else _UNSAFE.sub(_escaped, value)


def _start_time(request: BaseRequest, response: StreamResponse, time: float) -> str:
    started = clock.time() - time
    zone = clock.strftime("%z", clock.localtime(started))
    return clock.strftime(f"[%d/%b/%Y:%H:%M:%S {zone}]", clock.localtime(started))


def _address(request: BaseRequest, response: StreamResponse, time: float) -> str:
    # Of a UNIX socket it is empty.
    address = None if request is None else request.remote
    return "-" if address is None else _printable(address)


def _size(request: BaseRequest, response: StreamResponse, time: float) -> int:
    head = getattr(response, "_head_length", 0)
    return response.body_length + head if isinstance(head, int) else response.body_length


def _request_line(request: BaseRequest, response: StreamResponse, time: float) -> str:
    if request is None:
        return "-"
    version = request.version
    return _printable(f"{request.method} {request.path_qs} HTTP/{version[0]}.{version[1]}")


_ATOMS: dict[str, _Atom] = {
    "a": _address,
    "t": _start_time,
    "P": lambda request, response, time: f"<{os.getpid()}>",
    "r": _request_line,
    "s": lambda request, response, time: response.status,
    "b": _size,
    "T": lambda request, response, time: str(round(time)),
    "Tf": lambda request, response, time: f"{time:06f}",
    "D": lambda request, response, time: str(round(time * 1_000_000)),
}
