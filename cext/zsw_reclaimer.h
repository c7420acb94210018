/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reclaimer interface: one constant table of functions for each reclaimer.
 *
 * A reclaimer keeps lists of the pages that are in DRAM, and chooses which of them are evicted when no frame is free.
 * It sees page numbers, marks that accesses leave, and a clock; never the engine. A hit only counts in the page's
 * record, without a call. If large folios are in use, a folio is known by its first page, and everything below that
 * says "page" means a folio.
 *
 * One state serves one replay, and its functions are called by one thread at a time. None of them touches Python;
 * all run without the GIL.
 *
 * A third party fills in a `zsw_reclaimer`, puts its address into a capsule named ZSW_RECLAIMER_CAPSULE and announces
 * it through the entry-point group "zswapsim.reclaimers".
 */
#ifndef ZSW_RECLAIMER_H
#define ZSW_RECLAIMER_H

#include <stddef.h>
#include <stdint.h>

#include "zsw_codec.h" /* enum zsw_error, zsw_param */

#define ZSW_RECLAIMER_ABI 1u
#define ZSW_RECLAIMER_CAPSULE "zswapsim.reclaimer.v1"

/*
 * The engine, as a reclaimer's state sees it. It lives as long as the state. Give `engine` back as the first argument
 * of each function. A page that is not in DRAM, or not below `pages`, ends the run as the plug-in's mistake.
 */
typedef struct zsw_reclaim_host {
    void *engine;
    uint32_t pages;  /* the footprint: page numbers are below it */
    uint32_t frames; /* of DRAM: at most so many pages are resident */

    /* Return the accesses to a page since it came into DRAM or was last cleared, at most the table's `max_hits`. */
    uint32_t (*accessed)(void *engine, uint32_t page);

    /* Return the same, and set it to 0. */
    uint32_t (*test_and_clear_accessed)(void *engine, uint32_t page);

    /*
     * Evict a page; only from within reclaim(). Returns 0, and the reclaimer forgets the page; ZSW_E_FULL if the
     * page must stay in DRAM, and it counts as accessed from now on; or another negative code, which ends the run:
     * reclaim() returns it at once. The page stays in DRAM then.
     */
    int (*evict)(void *engine, uint32_t page);

    /* Return how many accesses were replayed before the one that faults; only from within insert() and reclaim(). */
    uint64_t (*clock)(void *engine);
} zsw_reclaim_host;

typedef struct zsw_reclaimer {
    uint32_t abi; /* ZSW_RECLAIMER_ABI */
    uint32_t max_hits; /* accesses that are counted for each page: 0, 1 (an accessed bit) or 3 */
    uint32_t batch; /* pages evicted if no frame is free, unless the user asks otherwise; 0 means 1 */
    uint32_t reserved; /* 0 */
    const char *name; /* lower case, no ':' ',' '=' */
    const zsw_param *params; /* ends with a NULL name; never NULL */

    /*
     * Make the state of one replay. `values` has one value for each entry of `params`, in that order, checked against
     * its range, and is borrowed for this call. Returns 0, ZSW_E_NOMEM, or ZSW_E_RANGE if these values do not go
     * together; *state is NULL on failure.
     */
    int (*create)(const int64_t *values, const zsw_reclaim_host *host, void **state);
    void (*destroy)(void *state); /* accepts NULL */

    /*
     * Add a page that has come into DRAM. `refault` is 1 if it has been in DRAM before, else 0. The access that
     * brought it does not count as one. Returns 0 or ZSW_E_NOMEM.
     */
    int (*insert)(void *state, uint32_t page, int refault);

    /*
     * Evict `nr_to_reclaim` pages (at least 1, at most those resident), so that `page` can come in; fewer if others
     * must stay. Returns 0 if a page was evicted; ZSW_E_FULL if none could be, which ends the run as out of memory; or
     * the code by which evict() ended the run.
     */
    int (*reclaim)(void *state, uint32_t page, uint32_t nr_to_reclaim);

    /* Check every invariant of the lists. Returns 0 or a negative code. May be NULL. */
    int (*check)(void *state);
} zsw_reclaimer;

#endif
