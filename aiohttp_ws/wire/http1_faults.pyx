"""What the parsers say of a malformed message: class, status and text of each fault."""

from cpython.bytes cimport PyBytes_FromStringAndSize

from aiohttp_ws.errors import (
    BadHttpMessage,
    BadHttpMethod,
    BadStatusLine,
    InvalidHeader,
    InvalidURLError,
    LineTooLong,
    TransferEncodingError,
)

# Bytes of the peer's that a text quotes at most.
cdef enum:
    EXCERPT = 64

# {} is the offending part of the message. 431, 414: RFC 6585 5, RFC 9110 15.5.15.
cdef dict FAULTS = {
    HTTP1_E_FIRST_BYTE: (BadHttpMethod, 400, "{} does not begin an HTTP/1.1 message"),
    HTTP1_E_METHOD: (
        BadHttpMethod, 400, "{}: a method is a token without lower-case letters, such as GET"
    ),
    HTTP1_E_START_LINE: (
        BadStatusLine, 400, "{}: the first line is not METHOD SP target SP HTTP-version"
    ),
    HTTP1_E_TARGET_BYTE: (
        InvalidURLError, 400,
        "request target {} ends in a byte that targets must percent-encode",
    ),
    HTTP1_E_TARGET_FORM: (
        InvalidURLError, 400,
        "request target {} is neither a path, an http URL nor the * of OPTIONS",
    ),
    HTTP1_E_CONNECT_TARGET: (
        InvalidURLError, 400, "request target {} of CONNECT is not host:port"
    ),
    HTTP1_E_VERSION: (BadStatusLine, 400, "{} is not HTTP/1.1 or HTTP/1.0"),
    HTTP1_E_VERSION_UNSUPPORTED: (
        BadStatusLine, 505, "{} is not supported: HTTP/1.1 and HTTP/1.0 are"
    ),
    HTTP1_E_STATUS_LINE: (
        BadStatusLine, 400, "{}: the first line is not HTTP-version SP status SP reason"
    ),
    HTTP1_E_STATUS: (BadStatusLine, 400, "{} is not a status code of three digits from 100 on"),
    HTTP1_E_REASON: (BadStatusLine, 400, "reason phrase {} ends in a control character"),
    HTTP1_E_LINE_END: (BadHttpMessage, 400, "a line ends in CR LF and holds neither: {}"),
    HTTP1_E_LINE_TOO_LONG: (
        LineTooLong, 414,
        "first line {}... exceeds max_line_size={max_line} bytes;"
        " raise max_line_size to accept it",
    ),
    HTTP1_E_FIELD_TOO_LONG: (
        LineTooLong, 431,
        "field {}... exceeds max_field_size={max_field} bytes;"
        " raise max_field_size to accept it",
    ),
    HTTP1_E_TOO_MANY_FIELDS: (
        LineTooLong, 431,
        "field {} is one more than max_headers={max_fields}; raise max_headers to accept it",
    ),
    HTTP1_E_BLANK_LINES: (
        BadHttpMessage, 400, f"more than {MAX_BLANK_LINES} empty lines before a message"
    ),
    HTTP1_E_LEADING_SPACE: (InvalidHeader, 400, "whitespace before the first field"),
    HTTP1_E_FOLD: (InvalidHeader, 400, "a field is folded over lines (RFC 9112 5.2)"),
    HTTP1_E_NAME: (InvalidHeader, 400, "{}: a field name is a token"),
    HTTP1_E_SPACE_BEFORE_COLON: (
        InvalidHeader, 400, "{}: no whitespace may stand between field name and colon"
    ),
    HTTP1_E_NO_COLON: (InvalidHeader, 400, "{}: a field has a colon after its name"),
    HTTP1_E_VALUE: (InvalidHeader, 400, "field {} ends in a control character"),
    HTTP1_E_LENGTH: (
        InvalidHeader, 400, "Content-Length {} is not a decimal number of at most 18 digits"
    ),
    HTTP1_E_LENGTH_TWICE: (InvalidHeader, 400, "a second Content-Length, {}"),
    HTTP1_E_LENGTH_AND_CODING: (
        InvalidHeader, 400, "both Content-Length and Transfer-Encoding (RFC 9112 6.1)"
    ),
    HTTP1_E_CODING_TWICE: (InvalidHeader, 400, "a second Transfer-Encoding, {}"),
    HTTP1_E_CODING_UNKNOWN: (
        InvalidHeader, 501, "Transfer-Encoding {} is not supported: chunked is"
    ),
    HTTP1_E_CODING_NOT_CHUNKED: (
        InvalidHeader, 400, "Transfer-Encoding {}: chunked must be the last coding, once"
    ),
    HTTP1_E_CODING_HTTP10: (InvalidHeader, 400, "Transfer-Encoding in an HTTP/1.0 message"),
    HTTP1_E_HOST_MISSING: (InvalidHeader, 400, "no Host in an HTTP/1.1 request"),
    HTTP1_E_HOST_TWICE: (InvalidHeader, 400, "a second Host, {}"),
    HTTP1_E_HOST: (InvalidHeader, 400, "Host {} is not host or host:port"),
    HTTP1_E_HOST_MISMATCH: (
        InvalidHeader, 400, "Host {} differs from the host of the absolute request target"
    ),
    HTTP1_E_CONNECT_BODY: (InvalidHeader, 400, "{} with a body, which has no meaning"),
    HTTP1_E_CHUNK_SIZE: (
        TransferEncodingError, 400, "chunk line {} does not begin with a hexadecimal size"
    ),
    HTTP1_E_CHUNK_TOO_LARGE: (
        TransferEncodingError, 400, "chunk size {} has more than 15 digits"
    ),
    HTTP1_E_CHUNK_EXTENSION: (
        TransferEncodingError, 400, "chunk line {} has a malformed extension (RFC 9112 7.1.1)"
    ),
    HTTP1_E_CHUNK_EXTENSIONS_TOO_LONG: (
        TransferEncodingError, 400,
        f"chunk extensions of one message exceed {MAX_EXTENSION_BYTES} bytes",
    ),
    HTTP1_E_CHUNK_END: (
        TransferEncodingError, 400, "a chunk is not followed by CR LF but by {}"
    ),
    HTTP1_E_TRAILER: (
        InvalidHeader, 400, "field {} is not allowed in a trailer section (RFC 9110 6.5.1)"
    ),
}


cdef tuple make_fault(const http1_scan *scan, const char *base, size_t size):
    """The exception for ``scan.error``, as its class, message and keyword arguments.

    *base* and *size* are what was scanned.
    """
    if scan.error == HTTP1_E_MEMORY:
        raise MemoryError()
    cdef size_t at = min(scan.error_at, size)
    cdef size_t length = min(scan.error_size, size - at)
    excerpt = PyBytes_FromStringAndSize(base + at, min(length, <size_t>EXCERPT))
    shown = ascii(excerpt.decode("latin-1")) + ("..." if length > EXCERPT else "")
    kind, status, text = FAULTS[scan.error]
    message = text.format(
        shown, max_line=scan.max_line, max_field=scan.max_field, max_fields=scan.max_fields
    )
    values = {"code": status}
    if scan.error == HTTP1_E_LINE_TOO_LONG:
        values.update(limit="max_line_size", maximum=scan.max_line, excerpt=shown)
    elif scan.error == HTTP1_E_FIELD_TOO_LONG:
        values.update(limit="max_field_size", maximum=scan.max_field, excerpt=shown)
    elif scan.error == HTTP1_E_TOO_MANY_FIELDS:
        values.update(limit="max_headers", maximum=scan.max_fields, excerpt=shown)
    return kind, message, values
