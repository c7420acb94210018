"""Provide page contents for simulated runs: their lengths with each codec, and a codec that fails on request."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from tests.faulty_codecs import E_CODEC, E_CORRUPT, E_PLUGIN, c_codec
from tests.page_samples import sample_array, sample_pages
from tests.reference.faults import Faults
from tests.reference.replay import Contents as ModelContents
from zswapsim import Codec, get_compressor, make_profile
from zswapsim.study.profile import Profile
from zswapsim.traces import Contents
from zswapsim.traces.recipes import recipe_pages

PAGE = 4096
CODES = {"CodecError": E_CODEC, "CorruptPageError": E_CORRUPT, "PluginError": E_PLUGIN}
COMPRESSORS = ("lz4", "zstd", "lzo-rle")
STRONGER = ("zstd", "zstd:level=19")

CODECS: dict[tuple[str, str], Codec] = {}
atexit.register(CODECS.clear)  # while the callbacks of their tables can still be called


def noise_of(lengths: list[int]) -> list[bytes]:
    """Return pages whose first bytes do not compress and whose other bytes are alike."""
    noise = recipe_pages("noise", len(lengths), 7)
    return [page.tobytes()[:length].ljust(PAGE, b"\x05") for page, length in zip(noise, lengths, strict=True)]


def words(count: int) -> list[bytes]:
    return [number.to_bytes(8, "little") * 512 for number in range(1, count + 1)]


PAGES = {
    "samples": sample_pages,
    # Data that a stronger codec makes smaller, for recompression.
    "data": lambda: [page.tobytes() for name in ("text", "pointers") for page in recipe_pages(name, 8)],
    # Objects of three sizes: zspages of several frames fill up and empty, so that compaction has objects to move.
    "classes": lambda: noise_of([500] * 8 + [1300] * 8 + [2000] * 8),
    "one class": lambda: noise_of([900 + number % 5 for number in range(16)]),
    # Pages on both sides of what is huge, of what zswap stores raw, and of what is same-filled.
    "edges": lambda: [
        *noise_of([3400, 3590, 3600, 3610, 3620, 3630, 3640, 4000, 4060, 4080, 4096, 4096]),
        *words(3),
        bytes(PAGE),
        *noise_of([30, 60]),
    ],
    "scope": lambda: [*noise_of([1300, 4096, 2000, 4090]), *words(2), bytes(PAGE)],
    "huge": lambda: noise_of([4096] * 6) + noise_of([200] * 6),
}


@dataclass(eq=False)
class World:
    """Hold the contents of runs. `faults` are those of the run under way, to which the faulty codecs look."""

    name: str

    def __post_init__(self) -> None:
        self.faults = Faults()

    @cached_property
    def contents(self) -> Contents:
        return Contents(sample_array(PAGES[self.name]()), self.name)

    @cached_property
    def images(self) -> list[bytes]:
        return [image.tobytes() for image in self.contents.images]

    @cached_property
    def profile(self) -> Profile:
        return make_profile(self.contents, [*dict.fromkeys((*COMPRESSORS, *STRONGER))], threads=1)

    def model_contents(self, *, with_zeros: bool) -> ModelContents:
        """Return the contents in the form that a model takes."""
        contents = self.contents.with_zeros() if with_zeros else self.contents
        return ModelContents([image.tobytes() for image in contents.images], contents.next_image.tolist())

    @cache  # noqa: B019 - worlds live as long as the process
    def packed(self, spec: str) -> dict[bytes, bytes | None]:
        """Return the compressed bytes of each page; None if it does not get smaller."""
        pages = [*self.images, bytes(PAGE)]
        return {page: get_compressor(spec).compress(page) for page in pages}

    def length(self, spec: str, page: bytes) -> int:
        """Return the compressed length of a page; 4096 if it does not get smaller."""
        found = self.packed(spec)[page]
        return PAGE if found is None else len(found)

    def faulty_codec(self, spec: str) -> Codec:
        """Return a codec that compresses as `spec` does and fails where `faults` says."""
        if (self.name, spec) not in CODECS:
            CODECS[self.name, spec] = self.make_codec(spec)
        return CODECS[self.name, spec]

    def make_codec(self, spec: str) -> Codec:
        packed = self.packed(spec)
        pages = {data: page for page, data in packed.items() if data is not None}

        def compress(page: bytes) -> bytes | int:
            error = self.faults.compress.get(page)
            return CODES[error] if error else packed[page] or 0

        def decompress(data: bytes) -> bytes | int:
            page = pages.get(data)
            error = "CorruptPageError" if page is None else self.faults.decompress.get(page)
            return CODES[error] if error else page

        return c_codec(compress, decompress)


@cache
def world(name: str) -> World:
    """Return the contents of a name, which are made once."""
    return World(name)


def physical(length: int, page: bytes, sector: int) -> int:
    """Return the size of a page on a device that compresses, in whole sectors."""
    if not any(page):
        return 0
    length = 8 if page == page[:8] * 512 else length
    return -(-length // sector) * sector


def as_arrays(accesses: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pages and operations of accesses in the form that an engine takes."""
    return np.array([page for page, _ in accesses], np.uint32), np.array([op for _, op in accesses], np.uint8)
