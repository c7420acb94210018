"""Read bytes out of zlib, a piece at a time, however much they become."""

from __future__ import annotations

import zlib
from pathlib import Path

from zswapsim._core.base.errors import InputError
from zswapsim.traces.streams import Source, read_fully

HEADS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # RFC 1950, windows of 32 KiB
BLOCK_BYTES = 1 << 16


class Inflated:
    """The bytes of `source`, out of zlib if they begin as such. A cut or garbled stream is an error, and so is more."""

    def __init__(self, path: str | Path, source: Source) -> None:
        self.path, self.source = path, source
        self.block = memoryview(bytearray(BLOCK_BYTES))
        self.waiting = bytes(self.block[: read_fully(source, self.block[:2])])
        self.stream = zlib.decompressobj() if self.waiting in HEADS else None

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most `buffer` and return how many bytes that was; 0 at the end. Raises InputError."""
        if self.stream is None:
            return self._pass_on(buffer)
        data = b""
        while not data and not self.stream.eof:
            given = self.waiting or bytes(self.block[: self.source.readinto(self.block)])
            if not given:
                raise InputError(f"{self.path}: the zlib data is cut off")
            try:
                data = self.stream.decompress(given, len(buffer))
            except zlib.error as error:
                raise InputError(f"{self.path}: the zlib data is garbled ({error})") from None
            self.waiting = self.stream.unconsumed_tail
        if not data and (self.stream.unused_data or self.source.readinto(self.block)):
            raise InputError(f"{self.path}: expected nothing after the end of the zlib data, got more")
        buffer[: len(data)] = data
        return len(data)

    def _pass_on(self, buffer: memoryview) -> int:
        """Read what is not compressed."""
        if not self.waiting:
            return self.source.readinto(buffer)
        count = min(len(self.waiting), len(buffer))
        buffer[:count], self.waiting = self.waiting[:count], self.waiting[count:]
        return count
