"""Spatial sampling: select pages and filter their accesses.

A page is sampled if its hash is small, so all or none of its accesses are (Waldspurger, Park, Garthwaite and Ahmad,
"Efficient MRC construction with SHARDS", FAST 2015). Here pages are numbered in order of first appearance, and the hash
is the number times the golden ratio, modulo 1: any run of consecutive numbers has its share of the sample, to within a
few pages, while an independent draw of k pages is off by the root of k.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.base.arguments cimport uint32s, uint64s_out, uint8s, uint8s_out, whole
from zswapsim._core.base.errors import InputError

cdef enum:
    BLOCK = 64
    GUESSES = 20                # guesses by interpolation, before bisection

ctypedef fused counts:
    uint32_t
    uint64_t

MAX_PAGES = (1 << 32) - 1

cdef extern from *:
    """
    #define GOLDEN 0x9E3779B9u     /* 2**32 / 1.618…, odd: numbers of 32 bits get distinct hashes */
    #define zsw_in_sample(page, shift, limit) ((page) * GOLDEN + (shift) <= (limit))
    """
    bint zsw_in_sample(uint32_t page, uint32_t shift, uint32_t limit) noexcept nogil


def sampled_pages(pages, shift, limit):
    """Count the pages 0 … `pages` - 1 with a hash of at most `limit`. `shift` rotates all hashes. O(pages)."""
    cdef uint32_t total = 0, count = whole(pages, "pages", 0, MAX_PAGES)
    cdef uint32_t rotation = whole(shift, "shift", 0, 0xFFFFFFFF), most = whole(limit, "limit", 0, 0xFFFFFFFF)
    with nogil:
        total = count_sampled(count, rotation, most)
    return total


cdef uint32_t count_sampled(uint32_t pages, uint32_t shift, uint32_t limit) noexcept nogil:
    cdef uint32_t page, total = 0
    for page in range(pages):
        total += zsw_in_sample(page, shift, limit)
    return total


def limit_for(pages, shift, wanted):
    """Return the limit at which exactly `wanted` of the pages 0 … `pages` - 1 are sampled; `wanted` is 1 to `pages`.
    Hashes are distinct, so there is such a limit. They are spread evenly, so the first guesses are near: O(pages), a
    few times.
    """
    cdef int64_t low = 0, high = ((<int64_t> 1) << 32) - 1, middle, off
    cdef int64_t apart, guesses
    cdef int64_t count = whole(pages, "pages", 1, MAX_PAGES), sampled = whole(wanted, "sampled pages", 1, count)
    apart = ((<int64_t> 1) << 32) // count
    middle = min(sampled * apart, high)
    for guesses in range(64):
        off = sampled - <int64_t> sampled_pages(pages, shift, <uint32_t> middle)
        if off == 0:
            break
        if off < 0:
            high = middle - 1
        else:
            low = middle + 1
        middle += off * apart
        if guesses > GUESSES or not low <= middle <= high:
            middle = (low + high) // 2
    return middle


def sample_accesses(
    pages, ops, shift, limit, out_pages, out_ops,
):
    """Copy the accesses to sampled pages, in order, into `out_pages` and `out_ops`. Return their number.

    `ops`, `out_pages` and `out_ops` have the length of `pages`. Raises InputError if they do not.
    """
    cdef const uint32_t[::1] numbers = uint32s(pages, "pages")
    cdef const uint8_t[::1] writes = uint8s(ops, "ops")
    cdef uint64_t[::1] chosen = uint64s_out(out_pages, "out_pages")
    cdef uint8_t[::1] chosen_ops = uint8s_out(out_ops, "out_ops")
    cdef uint32_t rotation = whole(shift, "shift", 0, 0xFFFFFFFF), most = whole(limit, "limit", 0, 0xFFFFFFFF)
    cdef Py_ssize_t count = numbers.shape[0], total = 0
    if not count == writes.shape[0] == chosen.shape[0] == chosen_ops.shape[0]:
        raise InputError("sample: expected an operation and room for each page")
    if count:
        with nogil:
            total = copy_sampled(&numbers[0], &writes[0], count, rotation, most, &chosen[0], &chosen_ops[0])
    return total


cdef Py_ssize_t copy_sampled(
    const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, uint32_t shift, uint32_t limit,
    uint64_t *out_pages, uint8_t *out_ops,
) noexcept nogil:
    cdef uint8_t chosen[BLOCK]
    cdef uint64_t eight
    cdef Py_ssize_t i, j, k, block, total = 0
    for block in range(count // BLOCK):
        i = block * BLOCK
        # Two loops, of which the first is vectorized.
        for j in range(BLOCK):
            chosen[j] = zsw_in_sample(pages[i + j], shift, limit)
        for j in range(0, BLOCK, 8):
            memcpy(&eight, &chosen[j], 8)
            if eight:
                for k in range(i + j, i + j + 8):
                    out_pages[total] = pages[k]
                    out_ops[total] = ops[k]
                    total += chosen[k - i]
    for i in range(count - count % BLOCK, count):
        if zsw_in_sample(pages[i], shift, limit):
            out_pages[total] = pages[i]
            out_ops[total] = ops[i]
            total += 1
    return total


def count_misses(
    numbers, distances, cell_of, counts[:, ::1] table not None,
):
    """Count accesses in `table`, whose rows are their `numbers` and whose columns are the cells of their `distances`.

    Raises InputError if a number or distance is out of range; then nothing was counted.
    """
    cdef const uint32_t[::1] rows = uint32s(numbers, "numbers"), spans = uint32s(distances, "distances")
    cdef const uint32_t[::1] columns = uint32s(cell_of, "cell_of")
    cdef Py_ssize_t i
    cdef bint fits = rows.shape[0] == spans.shape[0]
    for i in range(rows.shape[0] if fits else 0):
        fits &= rows[i] < table.shape[0] and spans[i] < columns.shape[0]
    for i in range(columns.shape[0]):
        fits &= columns[i] < table.shape[1]
    if not fits:
        raise InputError("sample: expected pages, distances and cells in range")
    with nogil:
        for i in range(rows.shape[0]):
            table[rows[i], columns[spans[i]]] += 1
