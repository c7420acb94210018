"""A third party's reclaimer behind the contract that the engine knows.

A plug-in can't harm a run: every page number that it gives is looked up before it is used, and a reclaim() that did
not do what it says ends the run as PluginError. In C, a loop that never ends can't be ended from here.
"""

from cython cimport final, no_gc_clear

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_E_NOMEM, ZSW_E_PLUGIN, ZSW_E_RANGE, ZSW_OK
from zswapsim._core.base.page_flags cimport HIT, HITS
from zswapsim._core.codec.parameters cimport MAX_PARAMETERS
from zswapsim._core.codec.plugin cimport keep_exception, pop_exception
from zswapsim._core.reclaim.plugin_table cimport ReclaimerTable
from zswapsim._core.reclaim.reclaimer cimport EngineBase, Reclaimer, evict_resident, folios_to_reclaim

from zswapsim._core.base.errors import HostMemoryError, InputError, PluginError

cdef enum:
    MAX_ROUNDS = 64             # in which one reclaim() may try every resident page again that must stay
    MORE_TRIES = 4096           # beside those
    LISTED = 1                  # the stamp of a page that the plug-in was given and has not evicted
    NOT_LISTED = 0

# ZSW_E_PLUGIN stands for them, where only a code can be returned.
MISTAKES = {
    ASKED_OUTSIDE: "accessed(page {0}) outside of insert and reclaim",
    ASKED_ABSENT: "accessed(page {0}): the page is not in DRAM",
    EVICTED_OUTSIDE: "evict(page {0}) outside of reclaim",
    EVICTED_ABSENT: "evict(page {0}): the page is not in DRAM",
    EVICTED_ENDLESSLY: "reclaim tried {0} times to evict pages that must stay",
    EVICTED_NONE: "reclaim evicted no page, and tried none",
    WRONG_INSERT_CODE: "insert returned {0}: expected 0 or ZSW_E_NOMEM",
    WRONG_RECLAIM_CODE: "reclaim returned {0}: expected 0 if it evicted a page, ZSW_E_FULL if each must stay",
    WRONG_CREATE_CODE: "create returned {0}: expected 0, ZSW_E_NOMEM or ZSW_E_RANGE",
}


# ---- the host, as the plug-in sees it: `engine` is a borrowed PluginReclaimer --------------------------------------

cdef uint32_t host_accessed(void *engine, uint32_t page) noexcept nogil:
    return (<PluginReclaimer> engine).accessed(page, False)


cdef uint32_t host_test_and_clear_accessed(void *engine, uint32_t page) noexcept nogil:
    return (<PluginReclaimer> engine).accessed(page, True)


cdef int host_evict(void *engine, uint32_t page) noexcept nogil:
    return (<PluginReclaimer> engine).evict(page)


cdef uint64_t host_clock(void *engine) noexcept nogil:
    return (<PluginReclaimer> engine).clock


