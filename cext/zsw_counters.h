/*
 * Every counter of a run, declared once: its name, the kernel's counter that it stands for, and when it rises.
 *
 * The structures that the core counts in, the names of a Result, and the tables of docs/counters.md all come from
 * these lists. A row holds (name, the kernel's counter or "", when it rises). Counters are pages unless a row says
 * otherwise.
 */
#ifndef ZSW_COUNTERS_H
#define ZSW_COUNTERS_H

#include <stdint.h>

typedef struct zsw_counter {
    const char *name;
    const char *kernel;
    const char *rises;
} zsw_counter;

/* The engine: accesses, faults, and evicted pages. */
#define ZSW_REPLAY_COUNTERS(ROW)                                                                                       \
    ROW(accesses, "", "at each event of the trace")                                                                    \
    ROW(writes, "", "at each event that is a write")                                                                   \
    ROW(pages, "", "at the first access to a page; in pages, those of the trace")                                      \
    ROW(minor_faults, "`pgfault - pgmajfault - swap_ra_hit`", "at the first access to a page")                         \
    ROW(major_faults, "`pgmajfault`", "when a page is accessed that was swapped out")                                  \
    ROW(swpin_zero, "vmstat `swpin_zero`", "when a page is swapped in from the zero map")                              \
    ROW(swpout_zero, "vmstat `swpout_zero`", "when a page that is all zero is swapped out to the zero map")            \
    ROW(reclaimed_pages, "vmstat `pgsteal_anon`", "when a page is reclaimed")                                          \
    ROW(dropped_clean_pages, "", "when a page is reclaimed without a store, because its copy in swap is still valid")  \
    ROW(kept_pages, "", "when a page can't be reclaimed, because swap has no room for it")

/* The reclaimer. */
#define ZSW_RECLAIM_COUNTERS(ROW)                                                                                      \
    ROW(pgscan, "vmstat `pgscan_anon`",                                                                                \
        "when a reclaimer looks whether a page can be reclaimed; 0 for `lru`, which need not look")                    \
    ROW(pgrefill, "memory.stat `pgrefill`",                                                                            \
        "when a page of the active list is scanned; in `mglru`, when it is moved to its generation")                   \
    ROW(pgactivate, "vmstat `pgactivate`",                                                                             \
        "when a scanned page is activated, because it was accessed or can't be reclaimed; `two-list`, `mglru`")        \
    ROW(pgdeactivate, "vmstat `pgdeactivate`",                                                                         \
        "when a page is moved from the active list to the inactive one; `two-list`")                                   \
    ROW(workingset_refault_anon, "vmstat `workingset_refault_anon`", "when a page refaults; `two-list`, `mglru`")      \
    ROW(workingset_activate_anon, "vmstat `workingset_activate_anon`",                                                 \
        "when a page refaults so soon that it is activated at once")                                                   \
    ROW(workingset_restore_anon, "vmstat `workingset_restore_anon`",                                                   \
        "when a page refaults that was of the working set before it was reclaimed")

/* Swap readahead. */
#define ZSW_READAHEAD_COUNTERS(ROW)                                                                                    \
    ROW(swap_ra, "vmstat `swap_ra`", "when a page is brought into the swap cache by readahead")                        \
    ROW(swap_ra_hit, "vmstat `swap_ra_hit`",                                                                           \
        "when a page that was read ahead is accessed for the first time: a fault, but not a major one")                \
    ROW(swap_ra_unused, "", "when a page that was read ahead is reclaimed before it was accessed: waste")

/* Large folios, of the one size that a run has; in the kernel under transparent_hugepage/hugepages-NkB/stats/. */
#define ZSW_FOLIO_COUNTERS(ROW)                                                                                        \
    ROW(mthp_anon_fault_alloc, "`anon_fault_alloc`", "when a large folio is allocated, at the first access to it")     \
    ROW(mthp_swpin, "`swpin`", "when a fault swaps in all of a large folio; not from the zero map")                    \
    ROW(mthp_swpout, "`swpout`",                                                                                       \
        "when a large folio is swapped out in one piece and not all of it to a pool; zram is a device")                \
    ROW(mthp_zswpout, "`zswpout`", "when a large folio is stored in the pool in one piece; not in the zero map")       \
    ROW(mthp_swpout_fallback, "`swpout_fallback`",                                                                     \
        "when a large folio is split, because swap has no room for all of it")

