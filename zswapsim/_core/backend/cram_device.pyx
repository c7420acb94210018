"""Model a device that compresses by itself: it advertises more frames than it has physical space for.

The kernel uses the advertised frames and does not control what the device does with them. Each frame takes as many
physical sectors as its page compresses to. A write that finds no free sector is dropped: the page is poisoned, the
writer is not notified, and the next reader gets a bus error. Software has two ways to prevent that: a reading of the
space in use, which is old when it arrives, and write tokens, which the device backs with space before it grants them.
docs/cram.md lists the linux-mm messages of 2026 that this follows.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from zswapsim._core.base.arguments cimport uint16s, whole
from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport Codec, codec_compress, codec_ctx_close, codec_ctx_open, codec_decompress
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_alloc, mem_calloc, mem_free
from zswapsim._core.frames.arena cimport NO_FRAME, FrameArena
from zswapsim._core.base.page cimport page_fill, page_same_filled
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef uint64_t MOST_TIME = (<uint64_t> 1 << 62) - 1  # also of bytes


@final
cdef class CramDevice:
    """Offer the frames of an arena over less physical space.

    Parameters
    ----------
    arena: the advertised frames; nothing else may allocate any of them.
    physical: the bytes of physical space.
    codec: the codec of the engine, at bytes depth.
    taken: at sizes depth, uint16, the physical bytes of each image, whole sectors, at most 4096. Without `codec` and
    `taken`, pages take no space.
    sector: the bytes of a sector, in which physical space is allocated, 8 ... 4096.
    high, low: water marks in thousandths. Reaching the first raises an interrupt; falling to the second arms it again.
    delay: the age of a reading when it arrives, in units of the clock.
    zero_every, zero_batch: time between two batches of zeroing (0: at once), and frames of a batch (0: all).
    token_batch: write tokens that are granted at a time.

    Raises InputError for a value out of range, HostMemoryError.
    """

    def __cinit__(self):
        memset(&self.ctx, 0, sizeof(self.ctx))
        memset(&self.reading, 0, sizeof(self.reading))
        self.records = NULL
        self.pending = NULL
        self.physical_bytes_of = NULL

    def __init__(
        self, FrameArena arena not None, physical, Codec codec=None, taken=None, *, sector=64, high=900, low=800,
        delay=0, zero_every=0, zero_batch=0, token_batch=32,
    ):
        if self.arena is not None:
            raise InputError("device: already initialised")
        if arena.frames == 0:
            raise InputError("device: expected an arena with frames")
        self.sector = whole(sector, "device: sector of bytes", 8, ZSW_PAGE_SIZE)
        if self.sector & (self.sector - 1):
            raise InputError(f"device: sector of {sector} bytes: expected a power of two, 8 to {<int> ZSW_PAGE_SIZE}")
        self.high = whole(high, "device: high water mark", 1, PRESSURE_FULL)
        self.low = whole(low, "device: low water mark", 0, self.high - 1)
        self.delay = whole(delay, "device: delay", 0, MOST_TIME)
        self.zero_every = whole(zero_every, "device: zero_every", 0, MOST_TIME)
        self.zero_batch = whole(zero_batch, "device: zero_batch", 0, 0xFFFFFFFF)
        self.token_batch = whole(token_batch, "device: token_batch", 1, 0xFFFFFFFF)
        self.physical = whole(physical, "device: physical bytes", 1, MOST_TIME)
        if codec is not None and arena.base == NULL:
            raise InputError("device: a codec needs frames of real memory")
        self.arena = arena
        self.zeroing_head = self.zeroing_tail = CRAM_NO_FRAME
        self.open_engine(codec, taken)
        self.pending_room = 64
        self.pending = <cram_reading *> mem_alloc(self.pending_room * sizeof(cram_reading))
        self.records = <cram_frame *> mem_calloc(arena.frames, sizeof(cram_frame))
        if self.records == NULL or self.pending == NULL:
            raise HostMemoryError("device: the host is out of memory")

    cdef int open_engine(self, Codec codec, sizes) except -1:
        """Open the codec, or check and keep the sizes of images. Called by the constructor."""
        cdef const uint16_t[::1] taken = None if sizes is None else uint16s(sizes, "taken")
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
            self.refs = taken
            self.physical_bytes_of = &taken[0]

    def __dealloc__(self):
        codec_ctx_close(&self.ctx)
        mem_free(self.records)
        mem_free(self.pending)

    # -- the clock, and the readings of software -----------------------------------------------------------------------

    cdef int tick(self, uint64_t now) noexcept nogil:
        cdef int code = ZSW_OK
        self.now = max(self.now, now)
        if self.zeroing_frames and self.zero_every and self.now >= self.next_batch:
            code = self.zero_frames(self.zero_batch or self.zeroing_frames)
        if self.zero_every and self.now >= self.next_batch:
            self.next_batch = (self.now // self.zero_every + 1) * self.zero_every
        if self.tokens_due and self.now >= self.token_arrival:
            self.tokens += self.tokens_due
            self.tokens_due = 0
        self.receive_readings()
        return code

    cdef int record_change(self) noexcept nogil:
        """Record a change for the readings, and raise the interrupt at the high water mark."""
        cdef cram_reading *last
        cdef uint32_t pressure = self.pressure()
        self.peak = max(self.peak, self.used)
        if not self.interrupt_raised and pressure >= self.high:
            self.interrupt_raised = True
            self.interrupts += 1
        elif self.interrupt_raised and pressure <= self.low:
            self.interrupt_raised = False
        if self.pending_count:
            last = &self.pending[(self.pending_first + self.pending_count - 1) & (self.pending_room - 1)]
        if self.pending_count == 0 or last.at != self.now:
            if self.pending_count == self.pending_room and self.grow_pending() < 0:
                return ZSW_E_NOMEM
            last = &self.pending[(self.pending_first + self.pending_count) & (self.pending_room - 1)]
            self.pending_count += 1
        last.at, last.used, last.allocated, last.frames = self.now, self.used, self.allocated, self.frames_in_use
        if self.delay == 0:
            self.receive_readings()
        return ZSW_OK

    cdef int grow_pending(self) noexcept nogil:
        """Double the ring. It never has more readings than the delay has units of the clock."""
        cdef cram_reading *more = <cram_reading *> mem_alloc(2 * self.pending_room * sizeof(cram_reading))
        cdef size_t i
        if more == NULL:
            return ZSW_E_NOMEM
        for i in range(self.pending_count):
            more[i] = self.pending[(self.pending_first + i) & (self.pending_room - 1)]
        mem_free(self.pending)
        self.pending = more
        self.pending_first = 0
        self.pending_room *= 2
        return ZSW_OK

    cdef void receive_readings(self) noexcept nogil:
        """Take the youngest reading that has arrived."""
        while self.pending_count and self.pending[self.pending_first].at + self.delay <= self.now:
            self.reading = self.pending[self.pending_first]
            self.pending_first = (self.pending_first + 1) & (self.pending_room - 1)
            self.pending_count -= 1

    cdef uint32_t pressure(self) noexcept nogil:
        return <uint32_t> (self.used * PRESSURE_FULL // self.physical)

    # -- write tokens --------------------------------------------------------------------------------------------------

    cdef bint has_token(self) noexcept nogil:
        cdef uint64_t reserved, free_pages
        if self.tokens_due == 0 and self.tokens <= self.token_batch // 2:
            reserved = self.used + <uint64_t> self.tokens * ZSW_PAGE_SIZE
            free_pages = (self.physical - reserved) // ZSW_PAGE_SIZE
            self.tokens_due = <uint32_t> min(<uint64_t> self.token_batch, free_pages)
            self.token_arrival = self.now + self.delay
            if self.delay == 0:
                self.tokens += self.tokens_due
                self.tokens_due = 0
        return self.tokens > 0

    cdef void spend_token(self) noexcept nogil:
        self.tokens -= 1

    # -- frames --------------------------------------------------------------------------------------------------------

    cdef uint32_t alloc_frame(self, uint8_t owner) noexcept nogil:
        cdef uint32_t frame = self.arena.alloc_frame(owner)
        if frame != <uint32_t> NO_FRAME:
            memset(&self.records[frame], 0, sizeof(cram_frame))
            self.allocated += 1
            self.frames_in_use += 1
        return frame

    cdef int free_frame(self, uint32_t frame) noexcept nogil:
        self.records[frame].zeroing = 1
        self.zeroing_bytes += self.records[frame].physical_bytes
        self.full_frames -= self.records[frame].physical_bytes == ZSW_PAGE_SIZE
        self.records[frame].next = CRAM_NO_FRAME
        if self.zeroing_frames:
            self.records[self.zeroing_tail].next = frame
        else:
            self.zeroing_head = frame
        self.zeroing_tail = frame
        self.zeroing_frames += 1
        return ZSW_OK if self.zero_every else self.zero_frames(self.zeroing_frames)

    cdef int zero_frames(self, uint32_t max_frames) noexcept nogil:
        cdef uint32_t frame
        if max_frames == 0 or self.zeroing_frames == 0:
            return ZSW_OK
        while max_frames and self.zeroing_frames:
            frame = self.zeroing_head
            self.zeroing_head = self.records[frame].next
            self.used -= self.records[frame].physical_bytes
            self.zeroing_bytes -= self.records[frame].physical_bytes
            memset(&self.records[frame], 0, sizeof(cram_frame))
            self.arena.free_frame(frame)
            self.zeroing_frames -= 1
            self.frames_in_use -= 1
            max_frames -= 1
        return self.record_change()

    # -- the engine ----------------------------------------------------------------------------------------------------

    cdef int write(self, uint32_t frame, const uint8_t *page, uint32_t image) noexcept nogil:
        cdef cram_frame *record = &self.records[frame]
        cdef cram_frame encoded
        cdef const uint8_t *data = page
        cdef int code = self.encode(page, image, &encoded)
        if code < 0:
            return code
        if self.used - record.physical_bytes + encoded.physical_bytes > self.physical:
            # The old contents of the frame keep their space.
            record.poisoned = 1
            code = self.record_change()
            return WRITE_LOST if code == ZSW_OK else code
        if self.codec is not None:
            if encoded.format == FORMAT_COMPRESSED:
                data = self.ctx.scratch
            memcpy(self.arena.base + <size_t> frame * ZSW_PAGE_SIZE, data, encoded.length)
        self.used += encoded.physical_bytes
        self.used -= record.physical_bytes
        self.full_frames += encoded.physical_bytes == ZSW_PAGE_SIZE
        self.full_frames -= record.physical_bytes == ZSW_PAGE_SIZE
        record.length, record.physical_bytes, record.format = encoded.length, encoded.physical_bytes, encoded.format
        return self.record_change()

    cdef int encode(self, const uint8_t *page, uint32_t image, cram_frame *out) noexcept nogil:
        cdef int code = ZSW_OK
        out.length = 0
        out.physical_bytes = 0
        out.format = FORMAT_ZEROS
        if self.codec is not None:
            code = self.encode_bytes(page, out)
            out.physical_bytes = <uint16_t> ((out.length + self.sector - 1) // self.sector * self.sector)
        elif self.physical_bytes_of != NULL:
            out.physical_bytes = self.physical_bytes_of[image]
        return code

    cdef int encode_bytes(self, const uint8_t *page, cram_frame *out) noexcept nogil:
        cdef uint64_t word = 0
        cdef uint64_t start
        cdef int length
        if page_same_filled(page, &word):
            out.format = FORMAT_WORD if word else FORMAT_ZEROS
            out.length = sizeof(word) if word else 0
            return ZSW_OK
        start = now_ns()
        length = codec_compress(&self.ctx, page)
        self.wall_compress += now_ns() - start
        if length == ZSW_E_CODEC:
            length = ZSW_PAGE_SIZE  # a page that does not get smaller is stored uncompressed
        if length < 0:
            return length
        out.length = <uint16_t> length
        out.format = FORMAT_RAW if length == ZSW_PAGE_SIZE else FORMAT_COMPRESSED
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
        if record.format == FORMAT_RAW:
            memcpy(page, place, ZSW_PAGE_SIZE)
        elif record.format == FORMAT_COMPRESSED:
            start = now_ns()
            code = codec_decompress(&self.ctx, place, record.length, page)
            self.wall_decompress += now_ns() - start
        else:
            memcpy(&word, place, record.length)
            page_fill(page, word)
        return code

    # -- statistics and checks -----------------------------------------------------------------------------------------

    def stats(self):
        """Return the counters by the names of a Result: bytes, frames, and pressure in thousandths."""
        return {
            "physical_size": self.physical,
            "peak_pressure": self.peak * PRESSURE_FULL // self.physical if self.physical else 0,
            "pressure_interrupts": self.interrupts,
            "zeroing_pages": self.zeroing_frames,
        }

    def check(self):
        """Assert every invariant of space, frames, tokens and readings. O(frames)."""
        cdef uint32_t frame = self.zeroing_head
        cdef uint64_t taken = 0, freed = 0
        cdef uint32_t listed = 0, busy = 0, raw = 0
        assert self.records != NULL, "the device is not initialised"
        while listed < self.zeroing_frames:
            assert self.records[frame].zeroing, f"frame {frame} is listed to be zeroed and does not wait"
            frame = self.records[frame].next
            listed += 1
        assert self.zeroing_frames == 0 or frame == CRAM_NO_FRAME, "the list of frames to zero has no end"
        for frame in range(self.arena.frames):
            used = self.arena.owner_of[frame] != 0
            busy += used
            assert used or self.records[frame].physical_bytes == 0, f"frame {frame} is free and takes space"
            assert used or not self.records[frame].poisoned, f"frame {frame} is free and poisoned"
            assert self.records[frame].physical_bytes % self.sector == 0, f"frame {frame} takes a part of a sector"
            taken += self.records[frame].physical_bytes
            freed += self.records[frame].physical_bytes if self.records[frame].zeroing else 0
            raw += not self.records[frame].zeroing and self.records[frame].physical_bytes == ZSW_PAGE_SIZE
        assert busy == self.frames_in_use, "frames in use are miscounted"
        assert taken == self.used, "the physical space is miscounted"
        assert freed == self.zeroing_bytes and raw == self.full_frames, "frames that wait, or are raw, are miscounted"
        reserved = (self.tokens + self.tokens_due) * ZSW_PAGE_SIZE
        assert self.used + reserved <= self.physical, "more is used and reserved than there is"
        assert self.reading.at + self.delay <= self.now or self.reading.at == 0, "a reading has come early"
