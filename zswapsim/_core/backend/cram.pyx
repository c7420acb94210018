"""Serve swap from a device that compresses by itself (cram), as a backend or as a second tier of mapped memory.

The forms and the controls are those proposed on linux-mm in 2026; docs/cram.md describes them and names the authors. As
swap backend: a store copies the page into a frame of the node, and the device compresses it. A read fault maps the
frame read-only and keeps the entry, or copies the page back; a write fault promotes it to DRAM. Under pressure the
backend's own shrinker writes pages back to the swap device. As tier: a page that is demoted stays mapped and reads need
no fault. A write promotes the page, unless there is room for one more writable page. Software knows the physical space
in use only from a reading, which is old.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport flag, number, shown, whole
from zswapsim._core.backend.backend cimport (
    ACCESS_FAULT, ACCESS_MAP, ACCESS_READ, ACCESS_WRITE, E_BUS_ERROR, LOAD_DROPPED, LOAD_KEPT, LOAD_LOST, Backend,
    costs_charge,
)
from zswapsim._core.backend.cram_device cimport PRESSURE_FULL, WRITE_LOST, CramDevice
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.writeback cimport (
    SLOT_AT_DEVICE, SLOT_AT_LOST, SLOT_AT_MASK, SLOT_AT_NONE, SLOT_AT_POOL, SLOT_REFERENCED, WRITEBACK_FOUND,
    WRITEBACK_NONE, slot_place, slot_table_close, slot_table_open, writeback_add, writeback_del, writeback_queued,
    writeback_scan_one,
)
from zswapsim._core.base.counters cimport counters_dict, cram_counters, cram_counters_rows
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_alloc, mem_calloc, mem_free
from zswapsim._core.frames.arena cimport NO_FRAME, Grant
from zswapsim._core.lru.log cimport lru_close, lru_open
from zswapsim._core.base.errors import HostMemoryError, InputError

CONTROLS = ("watermarks", "counting", "tokens")
cdef enum:
    WRITEBACK_BATCH = 32    # pages written back for a frame (SWAP_CLUSTER_MAX)


@final
cdef class CramBackend(Backend):
    """Keep pages on a device that compresses by itself.

    Parameters
    ----------
    cost: the constants of a CostModel, in its order.
    grant: the right to take the frames of the device's arena.
    node: the device.
    device: the device to which pages are written back; its capacity is 0 if there is none.
    control: one of CONTROLS. All of them reject pages while the pressure of the reading is above the water marks.
        `counting` assumes in addition that each frame allocated since the reading takes a full page, and rejects a page
        that might not fit then; `tokens` needs a token of the device for each write.
    tier: a stored page stays mapped and can be written in place; otherwise the device is a swap backend.
    maps_pages: in a swap backend, a read fault maps the page and keeps the entry; otherwise it copies the page back.
    exclusive: a load that copies the page frees the slot.
    fatal_bus_error: the first bus error ends the run.
    max_writable: limit of pages that are writable on the device; only for a tier.
    line_ns: the time of a cache line from or to the device.
    tick_ns: the time of an access on the device's clock; 0: the clock counts accesses.

    Raises InputError for a value out of range.
    """

    def __init__(
        self, cost, Grant grant not None, CramDevice node not None, SwapDevice device not None, *,
        control="watermarks", tier=False, maps_pages=True, exclusive=True, fatal_bus_error=False, max_writable=0,
        line_ns=800, tick_ns=0,
    ):
        super().__init__(cost)
        if self.node is not None:
            raise InputError("backend: already initialised")
        if node.records == NULL or grant.arena is not node.arena:
            raise InputError("backend: expected a grant of the device's frames")
        if not isinstance(control, str) or control not in CONTROLS:
            raise InputError(f"control {shown(control)}: expected one of {', '.join(CONTROLS)}")
        self.mapped_tier = flag(tier, "tier")
        self.max_writable = whole(max_writable, "max_writable", 0, 0xFFFFFFFF)
        if self.max_writable and not self.mapped_tier:
            raise InputError("backend: pages can be writable in the form of a tier only")
        self.control = CONTROLS.index(control)
        self.exclusive = flag(exclusive, "exclusive")
        self.fatal_bus_error = flag(fatal_bus_error, "fatal_bus_error")
        self.tick_ns = number(tick_ns, "tick_ns", 0, 1e12)
        self.maps_pages = flag(maps_pages, "maps_pages") or self.mapped_tier
        self.costs.node_latency = number(line_ns, "line_ns", 0, 1e12)
        self.owner = grant.owner
        self.arena = grant.arena
        self.device = device
        self.node = node

    def __dealloc__(self):
        self.close_slots()

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1:
        if self.node is None or self.table.stamps != NULL:
            raise InputError("backend: it serves one replay")
        if (self.node.codec is not None) != with_bytes:
            raise InputError("backend: the device's codec and pages with their bytes go together")
        if self.node.physical_bytes_of != NULL and not 0 < image_count <= self.node.refs.shape[0]:
            raise InputError(f"backend: {self.node.refs.shape[0]} contents have sizes, {image_count} are wanted")
        self.open_slots(slots, with_bytes)
        self.image_of = image_of
        return 0

    cdef int open_slots(self, uint32_t slots, bint with_bytes) except -1:
        self.frame_of = <uint32_t *> mem_calloc(slots, sizeof(uint32_t))
        self.page = <uint8_t *> mem_alloc(ZSW_PAGE_SIZE) if with_bytes else NULL
        if self.frame_of == NULL or (with_bytes and self.page == NULL) or lru_open(&self.queue, 64, 0) < 0 or \
                slot_table_open(&self.table, slots) < 0:
            self.close_slots()
            raise HostMemoryError("backend: the host is out of memory")
        return 0

    cdef void close_slots(self) noexcept:
        lru_close(&self.queue)
        slot_table_close(&self.table)
        mem_free(self.frame_of)
        mem_free(self.page)
        self.frame_of = NULL
        self.page = NULL

    # -- store, load, invalidate, access -------------------------------------------------------------------------------

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code = self.update_pressure()
        cdef uint32_t frame
        if code < 0:
            return code
        if not self.may_store():
            return self.reject(slot, page)
        code = self.alloc_store_frame(&frame)
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += 1
            return self.reject(slot, page)
        if code < 0:
            return code
        code = writeback_add(&self.queue, &self.table, slot)
        if code < 0:
            self.node.free_frame(frame)
            return code
        self.frame_of[slot] = frame
        self.table.states[slot] = SLOT_AT_POOL | SLOT_REFERENCED | (PTE_MAPPED if self.mapped_tier else 0)
        self.stored += 1
        costs_charge(&self.costs, &self.costs.charged_node_ns,
                     self.costs.node_latency + self.costs.node_byte * ZSW_PAGE_SIZE)
        code = self.write_node(slot, page)
        if code < 0:
            self.invalidate(slot)
            return code
        self.counters.zswpout += 1
        return ZSW_OK

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef uint8_t *state = &self.table.states[slot]
        cdef int code = self.update_pressure()
        if code < 0:
            return code
        if slot_place(&self.table, slot) == SLOT_AT_DEVICE:
            code = self.device.read(slot, page)
            if code < 0:
                return code
            self.counters.pswpin += 1
            costs_charge(&self.costs, &self.costs.charged_device_ns, self.costs.device_read)
            return LOAD_KEPT
        self.counters.zswpin += 1
        if self.is_lost(slot):
            return self.deliver_bus_error(slot)
        code = self.node.read(self.frame_of[slot], page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        costs_charge(&self.costs, &self.costs.charged_node_ns,
                     self.costs.node_latency + self.costs.node_byte * ZSW_PAGE_SIZE)
        # If pages are mapped, only a write loads one.
        self.cram_counts.promotions += self.maps_pages
        if self.maps_pages or self.exclusive:
            self.invalidate(slot)
            return LOAD_DROPPED
        state[0] |= SLOT_REFERENCED
        return LOAD_KEPT

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        cdef uint32_t place = slot_place(&self.table, slot)
        if place == SLOT_AT_DEVICE:
            self.device.free_slot(slot)
        elif place == SLOT_AT_POOL:
            self.poisoned_pages -= self.is_lost(slot)
            self.free_node_frame(slot)
        elif place == SLOT_AT_LOST:
            self.poisoned_pages -= 1
        self.table.states[slot] = SLOT_AT_NONE

    cdef int access_mapped(self, uint32_t slot, bint write, const uint8_t **data) noexcept nogil:
        cdef uint8_t *state = &self.table.states[slot]
        cdef bint mapped
        cdef int code = self.update_pressure()
        if code < 0:
            return code
        if slot_place(&self.table, slot) != SLOT_AT_POOL or self.is_lost(slot):
            return ACCESS_FAULT
        if write:
            # A fault makes a page writable; software does not see the writes after it.
            if not state[0] & PTE_WRITABLE and (self.rejecting or self.writable_pages >= self.max_writable):
                return ACCESS_FAULT
            if self.control == CONTROL_TOKENS and not self.node.has_token():
                self.cram_counts.reject_token += 1
                return ACCESS_FAULT
            self.writable_pages += state[0] & PTE_WRITABLE == 0
            state[0] |= PTE_WRITABLE | SLOT_REFERENCED
            return ACCESS_WRITE
        if self.page != NULL:
            code = self.node.read(self.frame_of[slot], self.page)
            if code < 0:
                self.counters.decompress_fail += 1
                return code
            data[0] = self.page
        costs_charge(&self.costs, &self.costs.charged_node_ns, self.costs.node_latency)
        mapped = state[0] & PTE_MAPPED != 0
        state[0] |= PTE_MAPPED | SLOT_REFERENCED
        if not mapped:
            self.counters.zswpin += 1
            return ACCESS_MAP
        self.cram_counts.mapped_reads += 1
        return ACCESS_READ

    cdef int write_mapped(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        self.cram_counts.in_place_writes += 1
        costs_charge(&self.costs, &self.costs.charged_node_ns, self.costs.node_latency)
        return self.write_node(slot, page)

    # -- the readings of the device, and limits ------------------------------------------------------------------------

    cdef int update_pressure(self) noexcept nogil:
        """Advance the device's clock, take the latest reading, and shrink if its pressure is high."""
        cdef uint64_t pressure
        cdef int code = self.node.tick(self.device_time())
        if code < 0:
            return code
        pressure = self.node.reading.used * PRESSURE_FULL // self.node.physical
        if pressure >= self.node.high:
            self.rejecting = True
        elif pressure <= self.node.low:
            self.rejecting = False
        return self.shrink_to_low_mark() if self.rejecting else ZSW_OK

    cdef uint64_t device_time(self) noexcept nogil:
        """Return the device's clock: accesses so far, or the nanoseconds that they and their faults took."""
        if self.tick_ns == 0:
            return self.clock
        return <uint64_t> (
            self.tick_ns * self.clock + self.costs.charged_ns +
            self.costs.major_fault * (self.counters.zswpin + self.counters.pswpin)
        )

    cdef bint may_store(self) noexcept nogil:
        """Return True if the control allows a store; if not, count the reason."""
        cdef uint64_t since = self.node.allocated - self.node.reading.allocated
        if self.rejecting:
            self.cram_counts.reject_pressure += 1
            return False
        if self.control == CONTROL_COUNTING and \
                self.node.reading.used + (since + 1) * ZSW_PAGE_SIZE > self.node.physical:
            self.cram_counts.reject_bound += 1
            return False
        if self.control == CONTROL_TOKENS and not self.node.has_token():
            self.cram_counts.reject_token += 1
            return False
        return True

    cdef int alloc_store_frame(self, uint32_t *frame) noexcept nogil:
        """Allocate a zeroed frame. If there is none, zero the freed ones; if none was freed, write pages back first.
        Return 0, ZSW_E_FULL, or the negative code of a failure, which ends the run."""
        cdef int code = ZSW_OK
        frame[0] = self.node.alloc_frame(self.owner)
        if frame[0] != <uint32_t> NO_FRAME:
            return ZSW_OK
        self.counters.pool_limit_hit += 1
        if self.node.zeroing_frames == 0:
            code = self.write_back(WRITEBACK_BATCH)
        if code == ZSW_OK:
            code = self.node.zero_frames(self.node.zeroing_frames)
        if code < 0:
            return code
        frame[0] = self.node.alloc_frame(self.owner)
        return ZSW_OK if frame[0] != <uint32_t> NO_FRAME else ZSW_E_FULL

    cdef int write_node(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """Write a page to its frame. The device may lose the write without notifying the writer."""
        cdef bint before = self.is_lost(slot)
        cdef int code
        if self.control == CONTROL_TOKENS:
            self.node.spend_token()
        code = self.node.write(self.frame_of[slot], page, self.image_of[slot] if self.image_of != NULL else 0)
        if code == WRITE_LOST and not before:
            self.counters.lost_pages += 1
            self.poisoned_pages += 1
        return min(code, ZSW_OK)

    cdef int reject(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """Write a rejected page to the swap device. Return 0, or a negative code if it must stay in DRAM or ends the
        run."""
        cdef int code = self.device.write(slot, page)
        if code < 0:
            return code
        self.counters.pswpout += 1
        costs_charge(&self.costs, &self.costs.charged_device_ns, self.costs.device_write)
        self.table.states[slot] = SLOT_AT_DEVICE
        return ZSW_OK

    # -- pages that were lost ------------------------------------------------------------------------------------------

    cdef bint is_lost(self, uint32_t slot) noexcept nogil:
        cdef uint32_t place = slot_place(&self.table, slot)
        return place == SLOT_AT_LOST or (place == SLOT_AT_POOL and self.node.records[self.frame_of[slot]].poisoned)

    cdef int deliver_bus_error(self, uint32_t slot) noexcept nogil:
        """Deliver the bus error to the reader of a lost page. Return LOAD_LOST, or the code that ends the run."""
        self.counters.poisoned_reads += 1
        self.invalidate(slot)
        return E_BUS_ERROR if self.fatal_bus_error else LOAD_LOST

    cdef int free_node_frame(self, uint32_t slot) noexcept nogil:
        cdef uint8_t *state = &self.table.states[slot]
        self.writable_pages -= state[0] & PTE_WRITABLE != 0
        self.stored -= 1
        writeback_del(&self.queue, &self.table, slot)
        return self.node.free_frame(self.frame_of[slot])

    # -- the shrinker --------------------------------------------------------------------------------------------------

    cdef int shrink_to_low_mark(self) noexcept nogil:
        """Write back enough pages to bring the pressure down to the low mark, once for each reading. Software does not
        know the space that a page takes: it assumes the mean, also for frames that are not zeroed yet.
        """
        cdef uint64_t target = self.node.physical * self.node.low // PRESSURE_FULL
        cdef uint64_t mean, over
        # The reading is older than the last shrink.
        if self.node.now < self.last_shrink + self.node.delay or self.node.reading.frames == 0:
            return ZSW_OK
        mean = (self.node.reading.used + self.node.reading.frames - 1) // self.node.reading.frames
        target += self.node.zeroing_frames * mean
        if self.node.reading.used <= target:
            return ZSW_OK
        over = self.node.reading.used - target
        self.last_shrink = self.node.now
        return min(self.write_back((over + mean - 1) // mean), ZSW_OK)

    cdef int write_back(self, uint64_t max_pages) noexcept nogil:
        """Write back the coldest pages, at most `max_pages`. Return 0 or a negative code."""
        cdef int code = ZSW_OK
        cdef uint32_t slot
        while code >= 0 and max_pages and self.device.used < self.device.capacity:
            code = writeback_scan_one(&self.queue, &self.table, &slot)
            if code == WRITEBACK_NONE:
                break
            if code == WRITEBACK_FOUND:
                code = self.write_back_one(slot)
                max_pages -= 1
        return min(code, ZSW_OK)

    cdef int write_back_one(self, uint32_t slot) noexcept nogil:
        cdef int code
        if self.is_lost(slot):
            # The kernel's own read fails too. A swap entry is left, whose reader gets the bus error.
            code = self.free_node_frame(slot)
            self.table.states[slot] = SLOT_AT_LOST
            return code
        code = self.node.read(self.frame_of[slot], self.page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        code = self.device.write(slot, self.page)
        if code < 0:
            return code
        code = self.free_node_frame(slot)
        self.table.states[slot] = SLOT_AT_DEVICE
        self.counters.zswpwb += 1
        self.counters.pswpout += 1
        self.counters.written_back_pages += 1
        costs_charge(&self.costs, &self.costs.charged_node_ns,
                     self.costs.node_latency + self.costs.node_byte * ZSW_PAGE_SIZE)
        costs_charge(&self.costs, &self.costs.charged_device_ns, self.costs.device_write)
        return code

    # -- statistics and checks -----------------------------------------------------------------------------------------

    cdef CramDevice ensure_open(self):
        """Return the device. Raise InputError unless the constructor ran."""
        if self.node is None:
            raise InputError("backend: not initialised")
        return self.node

    def usage(self):
        cdef CramDevice node = self.ensure_open()
        usage = {
            "stored_pages": self.stored,
            "stored_incompressible_pages": node.full_frames,
            "compr_data_size": node.used - node.zeroing_bytes,
            "pool_total_size": node.used,
            "peak_pool_total_size": node.peak,
            "device_pages": self.device.used,
            "peak_device_pages": self.device.peak,
            "poisoned_pages": self.poisoned_pages,
            "writable_pages": self.writable_pages,
        }
        counts = counters_dict(cram_counters_rows, sizeof(cram_counters), &self.cram_counts)
        return super().usage() | usage | counts | node.stats()

    def times(self, minor_faults, major_faults):
        cdef CramDevice node = self.ensure_open()
        self.costs.wall_compress, self.costs.wall_decompress = node.wall_compress, node.wall_decompress
        return Backend.times(self, minor_faults, major_faults)

    def owners(self):
        return {"private": self.ensure_open().arena.owners()}

    def lost_slots(self):
        """Return the slots whose page is lost and whose reader did not get the bus error yet."""
        cdef uint32_t slot
        self.ensure_open()
        return [slot for slot in range(self.table.count) if self.is_lost(slot)]

    def check(self):
        """Assert every invariant of slots, queue, frames and device. O(slots + frames)."""
        cdef CramDevice node = self.ensure_open()
        cdef uint32_t slot
        cdef set frames = set()
        cdef uint64_t on_device = 0, writable = 0, lost = 0
        for slot in range(self.table.count):
            state = self.table.states[slot]
            place = state & SLOT_AT_MASK
            queued = writeback_queued(&self.table, slot)
            assert queued == (place == SLOT_AT_POOL), f"slot {slot}: wrongly in or out of the queue"
            assert place == SLOT_AT_POOL or state == place, f"slot {slot} is not at the node and has state {state}"
            if place == SLOT_AT_POOL:
                frames.add(self.frame_of[slot])
                assert not node.records[self.frame_of[slot]].zeroing, f"slot {slot} has a frame that was freed"
            on_device += place == SLOT_AT_DEVICE
            writable += state & PTE_WRITABLE != 0
            lost += self.is_lost(slot)
        allocated = node.frames_in_use - node.zeroing_frames
        assert len(frames) == self.stored == self.queue.live == allocated, "frames are miscounted"
        assert on_device == self.device.used, "pages on the device are miscounted"
        assert writable == self.writable_pages <= self.max_writable, "writable pages are miscounted"
        assert lost == self.poisoned_pages, "lost pages are miscounted"
        assert self.counters.lost_pages == self.counters.poisoned_reads + lost, "a lost page was passed over"
        node.check()
