"""Compress with LZMA2 without a container: the smallest pages, if time is no matter."""

import lzma

from zswapsim import CorruptPageError


class Xz:
    """Hold one context. Each thread makes an object of its own, with every parameter by name."""

    # name: (minimum, maximum, default, one line of help). Values are checked before they are passed.
    parameters = {"preset": (0, 9, 6, "effort: higher is slower and smaller")}

    def __init__(self, preset: int) -> None:
        self.filters = [{"id": lzma.FILTER_LZMA2, "preset": preset, "dict_size": 4096}]

    def compress(self, page: bytes) -> bytes | None:
        """Return the compressed page. None, or anything as long as the page, means that it is stored uncompressed."""
        return lzma.compress(page, lzma.FORMAT_RAW, filters=self.filters)

    def decompress(self, data: bytes) -> bytes:
        """Return the page. CorruptPageError blames the bytes; any other exception blames the codec."""
        try:
            page = lzma.decompress(data, lzma.FORMAT_RAW, filters=self.filters)
        except lzma.LZMAError as error:
            raise CorruptPageError(str(error)) from error
        if len(page) != 4096:
            raise CorruptPageError(f"{len(page)} bytes where a page has 4096")
        return page
