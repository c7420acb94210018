"""Place memory of this process on NUMA nodes of the host: mbind(2) and move_pages(2), called without libnuma."""

from libc.errno cimport errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset, strerror

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_alloc, mem_free
from zswapsim._core.base.errors import HostMemoryError

cdef extern from "<sys/syscall.h>" nogil:
    long SYS_mbind
    long SYS_move_pages

cdef extern from "<unistd.h>" nogil:
    long syscall(long number, ...)

cdef enum:
    MPOL_BIND = 2           # <linux/mempolicy.h>
    WORD_BITS = 64
    MASK_WORDS = 16         # one bit for each node
    BATCH = 1024            # pages in one system call


def host_nodes():
    """Return the host's nodes that have memory, ascending; [0] if it has no NUMA."""
    try:
        with open("/sys/devices/system/node/has_memory", encoding="ascii") as file:
            text = file.read().strip()
    except OSError:
        return [0]
    nodes = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        nodes.extend(range(int(first), int(last or first) + 1))
    return nodes


cdef int numa_bind(uint8_t *base, size_t size, int node) except -1:
    cdef uint64_t[MASK_WORDS] mask
    cdef long mode = MPOL_BIND
    cdef unsigned long bits = MAX_NODES + 1  # the kernel reads one bit less than this number
    memset(mask, 0, sizeof(mask))
    mask[node // WORD_BITS] = <uint64_t> 1 << (node % WORD_BITS)
    if syscall(SYS_mbind, base, size, mode, mask, bits, 0) < 0:
        raise HostMemoryError(f"binding memory to node {node} of the host: {strerror(errno).decode()}")
    return 0


cdef dict numa_pages_by_node(uint8_t *base, uint32_t pages):
    cdef void **addresses = <void **> mem_alloc(BATCH * sizeof(void *))
    cdef int *status = <int *> mem_alloc(BATCH * sizeof(int))
    cdef uint32_t first = 0
    cdef uint32_t batch, i
    cdef dict found = {}
    try:
        if addresses == NULL or status == NULL:
            raise HostMemoryError("asking where pages lie: the host is out of memory")
        while first < pages:
            batch = min(pages - first, BATCH)
            for i in range(batch):
                addresses[i] = base + <size_t> (first + i) * ZSW_PAGE_SIZE
            if syscall(SYS_move_pages, 0, <size_t> batch, addresses, NULL, status, 0) < 0:
                raise HostMemoryError(f"asking where pages lie: {strerror(errno).decode()}")
            for i in range(batch):
                if status[i] >= 0:
                    found[status[i]] = found.get(status[i], 0) + 1
            first += batch
    finally:
        mem_free(addresses)
        mem_free(status)
    return found
