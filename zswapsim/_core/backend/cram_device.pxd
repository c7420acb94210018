"""A device that compresses by itself: more frames than it has room for, and what it tells of that room."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.frames.arena cimport FrameArena

cdef enum:
    CRAM_NO_FRAME = 0xFFFFFFFF
    PRESSURE_FULL = 1000    # all physical space is taken
    WRITE_KEPT = 0
    WRITE_LOST = 1          # no room: the page is poisoned, and the writer is not told

cdef enum:                  # what a frame holds, at bytes depth
    HOLDS_ZEROS = 0         # nothing was written since it was zeroed, or a page of zeros: metadata alone
    HOLDS_WORD = 1          # one machine word, repeated
    HOLDS_PACKED = 2
    HOLDS_RAW = 3

ctypedef struct cram_frame:     # 12 bytes
    uint32_t next           # of the frames that wait to be zeroed, or CRAM_NO_FRAME
    uint16_t length         # bytes that the engine made of the page
    uint16_t taken          # physical bytes: whole sectors, at most 4096
    uint8_t holds           # HOLDS_*
    uint8_t poisoned        # a write to it was lost
    uint8_t waits           # freed, not yet zeroed

# What the device would say at one moment.
ctypedef struct cram_reading:
    uint64_t at             # time of the change after which this holds
    uint64_t used           # physical bytes taken
    uint64_t allocated      # frames handed out so far
    uint32_t frames         # frames that are not zeroed: in use or waiting


@final
cdef class CramDevice:
    cdef FrameArena arena           # the advertised frames; at bytes depth compressed bytes lie at their frame's place
    cdef cram_frame *records        # owned, one a frame
    cdef readonly uint64_t physical     # bytes
    cdef readonly uint64_t used     # physical bytes taken; never above `physical`
    cdef readonly uint64_t peak     # most physical bytes ever taken
    cdef readonly uint64_t allocated    # frames handed out so far
    cdef readonly uint32_t busy     # frames that are not zeroed: in use or waiting
    cdef readonly uint32_t waiting  # of these, freed
    cdef readonly uint64_t waiting_bytes    # physical bytes that these still take
    cdef readonly uint32_t raw      # frames in use that take a whole page of it
    cdef readonly uint64_t now      # the clock, set by who uses it; never runs backwards
    cdef readonly uint64_t interrupts   # times pressure rose to the high water mark
    cdef uint32_t sector            # physical space is given out in pieces of so many bytes
    cdef uint32_t high              # water marks, of 1000
    cdef uint32_t low
    cdef bint raised                # above the high mark, and not yet down to the low one
    # Frames that wait to be zeroed, first freed first.
    cdef uint32_t first_waiting
    cdef uint32_t last_waiting
    cdef uint64_t zero_every        # time between two batches; 0: at once
    cdef uint32_t zero_batch        # frames in one; 0: all
    cdef uint64_t next_batch        # when the next is due
    # What software sees: a reading is `delay` old when it gets there.
    cdef uint64_t delay
    cdef cram_reading seen
    cdef cram_reading *changes      # owned; a ring of those that have not got there yet
    cdef size_t change_room         # a power of two
    cdef size_t change_first
    cdef size_t change_count
    # Write tokens: each stands for 4096 physical bytes that nobody else gets.
    cdef uint32_t token_batch
    cdef readonly uint32_t tokens       # in software's hand
    cdef readonly uint32_t tokens_due   # granted, on their way
    cdef uint64_t token_arrival
    # The engine.
    cdef Codec codec                # None but at bytes depth
    cdef codec_ctx ctx
    cdef const uint16_t *taken_of   # physical bytes by content; NULL but at sizes depth
    cdef object keeps               # owner of the array behind it
    cdef uint64_t wall_compress     # ns, of this very run
    cdef uint64_t wall_decompress

    cdef int open_engine(self, Codec codec, const uint16_t[::1] taken) except -1
    # Moves the clock on: what is due is zeroed and arrives. 0 or ZSW_E_NOMEM.
    cdef int tick(self, uint64_t now) noexcept nogil
    # A zeroed frame for `owner`, or NO_FRAME.
    cdef uint32_t take(self, uint8_t owner) noexcept nogil
    # Frees a frame: its physical space is free when it has been zeroed, and then the frame is too.
    cdef int give(self, uint32_t frame) noexcept nogil
    # Zeroes the frames that have waited longest, at most so many.
    cdef int zero(self, uint32_t most) noexcept nogil
    # Writes a page of content number `image` (sizes depth) or of bytes: WRITE_KEPT, WRITE_LOST, or a negative code.
    cdef int write(self, uint32_t frame, const uint8_t *page, uint32_t image) noexcept nogil
    # Reads a frame that is not poisoned into `page`, where there are bytes. 0 or a negative code.
    cdef int read(self, uint32_t frame, uint8_t *page) noexcept nogil
    # Whether a token is in hand; asks the device for more in good time.
    cdef bint has_token(self) noexcept nogil
    cdef void spend_token(self) noexcept nogil
    cdef uint32_t pressure(self) noexcept nogil
    cdef int encode(self, const uint8_t *page, uint32_t image, cram_frame *out) noexcept nogil
    cdef int encode_bytes(self, const uint8_t *page, cram_frame *out) noexcept nogil
    cdef int changed(self) noexcept nogil
    cdef int grow_changes(self) noexcept nogil
    cdef void look(self) noexcept nogil
