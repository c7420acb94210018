"""Model a device that compresses by itself: it advertises more frames than it has physical space for."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.frames.arena cimport FrameArena

cdef enum:
    CRAM_NO_FRAME = 0xFFFFFFFF
    PRESSURE_FULL = 1000    # all physical space is in use
    WRITE_KEPT = 0
    WRITE_LOST = 1          # no physical space: the page is poisoned, and the writer is not notified

cdef enum:                  # format of a frame's bytes, at bytes depth
    FORMAT_ZEROS = 0        # metadata alone: a page of zeros, or a frame not written since it was zeroed
    FORMAT_WORD = 1         # the machine word that the page repeats
    FORMAT_COMPRESSED = 2
    FORMAT_RAW = 3          # the page, uncompressed

ctypedef struct cram_frame:     # 12 bytes
    uint32_t next           # next frame to zero, or CRAM_NO_FRAME
    uint16_t length         # compressed bytes of the page
    uint16_t physical_bytes  # physical bytes in use: whole sectors, at most 4096
    uint8_t format          # FORMAT_*
    uint8_t poisoned        # True if a write to it was lost
    uint8_t zeroing         # True if it was freed and is not zeroed yet

# A reading of the device at one moment.
ctypedef struct cram_reading:
    uint64_t at             # time of the change that it reports
    uint64_t used           # physical bytes in use
    uint64_t allocated      # frames allocated so far
    uint32_t frames         # frames that are not zeroed: allocated, or freed


@final
cdef class CramDevice:
    cdef FrameArena arena           # the advertised frames; at bytes depth each has its page's compressed bytes
    cdef cram_frame *records        # owned; one for each frame
    cdef readonly uint64_t physical     # bytes
    cdef readonly uint64_t used     # physical bytes in use; never above `physical`
    cdef readonly uint64_t peak     # largest number of physical bytes ever in use
    cdef readonly uint64_t allocated    # frames allocated so far
    cdef readonly uint32_t frames_in_use    # frames that are not zeroed: allocated, or freed
    cdef readonly uint32_t zeroing_frames   # of these, the freed frames
    cdef readonly uint64_t zeroing_bytes    # physical bytes that the freed frames still take
    cdef readonly uint32_t full_frames      # allocated frames that take a whole page of physical space
    cdef readonly uint64_t now      # the clock, set by the backend; never runs backwards
    cdef readonly uint64_t interrupts   # number of times that pressure rose to the high water mark
    cdef uint32_t sector            # bytes of a sector; physical space is allocated in sectors
    cdef uint32_t high              # water marks, in thousandths
    cdef uint32_t low
    cdef bint interrupt_raised      # pressure reached the high mark and has not fallen to the low mark since
    # The list of frames to zero, first freed first.
    cdef uint32_t zeroing_head      # CRAM_NO_FRAME if it is empty
    cdef uint32_t zeroing_tail
    cdef uint64_t zero_every        # time between two batches; 0: at once
    cdef uint32_t zero_batch        # frames of a batch; 0: all
    cdef uint64_t next_batch        # time of the next batch
    # Readings arrive `delay` after the change that they report.
    cdef uint64_t delay
    cdef cram_reading reading       # the youngest reading that has arrived
    cdef cram_reading *pending      # owned; a ring of the readings that have not arrived
    cdef size_t pending_room        # entries of the ring, a power of two
    cdef size_t pending_first
    cdef size_t pending_count
    # Write tokens: each reserves 4096 physical bytes.
    cdef uint32_t token_batch
    cdef readonly uint32_t tokens       # tokens that software has
    cdef readonly uint32_t tokens_due   # tokens that were granted and have not arrived
    cdef uint64_t token_arrival         # time at which they arrive
    # The device's compression engine.
    cdef Codec codec                # None except at bytes depth
    cdef codec_ctx ctx
    cdef const uint16_t *physical_bytes_of  # by image; borrowed from `refs`; NULL except at sizes depth
    cdef object refs                # owner of that array
    cdef uint64_t wall_compress     # measured time of its codec, ns
    cdef uint64_t wall_decompress

    cdef int open_engine(self, Codec codec, sizes) except -1
    # Advance the clock: zero the frames that are due, and receive readings and tokens. Return 0 or ZSW_E_NOMEM.
    cdef int tick(self, uint64_t now) noexcept nogil
    # Allocate a zeroed frame for `owner`; NO_FRAME if there is none.
    cdef uint32_t alloc_frame(self, uint8_t owner) noexcept nogil
    # Free a frame. The frame and its physical space can be allocated again once it is zeroed. Return 0 or ZSW_E_NOMEM.
    cdef int free_frame(self, uint32_t frame) noexcept nogil
    # Zero at most `max_frames` of the freed frames, first freed first. Return 0 or ZSW_E_NOMEM.
    cdef int zero_frames(self, uint32_t max_frames) noexcept nogil
    # Write a page, given by its image number (sizes depth) or its bytes. Return WRITE_KEPT, WRITE_LOST or an error.
    cdef int write(self, uint32_t frame, const uint8_t *page, uint32_t image) noexcept nogil
    # Read a frame that is not poisoned into `page`, if there are bytes. Return 0 or a negative code.
    cdef int read(self, uint32_t frame, uint8_t *page) noexcept nogil
    # Return True if software has a token; request more from the device before the last is used.
    cdef bint has_token(self) noexcept nogil
    cdef void spend_token(self) noexcept nogil
    # Return the share of the physical space in use, of PRESSURE_FULL.
    cdef uint32_t pressure(self) noexcept nogil
    cdef int encode(self, const uint8_t *page, uint32_t image, cram_frame *out) noexcept nogil
    cdef int encode_bytes(self, const uint8_t *page, cram_frame *out) noexcept nogil
    cdef int record_change(self) noexcept nogil
    cdef int grow_pending(self) noexcept nogil
    cdef void receive_readings(self) noexcept nogil
