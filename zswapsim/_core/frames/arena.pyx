"""Keep the frames of one node: an arena of real memory, a free list, and an owner for every frame."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from posix.mman cimport MADV_HUGEPAGE, madvise

from zswapsim._core.base.arguments cimport flag, text, whole
from zswapsim._core.base.busy cimport busy_enter, busy_leave
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_calloc, mem_free, mem_map, mem_unmap
from zswapsim._core.frames.hostnuma cimport MAX_NODES, numa_bind, numa_pages_by_node
from zswapsim._core.base.errors import HostMemoryError, InputError


@final
cdef class FrameArena:
    """Hold the frames of a node, with a free list and an owner for each frame.

    Parameters: `node_bytes`, a multiple of 4096 from one frame to 16 TiB less one frame; `backed`: frames are real
    memory; otherwise they are only counted. Address space is reserved at once and faulted in on use.

    Raises InputError for a size that is no whole number of frames, HostMemoryError if it can't be reserved.
    """

    def __cinit__(self):
        self.base = NULL
        self.next_free = NULL
        self.owner_of = NULL
        self.frames = 0

    def __init__(self, node_bytes, *, backed=True):
        if self.frames:
            raise InputError("frame arena: already initialised")
        size = whole(node_bytes, "node", -(1 << 62), 1 << 128)
        if size < ZSW_PAGE_SIZE or size % ZSW_PAGE_SIZE:
            raise InputError(f"node of {size} bytes: expected a whole number of frames (4096 bytes), at least one")
        if size // ZSW_PAGE_SIZE >= <uint32_t> NO_FRAME:
            raise HostMemoryError(f"node of {size} bytes: larger than can be reserved")
        self.owner_names = []
        self.reserve(size // ZSW_PAGE_SIZE, flag(backed, "backed"))

    cdef int reserve(self, uint32_t frames, bint backed) except -1:
        cdef size_t size = <size_t> frames * ZSW_PAGE_SIZE
        self.next_free = <uint32_t *> mem_calloc(frames, sizeof(uint32_t))
        self.owner_of = <uint8_t *> mem_calloc(frames, 1)
        if backed and self.next_free != NULL and self.owner_of != NULL:
            self.base = <uint8_t *> mem_map(size, False)
        if self.next_free == NULL or self.owner_of == NULL or (backed and self.base == NULL):
            self.release()
            raise HostMemoryError(f"node of {size} bytes: larger than can be reserved")
        if backed:
            madvise(self.base, size, MADV_HUGEPAGE)
        self.free_head = NO_FRAME
        self.first_untaken = 0
        self.frames = frames
        self.free_frames = frames
        return 0

    cdef void release(self) noexcept:
        mem_unmap(self.base, <size_t> self.frames * ZSW_PAGE_SIZE)
        mem_free(self.next_free)
        mem_free(self.owner_of)
        self.base = self.owner_of = NULL
        self.next_free = NULL

    def __dealloc__(self):
        self.release()

    @property
    def backed(self):
        """True if the frames are real memory."""
        return self.base != NULL

    cdef uint32_t alloc_frame(self, uint8_t owner) noexcept nogil:
        cdef uint32_t frame = self.free_head
        if frame != NO_FRAME:
            self.free_head = self.next_free[frame]
        elif self.first_untaken < self.frames:
            frame = self.first_untaken
            self.first_untaken += 1
        else:
            return NO_FRAME
        self.owner_of[frame] = owner
        self.free_frames -= 1
        return frame

    cdef void free_frame(self, uint32_t frame) noexcept nogil:
        self.owner_of[frame] = FREE_FRAME
        self.next_free[frame] = self.free_head
        self.free_head = frame
        self.free_frames += 1

    cdef int lock(self) except -1:
        return busy_enter(&self.busy, "node")

    cdef void unlock(self) noexcept:
        busy_leave(&self.busy)

    # -- blocks of several frames, for higher orders; not on the hot path
    # -----------------------------------------------

    cdef uint32_t find_free_block(self, uint32_t size) noexcept nogil:
        """Return the lowest aligned run of `size` free frames, or NO_FRAME. O(frames)."""
        cdef uint32_t first = 0
        cdef uint32_t index
        while first + size <= self.frames:
            index = 0
            while index < size and self.owner_of[first + index] == FREE_FRAME:
                index += 1
            if index == size:
                return first
            first += size
        return NO_FRAME

    cdef void alloc_block(self, uint32_t first, uint32_t size, uint8_t owner) noexcept nogil:
        """Allocate `size` free frames from `first` on. O(free frames)."""
        cdef uint32_t *link = &self.free_head
        cdef uint32_t frame
        while link[0] != NO_FRAME:
            if first <= link[0] < first + size:
                link[0] = self.next_free[link[0]]
            else:
                link = &self.next_free[link[0]]
        # Put never-allocated frames below the block on the free list, lowest first.
        frame = first
        while frame > self.first_untaken:
            frame -= 1
            self.next_free[frame] = self.free_head
            self.free_head = frame
        self.first_untaken = max(self.first_untaken, first + size)
        for frame in range(first, first + size):
            self.owner_of[frame] = owner
        self.free_frames -= size

    # -- NUMA nodes of the host ----------------------------------------------------------------------------------------

    def bind(self, host_node):
        """Bind the frames to a NUMA node of the host (mbind, MPOL_BIND). Call this before they are used.

        Raises InputError for frames that are only counted, HostMemoryError if the host rejects the call.
        """
        if self.base == NULL:
            raise InputError("frames that are only counted can't be bound to a node of the host")
        cdef int node = whole(host_node, "node of the host", 0, MAX_NODES - 1)
        numa_bind(self.base, <size_t> self.frames * ZSW_PAGE_SIZE, node)

    def host_nodes(self):
        """Count the used frames by NUMA node of the host (move_pages without targets): ``{0: 812}``."""
        if self.base == NULL:
            return {}
        return numa_pages_by_node(self.base, self.first_untaken)

    # -- grants and owners ---------------------------------------------------------------------------------------------

    def grant(self, owner):
        """Return a :class:`Grant` to allocate frames as `owner`, a name. Equal names are one owner."""
        name = text(owner, "owner")
        if self.frames == 0:
            raise InputError("frame arena: not initialised")
        if name not in self.owner_names:
            if len(self.owner_names) == MAX_OWNERS:
                raise InputError(f"owner {name}: a node has at most {MAX_OWNERS} owners")
            self.owner_names.append(name)
        cdef Grant grant = Grant.__new__(Grant)
        grant.arena = self
        grant.owner = self.owner_names.index(name) + 1
        return grant

    def owner_at(self, frame):
        """Return a frame's owner, or None if it is free. Raise InputError if there is no such frame."""
        if self.frames == 0:
            raise InputError("frame arena: not initialised")
        cdef uint8_t owner = self.owner_of[<uint32_t> whole(frame, "frame", 0, self.frames - 1)]
        return None if owner == FREE_FRAME else self.owner_names[owner - 1]

    def owners(self):
        """Count the frames of each owner one by one; free frames are under ``free``."""
        cdef uint32_t frame
        cdef size_t[256] counted
        for frame in range(256):
            counted[frame] = 0
        for frame in range(self.first_untaken):
            counted[self.owner_of[frame]] += 1
        counted[FREE_FRAME] += self.frames - self.first_untaken
        result = {name: counted[number + 1] for number, name in enumerate(self.owner_names or ())}
        return result | {"free": counted[FREE_FRAME]}

    def check(self):
        """Assert every invariant: each free frame is listed once, each allocated frame has an owner. O(frames)."""
        cdef uint32_t frame = self.free_head
        cdef uint32_t listed = 0
        cdef set seen = set()
        while frame != NO_FRAME:
            assert frame < self.first_untaken, f"frame {frame} is listed as free but was never allocated"
            assert self.owner_of[frame] == FREE_FRAME, f"frame {frame} is listed as free and has an owner"
            assert frame not in seen, f"frame {frame} is listed twice"
            seen.add(frame)
            listed += 1
            frame = self.next_free[frame]
        assert listed + self.frames - self.first_untaken == self.free_frames, "the count of free frames is wrong"
        assert self.owners()["free"] == self.free_frames, "an allocated frame has no owner"


