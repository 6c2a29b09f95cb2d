"""Read a PNG far enough to know what colours are in it (ISO/IEC 15948; 8 bits, RGB or RGBA)."""

import struct
import zlib
from collections import Counter

CHANNELS = {2: 3, 6: 4}


def colours(png: bytes) -> Counter[tuple[int, ...]]:
    """How many pixels there are of each colour (red, green, blue)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    position, packed, header = 8, b"", b""
    while position < len(png):
        length, kind = struct.unpack(">I4s", png[position : position + 8])
        body = png[position + 8 : position + 8 + length]
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        position += length + 12
    width, height, depth, colour_type, _, _, interlace = struct.unpack(">IIBBBBB", header)
    assert (depth, interlace) == (8, 0)
    step = CHANNELS[colour_type]
    found: Counter[tuple[int, ...]] = Counter()
    for line in scanlines(zlib.decompress(packed), width * step, height, step):
        found.update(zip(line[0::step], line[1::step], line[2::step], strict=True))
    return found


def scanlines(raw: bytes, stride: int, height: int, step: int) -> list[bytearray]:
    """Undo the filter of each line (section 9)."""
    lines: list[bytearray] = []
    above = bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        if kind == 2:
            line = bytearray((a + b) & 255 for a, b in zip(line, above, strict=True))
        elif kind:
            for i in range(stride):
                left = line[i - step] if i >= step else 0
                corner = above[i - step] if i >= step else 0
                line[i] = (line[i] + predicted(kind, left, above[i], corner)) & 255
        lines.append(line)
        above = line
    return lines


def predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 1:
        return left
    if kind == 3:
        return (left + up) // 2
    estimate = left + up - corner  # 9.4: the Paeth predictor
    distances = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
    return (left, up, corner)[distances.index(min(distances))]
