"""Make the engine's state, which replay.pyx fills."""

from libc.string cimport memset

from zswapsim._core.base.memory cimport mem_free


cdef class Engine(EngineBase):
    """Hold the state of a Replay. It owns the records of large folios; the page table owns all other tables."""

    def __cinit__(self):
        memset(&self.counters, 0, sizeof(self.counters))
        memset(&self.latency, 0, sizeof(self.latency))
        memset(&self.folios, 0, sizeof(self.folios))

    def __dealloc__(self):
        mem_free(self.folios.records)
