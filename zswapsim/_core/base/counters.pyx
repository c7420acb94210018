"""Return the counters of a run by name, and describe them (cext/zsw_counters.h)."""

from libc.stdint cimport uint64_t


cdef dict counters_dict(const zsw_counter *rows, size_t size, const void *values):
    cdef const uint64_t *counts = <const uint64_t *> values
    cdef size_t i
    result = {}
    for i in range(size // sizeof(uint64_t)):
        result[rows[i].name.decode()] = 0 if counts == NULL else counts[i]
    return result


cdef list described(const zsw_counter *rows, size_t size):
    cdef size_t i
    return [
        (rows[i].name.decode(), rows[i].kernel.decode(), rows[i].rises.decode())
        for i in range(size // sizeof(uint64_t))
    ]


def describe():
    """Return every counter by set: {set: [(name, the kernel's counter or "", when it rises)]}."""
    return {
        "replay": described(replay_counters_rows, sizeof(replay_counters)),
        "reclaim": described(reclaim_counters_rows, sizeof(reclaim_counters)),
        "readahead": described(readahead_counters_rows, sizeof(readahead_counters)),
        "folio": described(folio_counters_rows, sizeof(folio_counters)),
        "swap": described(swap_counters_rows, sizeof(swap_counters)),
        "usage": described(usage_counters_rows, sizeof(usage_counters)),
        "cram": described(cram_counters_rows, sizeof(cram_counters)),
        "cram_usage": described(cram_usage_counters_rows, sizeof(cram_usage_counters)),
        "group": described(group_counters_rows, sizeof(group_counters)),
    }
