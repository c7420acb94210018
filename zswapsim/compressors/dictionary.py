"""Read a dictionary of zstd from a file, or train one from pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zswapsim._core.base.arguments import instance, whole
from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.opening import read_bytes
from zswapsim.files.operation import reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAGIC = bytes.fromhex("37a430ec")  # ZSTD_MAGIC_DICTIONARY, 0xEC30A437, little-endian
MAX_BYTES = 16 << 20  # far more than helps a page; a larger file is not read whole
LEAST_BYTES = 256  # ZDICT_DICTSIZE_MIN
MOST_PAGES = 1 << 14  # to train from: 64 MiB, four thousand times the usual dictionary, take seconds
LEAST_PAGES = 8  # fewer give no statistics; the trainer itself fails with fewer than five samples


def read_dictionary(path: str) -> bytes:
    """Return the bytes of a dictionary file. Raises InputError if it can't be read or is none.

    A dictionary without the magic number is refused: zstd would take it as raw content, so that any file would do and a
    mistake would look like a bad ratio.
    """
    try:
        data = read_bytes(path, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read: {reason(error)}") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: expected a zstd dictionary of at most {MAX_BYTES} bytes")
    if not data.startswith(MAGIC):
        raise InputError(f"{path}: byte offset 0: expected a zstd dictionary (it begins with 37 a4 30 ec)")
    return data


def train_dictionary(pages: NDArray[np.uint8], size: int = 16384) -> bytes:
    """Train a zstd dictionary of at most `size` bytes by libzstd (ZDICT_trainFromBuffer, fast cover).

    `pages` is uint8[K, 4096]. Of more than 16,384 pages an even choice is taken. Same-filled pages are left out,
    because no codec ever compresses them. The same pages give the same dictionary. Raises InputError if the shape is
    another, `size` is out of 256 … 16 Mi, or the pages are too few or too much alike; CodecError if libzstd is missing.
    """
    import numpy as np

    from zswapsim._core.codec.train import TRAIN_SYMBOLS, train
    from zswapsim.compressors.libraries import find_library

    instance(pages, np.ndarray, "pages")
    if pages.ndim != 2 or pages.shape[1] != PAGE_SIZE or pages.dtype != np.uint8:
        raise InputError(f"pages of shape {pages.shape}, {pages.dtype}: expected uint8[K, {PAGE_SIZE}]")
    size = whole(size, "dictionary", -(1 << 62), 1 << 62)
    if not LEAST_BYTES <= size <= MAX_BYTES:
        raise InputError(f"dictionary of {size} bytes: expected {LEAST_BYTES} to {MAX_BYTES}")
    useful = chosen_pages(pages)
    if len(useful) < LEAST_PAGES:
        raise InputError(
            f"dictionary: {len(useful)} pages to train from: expected at least {LEAST_PAGES} that are not same-filled"
        )
    library = find_library("zstd", TRAIN_SYMBOLS)
    assert library is not None
    try:
        return train(library, useful, size)
    except InputError as error:
        raise InputError(
            f"dictionary: can't train {size} bytes from {len(useful)} pages ({error}): "
            "expected more pages, pages less alike, or a smaller dictionary"
        ) from error


def chosen_pages(pages: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return at most MOST_PAGES of the pages that repeat no single word, evenly spread, C-contiguous."""
    import numpy as np

    step = -(-len(pages) // MOST_PAGES)
    chosen = np.ascontiguousarray(pages[:: max(step, 1)])
    words = chosen.view(np.uint64)
    return np.ascontiguousarray(chosen[(words != words[:, :1]).any(axis=1)])
