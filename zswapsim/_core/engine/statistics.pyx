"""Return the engine's statistics by the names of a Result, and check its invariants."""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.backend.backend cimport E_BUS_ERROR
from zswapsim._core.base.counters cimport (
    counters_dict, folio_counters, folio_counters_rows, readahead_counters, replay_counters, replay_counters_rows,
)
from zswapsim._core.base.errors cimport ZSW_E_FULL
from zswapsim._core.base.histogram cimport HISTOGRAM_BUCKETS, histogram_quantile
from zswapsim._core.base.page_flags cimport (
    DIRTY, ENGINE_STATE_MASK, FAULTED, IN_SLOT, IN_SWAP_CACHE, LARGE, RESIDENT, ZERO_MAPPED,
)
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.folio_table cimport FORM_LARGE, FORM_SPLIT, FORM_UNTOUCHED, NO_FOLIO
from zswapsim._core.readahead.readahead cimport no_readahead_counters

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


cdef dict engine_counters(Engine engine):
    counters = counters_dict(replay_counters_rows, sizeof(replay_counters), &engine.counters)
    counters |= engine.reclaimer.stats()
    counters |= no_readahead_counters() if engine.readahead is None else engine.readahead.stats()
    counters |= {"resident_pages": engine.resident_pages} | engine.backend.stats()
    if engine.table.order:
        counters |= counters_dict(folio_counters_rows, sizeof(folio_counters), &engine.folios.counters)
    return counters


cdef dict engine_times(Engine engine):
    cdef uint64_t major_faults = engine.counters.major_faults
    if engine.readahead is not None:
        # A fault that finds its page in the swap cache has all of a major one but the read.
        major_faults += engine.readahead.counters.swap_ra_hit
    times = engine.backend.times(engine.counters.minor_faults, major_faults)
    modelled = times["modelled"]
    if engine.readahead is not None:
        waited = {name: modelled[name] - engine.background_ns for name in ("device", "total")}
        modelled = modelled | waited | {"readahead": engine.background_ns}
    if engine.table.order:
        clearing = engine.folios.clear_ns * (engine.folios.size - 1) * engine.folios.counters.mthp_anon_fault_alloc
        modelled = modelled | {name: modelled[name] + clearing for name in ("fault", "total")}
    return times | {"modelled": modelled}


cdef dict engine_latencies(Engine engine):
    cdef double mean = engine.latency.sum / engine.latency.total if engine.latency.total else 0.0
    quantiles = {name: histogram_quantile(&engine.latency, share) for name, share in QUANTILES.items()}
    return {"mean": mean} | quantiles | {"max": engine.latency.max_ns}


cdef dict engine_owners(Engine engine):
    if engine.table.dram is not None:
        return {"dram": engine.table.dram.owners()} | engine.backend.owners()
    resident = engine.resident_pages
    return {"dram": {"workload": resident, "free": engine.frames - resident}} | engine.backend.owners()


# -- checks -----------------------------------------------------------------------------------------------------------


cdef int check_engine(Engine engine) except -1:
    cdef uint32_t first
    resident = sum([
        check_folio(engine, first) for first in range(0, engine.table.pages, 1 << engine.table.order)
    ])
    assert resident == engine.resident_pages, "resident pages are miscounted"
    assert resident <= engine.frames, "more pages are resident than there are frames"
    check_swapins(engine)
    check_latencies(engine)
    check_lists(engine)
    if engine.table.dram is not None:
        engine.table.dram.check()
    if engine.readahead is not None:
        check_cached(engine)
    engine.backend.check()
    return 0


cdef bint has_failed(Engine engine):
    """Return True if an error ended the run. A full memory or a bus error is none."""
    return engine.code != 0 and engine.code != ZSW_E_FULL and engine.code != E_BUS_ERROR


