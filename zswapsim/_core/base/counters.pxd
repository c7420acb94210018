"""Declare the counters of a run to Cython. cext/zsw_counters.h defines each once: name, the kernel's counter, when it
rises. Only the names of fields are repeated here. Their order comes from the header: a field that it lacks does not
compile, and names and values of a Result both come from its rows.
"""

from libc.stdint cimport uint64_t

cdef extern from "zsw_counters.h" nogil:
    ctypedef struct zsw_counter:
        const char *name
        const char *kernel
        const char *rises

    ctypedef struct replay_counters:
        uint64_t accesses
        uint64_t writes
        uint64_t pages
        uint64_t minor_faults
        uint64_t major_faults
        uint64_t swpin_zero
        uint64_t swpout_zero
        uint64_t reclaimed_pages
        uint64_t dropped_clean_pages
        uint64_t kept_pages

    ctypedef struct reclaim_counters:
        uint64_t pgscan
        uint64_t pgrefill
        uint64_t pgactivate
        uint64_t pgdeactivate
        uint64_t workingset_refault_anon
        uint64_t workingset_activate_anon
        uint64_t workingset_restore_anon

    ctypedef struct readahead_counters:
        uint64_t swap_ra
        uint64_t swap_ra_hit
        uint64_t swap_ra_unused

    ctypedef struct folio_counters:
        uint64_t mthp_anon_fault_alloc
        uint64_t mthp_swpin
        uint64_t mthp_swpout
        uint64_t mthp_zswpout
        uint64_t mthp_swpout_fallback

    ctypedef struct swap_counters:
        uint64_t zswpin
        uint64_t zswpout
        uint64_t zswpwb
        uint64_t pswpin
        uint64_t pswpout
        uint64_t written_back_pages
        uint64_t pool_limit_hit
        uint64_t reject_reclaim_fail
        uint64_t reject_alloc_fail
        uint64_t reject_kmemcache_fail
        uint64_t reject_compress_fail
        uint64_t reject_compress_poor
        uint64_t decompress_fail
        uint64_t lost_pages
        uint64_t poisoned_reads
        uint64_t demoted_pages
        uint64_t failed_writes
        uint64_t bd_reads
        uint64_t bd_writes
        uint64_t recompressed_pages
        uint64_t recompress_fail

    ctypedef struct cram_counters:
        uint64_t mapped_reads
        uint64_t in_place_writes
        uint64_t promotions
        uint64_t reject_pressure
        uint64_t reject_bound
        uint64_t reject_token

    ctypedef struct group_counters:
        uint64_t zswpin
        uint64_t zswpout
        uint64_t zswpwb
        uint64_t pswpin
        uint64_t pswpout

    const zsw_counter *replay_counters_rows
    const zsw_counter *reclaim_counters_rows
    const zsw_counter *readahead_counters_rows
    const zsw_counter *folio_counters_rows
    const zsw_counter *swap_counters_rows
    const zsw_counter *usage_counters_rows
    const zsw_counter *cram_counters_rows
    const zsw_counter *cram_usage_counters_rows
    const zsw_counter *group_counters_rows

    # Only the size of these structures is used.
    ctypedef struct usage_counters:
        pass
    ctypedef struct cram_usage_counters:
        pass


# Return the counters by name, in the header's order. `values`: the structure that the rows describe, of `size` bytes;
# NULL stands for zeros.
cdef dict counters_dict(const zsw_counter *rows, size_t size, const void *values)
