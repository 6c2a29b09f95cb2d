"""Multipart messages to send (RFC 2046 5.1, RFC 7578)."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from .. import hdrs
from .coding import Encoder
from .field_values import is_token
from .interfaces import AbstractStreamWriter
from .part_codings import Base64Encoder, QuotedPrintableEncoder, part_compressor
from .payload import BytesIOPayload, BytesPayload, JsonPayload, StringPayload, get_payload
from .payload_base import LookupError, Payload

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("MultipartWriter",)

_logger = logging.getLogger("aiohttp_ws.client")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Parts that cost no wait, of up to so many bytes together, are written at once.
_JOINED: Final = 64 * 1024
_IN_MEMORY: Final = frozenset({BytesPayload, BytesIOPayload, JsonPayload, StringPayload})
_NOT_IN_FORMS: Final = (
    hdrs.CONTENT_ENCODING,
    hdrs.CONTENT_LENGTH,
    hdrs.CONTENT_TRANSFER_ENCODING,
)


class MultipartWriter(Payload):
    """A body of several parts.

    :param subtype: ``mixed``, ``form-data``, ``related`` and so on.
    :param boundary: ASCII text that is in no part; one that cannot be guessed by default.
    :raises ValueError: for a boundary that a header cannot carry.
    """

    _value: None

    def __init__(self, subtype: str = "mixed", boundary: str | None = None) -> None:
        if boundary is None:
            boundary = uuid.uuid4().hex
        if not boundary.isascii():
            raise ValueError(f"boundary {boundary!a} should contain ASCII characters only")
        if _CONTROL.search(boundary):
            raise ValueError(f"boundary {boundary!a} has control characters")
        self._boundary = boundary.encode("ascii")
        self._in_form = subtype == "form-data"
        self._parts: list[tuple[Payload, str | None, str | None]] = []
        super().__init__(None, content_type=f"multipart/{subtype}; boundary={self._boundary_value}")

    @property
    def _boundary_value(self) -> str:
        boundary = self.boundary
        if is_token(boundary):
            return boundary
        escaped = boundary.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    @property
    def boundary(self) -> str:
        """What separates the parts, without the hyphens before it."""
        return self._boundary.decode("ascii")

    @property
    def consumed(self) -> bool:
        """Whether it, or one of its parts, cannot be written again."""
        return self._consumed or any(part.consumed for part, _, _ in self._parts)

    @property
    def autoclose(self) -> bool:
        """Whether no part holds what :meth:`close` would give back."""
        return all(part.autoclose for part, _, _ in self._parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Do nothing: the block only shows which parts belong to the message."""

    def __iter__(self) -> Iterator[tuple[Payload, str | None, str | None]]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __bool__(self) -> bool:
        return True

    # ------------------------------------------------------------------------- parts

    def append(self, obj: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """Add a part: what :func:`get_payload` accepts, or another writer.

        :param headers: to add to those of the part.
        :returns: the part.
        :raises TypeError: for what cannot be sent.
        """
        if isinstance(obj, Payload):
            if headers is not None:
                obj.headers.update(headers)
            return self.append_payload(obj)
        try:
            payload = get_payload(obj, headers={} if headers is None else headers)
        except LookupError as exc:
            raise TypeError(f"Cannot create payload from {obj!r:.100}") from exc
        return self.append_payload(payload)

    def append_payload(self, payload: Payload) -> Payload:
        """Add a part.

        It is compressed and encoded as its ``Content-Encoding`` (gzip, deflate) and
        ``Content-Transfer-Encoding`` (base64, quoted-printable) say.

        :raises RuntimeError: for other codings.
        :raises ValueError: for such a header in ``form-data`` (:rfc:`7578#section-4.7`, 4.8).
        """
        encoding = transfer_encoding = None
        headers = payload.headers
        if self._in_form:
            for name in _NOT_IN_FORMS:
                if name in headers:
                    raise ValueError(
                        f"{name}: {headers[name]} in a part of form-data (RFC 7578 4.8); leave it"
                        " out"
                    )
            if hdrs.CONTENT_DISPOSITION not in headers:
                payload.set_content_disposition("form-data", name=f"section-{len(self._parts)}")
        else:
            encoding = headers.get(hdrs.CONTENT_ENCODING, "").lower()
            if encoding not in ("", "identity", "gzip", "deflate"):
                raise RuntimeError(f"unknown content encoding: {encoding}")
            transfer_encoding = headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower()
            if transfer_encoding not in ("", "binary", "base64", "quoted-printable"):
                raise RuntimeError(f"unknown content transfer encoding: {transfer_encoding}")
            encoding = None if encoding in ("", "identity") else encoding
            transfer_encoding = None if transfer_encoding in ("", "binary") else transfer_encoding
            size = payload.size
            if size is not None and encoding is transfer_encoding is None:
                headers[hdrs.CONTENT_LENGTH] = str(size)
        self._parts.append((payload, encoding, transfer_encoding))
        return payload

    def append_json(self, obj: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """Add a part with *obj* as JSON."""
        return self.append_payload(JsonPayload(obj, headers=headers))

    def append_form(
        self,
        obj: Sequence[tuple[str, str]] | Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Payload:
        """Add a part with *obj* as a URL-encoded form.

        :raises TypeError: when it is neither a mapping nor a sequence of pairs.
        """
        if not isinstance(obj, (Sequence, Mapping)):
            raise TypeError(f"form is {type(obj).__name__}, pass a mapping or a list of pairs")
        fields = list(obj.items()) if isinstance(obj, Mapping) else obj
        return self.append_payload(
            StringPayload(
                urlencode(fields, doseq=True),
                headers=headers,
                content_type="application/x-www-form-urlencoded",
            )
        )

    # ----------------------------------------------------------------------- writing

    @property
    def size(self) -> int | None:
        """The bytes of the whole message; ``None`` when that of a part is not known."""
        framing = 2 + len(self._boundary) + 2
        total = framing + 2  # the last boundary has two more hyphens
        for part, encoding, transfer_encoding in self._parts:
            size = part.size
            if size is None or encoding is not None or transfer_encoding is not None:
                return None
            total += framing + len(part._binary_headers) + size + 2
        return total

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the parts as text, without the last boundary. Reads files while the loop waits."""
        return "".join(
            f"--{self.boundary}\r\n{part._binary_headers.decode(encoding, errors)}{part.decode()}"
            for part, _, _ in self._parts
        )

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the whole message."""
        pieces = []
        for part, coding, transfer_encoding in self._parts:
            content = await part.as_bytes(encoding, errors)
            for encoder in _encoders(coding, transfer_encoding):
                content = encoder.compress(content) + encoder.flush()
            pieces += [b"--%b\r\n" % self._boundary, part._binary_headers, content, b"\r\n"]
        pieces.append(b"--%b--\r\n" % self._boundary)
        return b"".join(pieces)

    async def write(self, writer: AbstractStreamWriter, close_boundary: bool = True) -> None:
        """Write the message to *writer*.

        :param close_boundary: end it; ``False`` where further parts are written by another
            writer with the same boundary, as of ``multipart/x-mixed-replace``.
        """
        pending: list[bytes] = []
        size = 0
        for part, encoding, transfer_encoding in self._parts:
            pending.append(b"--%b\r\n%b" % (self._boundary, part._binary_headers))
            encoders = _encoders(encoding, transfer_encoding)
            length = part.size if type(part) in _IN_MEMORY and not encoders else None
            if length is not None and length <= _JOINED:
                # Small pieces leave in one system call with what is around them.
                pending.append(await part.as_bytes())
                size += length
            else:
                await writer.write(b"".join(pending))
                pending.clear()
                size = 0
                if encoders:
                    encoding_writer: Any = _EncodingWriter(writer, encoders)
                    await part.write(encoding_writer)
                    await encoding_writer.write_eof()
                else:
                    await part.write(writer)
            pending.append(b"\r\n")
            if size > _JOINED:
                await writer.write(b"".join(pending))
                pending.clear()
                size = 0
        if close_boundary:
            pending.append(b"--%b--\r\n" % self._boundary)
        if pending:
            await writer.write(b"".join(pending))

    async def close(self) -> None:
        """Close the files of the parts; an error of one is logged."""
        if self._consumed:
            return
        self._consumed = True
        for part, _, _ in self._parts:
            if not part.autoclose and not part.consumed:
                try:
                    await part.close()
                except Exception:
                    _logger.exception("a part of a multipart body cannot be closed: %r", part)


def _encoders(encoding: str | None, transfer_encoding: str | None) -> list[Encoder]:
    """What the content of a part goes through, in order."""
    encoders: list[Encoder] = []
    if encoding is not None:
        encoders.append(part_compressor(encoding))
    if transfer_encoding == "base64":
        encoders.append(Base64Encoder())
    elif transfer_encoding is not None:
        encoders.append(QuotedPrintableEncoder())
    return encoders


class _EncodingWriter:
    """Stands for the writer of the message while one part is written."""

    __slots__ = ("_encoders", "_writer")

    def __init__(self, writer: AbstractStreamWriter, encoders: list[Encoder]) -> None:
        self._writer = writer
        self._encoders = encoders

    async def write(self, chunk: bytes) -> None:
        for encoder in self._encoders:
            chunk = encoder.compress(chunk)
        if chunk:
            await self._writer.write(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        for encoder in self._encoders:
            chunk = (encoder.compress(chunk) if chunk else b"") + encoder.flush()
        if chunk:
            await self._writer.write(chunk)

    async def drain(self) -> None:
        await self._writer.drain()
