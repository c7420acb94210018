"""Arbitrary 64-bit page numbers made dense: 0, 1, 2 … in order of first appearance.

Open addressing with linear probing over a power-of-two table that is at most half full; multiply-shift hashing
(Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem", 1997; the constant is 2**64
divided by the golden ratio). A probe is one cache line, asked for a batch ahead of its use.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

import numpy as np

from zswapsim._core.errors cimport ZSW_E_NOMEM, ZSW_E_RANGE, raise_code

from zswapsim._core.errors import BusyError, InputError

cdef extern from *:
    """
    #define zsw_prefetch(address) __builtin_prefetch(address, 1, 1)
    """
    void zsw_prefetch(const void *address) noexcept nogil

cdef enum:
    BATCH = 64
    FIRST_BITS = 10         # slots of a new table: 2**10
    FIRST_ORIGINALS = 512

cdef uint64_t GOLDEN = 0x9E3779B97F4A7C15
cdef uint64_t MOST_PAGES = 0xFFFFFFFF


cdef struct dense_slot:
    uint64_t page
    uint64_t place          # dense number + 1; 0 in an empty slot


cdef struct dense_table:
    dense_slot *slots       # 2**bits; owned by the DenseMap; NULL before the first page
    uint64_t *originals     # originals[dense] is the page; owned by the DenseMap
    uint64_t used           # distinct pages
    uint64_t room           # length of originals
    int bits


cdef inline uint64_t slot_of(uint64_t page, int bits) noexcept nogil:
    return ((page ^ (page >> 32)) * GOLDEN) >> (64 - bits)


# The slot that holds `page`, or the empty one where it belongs. The table has an empty slot (it is at most half full).
cdef inline dense_slot *find(const dense_table *table, uint64_t page) noexcept nogil:
    cdef uint64_t mask = (<uint64_t> 1 << table.bits) - 1
    cdef uint64_t at = slot_of(page, table.bits)
    while table.slots[at].place and table.slots[at].page != page:
        at = (at + 1) & mask
    return &table.slots[at]


cdef int grow_originals(dense_table *table, uint64_t room) noexcept nogil:
    cdef void *grown = realloc(table.originals, room * sizeof(uint64_t))
    if grown == NULL:
        return ZSW_E_NOMEM
    table.originals = <uint64_t *> grown
    table.room = room
    return 0


# Enters every original into a new table of 2**bits slots, which replaces the old one; on failure nothing changes.
cdef int rehash(dense_table *table, int bits) noexcept nogil:
    cdef dense_table larger = table[0]
    cdef dense_slot *slot
    cdef uint64_t i
    larger.bits = bits
    larger.slots = <dense_slot *> calloc(<uint64_t> 1 << bits, sizeof(dense_slot))
    if larger.slots == NULL:
        return ZSW_E_NOMEM
    for i in range(table.used):
        if i + BATCH < table.used:
            zsw_prefetch(&larger.slots[slot_of(table.originals[i + BATCH], bits)])
        slot = find(&larger, table.originals[i])
        slot.page = table.originals[i]
        slot.place = i + 1
    free(table.slots)
    table[0] = larger
    return 0


# Makes room for `more` pages that may all be new.
cdef int reserve(dense_table *table, uint64_t more) noexcept nogil:
    cdef uint64_t wanted = table.used + more
    cdef int bits = table.bits if table.slots != NULL else FIRST_BITS
    cdef int code
    if wanted > table.room:
        code = grow_originals(table, max(wanted, 2 * table.room, <uint64_t> FIRST_ORIGINALS))
        if code:
            return code
    while (<uint64_t> 1 << bits) < 2 * wanted:
        bits += 1
    if table.slots == NULL or bits != table.bits:
        return rehash(table, bits)
    return 0


# Maps at most BATCH pages. 0, ZSW_E_NOMEM, or ZSW_E_RANGE past 2**32 - 1 distinct pages. A host without memory is an
# error only once a page is new: those that are known are found all the same.
cdef int map_batch(dense_table *table, const uint64_t *pages, uint32_t *out, int count) noexcept nogil:
    cdef dense_slot *slot
    cdef int i, code = reserve(table, count)
    if code and table.slots == NULL:
        return code
    for i in range(count):
        zsw_prefetch(&table.slots[slot_of(pages[i], table.bits)])
    for i in range(count):
        slot = find(table, pages[i])
        if slot.place == 0:
            if table.used == MOST_PAGES:
                return ZSW_E_RANGE
            if table.used == table.room or 2 * table.used >= <uint64_t> 1 << table.bits:
                return ZSW_E_NOMEM
            slot.page = table.originals[table.used] = pages[i]
            table.used += 1
            slot.place = table.used
        out[i] = <uint32_t> (slot.place - 1)
    return 0


cdef int map_all(dense_table *table, const uint64_t *pages, uint32_t *out, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t start = 0
    cdef int code
    while start < count:
        code = map_batch(table, pages + start, out + start, <int> min(count - start, <Py_ssize_t> BATCH))
        if code:
            return code
        start += BATCH
    return 0


cdef class DenseMap:
    """Gives every 64-bit page number a dense 32-bit one, in order of first appearance.

    Two to four slots of 16 bytes a distinct page, and 8 to 16 bytes for its original. One thread at a time.
    """
    cdef dense_table table
    cdef bint busy

    def __dealloc__(self):
        free(self.table.slots)
        free(self.table.originals)

    def __len__(self):
        return self.table.used

    def __reduce__(self):
        raise TypeError("a DenseMap can't be pickled")

    def map(self, pages, out):
        """Writes the dense numbers of `pages` (uint64[n]) into `out` (uint32[n]); new pages get the next numbers.

        O(n), without the GIL. Raises InputError where an array has another type, shape or length or there are more
        than 2**32 - 1 distinct pages, HostMemoryError when the table can't grow (the map stays usable), BusyError
        while another thread is in it.
        """
        cdef const uint64_t[::1] source
        cdef uint32_t[::1] target
        cdef int code = 0
        try:
            source, target = pages, out
        except (BufferError, TypeError, ValueError) as error:
            raise InputError(f"DenseMap.map: expected contiguous uint64 pages and uint32 out: {error}") from None
        if source.shape[0] != target.shape[0]:
            raise InputError(f"DenseMap.map: {source.shape[0]} pages and room for {target.shape[0]}: expected as many")
        if self.busy:
            raise BusyError("DenseMap: another thread is using it")
        if source.shape[0] == 0:
            return
        self.busy = True
        with nogil:
            code = map_all(&self.table, &source[0], &target[0], source.shape[0])
        self.busy = False
        if code:
            raise_code(code, f"DenseMap of {self.table.used} pages")

    def originals(self):
        """uint64[len(self)]: the page number behind each dense one; a copy."""
        if self.busy:
            raise BusyError("DenseMap: another thread is using it")
        pages = np.empty(self.table.used, np.uint64)
        cdef uint64_t[::1] view = pages
        if self.table.used:
            memcpy(&view[0], self.table.originals, self.table.used * sizeof(uint64_t))
        return pages

    def check(self):
        """Raises AssertionError unless every page is found at its number and the table holds nothing else."""
        if self.busy:
            raise BusyError("DenseMap: another thread is using it")
        cdef uint64_t i, filled = 0
        for i in range(self.table.used):
            assert find(&self.table, self.table.originals[i]).place == i + 1, f"page {i} is lost"
        if self.table.slots != NULL:
            for i in range(<uint64_t> 1 << self.table.bits):
                filled += self.table.slots[i].place != 0
        assert filled == self.table.used, f"{filled} slots are filled for {self.table.used} pages"


def next_access(const uint32_t[::1] dense, int64_t base, int64_t[::1] following, int64_t[::1] out):
    """Walks events `base` … backwards: out[i] is the 1-based position of the next event with the same page, -1 if none.

    `dense`: uint32[n] page numbers below len(following); `following`: int64, the position of the first event after
    this chunk for every page (-1 if none), updated. Raises InputError on a length or number out of range.
    """
    cdef Py_ssize_t i, bad = -1
    if out.shape[0] != dense.shape[0]:
        raise InputError(f"next_access: {dense.shape[0]} events and room for {out.shape[0]}: expected as many")
    with nogil:
        for i in range(dense.shape[0] - 1, -1, -1):
            if dense[i] >= following.shape[0]:
                bad = i
                break
            out[i] = following[dense[i]]
            following[dense[i]] = base + i + 1
    if bad >= 0:
        raise InputError(f"next_access: page {dense[bad]}: expected less than {following.shape[0]}")