/* The backend. */
#define ZSW_SWAP_COUNTERS(ROW)                                                                                         \
    ROW(zswpin, "vmstat `zswpin`", "when a page is loaded from the pool")                                              \
    ROW(zswpout, "vmstat `zswpout`", "when a page is stored in the pool")                                              \
    ROW(zswpwb, "vmstat `zswpwb`", "when a page is written back from the pool to the device")                          \
    ROW(pswpin, "vmstat `pswpin`",                                                                                     \
        "when a page is read from the swap device; with zram from it or its backing device")                           \
    ROW(pswpout, "vmstat `pswpout`",                                                                                   \
        "when a page is written to the swap device, by reclaim or by writeback; with zram, which is one, when it is "  \
        "stored")                                                                                                      \
    ROW(written_back_pages, "zswap `written_back_pages`", "when a page leaves the pool for the device")                \
    ROW(pool_limit_hit, "zswap `pool_limit_hit`",                                                                      \
        "when a page does not fit into the node at first, and the shrinker starts; with zswap when a page comes and "  \
        "`max_pool_percent` is reached")                                                                               \
    ROW(reject_reclaim_fail, "zswap `reject_reclaim_fail`",                                                            \
        "when the shrinker can't write a page back, because it does not decode or the slower tier rejects it; the "    \
        "page stays and is rotated")                                                                                   \
    ROW(reject_alloc_fail, "zswap `reject_alloc_fail`",                                                                \
        "when a page does not fit after the shrinker ran either, with zswap when no frame is free")                    \
    ROW(reject_kmemcache_fail, "zswap `reject_kmemcache_fail`", "never: if the host has no memory, the run ends")      \
    ROW(reject_compress_fail, "zswap `reject_compress_fail`",                                                          \
        "when the codec fails on a page; with zswap before Linux 6.18 also when it gains nothing")                     \
    ROW(reject_compress_poor, "zswap `reject_compress_poor`",                                                          \
        "never: mm/zswap.c counts -ENOSPC here, and neither a codec with two pages of room for its output nor "        \
        "zs_malloc(), for up to a page, returns that")                                                                 \
    ROW(decompress_fail, "zswap `decompress_fail`", "when the bytes in the pool do not decode")                        \
    ROW(lost_pages, "",                                                                                                \
        "when a compressing device drops a write for want of physical space, and the page is poisoned; `cram`")        \
    ROW(poisoned_reads, "`SIGBUS`, `BUS_MCEERR_AR`", "when a lost page is read, and its process is notified; `cram`")  \
    ROW(demoted_pages, "", "when the fast one of two tiers hands a page of its pool to the slow one")                  \
    ROW(failed_writes, "zram io_stat `failed_writes`",                                                                 \
        "when zram rejects a page: for its limit, for want of a frame, or because the codec fails")                    \
    ROW(bd_reads, "zram bd_stat `bd_reads`", "when a page is read from zram's backing device")                         \
    ROW(bd_writes, "zram bd_stat `bd_writes`", "when zram writes a page to its backing device")                        \
    ROW(recompressed_pages, "", "when recompression gets an object into a smaller size class")                         \
    ROW(recompress_fail, "",                                                                                           \
        "when the strongest codec does not get an object into a smaller size class either, and the slot is marked "    \
        "incompressible")

/* Usage of the backend: amounts at the time of the query, not events. */
#define ZSW_USAGE_COUNTERS(ROW)                                                                                        \
    ROW(stored_pages, "zswap `stored_pages`", "now in the pool; same-filled pages too")                                \
    ROW(same_filled_pages, "zram `same_pages`, zswap `same_filled_pages` (until 6.12)",                                \
        "now in the pool as one word, without an object")                                                              \
    ROW(stored_incompressible_pages, "zswap `stored_incompressible_pages`, zram `huge_pages`",                         \
        "now in the pool as they are, because compression gains nothing")                                              \
    ROW(huge_pages_since, "zram `huge_pages_since`", "when a page is stored uncompressed; not in `cram`")              \
    ROW(compr_data_size, "zram `compr_data_size`", "the compressed lengths of the pages in the pool; in bytes")        \
    ROW(pool_total_size, "zswap `pool_total_size`, zram `mem_used_total`", "the frames that the pool holds; in bytes") \
    ROW(peak_pool_total_size, "zram `mem_used_max`", "the largest value of `pool_total_size` so far; in bytes")        \
    ROW(pages_compacted, "zram `pages_compacted`", "when compaction frees a frame")                                    \
    ROW(device_pages, "zram bd_stat `bd_count`", "now on the device")                                                  \
    ROW(peak_device_pages, "", "the largest value of `device_pages` so far")                                           \
    ROW(fast_pages, "", "now in the fast one of two tiers")                                                            \
    ROW(stale_pages, "",                                                                                               \
        "now in the fast one of two tiers, and stored before the youngest page in the slow one: LRU inversion")

