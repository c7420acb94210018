"""LZMA2 without a container: how small a page can get when time is no matter."""

import lzma

from zswapsim import CorruptPageError


class Xz:
    """One context: each thread that compresses makes an object of its own, with every parameter by name."""

    # name: (lowest, highest, initial, one line for people). Values are checked before they come here.
    parameters = {"preset": (0, 9, 6, "effort: higher is slower and smaller")}

    def __init__(self, preset: int) -> None:
        self.filters = [{"id": lzma.FILTER_LZMA2, "preset": preset, "dict_size": 4096}]

    def compress(self, page: bytes) -> bytes | None:
        """The page compressed; None, or anything as long as the page, says that it is kept as it is."""
        return lzma.compress(page, lzma.FORMAT_RAW, filters=self.filters)

    def decompress(self, data: bytes) -> bytes:
        """The page again. CorruptPageError says that the bytes are at fault; all else that the codec is."""
        try:
            page = lzma.decompress(data, lzma.FORMAT_RAW, filters=self.filters)
        except lzma.LZMAError as error:
            raise CorruptPageError(str(error)) from error
        if len(page) != 4096:
            raise CorruptPageError(f"{len(page)} bytes where a page has 4096")
        return page
