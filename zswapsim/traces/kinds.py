"""Decide which page image follows which when a page is written.

A write changes a page's bytes but not its nature: text stays text, a column of numbers a column of numbers. A sample of
its bytes gives each image a kind, and a written page moves to another image of its kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.page import PAGE_SIZE

ZERO, SAME_FILLED, DATA = 0, 1, 2
"""Kinds: all zero; one 64-bit word repeated; from DATA on other data, DATA + the bits in one of its bytes (0 to 7)."""

BLOCK_PAGES = 1024
SAMPLES = 256
# The stride has no factor in common with 8-byte fields, so that every byte of a word is sampled.
SAMPLED = np.arange(SAMPLES) * 17 % PAGE_SIZE

Images = NDArray[np.uint8]


def kind_name(kind: int) -> str:
    """Return the name of a kind for reports."""
    return ("zero", "same-filled")[kind] if kind < DATA else f"data, {kind - DATA} bits a byte"


class Tally:
    """Count pages while they are iterated over."""

    def __init__(self) -> None:
        self.pages = self.zero = self.same_filled = 0

    def over(self, blocks: Iterable[Images]) -> Iterator[Images]:
        """Yield `blocks` (uint8[n, 4096]) unchanged. `same_filled` does not count all-zero pages."""
        for block in blocks:
            kinds = _kinds(np.ascontiguousarray(block))
            self.pages += len(block)
            self.zero += int(np.count_nonzero(kinds == ZERO))
            self.same_filled += int(np.count_nonzero(kinds == SAME_FILLED))
            yield block


def sort_into_kinds(images: Images) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint64]]:
    """Return (kind: uint8[K], content: int64[K], digest: uint64[K, 2]) of `images`, uint8[K, 4096].

    Equal content numbers mean equal bytes; they count up from 0 in order of first appearance. The images are read once,
    in blocks. Contents are distinguished by their digest, 128 bits of BLAKE2b.
    """
    kind = np.empty(len(images), np.uint8)
    digest = np.empty((len(images), 2), np.uint64)
    for start in range(0, len(images), BLOCK_PAGES):
        block = np.ascontiguousarray(images[start : start + BLOCK_PAGES])
        kind[start : start + len(block)] = _kinds(block)
        digest[start : start + len(block)] = [
            np.frombuffer(hashlib.blake2b(page, digest_size=16).digest(), np.uint64) for page in block
        ]
    return kind, _numbered(digest), digest


def _kinds(block: Images) -> NDArray[np.uint8]:
    """Return the kind of each page, computed in whole numbers, so that it is the same on every machine."""
    words = block.view("<u8")
    same = (words == words[:, :1]).all(axis=1)
    rows = np.arange(len(block))[:, None] * 256
    counts = np.bincount((block[:, SAMPLED] + rows).ravel(), minlength=256 * len(block)).reshape(-1, 256)
    # The sum of squares is 2**16 / 2**(collision entropy in bits): 2**16 for one value, about 2**9 for noise.
    squares = (counts * counts).sum(axis=1)
    bits = 17 - np.frexp(squares.astype(np.float64))[1]
    kinds = np.where(same, np.where(words[:, 0] == 0, ZERO, SAME_FILLED), DATA + np.clip(bits, 0, 7))
    return kinds.astype(np.uint8)


def _numbered(digest: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return numbers 0, 1, … for digests: equal ones for equal digests, in order of first appearance."""
    order = np.lexsort((digest[:, 1], digest[:, 0]))
    arranged = digest[order]
    new = np.append(True, (arranged[1:] != arranged[:-1]).any(axis=1))
    group = np.cumsum(new) - 1
    # lexsort is stable, so the first of each group is its first appearance.
    rank = np.empty(int(group[-1]) + 1, np.int64)
    rank[np.argsort(order[new])] = np.arange(len(rank))
    content = np.empty(len(digest), np.int64)
    content[order] = rank[group]
    return content


def lonely(kind: NDArray[np.uint8], content: NDArray[np.int64]) -> list[int]:
    """Return, for each kind other than zero that has one content only, its first image."""
    found = []
    for code in np.unique(kind[kind != ZERO]):
        members = np.flatnonzero(kind == code)
        if (content[members] == content[members[0]]).all():
            found.append(int(members[0]))
    return found


def variant(page: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return another page of the same kind: a same-filled one of another word, else one with four counters advanced.

    `page` is uint8[4096] and not all zero. The counters are the first words of four cache lines.
    """
    words = page.copy().view("<u8")
    if (words == words[0]).all():
        flip = 1 if words[0] != 1 else 2
        words ^= np.uint64(flip)
        return words.view(np.uint8)
    for step in (1, 2):
        changed = words.copy()
        changed[:: len(words) // 4] += np.uint64(step)
        if (changed != changed[0]).any():
            break
    return changed.view(np.uint8)


def link(kind: NDArray[np.uint8], content: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return uint32[K]: the image that follows each, of the same kind and with other bytes; an all-zero one stays.

    The result is a permutation, so that writes do not change how common a content is. If one content makes up more than
    half of a kind, its images share their successors instead. Every kind but zero has at least two contents.
    """
    following = np.arange(len(kind), dtype=np.uint32)
    for code in np.unique(kind[kind != ZERO]):
        members = np.flatnonzero(kind == code)
        members = members[np.argsort(content[members], kind="stable")]
        numbers, counts = np.unique(content[members], return_counts=True)
        most = int(counts.max())
        if 2 * most <= len(members):
            # In order of content, step past as many images as the most common content has, so as to reach another
            # content.
            following[members] = np.roll(members, -most)
        else:
            common = content[members] == numbers[counts.argmax()]
            rest = members[~common]
            following[members[common]] = np.resize(rest, most)
            following[rest] = members[common][: len(rest)]
    return following
