"""Declare exact LRU: every access moves a page to the young end, and the oldest page is evicted.

A hit raises no counter but `accesses`: lru.pyx moves the page in the log (lru/log.pxd).
"""

from cython cimport final

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.lru.log cimport lru_log
from zswapsim._core.reclaim.counting cimport counting_run
from zswapsim._core.reclaim.reclaimer cimport EngineBase, Reclaimer


@final
cdef class LruReclaimer(Reclaimer):
    cdef lru_log log            # folios in DRAM, the least recently used first

    cdef int evict_oldest(self, EngineBase engine) noexcept nogil
    cdef void walk_block(self, counting_run *run, const uint32_t *pages, const uint32_t *next_pages) noexcept nogil
    cdef void walk_word(
        self, counting_run *run, const uint32_t *pages, Py_ssize_t count, Py_ssize_t readable,
    ) noexcept nogil