# The table must be there when the state is given back, however the garbage collector comes by.
@no_gc_clear
@final
cdef class PluginReclaimer(Reclaimer):
    """A reclaimer of the kind `table`. `values`: the parameters that differ from their initial value, each in range."""

    def __cinit__(self, ReclaimerTable table not None, dict values not None):
        if table.functions == NULL:
            raise InputError("reclaimer: an empty table")
        self.table = table
        self.values = {each.name: values.get(each.name, each.initial) for each in table.parameters}
        self.state = NULL
        self.engine = NULL
        self.max_hits = table.max_hits
        self.map_adds_hit = HIT if table.max_hits else 0
        memset(&self.host, 0, sizeof(self.host))

    def __dealloc__(self):
        if self.state != NULL:
            self.table.functions.destroy(self.state)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        cdef int64_t values[MAX_PARAMETERS]
        cdef int code
        Reclaimer.attach(self, stamps, states, pages, frames)
        for place, value in enumerate(self.values.values()):
            values[place] = value
        self.host.engine = <void *> self
        self.host.pages = pages
        self.host.frames = frames
        self.host.accessed = host_accessed
        self.host.test_and_clear_accessed = host_test_and_clear_accessed
        self.host.evict = host_evict
        self.host.clock = host_clock
        code = self.table.functions.create(values, &self.host, &self.state)
        if code == ZSW_OK and not self.mistake:
            return 0
        if code != ZSW_OK:
            self.state = NULL
        if self.ending:
            raise pop_exception()
        if code == ZSW_E_NOMEM:
            raise HostMemoryError(f"reclaimer {self.table.name}: the host is out of memory")
        if code == ZSW_E_RANGE:
            raise InputError(f"reclaimer {self.table.name}: refused these parameters: {self.values}")
        self.note_mistake(WRONG_CREATE_CODE, code)
        raise PluginError(self.mistake_text())

    # -- what the engine asks ---------------------------------------------------------------------------------------

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        cdef int code
        self.stamps[page] = LISTED
        self.inside = True
        code = self.table.functions.insert(self.state, page, refault)
        self.inside = False
        if code == ZSW_E_NOMEM:
            self.ending = code
        elif code != ZSW_OK:
            self.note_mistake(WRONG_INSERT_CODE, code)
        if code != ZSW_OK:
            self.stamps[page] = NOT_LISTED
        return self.ended()

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef uint32_t wanted = folios_to_reclaim(self, engine, nr_to_reclaim)
        cdef int code
        if self.ending or self.mistake:
            return self.ended()
        self.evicted = 0
        self.stayed = 0
        self.engine = <void *> engine
        self.inside = True
        code = self.table.functions.reclaim(self.state, page, wanted)
        self.inside = False
        self.engine = NULL
        return self.judged(code)

    cdef int judged(self, int code) noexcept nogil:
        """Return what the engine is to know of a reclaim() that returned `code`."""
        if not self.ending and not self.mistake:
            if code == ZSW_OK and self.evicted:
                return ZSW_OK
            if code == ZSW_E_FULL and self.stayed and not self.evicted:
                return ZSW_E_FULL
            if code == ZSW_E_NOMEM:
                return ZSW_E_NOMEM
            if self.evicted == 0 and self.stayed == 0 and (code == ZSW_OK or code == ZSW_E_FULL):
                self.note_mistake(EVICTED_NONE, 0)
            else:
                self.note_mistake(WRONG_RECLAIM_CODE, code)
        return self.ended()

    cdef int ended(self) noexcept nogil:
        """Return the code by which the run ended, or 0."""
        if self.ending or not self.mistake:
            return self.ending
        with gil:
            return self.blame_mistake()

    # -- what the plug-in asks --------------------------------------------------------------------------------------

    cdef bint is_listed(self, uint32_t page) noexcept nogil:
        """Return if the plug-in was given a page, and has not evicted it since."""
        return page < self.pages and self.stamps[page] == LISTED

    cdef uint32_t accessed(self, uint32_t page, bint clear) noexcept nogil:
        cdef uint32_t hits
        if not self.inside or not self.is_listed(page):
            self.note_mistake(ASKED_ABSENT if self.inside else ASKED_OUTSIDE, page)
            return 0
        hits = (self.states[page] & HITS) // HIT
        if clear and hits:
            self.states[page] &= ~<uint32_t> HITS
            self.counters.pgscan += self.engine != NULL
        return hits

    cdef int evict(self, uint32_t page) noexcept nogil:
        """Evict a page if the plug-in may do so.

        After a mistake, a plug-in that takes any code for a page that must stay would go on for ever: it is told once,
        and then that its pages were evicted, which none is.
        """
        if self.mistake or self.ending:
            return ZSW_OK
        if self.engine == NULL:
            return self.note_mistake(EVICTED_OUTSIDE, page)
        if not self.is_listed(page):
            return self.note_mistake(EVICTED_ABSENT, page)
        return self.evict_listed(page)

    cdef int evict_listed(self, uint32_t page) noexcept nogil:
        cdef int code
        self.counters.pgscan += 1
        code = evict_resident(self, <EngineBase> self.engine, page)
        if code == ZSW_OK:
            self.evicted += 1
            self.stamps[page] = NOT_LISTED
        elif code == ZSW_E_FULL:
            self.stayed += 1
            self.states[page] |= HIT * self.max_hits
            if self.stayed > <uint64_t> MAX_ROUNDS * self.frames + MORE_TRIES:
                return self.note_mistake(EVICTED_ENDLESSLY, self.stayed)
        else:
            self.ending = code
        return code

    # -- mistakes ---------------------------------------------------------------------------------------------------

    cdef int note_mistake(self, plugin_mistake mistake, int64_t mistaken) noexcept nogil:
        """Keep the first mistake. Returns ZSW_E_PLUGIN."""
        if not self.mistake:
            self.mistake = mistake
            self.mistaken = mistaken
        return ZSW_E_PLUGIN

    cdef int blame_mistake(self) noexcept:
        keep_exception(PluginError(self.mistake_text()))
        return ZSW_E_PLUGIN

    cdef str mistake_text(self):
        return f"reclaimer {self.table.name}: {MISTAKES[self.mistake].format(self.mistaken)}"

    def check(self):
        """Assert that the plug-in was given every resident page, and that it finds nothing wrong by itself."""
        Reclaimer.check(self)
        if self.table.functions.check == NULL or self.state == NULL:
            return
        code = self.table.functions.check(self.state)
        if code == ZSW_E_PLUGIN and self.ending:
            raise pop_exception()
        assert code == ZSW_OK, f"reclaimer {self.table.name}: check returned {code}"

    def listed_pages(self):
        """Return the pages that the plug-in holds, by number."""
        return [page for page in range(self.pages) if self.is_listed(page)]
