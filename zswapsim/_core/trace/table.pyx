"""Lay out the hash table of a DenseMap, grow it, and rehash it if keys cluster.

It uses linear probing over slots of 5 to 8 bytes, or 12 if keys need 64 bits. Of two keys with the same slot the older
one gets it, so that the layout does not depend on how the table grew (Blelloch and Golovin, "Strongly
history-independent hashing with applications", 2007), and frequently accessed pages, which mostly appear early, lie at
home. Home positions ascend with the hash: growing reads the old table and writes the new one sequentially, and frees
the old one's memory during that. The hash is an xor of the key's upper half into the lower, then a multiplication
(Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem", 1997); it begins with the golden
ratio, which spreads consecutive pages evenly (Knuth, vol. 3, 6.4), and takes another factor if keys cluster.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memset
from posix.mman cimport MADV_DONTNEED, MADV_HUGEPAGE, madvise

from zswapsim._core.base.bits cimport bit_width, low_mask
from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.base.memory cimport mem_map, mem_unmap

cdef enum:
    BATCH = 64              # keys whose slots are prefetched together
    WIDE_BITS = 64
    HOME_BITS = 52          # bits of a hash that determine its home; times a share they fit 64 bits
    SLACK = 192             # distance that growing in order may add: less than 2 slots each time (docs/design)
    FIRST_SCALE = 5         # capacity of a new table: 32 << 5
    DOUBLE_UP_TO = 1 << 14  # slots up to which a table doubles
    HUGE_PAGE_BYTES = 1 << 21
    RELEASE_SLOTS = 65536   # slots between two attempts to free memory
    FACTORS = 32            # number of factors tried before clustering counts as lack of memory

cdef uint64_t GOLDEN = 0x9E3779B97F4A7C15     # 2**64 divided by the golden ratio
# Key bits by bytes of a slot. The other bits of a slot hold the number, and 12 or 13 bits that identify the home among
# MAX_NEW_DISTANCE + SLACK candidates.
cdef int[9] NARROW_BITS = [0, 0, 0, 0, 0, 27, 35, 43, 52]


cdef uint64_t inverse_of(uint64_t odd) noexcept nogil:
    """Return the inverse modulo 2**64, by Newton's iteration: each step doubles the number of correct bits, from 3
    on."""
    cdef uint64_t inverse = odd
    cdef int _step
    for _step in range(5):
        inverse *= 2 - odd * inverse
    return inverse


# Return the factor after `factor`, odd (splitmix64: Steele et al., OOPSLA 2014).
cdef uint64_t next_factor(uint64_t factor) noexcept nogil:
    cdef uint64_t mixed = factor + GOLDEN
    mixed = (mixed ^ (mixed >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    mixed = (mixed ^ (mixed >> 27)) * <uint64_t> 0x94D049BB133111EB
    return (mixed ^ (mixed >> 31)) | 1


cdef void choose_slots(dense_table *table, int key_bits) noexcept nogil:
    """Choose the narrowest slots for keys of `key_bits` bits. Share and scale are set already."""
    cdef int slot_bytes = 5
    while slot_bytes < 9 and NARROW_BITS[slot_bytes] < key_bits:
        slot_bytes += 1
    table.wide = slot_bytes == 9
    table.slot_bytes = WIDE_BYTES if table.wide else slot_bytes
    table.key_bits = WIDE_BITS if table.wide else NARROW_BITS[slot_bytes]
    table.number_bits = bit_width(table.grow_at)
    table.number_mask = low_mask(table.number_bits)
    table.tag_mask = table.key_mask = low_mask(table.key_bits)
    if not table.wide:
        table.slot_mask = low_mask(8 * slot_bytes)
        table.tag_mask &= low_mask(8 * slot_bytes - table.number_bits)


# Open an empty table for keys of at least `key_bits` bits; `factor` 0 stands for the first one. Return 0 or
# ZSW_E_NOMEM.
cdef int open_table(dense_table *table, int key_bits, int share, int scale, uint64_t factor) noexcept nogil:
    cdef void *memory
    memset(table, 0, sizeof(dense_table))
    table.share, table.scale = share, scale
    table.capacity = <uint64_t> share << scale
    table.grow_at = table.capacity - table.capacity // 8
    choose_slots(table, key_bits)
    table.half_bits = (table.key_bits + 1) // 2
    table.drop_bits = max(table.key_bits - HOME_BITS, 0)
    table.shift = table.key_bits - table.drop_bits - scale
    table.factor = factor if factor else GOLDEN >> (64 - table.key_bits) | 1
    table.inverse = inverse_of(table.factor)
    # Slots are read and written 8 bytes at a time.
    table.mapped = (table.capacity + MAX_DISTANCE + 1) * <uint64_t> table.slot_bytes + 8
    memory = mem_map(table.mapped, True)
    if memory == NULL:
        return ZSW_E_NOMEM
    if table.mapped >= 2 * HUGE_PAGE_BYTES:
        madvise(memory, table.mapped, MADV_HUGEPAGE)
    table.slots = <uint8_t *> memory
    return ZSW_OK


cdef void table_close(dense_table *table) noexcept nogil:
    mem_unmap(table.slots, table.mapped)
    table.slots = NULL


# Insert a key that is not in the table, in order of age, if no key then lies farther than MAX_NEW_DISTANCE from home.
# Return 0, or TABLE_CLUSTERED, which leaves an inconsistent table.
cdef int insert_by_age(dense_table *table, uint64_t hash, uint64_t number) noexcept nogil:
    cdef uint64_t at = home_of(table, hash)
    cdef uint64_t last = at + MAX_NEW_DISTANCE
    cdef dense_entry entry, found
    entry.tag, entry.number = hash & table.tag_mask, number
    while at <= last:
        found = read_slot(table, at)
        if found.number == 0:
            write_slot(table, at, entry)
            table.used += 1
            return ZSW_OK
        if found.number > entry.number:
            last = home_of(table, hash_at(table, at, found.tag)) + MAX_NEW_DISTANCE
            write_slot(table, at, entry)
            entry = found
        at += 1
    return TABLE_CLUSTERED


# Free memory before slot `at`, from byte `released` on. Return the number of bytes freed in all.
cdef uint64_t release_prefix(dense_table *table, uint64_t at, uint64_t released) noexcept nogil:
    cdef uint64_t end = at * <uint64_t> table.slot_bytes & ~<uint64_t> (HUGE_PAGE_BYTES - 1)
    if end > released:
        madvise(table.slots + released, end - released, MADV_DONTNEED)
    return end


# -- growing in order --------------------------------------------------------------------------------------------------

# Insert a key as insert_by_age() does, for homes in ascending order, so that no key can lie too far from home.
cdef inline void insert_narrow(const dense_table *table, uint64_t hash, uint64_t number) noexcept nogil:
    cdef uint8_t *slot = slot_at(table, home_of(table, hash))
    cdef uint64_t value = (hash & table.tag_mask) << table.number_bits | number
    cdef uint64_t found = load64(slot) & table.slot_mask
    while found:
        if (found & table.number_mask) > (value & table.number_mask):
            write_narrow(table, slot, value)
            value = found
        slot += table.slot_bytes
        found = load64(slot) & table.slot_mask
    write_narrow(table, slot, value)


cdef inline void insert_wide(const dense_table *table, uint64_t hash, uint64_t number) noexcept nogil:
    cdef uint64_t at = home_of(table, hash)
    cdef dense_entry entry, found
    entry.tag, entry.number = hash, number
    found = read_slot(table, at)
    while found.number:
        if found.number > entry.number:
            write_slot(table, at, entry)
            entry = found
        at += 1
        found = read_slot(table, at)
    write_slot(table, at, entry)


# Copy every key of `table` to the larger `into`, in order of homes, and free the memory of `table` during that.
# `lowest_hash` is that of hash_at(), stepped from slot to slot: a division would take longer than all the rest.
cdef void copy_in_order(dense_table *old, dense_table *new) noexcept nogil:
    # Local copies: stores to slots cannot alias them.
    cdef dense_table from_table = old[0], to_table = new[0]
    cdef const dense_table *table = &from_table
    cdef const dense_table *into = &to_table
    cdef uint64_t share = <uint64_t> table.share
    cdef uint64_t step = (<uint64_t> 1 << table.shift) // share, step_remainder = (<uint64_t> 1 << table.shift) % share
    cdef uint64_t lowest_hash = 0, remainder = share - 1
    cdef uint64_t end = table.capacity + MAX_DISTANCE, at, released = 0
    cdef dense_entry entry
    cdef uint64_t hash
    for at in range(end):
        entry = read_slot(table, at)
        if entry.number:
            hash = lowest_hash + ((entry.tag - lowest_hash) & table.tag_mask)
            if table.wide:
                insert_wide(into, hash, entry.number)
            else:
                insert_narrow(into, hash, entry.number)
        if at >= MAX_DISTANCE:
            lowest_hash += step
            remainder += step_remainder
            if remainder >= share:
                lowest_hash += 1
                remainder -= share
        if at % RELEASE_SLOTS == 0:
            released = release_prefix(old, at, released)
    new.used = old.used


# Copy every key of `table` to `into`, whose homes are in another order. Return 0 or TABLE_CLUSTERED.
cdef int copy_rehashed(dense_table *table, dense_table *into) noexcept nogil:
    cdef uint64_t end = table.capacity + MAX_DISTANCE, at = 0
    cdef uint64_t[BATCH] hashes
    cdef uint64_t[BATCH] numbers
    cdef dense_entry entry
    cdef int i, count
    while at < end:
        count = 0
        while at < end and count < BATCH:
            entry = read_slot(table, at)
            if entry.number:
                hashes[count] = hash_of(into, page_of(table, hash_at(table, at, entry.tag)))
                zsw_prefetch_write(slot_at(into, home_of(into, hashes[count])))
                numbers[count] = entry.number
                count += 1
            at += 1
        for i in range(count):
            if insert_by_age(into, hashes[i], numbers[i]) != ZSW_OK:
                return TABLE_CLUSTERED
    return ZSW_OK


# Move all keys to a table of the given shape, which replaces `table`. Return 0; or ZSW_E_NOMEM or TABLE_CLUSTERED,
# which leave `table` as it was.
cdef int rebuild(dense_table *table, int key_bits, int share, int scale, uint64_t factor) noexcept nogil:
    cdef dense_table into
    cdef int code = open_table(&into, key_bits, share, scale, factor)
    if code == ZSW_OK and table.slots != NULL:
        if table.factor == into.factor and table.key_bits == into.key_bits:
            copy_in_order(table, &into)
        else:
            code = copy_rehashed(table, &into)
    if code != ZSW_OK:
        table_close(&into)
        return code
    table_close(table)
    table[0] = into
    return ZSW_OK


# -- creating, growing and rehashing -----------------------------------------------------------------------------------

# Create a table in which `page` fits.
cdef int table_create(dense_table *table, uint64_t page) noexcept nogil:
    return rebuild(table, bit_width(page), 32, FIRST_SCALE, 0)


# Rehash with other factors, and with more slots if that does not help. Return 0 or ZSW_E_NOMEM.
cdef int rehash(dense_table *table, int key_bits, int share, int scale) noexcept nogil:
    cdef uint64_t factor = table.factor
    cdef int attempt, code = TABLE_CLUSTERED
    for attempt in range(FACTORS):
        factor = next_factor(factor)
        code = rebuild(table, key_bits, share, scale + attempt // 8, factor)
        if code != TABLE_CLUSTERED:
            return code
    return ZSW_E_NOMEM


# Grow the table by a sixth, so that slots of 6 bytes take at most 8 bytes a page; slots of 5 bytes may take more.
# Double it while it is small. The sixth is rounded down, and 95 steps are enough for 2**32 pages. Return 0 or
# ZSW_E_NOMEM.
cdef int grow(dense_table *table) noexcept nogil:
    cdef int share = table.share, scale = table.scale
    if table.capacity < DOUBLE_UP_TO:
        scale += 1
    elif table.slot_bytes == 5:
        share += share * 3 // 8
    else:
        share += share // 6
    if share > 63:
        share, scale = share // 2, scale + 1
    return rebuild(table, table.key_bits, share, scale, table.factor)


# Rebuild the table so that `page` can be added, after a failure `reason`.
cdef int table_rebuild_for(dense_table *table, int reason, uint64_t page) noexcept nogil:
    cdef int code
    if reason == TABLE_KEY_TOO_WIDE:
        code = rebuild(table, bit_width(page), table.share, table.scale, 0)
        return rehash(table, bit_width(page), table.share, table.scale) if code == TABLE_CLUSTERED else code
    # In a nearly full table, keys may cluster by chance.
    if reason == TABLE_FULL or table.used > table.capacity // 2:
        return grow(table)
    return rehash(table, table.key_bits, table.share, table.scale)
