"""Make pages like those of programs, the same on every machine: text, pointers, floats, records and noise.

No page is same-filled, so that no measured cost is that of doing nothing.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Pages = NDArray[np.uint8]
PAGE_BYTES = 4096


def text(rng: Generator, count: int) -> Pages:
    """Make words of a vocabulary of 2000, drawn as in a natural language (Zipf), with spaces between."""
    letters = np.frombuffer(b"etaoinshrdlucmfwypvbgkjqxz", np.uint8)
    lengths = rng.integers(2, 10, 2000)
    words = [rng.choice(letters[: 8 + 2 * int(n)], n).tobytes() + b" " for n in lengths]
    drawn = np.minimum(rng.zipf(1.3, count * PAGE_BYTES // 3), len(words)) - 1
    return _cut(b"".join(words[i] for i in drawn.tolist()), count)


def pointers(rng: Generator, count: int) -> Pages:
    """Make 64-bit addresses of one heap of 16 MiB, aligned to 16 bytes; two words in five are small integers."""
    shape = (count, PAGE_BYTES // 8)
    heap = np.uint64(0x7F3A_5C00_0000) + rng.integers(0, 1 << 20, shape, dtype=np.uint64) * np.uint64(16)
    small = rng.integers(0, 256, shape, dtype=np.uint64)
    return _bytes(np.where(rng.random(shape) < 0.4, small, heap))


def floats(rng: Generator, count: int) -> Pages:
    """Make a column of doubles that wander in steps of 1/100, as measurements do."""
    steps = rng.normal(0, 0.5, (count, PAGE_BYTES // 8)).cumsum(axis=1) + 1000
    return _bytes(np.round(steps, 2))


def records(rng: Generator, count: int) -> Pages:
    """Make rows of 32 bytes: a running number, a time, a kind, a flag and unused room."""
    rows = np.zeros(count * PAGE_BYTES // 32, dtype=[("id", "<u8"), ("time", "<u8"), ("kind", "<u4"), ("rest", "V12")])
    rows["id"] = np.arange(1, len(rows) + 1)
    rows["time"] = 1_700_000_000_000 + rng.integers(1, 5000, len(rows)).cumsum()
    rows["kind"] = rng.integers(1, 12, len(rows))
    return _cut(rows.tobytes(), count)


def noise(rng: Generator, count: int) -> Pages:
    """Make bytes that no codec shrinks, like ciphertext, images and archives."""
    return rng.integers(0, 256, (count, PAGE_BYTES), dtype=np.uint8)


# The pages of each kind among 20 pages, whose order is shuffled.
SHARES: dict[Callable[[Generator, int], Pages], int] = {text: 6, pointers: 6, floats: 3, records: 4, noise: 1}


def mixed_pages(count: int, seed: int = 1) -> Pages:
    """Return `count` pages of all kinds, uint8[count, 4096]."""
    rng = np.random.default_rng(seed)
    each = -(-count // sum(SHARES.values()))
    parts = [make(rng, each * share) for make, share in SHARES.items()]
    pages = rng.permutation(np.concatenate(parts))[:count]
    words = pages.view(np.uint64)
    if (words == words[:, :1]).all(axis=1).any():
        raise AssertionError("a page of the mix is same-filled")
    return np.ascontiguousarray(pages)


def _bytes(words: NDArray[np.generic]) -> Pages:
    return np.ascontiguousarray(words).view(np.uint8).reshape(len(words), PAGE_BYTES)


def _cut(data: bytes, count: int) -> Pages:
    return np.frombuffer(data, np.uint8, count * PAGE_BYTES).reshape(count, PAGE_BYTES)