cdef int check_swapins(Engine engine) except -1:
    """Assert that pages that were swapped in are those of major faults and of readahead."""
    swapped_in = engine.counters.swpin_zero + engine.backend.counters.zswpin + engine.backend.counters.pswpin
    read_ahead = 0 if engine.readahead is None else engine.readahead.counters.swap_ra
    folios = engine.folios.swapins * ((1 << engine.table.order) - 1)
    assert engine.code or engine.counters.major_faults + read_ahead + folios == swapped_in, \
        "major faults are not the swap-ins"
    return 0


cdef int check_latencies(Engine engine) except -1:
    """Assert that the histogram has a sample for each major fault; the one that ended the run has none."""
    cdef uint64_t samples = 0
    cdef int bucket
    for bucket in range(HISTOGRAM_BUCKETS):
        samples += engine.latency.counts[bucket]
    assert samples == engine.latency.total, "latencies are miscounted"
    left = engine.counters.major_faults - samples
    assert left == 0 or (left == 1 and engine.code), "major faults are not the latencies"
    return 0


cdef int check_lists(Engine engine) except -1:
    """Assert that the reclaimer's lists hold the folios in DRAM and no others."""
    cdef uint32_t page
    engine.reclaimer.check()
    assert engine.table.order == 0 or engine.folios.putback_head == NO_FOLIO or engine.code, \
        "pages that were split off are in no list"
    in_dram = {
        page for page in range(engine.table.pages)
        if engine.reclaimer.state_of(engine, page) & (RESIDENT | IN_SWAP_CACHE)
    }
    listed = set(engine.reclaimer.listed_pages())
    # An error at the lists leaves a page in DRAM that is in none of them.
    assert listed == in_dram or (has_failed(engine) and listed < in_dram), "the lists do not hold the pages in DRAM"
    return 0


cdef int check_cached(Engine engine) except -1:
    cdef const readahead_counters *counters = &engine.readahead.counters
    cdef uint32_t page
    cached = sum([engine.table.states[page] & IN_SWAP_CACHE != 0 for page in range(engine.table.pages)])
    left = counters.swap_ra - counters.swap_ra_hit - counters.swap_ra_unused
    assert cached == left, "pages of the swap cache are miscounted"
    engine.readahead.check()
    return 0


cdef int check_folio(Engine engine, uint32_t first) except -1:
    """Assert the invariants of a folio; return how many of its pages are in DRAM."""
    cdef uint32_t page, state, form = FORM_SPLIT, resident = 0
    cdef bint listed, heads_folio, in_dram
    if engine.table.order:
        form = engine.folios.records[first >> engine.table.order].form
    for page in range(first, first + (<uint32_t> 1 << engine.table.order)):
        state = engine.reclaimer.state_of(engine, page)
        listed = state & (RESIDENT | IN_SWAP_CACHE) != 0
        heads_folio = form == FORM_LARGE and page == first
        assert listed == heads_folio or form == FORM_SPLIT, f"page {page} is misplaced"
        assert (state & LARGE != 0) == heads_folio, f"page {page} is wrongly large"
        assert form != FORM_UNTOUCHED or state == 0, f"page {page} was never touched and has state {state}"
        in_dram = listed or form == FORM_LARGE
        check_page(page, state, in_dram, has_failed(engine))
        resident += in_dram
    return resident


cdef int check_page(uint32_t page, uint32_t state, bint in_dram, bint failed) except -1:
    if not state & FAULTED:
        assert not in_dram and state == 0, f"page {page} was never touched and has state {state}"
        return 0
    assert in_dram or state & ENGINE_STATE_MASK == state, f"page {page} is not in DRAM and has state {state}"
    assert not (state & IN_SWAP_CACHE and state & RESIDENT), f"page {page} is mapped and has state {state}"
    copies = bool(state & IN_SLOT) + bool(state & ZERO_MAPPED)
    assert copies == (0 if state & DIRTY else 1), f"page {page} has state {state}"
    # A folio that is swapped in only in part is dropped, and what swap held of it is gone.
    assert in_dram or not state & DIRTY or failed, f"page {page} is dirty and not in DRAM"
    return 0
