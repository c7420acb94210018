"""A compressing device behind swap, or as a second tier of mapped memory.

The forms and the controls are those proposed on linux-mm in 2026; docs/cram.md tells them, and who proposed what. As
swap backend: a store copies the page into a frame of the node, and the device compresses; a read fault maps the frame
read-only and keeps the entry, or copies back; a write fault promotes to DRAM; under pressure the backend's own shrinker
writes back to the swap device. As tier: a page that is demoted stays mapped, reads need no fault, and a write promotes
unless a budget of writable pages has room. Software knows of the physical space what a reading told it, which is old.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from zswapsim._core.backend.backend cimport (
    E_BUS_ERROR, LOAD_DROPPED, LOAD_KEPT, LOAD_LOST, TOUCH_FAULT, TOUCH_MAPPED, TOUCH_READ, TOUCH_WRITE, Backend,
    costs_charge,
)
from zswapsim._core.base.counters cimport counters_dict, cram_counters, cram_counters_rows
from zswapsim._core.backend.cram_device cimport PRESSURE_FULL, WRITE_LOST, CramDevice
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.base.errors cimport ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.frames.arena cimport NO_FRAME, Grant
from zswapsim._core.lru.log cimport LRU_NONE, lru_add, lru_close, lru_oldest, lru_open, lru_remove, lru_touch
from zswapsim._core.base.errors import HostMemoryError, InputError

CONTROLS = ("watermarks", "counting", "tokens")
cdef enum:
    BATCH = 32      # SWAP_CLUSTER_MAX


@final
cdef class CramBackend(Backend):
    """Pages on a device that compresses by itself.

    Parameters
    ----------
    cost: the constants of a CostModel, in its order.
    grant: the right to the frames of the device's arena.
    node: the device.
    device: where pages are written back to; of capacity 0 for none.
    control: one of CONTROLS. All refuse pages while the pressure that was read is above the water marks. `counting`
        also takes each frame that was handed out since the reading was taken for a full page, and refuses what might
        not fit then; `tokens` needs a token of the device for each write.
    tier: a stored page stays mapped and can be written where it is; else it is behind swap.
    maps: behind swap, whether a read fault maps the page and keeps the entry; else it copies back.
    exclusive: whether a copying load drops the device's copy.
    ends: whether the first bus error ends the run.
    budget: pages that may be writable on the device; only for a tier.
    line_ns: a cache line from or to the device.
    tick_ns: the device's clock counts nanoseconds, of which an access takes so many; 0: it counts accesses.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(&self.queue, 0, sizeof(self.queue))
        memset(&self.moved, 0, sizeof(self.moved))
        self.frame_of = NULL
        self.stamps = NULL
        self.states = NULL
        self.page = NULL

    def __init__(
        self, cost, Grant grant not None, CramDevice node not None, SwapDevice device not None, *,
        control="watermarks", bint tier=False, bint maps=True, bint exclusive=True, bint ends=False,
        uint32_t budget=0, double line_ns=800, double tick_ns=0,
    ):
        super().__init__(cost)
        if self.node is not None:
            raise InputError("backend: already initialised")
        if node.records == NULL or grant.arena is not node.arena:
            raise InputError("backend: expected a grant of the device's frames")
        if control not in CONTROLS:
            raise InputError(f"control {control}: expected one of {', '.join(CONTROLS)}")
        if not (0 <= line_ns < 1e12 and 0 <= tick_ns < 1e12):
            raise InputError("backend: expected times from 0 to 1e12 ns")
        if budget and not tier:
            raise InputError("backend: pages can be writable in the form of a tier only")
        self.control = CONTROLS.index(control)
        self.tier, self.exclusive, self.ends, self.budget, self.tick_ns = tier, exclusive, ends, budget, tick_ns
        self.maps = tier or maps
        self.costs.node_latency = line_ns
        self.owner = grant.owner
        self.arena = grant.arena
        self.device = device
        self.node = node

    def __dealloc__(self):
        lru_close(&self.queue)
        free(self.frame_of)
        free(self.stamps)
        free(self.states)
        free(self.page)

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1:
        if self.node is None or self.stamps != NULL:
            raise InputError("backend: it serves one replay")
        if (self.node.codec is not None) != real:
            raise InputError("backend: the device's codec and pages with their bytes go together")
        if self.node.taken_of != NULL and not 0 < image_count <= self.node.keeps.shape[0]:
            raise InputError(f"backend: {self.node.keeps.shape[0]} contents have sizes, {image_count} are wanted")
        self.open_slots(slots, real)
        self.slot_count = slots
        self.image_of = image_of
        return 0

    cdef int open_slots(self, uint32_t slots, bint real) except -1:
        cdef uint32_t slot
        self.stamps = <uint32_t *> calloc(slots, sizeof(uint32_t))
        self.states = <uint8_t *> calloc(slots, sizeof(uint8_t))
        self.frame_of = <uint32_t *> calloc(slots, sizeof(uint32_t))
        self.page = <uint8_t *> malloc(ZSW_PAGE_SIZE) if real else NULL
        if self.stamps == NULL or self.states == NULL or self.frame_of == NULL or (real and self.page == NULL) or \
                lru_open(&self.queue, 64, 0) < 0:
            raise HostMemoryError("backend: the host is out of memory")
        for slot in range(slots):
            self.stamps[slot] = LRU_NONE
        return 0

    # -- the replay's calls ---------------------------------------------------------------------------------------

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code = self.attend()
        cdef uint32_t frame
        if code < 0:
            return code
        if not self.admits():
            return self.refuse(slot, page)
        frame = self.frame_for_store()
        if frame == <uint32_t> NO_FRAME:
            self.counters.reject_alloc_fail += 1
            return self.refuse(slot, page)
        self.frame_of[slot] = frame
        self.states[slot] = AT_NODE | REFERENCED | (MAPPED if self.tier else 0)
        self.stored += 1
        code = lru_add(&self.queue, self.stamps, slot)
        if code < 0:
            return code
        self.counters.zswpout += 1
        costs_charge(&self.costs, &self.costs.spent_node,
                     self.costs.node_latency + self.costs.node_byte * ZSW_PAGE_SIZE)
        return self.write(slot, page)

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef uint8_t *state = &self.states[slot]
        cdef int code = self.attend()
        if code < 0:
            return code
        if state[0] & AT_MASK == AT_DEVICE:
            code = self.device.read(slot, page)
            if code < 0:
                return code
            self.counters.pswpin += 1
            costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_read)
            return LOAD_KEPT
        self.counters.zswpin += 1
        if self.lost(slot):
            return self.tell(slot)
        code = self.node.read(self.frame_of[slot], page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        costs_charge(&self.costs, &self.costs.spent_node,
                     self.costs.node_latency + self.costs.node_byte * ZSW_PAGE_SIZE)
        # Where pages are mapped, only a write brings one.
        self.moved.promotions += self.maps
        if self.maps or self.exclusive:
            self.invalidate(slot)
            return LOAD_DROPPED
        state[0] |= REFERENCED
        return LOAD_KEPT

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        cdef uint32_t where = self.states[slot] & AT_MASK
        if where == AT_DEVICE:
            self.device.release(slot)
        elif where == AT_NODE:
            self.poisoned_pages -= self.lost(slot)
            self.drop_frame(slot)
        elif where == AT_NO_PLACE:
            self.poisoned_pages -= 1
        self.states[slot] = AT_NOWHERE

    cdef int touch(self, uint32_t slot, bint write, const uint8_t **seen) noexcept nogil:
        cdef uint8_t *state = &self.states[slot]
        cdef bint mapped
        cdef int code = self.attend()
        if code < 0:
            return code
        if state[0] & AT_MASK != AT_NODE or self.lost(slot):
            return TOUCH_FAULT
        if write:
            # A page becomes writable by a fault; once it is, software does not hear of its writes.
            if not state[0] & WRITABLE and (self.refusing or self.writable_pages >= self.budget):
                return TOUCH_FAULT
            if self.control == CONTROL_TOKENS and not self.node.has_token():
                self.moved.reject_token += 1
                return TOUCH_FAULT
            self.writable_pages += state[0] & WRITABLE == 0
            state[0] |= WRITABLE | REFERENCED
            return TOUCH_WRITE
        if self.page != NULL:
            code = self.node.read(self.frame_of[slot], self.page)
            if code < 0:
                self.counters.decompress_fail += 1
                return code
            seen[0] = self.page
        costs_charge(&self.costs, &self.costs.spent_node, self.costs.node_latency)
        mapped = state[0] & MAPPED != 0
        state[0] |= MAPPED | REFERENCED
        if not mapped:
            self.counters.zswpin += 1
            return TOUCH_MAPPED
        self.moved.mapped_reads += 1
        return TOUCH_READ

    cdef int overwrite(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        self.moved.in_place_writes += 1
        costs_charge(&self.costs, &self.costs.spent_node, self.costs.node_latency)
        return self.write(slot, page)

    # -- what software does about the device ----------------------------------------------------------------------

    cdef int attend(self) noexcept nogil:
        """Takes note of what has arrived by now, and shrinks where that says so."""
        cdef uint64_t pressure
        cdef int code = self.node.tick(self.time())
        if code < 0:
            return code
        pressure = self.node.seen.used * PRESSURE_FULL // self.node.physical
        if pressure >= self.node.high:
            self.refusing = True
        elif pressure <= self.node.low:
            self.refusing = False
        return self.shrink_to_low_mark() if self.refusing else ZSW_OK

    cdef uint64_t time(self) noexcept nogil:
        if self.tick_ns == 0:
            return self.clock
        return <uint64_t> (
            self.tick_ns * self.clock + self.costs.spent +
            self.costs.major_fault * (self.counters.zswpin + self.counters.pswpin)
        )

    cdef bint admits(self) noexcept nogil:
        cdef uint64_t since = self.node.allocated - self.node.seen.allocated
        if self.refusing:
            self.moved.reject_pressure += 1
            return False
        if self.control == CONTROL_COUNTING and \
                self.node.seen.used + (since + 1) * ZSW_PAGE_SIZE > self.node.physical:
            self.moved.reject_bound += 1
            return False
        if self.control == CONTROL_TOKENS and not self.node.has_token():
            self.moved.reject_token += 1
            return False
        return True

    cdef uint32_t frame_for_store(self) noexcept nogil:
        """A zeroed frame; where there is none, those that wait are zeroed now, then pages are written back."""
        cdef uint32_t frame = self.node.take(self.owner)
        if frame != <uint32_t> NO_FRAME:
            return frame
        self.counters.pool_limit_hit += 1
        if self.node.waiting == 0:
            self.write_back(BATCH)
        self.node.zero(self.node.waiting)
        return self.node.take(self.owner)

    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """The processor's write goes to the device, which may lose it; who wrote does not hear of that."""
        cdef bint before = self.lost(slot)
        cdef int code
        if self.control == CONTROL_TOKENS:
            self.node.spend_token()
        code = self.node.write(self.frame_of[slot], page, self.image_of[slot] if self.image_of != NULL else 0)
        if code == WRITE_LOST and not before:
            self.counters.lost_pages += 1
            self.poisoned_pages += 1
        return min(code, ZSW_OK)

    cdef int refuse(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """A page that the node does not get goes to the swap device, or stays where it is."""
        cdef int code = self.device.write(slot, page)
        if code < 0:
            return code
        self.counters.pswpout += 1
        costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_write)
        self.states[slot] = AT_DEVICE
        return ZSW_OK

    # -- pages that were lost -------------------------------------------------------------------------------------

    cdef bint lost(self, uint32_t slot) noexcept nogil:
        cdef uint32_t where = self.states[slot] & AT_MASK
        return where == AT_NO_PLACE or (where == AT_NODE and self.node.records[self.frame_of[slot]].poisoned)

    cdef int tell(self, uint32_t slot) noexcept nogil:
        """The reader of a lost page gets its bus error. LOAD_LOST, or the code that ends the run."""
        self.counters.poisoned_reads += 1
        self.invalidate(slot)
        return E_BUS_ERROR if self.ends else LOAD_LOST

    cdef int drop_frame(self, uint32_t slot) noexcept nogil:
        cdef uint8_t *state = &self.states[slot]
        self.writable_pages -= state[0] & WRITABLE != 0
        self.stored -= 1
        lru_remove(&self.queue, self.stamps, slot)
        return self.node.give(self.frame_of[slot])

    # -- the shrinker ---------------------------------------------------------------------------------------------

    cdef int shrink_to_low_mark(self) noexcept nogil:
        """Writes back as many pages as should bring the pressure down to the low mark, once a reading.

        Software does not know what a page takes: it reckons with the mean, and with what waits to be zeroed.
        """
        cdef uint64_t target = self.node.physical * self.node.low // PRESSURE_FULL
        cdef uint64_t mean, over
        # Nothing younger than what it did last has been read yet.
        if self.node.now < self.acted_at + self.node.delay or self.node.seen.frames == 0:
            return ZSW_OK
        mean = (self.node.seen.used + self.node.seen.frames - 1) // self.node.seen.frames
        target += self.node.waiting * mean
        if self.node.seen.used <= target:
            return ZSW_OK
        over = self.node.seen.used - target
        self.acted_at = self.node.now
        return min(self.write_back((over + mean - 1) // mean), ZSW_OK)

    cdef int write_back(self, uint64_t most) noexcept nogil:
        """Writes the coldest pages back, at most so many. Returns 0 or a negative code."""
        cdef int code = ZSW_OK
        cdef uint32_t slot
        while most and self.device.used < self.device.capacity:
            slot = lru_oldest(&self.queue, self.stamps)
            if slot == LRU_NONE:
                break
            if self.states[slot] & REFERENCED:
                self.states[slot] &= ~<uint32_t> REFERENCED
                code = lru_touch(&self.queue, self.stamps, slot)
            else:
                code = self.write_back_one(slot)
                most -= 1
            if code < 0:
                break
        return code

    cdef int write_back_one(self, uint32_t slot) noexcept nogil:
        cdef int code
        if self.lost(slot):
            # The kernel's own read of it fails; what is left is a swap entry that tells its reader.
            code = self.drop_frame(slot)
            self.states[slot] = AT_NO_PLACE
            return code
        code = self.node.read(self.frame_of[slot], self.page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        code = self.device.write(slot, self.page)
        if code < 0:
            return code
        code = self.drop_frame(slot)
        self.states[slot] = AT_DEVICE
        self.counters.zswpwb += 1
        self.counters.pswpout += 1
        self.counters.written_back_pages += 1
        costs_charge(&self.costs, &self.costs.spent_node,
                     self.costs.node_latency + self.costs.node_byte * ZSW_PAGE_SIZE)
        costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_write)
        return code

    # -- looking in -----------------------------------------------------------------------------------------------

    cdef CramDevice whole(self):
        if self.node is None:
            raise InputError("backend: not initialised")
        return self.node

    def held(self):
        cdef CramDevice node = self.whole()
        return super().held() | {
            "stored_pages": self.stored,
            "stored_incompressible_pages": node.raw,
            "compr_data_size": node.used - node.waiting_bytes,
            "pool_total_size": node.used,
            "peak_pool_total_size": node.peak,
            "device_pages": self.device.used,
            "peak_device_pages": self.device.peak,
            "poisoned_pages": self.poisoned_pages,
            "writable_pages": self.writable_pages,
        } | counters_dict(cram_counters_rows, sizeof(cram_counters), &self.moved) | node.stats()

    def times(self, uint64_t minor_faults, uint64_t major_faults):
        cdef CramDevice node = self.whole()
        self.costs.wall_compress, self.costs.wall_decompress = node.wall_compress, node.wall_decompress
        return Backend.times(self, minor_faults, major_faults)

    def owners(self):
        return {"private": self.whole().arena.owners()}

    def lost_slots(self):
        """The slots whose page is lost and whose reader has not been told yet."""
        cdef uint32_t slot
        self.whole()
        return [slot for slot in range(self.slot_count) if self.lost(slot)]

    def check(self):
        """Assert every invariant of slots, queue, frames and device. O(slots + frames)."""
        cdef CramDevice node = self.whole()
        cdef uint32_t slot
        cdef set frames = set()
        cdef uint64_t at_device = 0, writable = 0, lost = 0
        for slot in range(self.slot_count):
            state = self.states[slot]
            where = state & AT_MASK
            listed = self.stamps[slot] != LRU_NONE
            assert listed == (where == AT_NODE), f"slot {slot}: wrongly in or out of the queue"
            assert where == AT_NODE or state == where, f"slot {slot} is not at the node and has state {state}"
            if where == AT_NODE:
                frames.add(self.frame_of[slot])
                assert not node.records[self.frame_of[slot]].waits, f"slot {slot} has a frame that was freed"
            at_device += where == AT_DEVICE
            writable += state & WRITABLE != 0
            lost += self.lost(slot)
        assert len(frames) == self.stored == self.queue.live == node.busy - node.waiting, "frames are miscounted"
        assert at_device == self.device.used, "pages on the device are miscounted"
        assert writable == self.writable_pages <= self.budget, "writable pages are miscounted"
        assert lost == self.poisoned_pages, "lost pages are miscounted"
        assert self.counters.lost_pages == self.counters.poisoned_reads + lost, "a lost page was passed over"
        node.check()
