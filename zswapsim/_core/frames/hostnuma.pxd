"""Memory of this process on the host's own NUMA nodes."""

from libc.stdint cimport uint8_t, uint32_t


# Binds a mapping to one node of the host. Raises HostMemoryError where the host refuses.
cdef int numa_bind(uint8_t *base, size_t size, int node) except -1
# Pages of 4096 bytes from `base` on, by the node they lie on; those that were never touched lie nowhere.
cdef dict numa_located(uint8_t *base, uint32_t pages)
