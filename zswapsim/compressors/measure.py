"""Measure a codec on given pages: every size and every time, and figures from them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.arguments import callback, instance, whole
from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.codec.codec import Codec
from zswapsim._core.codec.measure import measure_pages
from zswapsim._core.zsmalloc.classes import huge_class_size
from zswapsim._core.zsmalloc.pool import frames_for_lengths

RANGE_PAGES = 512  # measured without a pause: few enough to report progress with the slowest codec
PERCENTILES = (10, 50, 90, 99)
MOST_THREADS = 4096


class Columns(NamedTuple):
    """The sizes and times of pages with a codec, an element each, including pages that repeat one word."""

    size: NDArray[np.uint16]  # compressed bytes, 1 to 4095; 4096 if compression does not shrink the page
    compress_ns: NDArray[np.uint32]
    decompress_ns: NDArray[np.uint32]

    @staticmethod
    def empty(pages: int) -> "Columns":
        """Return columns for `count` pages, without values yet."""
        return Columns(np.zeros(pages, np.uint16), np.zeros(pages, np.uint32), np.zeros(pages, np.uint32))

    def at(self, pages: NDArray[np.uint32]) -> "Columns":
        """Return the figures of `pages`, which are numbers of pages."""
        return Columns(self.size[pages], self.compress_ns[pages], self.decompress_ns[pages])

    def put(self, begin: int, found: "Columns") -> None:
        """Copy `found` into the elements from `begin` on."""
        end = begin + len(found.size)
        self.size[begin:end] = found.size
        self.compress_ns[begin:end] = found.compress_ns
        self.decompress_ns[begin:end] = found.decompress_ns


@dataclass(frozen=True, eq=False)
class Measured:
    """The result of `measure`, one element a page, for a pool that keeps only one word of same-filled pages."""

    spec: str  # the codec's specification
    size: NDArray[np.uint16]  # compressed bytes; 4096 if compression does not shrink the page, 0 if it is same-filled
    same_filled: NDArray[np.bool_]  # the page repeats one machine word: no codec runs, both times are 0
    zero: NDArray[np.bool_]  # that word is 0
    compress_ns: NDArray[np.uint32]
    decompress_ns: NDArray[np.uint32]  # the time of a copy if compression does not shrink the page
    compressed: Columns | None = None  # for a pool that compresses same-filled pages like any other; None: not known

    def summary(self, chain_size: int = 8) -> dict[str, float | int | None]:
        """Return the figures of `zswapsim compressors --pages`, None for a figure that no page gives.

        `ratio` is bytes of pages by bytes compressed, `pool_ratio` pages by frames that the pool takes. A page is
        incompressible from the huge limit of `chain_size` on: it then takes a frame of its own. Sizes and times are of
        the pages that are not same-filled.
        """
        pages = len(self.size)
        busy = ~self.same_filled
        sizes = self.size[busy]
        huge = sizes >= huge_class_size(chain_size)
        stored = int(np.where(huge, PAGE_SIZE, sizes).sum(dtype=np.int64))
        frames = frames_for_lengths(np.where(huge, np.uint16(PAGE_SIZE), sizes), chain_size)
        return {
            "pages": pages,
            "ratio": pages * PAGE_SIZE / stored if stored else None,
            "compressed_bytes": stored,
            **{f"size_p{p}": percentile(sizes, p) for p in PERCENTILES},
            "same_filled": float(self.same_filled.mean()) if pages else None,
            "incompressible": float(huge.sum()) / pages if pages else None,
            **{
                f"{step}_ns_{figure}": value
                for step, times in (("compress", self.compress_ns[busy]), ("decompress", self.decompress_ns[busy]))
                for figure, value in (
                    ("mean", float(times.mean()) if len(times) else None),
                    ("p50", percentile(times, 50)),
                    ("p99", percentile(times, 99)),
                )
            },
            "pool_frames": frames,
            "pool_ratio": pages / frames if frames else None,
        }


def percentile(values: NDArray[np.uint16] | NDArray[np.uint32], percent: int) -> int | None:
    """Return the least value that `percent` per cent of the values don't exceed, or None if there are no values."""
    return int(np.percentile(values, percent, method="inverted_cdf")) if len(values) else None


def measure(
    codec: Codec,
    images: NDArray[np.uint8],
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Measured:
    """Compress every page, decompress it, compare the two, and record size and times.

    `images` is uint8[K, 4096] and C-contiguous; it may be read only or a memory map. Each thread has a context of its
    own and runs without the GIL; times are of one page in one thread. Raises InputError for another shape or no
    threads, CodecError, PluginError, and CorruptPageError if a page is not the same after decompression.
    """
    instance(codec, Codec, "codec")
    instance(images, np.ndarray, "pages")
    callback(progress, "progress")
    threads = whole(threads, "threads", 1, MOST_THREADS)
    if images.ndim != 2 or images.shape[1] != PAGE_SIZE or images.dtype != np.uint8:
        raise InputError(f"pages of shape {images.shape}, {images.dtype}: expected uint8[K, {PAGE_SIZE}]")
    pages = len(images)
    columns = Columns.empty(pages)
    same_filled, zero = np.zeros((2, pages), np.uint8)
    times = columns.compress_ns, columns.decompress_ns

    def one(begin: int) -> int:
        end = min(begin + RANGE_PAGES, pages)
        measure_pages(codec, images, begin, end, columns.size, same_filled, zero, *times)
        return end - begin

    done = 0
    for count in spread(one, range(0, pages, RANGE_PAGES), threads):
        done += count
        if progress is not None:
            progress(done, pages)
    return measured_of(codec.spec, columns, same_filled.astype(bool), zero.astype(bool))


def measured_of(spec: str, columns: Columns, same_filled: NDArray[np.bool_], zero: NDArray[np.bool_]) -> Measured:
    """Return the columns as a pool sees them that keeps only the word of same-filled pages."""
    size, compress_ns, decompress_ns = (np.where(same_filled, each.dtype.type(0), each) for each in columns)
    return Measured(spec, size, same_filled, zero, compress_ns, decompress_ns, columns)


def spread(work: Callable[[int], int], items: range, threads: int) -> Iterator[int]:
    """Yield the results of work(item) as they complete. The first failure cancels all items that have not begun."""
    if threads == 1:
        yield from map(work, items)
        return
    from zswapsim.starting import as_they_finish, submit_all, thread_pool  # slow to import

    with thread_pool(threads) as pool:
        for found, _ in as_they_finish(submit_all(pool, work, ((item,) for item in items))):
            yield from found
