"""A device that compresses by itself: it advertises more frames than it has physical space for."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.frames.arena cimport FrameArena

cdef enum:
    CRAM_NO_FRAME = 0xFFFFFFFF
    PRESSURE_FULL = 1000    # all physical space is in use
    WRITE_KEPT = 0
    WRITE_LOST = 1          # no physical space: the page is poisoned, and the writer is not told

cdef enum:                  # how a frame keeps its page, at bytes depth
    FORMAT_ZEROS = 0        # metadata alone: a page of zeros, or nothing was written since it was zeroed
    FORMAT_WORD = 1         # one machine word that the page repeats
    FORMAT_COMPRESSED = 2
    FORMAT_RAW = 3          # the page as it is

ctypedef struct cram_frame:     # 12 bytes
    uint32_t next           # in the list of frames to zero, or CRAM_NO_FRAME
    uint16_t length         # bytes that the engine compressed the page to
    uint16_t physical_bytes  # physical bytes in use: whole sectors, at most 4096
    uint8_t format          # FORMAT_*
    uint8_t poisoned        # a write to it was lost
    uint8_t zeroing         # freed, not yet zeroed

# A reading of the device at one moment.
ctypedef struct cram_reading:
    uint64_t at             # time of the change after which it is true
    uint64_t used           # physical bytes in use
    uint64_t allocated      # frames allocated so far
    uint32_t frames         # frames that are not zeroed: in use or waiting for it


@final
cdef class CramDevice:
    cdef FrameArena arena           # the advertised frames; at bytes depth compressed bytes lie at their frame's place
    cdef cram_frame *records        # owned, one a frame
    cdef readonly uint64_t physical     # bytes
    cdef readonly uint64_t used     # physical bytes in use; never above `physical`
    cdef readonly uint64_t peak     # most physical bytes that were ever in use
    cdef readonly uint64_t allocated    # frames allocated so far
    cdef readonly uint32_t frames_in_use    # frames that are not zeroed: allocated, or freed and waiting for it
    cdef readonly uint32_t zeroing_frames   # of these, freed
    cdef readonly uint64_t zeroing_bytes    # physical bytes that the freed ones still take
    cdef readonly uint32_t full_frames      # allocated frames that take a whole page of physical space
    cdef readonly uint64_t now      # the clock, set by the backend; never runs backwards
    cdef readonly uint64_t interrupts   # times that pressure rose to the high water mark
    cdef uint32_t sector            # bytes; physical space is allocated in sectors
    cdef uint32_t high              # water marks, of 1000
    cdef uint32_t low
    cdef bint interrupt_raised      # pressure was at the high mark and is not yet down at the low one
    # The list of frames to zero, first freed first.
    cdef uint32_t zeroing_head      # CRAM_NO_FRAME if it is empty
    cdef uint32_t zeroing_tail
    cdef uint64_t zero_every        # time between two batches; 0: at once
    cdef uint32_t zero_batch        # frames in one; 0: all
    cdef uint64_t next_batch        # time of the next one
    # Readings arrive `delay` after the change that they report.
    cdef uint64_t delay
    cdef cram_reading reading       # the youngest that has arrived
    cdef cram_reading *pending      # owned; a ring of those that have not
    cdef size_t pending_room        # entries of the ring, a power of two
    cdef size_t pending_first
    cdef size_t pending_count
    # Write tokens: each reserves 4096 physical bytes.
    cdef uint32_t token_batch
    cdef readonly uint32_t tokens       # software has them
    cdef readonly uint32_t tokens_due   # granted, not yet arrived
    cdef uint64_t token_arrival         # when they arrive
    # The engine.
    cdef Codec codec                # None except at bytes depth
    cdef codec_ctx ctx
    cdef const uint16_t *physical_bytes_of  # by content, borrowed from `refs`; NULL except at sizes depth
    cdef object refs                # owner of the array behind it
    cdef uint64_t wall_compress     # ns, measured in this run
    cdef uint64_t wall_decompress

    cdef int open_engine(self, Codec codec, sizes) except -1
    # Advance the clock: frames that are due are zeroed, readings and tokens arrive. Return 0 or ZSW_E_NOMEM.
    cdef int tick(self, uint64_t now) noexcept nogil
    # Allocate a zeroed frame for `owner`; NO_FRAME if there is none.
    cdef uint32_t alloc_frame(self, uint8_t owner) noexcept nogil
    # Free a frame. It, and its physical space, can be allocated again once it is zeroed. Return 0 or ZSW_E_NOMEM.
    cdef int free_frame(self, uint32_t frame) noexcept nogil
    # Zero at most `max_frames` of the freed frames, first freed first. Return 0 or ZSW_E_NOMEM.
    cdef int zero_frames(self, uint32_t max_frames) noexcept nogil
    # Write a page, by its image number (sizes depth) or by its bytes: WRITE_KEPT, WRITE_LOST or a negative code.
    cdef int write(self, uint32_t frame, const uint8_t *page, uint32_t image) noexcept nogil
    # Read a frame that is not poisoned into `page`, if there are bytes. Return 0 or a negative code.
    cdef int read(self, uint32_t frame, uint8_t *page) noexcept nogil
    # Return True if software has a token; ask the device for more in good time.
    cdef bint has_token(self) noexcept nogil
    cdef void spend_token(self) noexcept nogil
    # Return the share of the physical space in use, of PRESSURE_FULL.
    cdef uint32_t pressure(self) noexcept nogil
    cdef int encode(self, const uint8_t *page, uint32_t image, cram_frame *out) noexcept nogil
    cdef int encode_bytes(self, const uint8_t *page, cram_frame *out) noexcept nogil
    cdef int record_change(self) noexcept nogil
    cdef int grow_pending(self) noexcept nogil
    cdef void receive_readings(self) noexcept nogil