@final
cdef class Grant:
    """Permit one owner to allocate frames of one arena; made by :meth:`FrameArena.grant`."""

    def __init__(self):
        if self.arena is None:
            raise InputError("a grant is made by FrameArena.grant")

    @property
    def owner_name(self):
        """Return the name of the owner."""
        return self.ensure_open().owner_names[self.owner - 1]

    cdef FrameArena ensure_open(self):
        if self.arena is None:
            raise InputError("a grant is made by FrameArena.grant")
        return self.arena

    def take(self, order=0):
        """Allocate ``2**order`` consecutive, aligned frames. Return the first one, or None if there are none.

        Raises InputError for an order out of 0 ... 31, BusyError while another thread uses the arena.
        """
        cdef FrameArena arena = self.ensure_open()
        cdef uint32_t frame, size = <uint32_t> 1 << <int> whole(order, "order", 0, 31)
        arena.lock()
        if size == 1:
            frame = arena.alloc_frame(self.owner)
        else:
            frame = arena.find_free_block(size) if size <= arena.frames else NO_FRAME
            if frame != NO_FRAME:
                arena.alloc_block(frame, size, self.owner)
        arena.unlock()
        return None if frame == NO_FRAME else frame

    def give(self, frame, order=0):
        """Free frames that :meth:`take` allocated.

        Raises InputError if the owner does not have these frames, BusyError while another thread uses the arena.
        """
        cdef FrameArena arena = self.ensure_open()
        cdef uint64_t first = whole(frame, "frame", 0, 0xFFFFFFFF)
        cdef uint64_t last = first + (<uint64_t> 1 << <int> whole(order, "order", 0, 31)) - 1
        if last >= arena.frames or any(arena.owner_of[i] != self.owner for i in range(first, last + 1)):
            raise InputError(f"frames {first} to {last}: not those of {self.owner_name}")
        arena.lock()
        while last > first:
            arena.free_frame(<uint32_t> last)
            last -= 1
        arena.free_frame(<uint32_t> first)
        arena.unlock()
