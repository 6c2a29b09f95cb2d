"""Header fields without a start line: those of a part of a multipart message (RFC 2046 5.1)."""

from multidict import CIMultiDictProxy

def parse_fields(
    data: bytes, at: int, max_field_size: int, max_headers: int
) -> tuple[CIMultiDictProxy[str], int] | None:
    """Parse the fields that begin at offset *at* of *data*, and the empty line after them.

    Lines may end in LF alone, and values may be folded, as in mail.

    :param max_field_size: bytes that the line of a field may have.
    :param max_headers: fields there may be.
    :returns: the fields and the offset after them; ``None`` when the empty line is not there yet.
    :raises BadHttpMessage: or a subclass, for a malformed field or one beyond a limit.
    """
