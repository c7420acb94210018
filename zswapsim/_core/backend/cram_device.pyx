"""A device that compresses by itself: more frames than it has room for, and what it tells of that room.

The kernel gets `advertised` frames and has no say in what the device does with them. Each takes as many physical
sectors as its page compresses to. A write for which there are none is dropped: the page is poisoned, the writer goes on
unaware, and the next who reads it gets a bus error. All that software has against it is the reading of how much is
taken, which is old when it arrives, or tokens, which the device backs with space before it hands them out. After what
was said of such devices on linux-mm in 2026 (docs/cram.md has the messages).
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport Codec, codec_compress, codec_ctx_close, codec_ctx_open, codec_decompress
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.frames.arena cimport NO_FRAME, FrameArena
from zswapsim._core.base.page cimport page_fill, page_same_filled
from zswapsim._core.base.errors import HostMemoryError, InputError


@final
cdef class CramDevice:
    """The frames of an arena over less physical space.

    Parameters
    ----------
    arena: the advertised frames; nobody else takes any of them.
    physical: bytes that there really are.
    codec: what the engine compresses with, at bytes depth.
    taken: at sizes depth, uint16: physical bytes of each content; whole sectors, at most 4096. Without codec and
        without this, pages take no space.
    sector: bytes of the pieces in which physical space is given out, 8 ... 4096.
    high, low: water marks, of 1000: an interrupt is raised at the first, and may be raised again after the second.
    delay: how old a reading is when software gets it, in units of the clock.
    zero_every, zero_batch: time between two batches of zeroing (0: at once), and frames in one (0: all that wait).
    token_batch: write tokens that are granted at a time.

    Raises InputError for a value out of range, HostMemoryError.
    """

    def __cinit__(self):
        memset(&self.ctx, 0, sizeof(self.ctx))
        memset(&self.seen, 0, sizeof(self.seen))
        self.records = NULL
        self.changes = NULL
        self.taken_of = NULL

    def __init__(
        self, FrameArena arena not None, physical, Codec codec=None, taken=None, *, uint32_t sector=64,
        uint32_t high=900, uint32_t low=800, uint64_t delay=0, uint64_t zero_every=0, uint32_t zero_batch=0,
        uint32_t token_batch=32,
    ):
        if self.records != NULL:
            raise InputError("device: already initialised")
        if arena.frames == 0:
            raise InputError("device: expected an arena with frames")
        if not 0 < physical < 1 << 62:
            raise InputError(f"device of {physical} physical bytes: expected at least one")
        if not 8 <= sector <= ZSW_PAGE_SIZE or sector & (sector - 1):
            raise InputError(f"device: sector of {sector} bytes: expected a power of two, 8 to {<int> ZSW_PAGE_SIZE}")
        if not low < high <= PRESSURE_FULL:
            raise InputError(f"device: water marks {low} and {high}: expected low < high <= {<int> PRESSURE_FULL}")
        if token_batch == 0 or delay >= 1 << 62 or zero_every >= 1 << 62:
            raise InputError("device: expected a batch of at least one token, and times below 2**62")
        if codec is not None and arena.base == NULL:
            raise InputError("device: a codec needs frames of real memory")
        self.arena = arena
        self.physical = physical
        self.sector, self.high, self.low, self.delay = sector, high, low, delay
        self.zero_every, self.zero_batch, self.token_batch = zero_every, zero_batch, token_batch
        self.first_waiting = self.last_waiting = CRAM_NO_FRAME
        self.open_engine(codec, taken)
        self.change_room = 64
        self.changes = <cram_reading *> malloc(self.change_room * sizeof(cram_reading))
        self.records = <cram_frame *> calloc(arena.frames, sizeof(cram_frame))
        if self.records == NULL or self.changes == NULL:
            raise HostMemoryError("device: the host is out of memory")

    cdef int open_engine(self, Codec codec, const uint16_t[::1] taken) except -1:
        """Part of the constructor."""
        cdef Py_ssize_t image
        if codec is not None and taken is not None:
            raise InputError("device: expected either a codec or the space that contents take")
        if codec is not None and self.codec is None:
            codec_ctx_open(codec, &self.ctx)
            self.codec = codec
        if taken is not None:
            for image in range(taken.shape[0]):
                if taken[image] > ZSW_PAGE_SIZE or taken[image] % self.sector:
                    raise InputError(f"content {image} takes {taken[image]} bytes: expected sectors of {self.sector}")
            if taken.shape[0] == 0:
                raise InputError("device: expected at least one content")
            self.keeps = taken
            self.taken_of = &taken[0]

    def __dealloc__(self):
        codec_ctx_close(&self.ctx)
        free(self.records)
        free(self.changes)

    # -- the clock, and what software sees ------------------------------------------------------------------------

    cdef int tick(self, uint64_t now) noexcept nogil:
        cdef int code = ZSW_OK
        self.now = max(self.now, now)
        if self.waiting and self.zero_every and self.now >= self.next_batch:
            code = self.zero(self.zero_batch or self.waiting)
        if self.zero_every and self.now >= self.next_batch:
            self.next_batch = (self.now // self.zero_every + 1) * self.zero_every
        if self.tokens_due and self.now >= self.token_arrival:
            self.tokens += self.tokens_due
            self.tokens_due = 0
        self.look()
        return code

    cdef int changed(self) noexcept nogil:
        """Notes what a reading would say from now on, and raises the interrupt."""
        cdef cram_reading *last
        cdef uint32_t pressure = self.pressure()
        self.peak = max(self.peak, self.used)
        if not self.raised and pressure >= self.high:
            self.raised = True
            self.interrupts += 1
        elif self.raised and pressure <= self.low:
            self.raised = False
        if self.change_count:
            last = &self.changes[(self.change_first + self.change_count - 1) & (self.change_room - 1)]
        if self.change_count == 0 or last.at != self.now:
            if self.change_count == self.change_room and self.grow_changes() < 0:
                return ZSW_E_NOMEM
            last = &self.changes[(self.change_first + self.change_count) & (self.change_room - 1)]
            self.change_count += 1
        last.at, last.used, last.allocated, last.frames = self.now, self.used, self.allocated, self.busy
        if self.delay == 0:
            self.look()
        return ZSW_OK

    cdef int grow_changes(self) noexcept nogil:
        """Twice the room: there are as many changes on their way as the delay is long, at most."""
        cdef cram_reading *more = <cram_reading *> malloc(2 * self.change_room * sizeof(cram_reading))
        cdef size_t i
        if more == NULL:
            return ZSW_E_NOMEM
        for i in range(self.change_count):
            more[i] = self.changes[(self.change_first + i) & (self.change_room - 1)]
        free(self.changes)
        self.changes = more
        self.change_first = 0
        self.change_room *= 2
        return ZSW_OK

    cdef void look(self) noexcept nogil:
        """Takes in the readings that have arrived."""
        while self.change_count and self.changes[self.change_first].at + self.delay <= self.now:
            self.seen = self.changes[self.change_first]
            self.change_first = (self.change_first + 1) & (self.change_room - 1)
            self.change_count -= 1

    cdef uint32_t pressure(self) noexcept nogil:
        return <uint32_t> (self.used * PRESSURE_FULL // self.physical)

    # -- write tokens ---------------------------------------------------------------------------------------------

    cdef bint has_token(self) noexcept nogil:
        cdef uint64_t promised, spare
        if self.tokens_due == 0 and self.tokens <= self.token_batch // 2:
            promised = self.used + <uint64_t> self.tokens * ZSW_PAGE_SIZE
            spare = (self.physical - promised) // ZSW_PAGE_SIZE
            self.tokens_due = <uint32_t> min(<uint64_t> self.token_batch, spare)
            self.token_arrival = self.now + self.delay
            if self.delay == 0:
                self.tokens += self.tokens_due
                self.tokens_due = 0
        return self.tokens > 0

    cdef void spend_token(self) noexcept nogil:
        self.tokens -= 1

    # -- frames ---------------------------------------------------------------------------------------------------

    cdef uint32_t take(self, uint8_t owner) noexcept nogil:
        cdef uint32_t frame = self.arena.take(owner)
        if frame != <uint32_t> NO_FRAME:
            memset(&self.records[frame], 0, sizeof(cram_frame))
            self.allocated += 1
            self.busy += 1
        return frame

    cdef int give(self, uint32_t frame) noexcept nogil:
        self.records[frame].waits = 1
        self.waiting_bytes += self.records[frame].taken
        self.raw -= self.records[frame].taken == ZSW_PAGE_SIZE
        self.records[frame].next = CRAM_NO_FRAME
        if self.waiting:
            self.records[self.last_waiting].next = frame
        else:
            self.first_waiting = frame
        self.last_waiting = frame
        self.waiting += 1
        return ZSW_OK if self.zero_every else self.zero(self.waiting)

    cdef int zero(self, uint32_t most) noexcept nogil:
        cdef uint32_t frame
        if most == 0 or self.waiting == 0:
            return ZSW_OK
        while most and self.waiting:
            frame = self.first_waiting
            self.first_waiting = self.records[frame].next
            self.used -= self.records[frame].taken
            self.waiting_bytes -= self.records[frame].taken
            memset(&self.records[frame], 0, sizeof(cram_frame))
            self.arena.give(frame)
            self.waiting -= 1
            self.busy -= 1
            most -= 1
        return self.changed()

    # -- the engine -----------------------------------------------------------------------------------------------

    cdef int write(self, uint32_t frame, const uint8_t *page, uint32_t image) noexcept nogil:
        cdef cram_frame *record = &self.records[frame]
        cdef cram_frame made
        cdef const uint8_t *data = page
        cdef int code = self.encode(page, image, &made)
        if code < 0:
            return code
        if self.used - record.taken + made.taken > self.physical:
            # What the frame held before goes on taking its space.
            record.poisoned = 1
            code = self.changed()
            return WRITE_LOST if code == ZSW_OK else code
        if self.codec is not None:
            if made.holds == HOLDS_PACKED:
                data = self.ctx.scratch
            memcpy(self.arena.base + <size_t> frame * ZSW_PAGE_SIZE, data, made.length)
        self.used += made.taken
        self.used -= record.taken
        self.raw += made.taken == ZSW_PAGE_SIZE
        self.raw -= record.taken == ZSW_PAGE_SIZE
        record.length, record.taken, record.holds = made.length, made.taken, made.holds
        return self.changed()

    cdef int encode(self, const uint8_t *page, uint32_t image, cram_frame *out) noexcept nogil:
        cdef int code = ZSW_OK
        out.length = 0
        out.taken = 0
        out.holds = HOLDS_ZEROS
        if self.codec is not None:
            code = self.encode_bytes(page, out)
            out.taken = <uint16_t> ((out.length + self.sector - 1) // self.sector * self.sector)
        elif self.taken_of != NULL:
            out.taken = self.taken_of[image]
        return code

    cdef int encode_bytes(self, const uint8_t *page, cram_frame *out) noexcept nogil:
        cdef uint64_t word = 0
        cdef uint64_t start
        cdef int length
        if page_same_filled(page, &word):
            out.holds = HOLDS_WORD if word else HOLDS_ZEROS
            out.length = sizeof(word) if word else 0
            return ZSW_OK
        start = now_ns()
        length = codec_compress(&self.ctx, page)
        self.wall_compress += now_ns() - start
        if length == ZSW_E_CODEC:
            length = ZSW_PAGE_SIZE  # an engine that can't make it smaller keeps it
        if length < 0:
            return length
        out.length = <uint16_t> length
        out.holds = HOLDS_RAW if length == ZSW_PAGE_SIZE else HOLDS_PACKED
        return ZSW_OK

    cdef int read(self, uint32_t frame, uint8_t *page) noexcept nogil:
        cdef cram_frame *record = &self.records[frame]
        cdef const uint8_t *place
        cdef uint64_t word = 0
        cdef uint64_t start
        cdef int code = ZSW_OK
        if self.codec is None or page == NULL:
            return ZSW_OK
        place = self.arena.base + <size_t> frame * ZSW_PAGE_SIZE
        if record.holds == HOLDS_RAW:
            memcpy(page, place, ZSW_PAGE_SIZE)
        elif record.holds == HOLDS_PACKED:
            start = now_ns()
            code = codec_decompress(&self.ctx, place, record.length, page)
            self.wall_decompress += now_ns() - start
        else:
            memcpy(&word, place, record.length)
            page_fill(page, word)
        return code

    # -- looking in -----------------------------------------------------------------------------------------------

    def stats(self):
        """Counters by the names of a Result: bytes, frames, and pressure of 1000."""
        return {
            "physical_size": self.physical,
            "peak_pressure": self.peak * PRESSURE_FULL // self.physical if self.physical else 0,
            "pressure_interrupts": self.interrupts,
            "zeroing_pages": self.waiting,
        }

    def check(self):
        """Assert every invariant of space, frames, tokens and readings. O(frames)."""
        cdef uint32_t frame = self.first_waiting
        cdef uint64_t taken = 0, freed = 0
        cdef uint32_t listed = 0, busy = 0, raw = 0
        assert self.records != NULL, "the device is not initialised"
        while listed < self.waiting:
            assert self.records[frame].waits, f"frame {frame} is listed to be zeroed and does not wait"
            frame = self.records[frame].next
            listed += 1
        assert self.waiting == 0 or frame == CRAM_NO_FRAME, "the list of frames to zero has no end"
        for frame in range(self.arena.frames):
            used = self.arena.owner_of[frame] != 0
            busy += used
            assert used or self.records[frame].taken == 0, f"frame {frame} is free and takes space"
            assert used or not self.records[frame].poisoned, f"frame {frame} is free and poisoned"
            assert self.records[frame].taken % self.sector == 0, f"frame {frame} takes a part of a sector"
            taken += self.records[frame].taken
            freed += self.records[frame].taken if self.records[frame].waits else 0
            raw += not self.records[frame].waits and self.records[frame].taken == ZSW_PAGE_SIZE
        assert busy == self.busy, "frames in use are miscounted"
        assert taken == self.used, "the physical space is miscounted"
        assert freed == self.waiting_bytes and raw == self.raw, "frames that wait, or are raw, are miscounted"
        promised = (self.tokens + self.tokens_due) * ZSW_PAGE_SIZE
        assert self.used + promised <= self.physical, "more is taken and promised than there is"
        assert self.seen.at + self.delay <= self.now or self.seen.at == 0, "a reading has come early"
