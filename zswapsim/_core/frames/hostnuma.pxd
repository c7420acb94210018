"""Place memory of this process on NUMA nodes of the host."""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    MAX_NODES = 1024        # the largest CONFIG_NODES_SHIFT is 10


# Bind a mapping to one node of the host, below MAX_NODES. Raises HostMemoryError if the host rejects that.
cdef int numa_bind(uint8_t *base, size_t size, int node) except -1
# Count pages of 4096 bytes from `base` on by node. Pages that were never accessed are not counted.
cdef dict numa_pages_by_node(uint8_t *base, uint32_t pages)
