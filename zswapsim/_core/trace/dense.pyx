"""Map arbitrary 64-bit page numbers to dense ones: 0, 1, 2 … in order of first appearance.

Pages that are all small are looked up in an array (direct.pxd). When a larger one appears, all move to the table of
table.pxd. A lookup there usually reads one cache line, which is prefetched.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from zswapsim._core.base.arguments cimport int64s_out, uint32s, whole
from zswapsim._core.trace.table cimport (
    MAX_DISTANCE, MAX_NEW_DISTANCE, TABLE_CLUSTERED, TABLE_FULL, TABLE_KEY_TOO_WIDE, WIDE_BYTES, dense_entry,
    dense_table, hash_at, hash_of, home_of, load64, page_of, read_slot, slot_at, table_close, table_create,
    table_rebuild_for, write_narrow, write_wide,
)
from zswapsim._core.trace.direct cimport direct_close, direct_invert, direct_open, direct_map_keys, direct_table
from zswapsim._core.base.busy cimport busy_enter, busy_leave
from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_E_RANGE, ZSW_OK, raise_code
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.base.memory cimport mem_alloc, mem_free

from zswapsim._core.base.errors import InputError

cdef enum:
    PREFETCH_DISTANCE = 64              # distance, in pages, at which slots are prefetched
    DIRECT_PAGES = 1 << 22  # pages below it are looked up in an array of 16 MiB

cdef uint64_t MAX_PAGES = 0xFFFFFFFF


# A lookup: the page's home slot, and the low bits of its hash.
cdef struct probe_state:
    uint8_t *home
    uint64_t tag


# Start a lookup and prefetch its slots. Return False if the page is too wide for the table's keys.
cdef inline bint probe_start(const dense_table *table, uint64_t page, probe_state *probe) noexcept nogil:
    cdef uint64_t hash
    if page & ~table.key_mask:
        return False
    hash = hash_of(table, page)
    probe.home = slot_at(table, home_of(table, hash))
    probe.tag = hash & table.tag_mask
    zsw_prefetch_write(probe.home)
    # The search for a new page ends at the next empty slot.
    zsw_prefetch_write(probe.home + 32)
    return True


# Find the number of a page, or add the page. Return 0, TABLE_FULL, TABLE_CLUSTERED, or ZSW_E_RANGE past 2**32 - 1
# pages.
cdef inline int find_or_add_narrow(dense_table *table, const probe_state *probe, uint32_t *out) noexcept nogil:
    cdef uint8_t *slot = probe.home
    cdef uint64_t tag = probe.tag << table.number_bits
    cdef uint64_t number, value
    while True:
        value = load64(slot) & table.slot_mask
        # If tags agree, the xor leaves only the number.
        number = value ^ tag
        if value != 0 and number <= table.number_mask:
            out[0] = <uint32_t> (number - 1)
            return ZSW_OK
        if value == 0:
            break
        slot += table.slot_bytes
    if table.used >= table.grow_at:
        return TABLE_FULL
    if <uint64_t> (slot - probe.home) > <uint64_t> (MAX_NEW_DISTANCE * table.slot_bytes):
        return TABLE_CLUSTERED
    if table.used == MAX_PAGES:
        return ZSW_E_RANGE
    out[0] = <uint32_t> table.used
    table.used += 1
    write_narrow(table, slot, tag | table.used)
    return ZSW_OK


# Find the number of a page, or add the page, as find_or_add_narrow() does, in wide slots.
cdef inline int find_or_add_wide(dense_table *table, const probe_state *probe, uint32_t *out) noexcept nogil:
    cdef uint8_t *slot = probe.home
    cdef uint32_t number
    while True:
        memcpy(&number, slot + 8, 4)
        if number == 0:
            break
        if load64(slot) == probe.tag:
            out[0] = number - 1
            return ZSW_OK
        slot += WIDE_BYTES
    if table.used >= table.grow_at:
        return TABLE_FULL
    if slot - probe.home > MAX_NEW_DISTANCE * WIDE_BYTES:
        return TABLE_CLUSTERED
    if table.used == MAX_PAGES:
        return ZSW_E_RANGE
    out[0] = <uint32_t> table.used
    table.used += 1
    write_wide(slot, probe.tag, table.used)
    return ZSW_OK


# Map pages until one can't be added, and set `reason` to 0, TABLE_* or ZSW_E_RANGE. Return how many were mapped. Slots
# are prefetched PREFETCH_DISTANCE pages early.
cdef Py_ssize_t map_until_blocked(
    dense_table *shared, const uint8_t *pages, Py_ssize_t stride, uint32_t *out, Py_ssize_t count, int *reason,
) noexcept nogil:
    # Local copy: stores to out[] cannot alias it.
    cdef dense_table table = shared[0]
    cdef probe_state[PREFETCH_DISTANCE] probes
    cdef probe_state *probe
    cdef Py_ssize_t i = 0, end = 0
    cdef int code = ZSW_OK
    while end < min(count, <Py_ssize_t> PREFETCH_DISTANCE) and probe_start(
        &table, load64(pages + end * stride), &probes[end]
    ):
        end += 1
    while i < count:
        if i == end:
            code = TABLE_KEY_TOO_WIDE
            break
        probe = &probes[i % PREFETCH_DISTANCE]
        code = find_or_add_wide(&table, probe, out + i) if table.wide else find_or_add_narrow(&table, probe, out + i)
        if code != ZSW_OK:
            break
        if end == i + PREFETCH_DISTANCE and end < count:
            end += probe_start(&table, load64(pages + end * stride), probe)
        i += 1
    shared.used = table.used
    reason[0] = code
    return i


# Map pages in the table. Return 0, ZSW_E_NOMEM, or ZSW_E_RANGE past 2**32 - 1 distinct pages. Lack of memory is an
# error only for a new page; known pages are still found.
cdef int table_map(
    dense_table *table, const uint8_t *pages, Py_ssize_t stride, uint32_t *out, Py_ssize_t count,
) noexcept nogil:
    cdef Py_ssize_t done = 0
    cdef int reason, code = ZSW_OK
    if table.slots == NULL:
        code = table_create(table, load64(pages))
    while code == ZSW_OK:
        done += map_until_blocked(table, pages + done * stride, stride, out + done, count - done, &reason)
        if reason <= 0:
            return reason
        code = table_rebuild_for(table, reason, load64(pages + done * stride))
    return code


# Move all pages from the array to the table, with their numbers. Return 0, or ZSW_E_NOMEM with nothing changed.
cdef int direct_to_table(direct_table *direct, dense_table *table) noexcept nogil:
    cdef Py_ssize_t used = direct.used
    cdef uint64_t *pages = NULL
    cdef int code = ZSW_OK
    if used:
        pages = <uint64_t *> mem_alloc(used * sizeof(uint64_t))
        if pages == NULL:
            return ZSW_E_NOMEM
        direct_invert(direct, pages)
        # The numbers are known already, so they may overwrite the buffer of pages, which is read first.
        code = table_map(table, <const uint8_t *> pages, sizeof(uint64_t), <uint32_t *> pages, used)
        mem_free(pages)
    if code == ZSW_OK:
        direct_close(direct)
    else:
        table_close(table)
        memset(table, 0, sizeof(dense_table))
    return code


cdef class DenseMap:
    """Give every 64-bit page number a dense 32-bit one, in order of first appearance.

    While all pages are below `direct` (at most 2**32), the map takes an array of 4 bytes for each page up to the
    largest. Otherwise it takes slots of 5 bytes while pages are below 2**27, 6 below 2**35, 7 below 2**43, 8 below
    2**52, else 12. From 16,384 slots on, three quarters to seven eighths of them are in use, or at least five eighths
    of slots of 5 bytes. Only one thread at a time may use the map.
    """

    def __cinit__(self, direct=DIRECT_PAGES):
        memset(&self.table, 0, sizeof(dense_table))
        memset(&self.direct, 0, sizeof(direct_table))
        self.direct.capacity = min(whole(direct, "direct", 0, (1 << 64) - 1), MAX_PAGES)

    def __dealloc__(self):
        direct_close(&self.direct)
        table_close(&self.table)

    # Writes the numbers of `count` pages that lie `stride` bytes apart. 0, ZSW_E_NOMEM or ZSW_E_RANGE. One at a time.
    cdef int map_pages(
        self, const uint8_t *pages, Py_ssize_t stride, uint32_t *out, Py_ssize_t count,
    ) noexcept nogil:
        cdef Py_ssize_t done = 0
        cdef int code = ZSW_OK
        if self.direct.capacity:
            if self.direct.numbers == NULL:
                code = direct_open(&self.direct)
            if code == ZSW_OK:
                done = direct_map_keys(&self.direct, pages, stride, out, count)
            if code == ZSW_OK and done < count:
                code = direct_to_table(&self.direct, &self.table)
        if code == ZSW_OK and done < count:
            code = table_map(&self.table, pages + done * stride, stride, out + done, count - done)
        return code

    cdef uint64_t page_count(self) noexcept nogil:
        return self.direct.used + self.table.used

    def __len__(self):
        return self.page_count()

    def __reduce__(self):
        raise TypeError("a DenseMap can't be pickled")

    @property
    def nbytes(self):
        """Return the bytes of the array or table."""
        return self.table.mapped if self.table.slots != NULL else self.direct.end * sizeof(uint32_t)

    def map(self, pages, out):
        """Write the dense numbers of `pages` (uint64[n]) to `out` (uint32[n]); new pages get the next numbers.

        `pages` may be a field of records, aligned or not. O(n), without the GIL. Raises InputError if an array has
        another type, shape or length, or if there are more than 2**32 - 1 distinct pages; HostMemoryError if the table
        can't grow (the map stays usable); BusyError while another thread uses the map.
        """
        cdef const uint64_t[:] source
        cdef uint32_t[::1] target
        cdef int code = 0
        try:
            source, target = pages, out
        except (BufferError, TypeError, ValueError) as error:
            raise InputError(f"DenseMap.map: expected uint64 pages and contiguous uint32 out: {error}") from None
        if source.shape[0] != target.shape[0]:
            raise InputError(f"DenseMap.map: {source.shape[0]} pages and room for {target.shape[0]}: expected as many")
        busy_enter(&self.busy, "DenseMap")
        if source.shape[0]:
            with nogil:
                code = self.map_pages(<const uint8_t *> &source[0], source.strides[0], &target[0], source.shape[0])
        busy_leave(&self.busy)
        if code:
            raise_code(code, f"DenseMap of {self.page_count()} pages")

    def originals(self):
        """Return the original page number of each dense number, as a new uint64[len(self)]."""
        cdef uint64_t[::1] view
        cdef dense_entry entry
        cdef uint64_t at
        import numpy as np  # slow to import, and seldom needed

        busy_enter(&self.busy, "DenseMap")
        try:
            pages = np.empty(self.page_count(), np.uint64)
            if self.direct.used:
                view = pages
                direct_invert(&self.direct, &view[0])
            if self.table.used:
                view = pages
                for at in range(self.table.capacity + MAX_DISTANCE):
                    entry = read_slot(&self.table, at)
                    if entry.number:
                        view[entry.number - 1] = page_of(&self.table, hash_at(&self.table, at, entry.tag))
            return pages
        finally:
            busy_leave(&self.busy)

    def check(self):
        """Assert that every number is present once, within reach of its home slot, and after no younger one."""
        busy_enter(&self.busy, "DenseMap")
        try:
            assert self.direct.used == 0 or self.table.used == 0, "a page is in the array and in the table"
            numbers = bytearray(self.page_count())
            self.check_direct(<uint8_t *> PyByteArray_AS_STRING(numbers))
            if self.table.slots != NULL:
                self.check_table(<uint8_t *> PyByteArray_AS_STRING(numbers))
            assert numbers == b"\1" * len(numbers), "a number is lost, or there twice"
        finally:
            busy_leave(&self.busy)

    cdef int check_direct(self, uint8_t *numbers) except -1:
        cdef uint64_t key
        for key in range(self.direct.end):
            assert self.direct.numbers[key] <= self.direct.used, f"page {key} has a number that was not given"
            if self.direct.numbers[key]:
                numbers[self.direct.numbers[key] - 1] += 1
        return 0

    cdef int check_table(self, uint8_t *numbers) except -1:
        cdef uint64_t at, before, home
        cdef dense_entry entry
        for at in range(self.table.capacity + MAX_DISTANCE + 1):
            entry = read_slot(&self.table, at)
            if entry.number:
                assert entry.number <= self.table.used, f"slot {at} has a number that was not given"
                assert at < self.table.capacity + MAX_DISTANCE, f"slot {at} is past the end"
                numbers[entry.number - 1] += 1
                home = home_of(&self.table, hash_at(&self.table, at, entry.tag))
                assert home <= at <= home + MAX_DISTANCE, f"slot {at} is out of reach of its home {home}"
                for before in range(home, at):
                    assert 0 < read_slot(&self.table, before).number < entry.number, f"slot {at} is older than {before}"
        return 0


def next_access(dense, base, following, out):
    """Walk the events backwards: set out[i] to the 1-based position of the next event of the same page, or -1.

    `dense`: uint32[n] page numbers below len(following); `following`: int64, the position of the first event after
    this chunk for every page (-1 if none), updated. Raises InputError on a length or number out of range.
    """
    cdef const uint32_t[::1] pages = uint32s(dense, "dense")
    cdef int64_t[::1] next_of = int64s_out(following, "following"), found = int64s_out(out, "out")
    cdef int64_t first = whole(base, "base", 0, 1 << 62)
    cdef Py_ssize_t i, bad = -1
    if found.shape[0] != pages.shape[0]:
        raise InputError(f"next_access: {pages.shape[0]} events and room for {found.shape[0]}: expected as many")
    with nogil:
        for i in range(pages.shape[0] - 1, -1, -1):
            if pages[i] >= next_of.shape[0]:
                bad = i
                break
            found[i] = next_of[pages[i]]
            next_of[pages[i]] = first + i + 1
    if bad >= 0:
        raise InputError(f"next_access: page {pages[bad]}: expected less than {next_of.shape[0]}")
