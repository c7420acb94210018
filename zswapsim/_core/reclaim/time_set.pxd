"""A set of times, as bits in words, with a bit for each word that has one, and so on up to a single word.

Adding, removing and finding the latest time before another take a step for each level: 64 times a level, at most 6
levels for 32 bits. The least level has a bit for every time that there is, and the others a 63rd of that together.
"""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.memory cimport mem_free, table_calloc

cdef extern from *:
    """
    #define ZSW_NO_TIME UINT64_MAX
    #define zsw_first_bit(word) ((uint32_t) __builtin_ctzll(word))
    #define zsw_last_bit(word) ((uint32_t) (63 - __builtin_clzll(word)))
    """
    const uint64_t NO_TIME "ZSW_NO_TIME"
    uint32_t zsw_first_bit(uint64_t word) noexcept nogil
    uint32_t zsw_last_bit(uint64_t word) noexcept nogil

cdef enum:
    TIME_LEVELS = 6

ctypedef struct time_set:
    uint64_t *words[TIME_LEVELS]    # all in the allocation that words[0] owns
    uint32_t levels
    uint64_t end                    # times are below it


# Make an empty set of times below `end`, at most 2**32. 0 or ZSW_E_NOMEM.
cdef inline int times_open(time_set *times, uint64_t end) noexcept nogil:
    cdef uint64_t[TIME_LEVELS] first
    cdef uint64_t used = 0, count = end
    times.levels = 0
    times.end = end
    while times.levels == 0 or count > 1:
        count = count // 64 + 1
        first[times.levels] = used
        used += count
        times.levels += 1
    times.words[0] = <uint64_t *> table_calloc(used * sizeof(uint64_t))
    if times.words[0] == NULL:
        return ZSW_E_NOMEM
    for level in range(1, times.levels):
        times.words[level] = times.words[0] + first[level]
    return ZSW_OK


cdef inline void times_close(time_set *times) noexcept nogil:
    mem_free(times.words[0])
    times.words[0] = NULL


cdef inline void times_add(time_set *times, uint64_t time) noexcept nogil:
    cdef uint64_t *word
    cdef uint64_t before
    cdef uint32_t level
    for level in range(times.levels):
        word = &times.words[level][time >> 6]
        before = word[0]
        word[0] = before | <uint64_t> 1 << (time & 63)
        if before:
            return
        time >>= 6


cdef inline void times_remove(time_set *times, uint64_t time) noexcept nogil:
    cdef uint64_t *word
    cdef uint32_t level
    for level in range(times.levels):
        word = &times.words[level][time >> 6]
        word[0] &= ~(<uint64_t> 1 << (time & 63))
        if word[0]:
            return
        time >>= 6


# Return the latest time before `time`, which is at most `end`; NO_TIME if there is none.
cdef inline uint64_t times_before(const time_set *times, uint64_t time) noexcept nogil:
    cdef uint64_t word
    cdef uint32_t level
    for level in range(times.levels):
        word = times.words[level][time >> 6] & ((<uint64_t> 1 << (time & 63)) - 1)
        time >>= 6
        if word:
            time = time << 6 | zsw_last_bit(word)
            while level:
                level -= 1
                time = time << 6 | zsw_last_bit(times.words[level][time])
            return time
    return NO_TIME


# Return the earliest time that is not before `time`, or `end` if none is before that. It looks at every word between.
cdef inline uint64_t times_from(const time_set *times, uint64_t time, uint64_t end) noexcept nogil:
    cdef uint64_t word
    while time < end:
        word = times.words[0][time >> 6] >> (time & 63)
        if word:
            return min(time + zsw_first_bit(word), end)
        time = (time | 63) + 1
    return end
