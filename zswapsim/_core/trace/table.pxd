"""Map 64-bit keys to their order of appearance, in a hash table hardly larger than the keys.

A slot has two parts: the number, from 1, and the low bits of the key's hash. The hash is a bijection, and a slot's
position gives the upper bits of the hash: a slot lies at most MAX_DISTANCE slots after its key's home, and the low bits
distinguish all hashes whose home is in such a range (quotienting: Knuth, The Art of Computer Programming, vol. 3, 6.4,
exercise 13). So a match is exact, and keys can be recovered from the table alone.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

# These are the reasons why a page can't be added: the table is full, the page would be too far from home, or it is
# wider than the keys.
cdef enum:
    TABLE_FULL = 1
    TABLE_CLUSTERED = 2
    TABLE_KEY_TOO_WIDE = 3

cdef enum:
    WIDE_BYTES = 12
    MAX_NEW_DISTANCE = 2047     # maximum distance of a new key from home; a larger one shows clustering
    MAX_DISTANCE = 2239         # maximum distance, in slots, of a key from its home

ctypedef struct dense_table:
    uint8_t *slots          # owned, mapped; capacity + MAX_DISTANCE + 1, the last empty; NULL before the first page
    uint64_t mapped         # bytes mapped at `slots`
    uint64_t used           # number of distinct pages
    uint64_t grow_at        # number of pages at which the table grows
    uint64_t capacity       # number of homes: share << scale
    uint64_t factor         # factor of the hash; odd
    uint64_t inverse        # inverse of `factor`, modulo 2**64
    uint64_t key_mask       # mask of key_bits ones
    uint64_t tag_mask       # mask of the bits of the hash in a slot
    uint64_t slot_mask      # mask of a narrow slot's bits
    uint64_t number_mask    # mask of a narrow slot's lower part, the number
    int number_bits         # of a narrow slot
    int key_bits            # keys are below 2**key_bits
    int half_bits                # at least half of key_bits
    int drop_bits                # low bits of the hash that do not select the home
    int share               # 32 ... 63
    int scale
    int shift               # home = (hash >> drop) * share >> shift
    bint wide               # a slot is the whole hash (8 bytes), then the number (4 bytes)
    int slot_bytes          # 5 to 8, or WIDE_BYTES

ctypedef struct dense_entry:
    uint64_t tag            # hash & tag_mask
    uint64_t number         # dense number + 1; 0 if the slot is empty


# Create a table in which `page` fits, or rebuild one after a failure `reason`. Return 0, or ZSW_E_NOMEM with the table
# unchanged.
cdef int table_create(dense_table *table, uint64_t page) noexcept nogil
cdef int table_rebuild_for(dense_table *table, int reason, uint64_t page) noexcept nogil
cdef void table_close(dense_table *table) noexcept nogil


cdef inline uint64_t load64(const uint8_t *at) noexcept nogil:
    cdef uint64_t value
    memcpy(&value, at, 8)
    return value


# -- hash, home, and back ---------------------------------------------------------------------------------------------

cdef inline uint64_t hash_of(const dense_table *table, uint64_t page) noexcept nogil:
    return ((page ^ (page >> table.half_bits)) * table.factor) & table.key_mask


cdef inline uint64_t page_of(const dense_table *table, uint64_t hash) noexcept nogil:
    cdef uint64_t mixed = (hash * table.inverse) & table.key_mask
    return mixed ^ (mixed >> table.half_bits)


cdef inline uint64_t home_of(const dense_table *table, uint64_t hash) noexcept nogil:
    return ((hash >> table.drop_bits) * <uint64_t> table.share) >> table.shift


# Return the hash with low bits `tag` of the key in slot `at`: the first at or above the lowest hash whose home is in
# reach.
cdef inline uint64_t hash_at(const dense_table *table, uint64_t at, uint64_t tag) noexcept nogil:
    cdef uint64_t home = at - MAX_DISTANCE if at > MAX_DISTANCE else 0
    cdef uint64_t share = <uint64_t> table.share
    cdef uint64_t lowest_hash = ((home << table.shift) + share - 1) // share
    return lowest_hash + ((tag - lowest_hash) & table.tag_mask)


# -- slots ------------------------------------------------------------------------------------------------------------

cdef inline uint8_t *slot_at(const dense_table *table, uint64_t at) noexcept nogil:
    return table.slots + at * <uint64_t> table.slot_bytes


cdef inline dense_entry read_slot(const dense_table *table, uint64_t at) noexcept nogil:
    cdef const uint8_t *slot = slot_at(table, at)
    cdef dense_entry entry
    cdef uint32_t number
    cdef uint64_t value = load64(slot)
    if table.wide:
        memcpy(&number, slot + 8, 4)
        entry.tag, entry.number = value, number
    else:
        value &= table.slot_mask
        entry.tag, entry.number = value >> table.number_bits, value & table.number_mask
    return entry


# Write a narrow slot. The 8-byte store keeps the bytes of the neighbour.
cdef inline void write_narrow(const dense_table *table, uint8_t *slot, uint64_t value) noexcept nogil:
    value |= load64(slot) & ~table.slot_mask
    memcpy(slot, &value, 8)


cdef inline void write_wide(uint8_t *slot, uint64_t tag, uint64_t number) noexcept nogil:
    cdef uint32_t short_number = <uint32_t> number
    memcpy(slot, &tag, 8)
    memcpy(slot + 8, &short_number, 4)


cdef inline void write_slot(const dense_table *table, uint64_t at, dense_entry entry) noexcept nogil:
    if table.wide:
        write_wide(slot_at(table, at), entry.tag, entry.number)
    else:
        write_narrow(table, slot_at(table, at), entry.tag << table.number_bits | entry.number)
