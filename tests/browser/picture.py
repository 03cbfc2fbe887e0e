"""A picture that was downloaded, read by a decoder that knows nothing of how it was made: chunks, zlib and filters of PNG's own
specification."""

import struct
import zlib
from array import array
from collections import Counter

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUECOLOR_ALPHA = (8, 6, 0, 0, 0)  # bits, colour type, compression, filter, no interlace: what browsers write


def chunks(data):
    assert data[:8] == SIGNATURE
    at = 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", data, at + 8 + size)[0], kind
        yield kind, body
        at += size + 12


def paeth(left, up, corner):
    guess = left + up - corner
    a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
    return left if a <= b and a <= c else up if b <= c else corner


def unfiltered(kind, line, above):
    """A line of bytes; four of them are a pixel."""
    if kind == 2:
        return bytearray((x + b) & 255 for x, b in zip(line, above))
    out = bytearray(line)
    for i in range(len(out) if kind else 0):
        left, corner = (out[i - 4], above[i - 4]) if i >= 4 else (0, 0)
        add = {1: left, 3: (left + above[i]) // 2, 4: paeth(left, above[i], corner)}[kind]
        out[i] = (out[i] + add) & 255
    return out


class Picture:
    def __init__(self, data):
        found = list(chunks(data))
        assert found[0][0] == b"IHDR" and found[-1] == (b"IEND", b"")
        self.width, self.height, *form = struct.unpack(">II5B", found[0][1])
        assert tuple(form) == TRUECOLOR_ALPHA
        packed = zlib.decompress(b"".join(body for kind, body in found if kind == b"IDAT"))
        size = self.width * 4
        assert len(packed) == self.height * (size + 1)
        self.lines, above = [], bytes(size)
        for y in range(self.height):
            begin = y * (size + 1)
            above = unfiltered(packed[begin], packed[begin + 1 : begin + 1 + size], above)
            self.lines.append(array("I", bytes(above)))

    def colors(self, x=0, y=0, width=None, height=None):
        """{"#rrggbb": pixels} of a part, or of all."""
        found = Counter()
        for line in self.lines[y : None if height is None else y + height]:
            found.update(line[x : None if width is None else x + width])
        named = ((struct.pack("=I", pixel), n) for pixel, n in found.items())
        assert all(pixel[3] == 255 for pixel in map(lambda pixel: struct.pack("=I", pixel), found)), "nothing is transparent"
        return Counter({f"#{pixel[:3].hex()}": n for pixel, n in named})