/* A compressing device. No kernel has counters for one yet; the names are those of the proposal. */
#define ZSW_CRAM_COUNTERS(ROW)                                                                                         \
    ROW(mapped_reads, "", "when a page is read in place, without a fault")                                             \
    ROW(in_place_writes, "", "when a page is written in place, without a fault or by the one that makes it writable")  \
    ROW(promotions, "", "when a write brings a page from the device to DRAM; in the forms that map")                   \
    ROW(reject_pressure, "",                                                                                           \
        "when a page is rejected because the pressure that was last read is above the water marks")                    \
    ROW(reject_bound, "",                                                                                              \
        "when `counting` rejects a page because those since the last reading might have taken all space")              \
    ROW(reject_token, "", "when `tokens` rejects a page or a write in place because no token is in hand")

/* Usage of a compressing device, and its interrupts. */
#define ZSW_CRAM_USAGE_COUNTERS(ROW)                                                                                   \
    ROW(poisoned_pages, "", "now lost, and not read yet; `lost_pages = poisoned_reads + poisoned_pages`")              \
    ROW(writable_pages, "", "now writable in place")                                                                   \
    ROW(physical_size, "", "the physical space of the device; in bytes; does not move")                                \
    ROW(peak_pressure, "", "the highest pressure ever, of 1000")                                                       \
    ROW(pressure_interrupts, "", "when pressure rises to the high water mark, after it was at the low one")            \
    ROW(zeroing_pages, "", "now freed, but still taking physical space until they are zeroed")

/* A group of processes: events of its own pages, as memory.stat has them. */
#define ZSW_GROUP_COUNTERS(ROW)                                                                                        \
    ROW(zswpin, "memory.stat `zswpin`", "when a page of the group is loaded from the pool")                            \
    ROW(zswpout, "memory.stat `zswpout`", "when a page of the group is stored in the pool")                            \
    ROW(zswpwb, "memory.stat `zswpwb`", "when a page of the group is written back to the device")                      \
    ROW(pswpin, "memory.stat `pswpin`", "when a page of the group is read from the device")                            \
    ROW(pswpout, "memory.stat `pswpout`", "when a page of the group is written to the device")

#define ZSW_FIELD(name, kernel, rises) uint64_t name;
#define ZSW_ROW(name, kernel, rises) {#name, kernel, rises},
/* Define the structure, and its rows in the order of its fields. */
#define ZSW_COUNTERS(set, ROWS)                                                                                        \
    typedef struct set {                                                                                               \
        ROWS(ZSW_FIELD)                                                                                                \
    } set;                                                                                                             \
    __attribute__((unused)) static const zsw_counter set##_rows[] = {ROWS(ZSW_ROW)};                                   \
    _Static_assert(sizeof(set) / sizeof(uint64_t) == sizeof(set##_rows) / sizeof(zsw_counter), #set)

ZSW_COUNTERS(replay_counters, ZSW_REPLAY_COUNTERS);
ZSW_COUNTERS(reclaim_counters, ZSW_RECLAIM_COUNTERS);
ZSW_COUNTERS(readahead_counters, ZSW_READAHEAD_COUNTERS);
ZSW_COUNTERS(folio_counters, ZSW_FOLIO_COUNTERS);
ZSW_COUNTERS(swap_counters, ZSW_SWAP_COUNTERS);
ZSW_COUNTERS(usage_counters, ZSW_USAGE_COUNTERS);
ZSW_COUNTERS(cram_counters, ZSW_CRAM_COUNTERS);
ZSW_COUNTERS(cram_usage_counters, ZSW_CRAM_USAGE_COUNTERS);
ZSW_COUNTERS(group_counters, ZSW_GROUP_COUNTERS);

#endif
