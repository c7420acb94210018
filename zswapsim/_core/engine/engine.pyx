"""The engine's state, empty: replay.pyx opens it."""

from libc.stdlib cimport free
from libc.string cimport memset


cdef class Engine(EngineBase):
    """The base of Replay. It owns the records of large folios; every other table is the page table's."""

    def __cinit__(self):
        memset(&self.counters, 0, sizeof(self.counters))
        memset(&self.latency, 0, sizeof(self.latency))
        memset(&self.folios, 0, sizeof(self.folios))

    def __dealloc__(self):
        free(self.folios.records)
