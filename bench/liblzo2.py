"""Measure liblzo2 as a rival, if this machine has it and a C compiler: its functions over pages in a C loop."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

SCRATCH = 32768 * 8  # bytes; LZO1X_1_15_MEM_COMPRESS
SOURCE = Path(__file__).with_name("liblzo2_loop.c")


class Liblzo2:
    """Run lzo1x_1_15 over `pages` (uint8[n, 4096]), compiled in `folder`. Skips the test if that fails."""

    def __init__(self, folder: Path, pages: NDArray[np.uint8]) -> None:
        made = folder / "liblzo2_loop.so"
        built = subprocess.run(
            ["cc", "-O3", "-shared", "-fPIC", "-o", made, SOURCE, "-l:liblzo2.so.2"], capture_output=True, check=False
        )
        if built.returncode:
            pytest.skip("no liblzo2.so.2 to compare with")
        self.loop = ctypes.CDLL(str(made))
        self.loop.compress_pages.restype = self.loop.decompress_pages.restype = ctypes.c_int64
        self.pages = pages
        self.packed = np.empty(pages.size * 9 // 8, np.uint8)
        self.lengths = np.zeros(len(pages), np.uint64)
        self.scratch = np.empty(SCRATCH, np.uint8)

    def compress(self) -> int:
        """Return the nanoseconds to compress all pages."""
        arrays = (self.packed, self.lengths, self.scratch)
        taken = self.loop.compress_pages(_at(self.pages), ctypes.c_size_t(len(self.pages)), *map(_at, arrays))
        assert taken > 0
        return taken

    def decompress(self, out: NDArray[np.uint8]) -> int:
        """Return the nanoseconds to decompress all pages to `out`, after :meth:`compress`."""
        count = ctypes.c_size_t(len(self.pages))
        taken = self.loop.decompress_pages(_at(self.packed), _at(self.lengths), count, _at(out))
        assert taken > 0
        return taken


def _at(array: NDArray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
