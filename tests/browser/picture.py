"""A picture that was downloaded, as Pillow reads it."""

import io
from collections import Counter

from PIL import Image

SIGNATURE, END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"


class Picture:
    def __init__(self, data):
        assert data.startswith(SIGNATURE) and data.endswith(END)
        Image.open(io.BytesIO(data)).verify()  # every chunk's checksum
        self.image = Image.open(io.BytesIO(data))
        assert self.image.mode == "RGBA" and not self.image.info.get("interlace")
        self.width, self.height = self.image.size

    def colors(self, x=0, y=0, width=None, height=None):
        """{"#rrggbb": pixels} of a part, or of all."""
        right = self.width if width is None else min(x + width, self.width)
        low = self.height if height is None else min(y + height, self.height)
        found = self.image.crop((x, y, right, low)).getcolors(maxcolors=self.width * self.height)
        assert all(alpha == 255 for _, (*_, alpha) in found), "nothing is transparent"
        return Counter({f"#{red:02x}{green:02x}{blue:02x}": n for n, (red, green, blue, _) in found})
