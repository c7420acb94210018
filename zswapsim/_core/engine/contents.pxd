"""Give each page one of a finite number of contents. A write changes it to another; at bytes depth each has bytes."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE

# Without contents, at counts depth, every field is NULL or 0.
ctypedef struct page_contents:
    uint32_t *image_of          # owned; by page: its content
    const uint8_t *images       # borrowed; `count` pages; NULL except at bytes depth
    const uint32_t *next_image  # borrowed; by content: the one that a write makes of it
    const uint8_t *zero         # borrowed; by content: 1 if it is all zero
    uint32_t count              # contents
    uint32_t initial_count      # page p begins with content (first + p) % initial_count
    uint32_t first


# Return the bytes of a page's content; NULL except at bytes depth.
cdef inline const uint8_t *content_bytes(const page_contents *contents, uint32_t page) noexcept nogil:
    if contents.images == NULL:
        return NULL
    return contents.images + <size_t> contents.image_of[page] * ZSW_PAGE_SIZE


# Give a page a content, and copy its bytes to `frame`, unless that is NULL.
cdef inline void content_set(
    page_contents *contents, uint32_t page, uint32_t image, uint8_t *frame,
) noexcept nogil:
    if contents.image_of != NULL:
        contents.image_of[page] = image
        if frame != NULL:
            memcpy(frame, content_bytes(contents, page), ZSW_PAGE_SIZE)


# Give a page the content that it begins with.
cdef inline void content_begin(page_contents *contents, uint32_t page, uint8_t *frame) noexcept nogil:
    cdef uint32_t image
    if contents.image_of != NULL:
        image = <uint32_t> ((<uint64_t> contents.first + page) % contents.initial_count)
        content_set(contents, page, image, frame)


# Replace a page's content by the one that a write makes of it.
cdef inline void content_write(page_contents *contents, uint32_t page, uint8_t *frame) noexcept nogil:
    if contents.image_of != NULL:
        content_set(contents, page, contents.next_image[contents.image_of[page]], frame)
