"""Make page contents that are the same everywhere: a page depends on its recipe's name and its index alone.

The bytes are those that were written to a real zram device to get the kernel's figures (docs/traces.md), so every
figure measured on a recipe here can be checked against a kernel.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.page import PAGE_SIZE

DIGEST_BYTES = 32
STATES = ("active", "idle", "closed")
ARENA = 0x00007F3A40000000
TYPES = ARENA + 0x1C0012A0 + 0x1A0 * np.arange(7, dtype=np.uint64)
# The shares among 100 pages of the mix, as in a snapshot of anonymous memory.
MIX = {
    "zero": 12,
    "pattern": 3,
    "noise": 5,
    "text": 25,
    "pointers": 30,
    "floats": 8,
    "integers": 7,
    "sparse": 7,
    "half": 3,
}


def _stream(name: str, index: int, length: int) -> bytes:
    """Return the first `length` of the endless pseudo-random bytes of one page of one recipe."""
    seed = f"{name}:{index}:".encode()
    blocks = range(-(-length // DIGEST_BYTES))
    return b"".join([hashlib.sha256(seed + b"%d" % block).digest() for block in blocks])[:length]


def _words(name: str, index: int, count: int) -> NDArray[np.uint32]:
    return np.frombuffer(_stream(name, index, 4 * count), "<u4")


def _zero(_index: int) -> bytes:
    """Make a page of zero bytes."""
    return bytes(PAGE_SIZE)


def _pattern(index: int) -> bytes:
    """Make a page of one non-zero 64-bit word, repeated."""
    return bytes([index % 255 + 1]) * PAGE_SIZE


def _noise(index: int) -> bytes:
    """Make a page of incompressible bytes."""
    return _stream("noise", index, PAGE_SIZE)


def _text(index: int) -> bytes:
    """Make a page of JSON records, as a service keeps them in memory."""
    words = _words("text", index, 240).tolist()
    rows = [
        f'{{"id": {index * 60 + row}, "user": "user-{words[4 * row] % 5000}", '
        f'"state": "{STATES[words[4 * row + 1] % 3]}", "score": {words[4 * row + 2] % 1000}}}'
        for row in range(60)
    ]
    data = "\n".join(rows).encode()
    return (data * (PAGE_SIZE // len(data) + 1))[:PAGE_SIZE]


def _pointers(index: int) -> bytes:
    """Make a heap of 48-byte objects: reference count, type pointer, two pointers into one arena, a number, nothing."""
    words = _words("pointers", index, 3 * 86)[: 3 * 85].astype("<u8")
    a, b, c = words[0::3], words[1::3], words[2::3]
    objects = np.zeros((85, 6), "<u8")
    objects[:, 0] = 1 + a % 3
    objects[:, 1] = TYPES[a % 7]
    objects[:, 2] = ARENA + (b % (1 << 22)) * 16
    objects[:, 3] = ARENA + (c % (1 << 22)) * 16
    objects[:, 4] = c % 1000
    return objects.tobytes().ljust(PAGE_SIZE, b"\0")


def _floats(index: int) -> bytes:
    """Make float64 values of a slow random walk, low mantissa bits noisy."""
    steps = (_words("floats", index, 512) / 2**32 - 0.5) * 0.01
    return np.cumsum(np.concatenate([[100.0 + index], steps]))[1:].astype("<f8").tobytes()


def _integers(index: int) -> bytes:
    """Make an int64 column of values below 1000."""
    return (_words("integers", index, 512) % 1000).astype("<i8").tobytes()


def _beginning(index: int, name: str, lowest: int, lengths: int) -> bytes:
    """Make `lowest` … `lowest + lengths - 1` random bytes, then zeros."""
    length = lowest + int(_words(name, index, 1)[0]) % lengths
    return _stream(f"{name}-bytes", index, length).ljust(PAGE_SIZE, b"\0")


def _sparse(index: int) -> bytes:
    """Make a page that is mostly zero, with 1 to 512 random bytes at the start."""
    return _beginning(index, "sparse", 1, 512)


def _half(index: int) -> bytes:
    """Make a page half to all but one byte incompressible: its size is just under or over a page's huge limit."""
    return _beginning(index, "half", 2048, 2048)


def _mix(index: int) -> bytes:
    """Make pages of all the other recipes, in the shares of an anonymous memory snapshot."""
    return RECIPES[MIX_NAMES[struct.unpack("<I", _stream("mix", index, 4))[0] % 100]](index)


RECIPES: dict[str, Callable[[int], bytes]] = {
    "zero": _zero,
    "pattern": _pattern,
    "noise": _noise,
    "text": _text,
    "pointers": _pointers,
    "floats": _floats,
    "integers": _integers,
    "sparse": _sparse,
    "half": _half,
    "mix": _mix,
}
MIX_NAMES = [name for name, share in MIX.items() for _ in range(share)]


def recipe_page(recipe: str, index: int) -> bytes:
    """Return page `index` (at least 0) of a recipe: 4096 bytes. Raises KeyError on an unknown recipe."""
    return RECIPES[recipe](index)


def recipe_pages(recipe: str, count: int, first: int = 0) -> NDArray[np.uint8]:
    """Return pages `first` … `first + count - 1` of a recipe: uint8[count, 4096].

    Raises KeyError on an unknown recipe.
    """
    make = RECIPES[recipe]
    pages = np.empty((count, PAGE_SIZE), np.uint8)
    for at in range(count):
        pages[at] = np.frombuffer(make(first + at), np.uint8)
    return pages
