"""What pages hold: each a content by its number. A write moves it on to another; at bytes depth a content has bytes."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE

# Without contents, at counts depth, all is NULL and 0.
ctypedef struct page_contents:
    uint32_t *image_of          # owned; by page: its content
    const uint8_t *images       # borrowed; `count` pages; NULL except at bytes depth
    const uint32_t *next_image  # borrowed; what a write makes of each
    const uint8_t *zero         # borrowed; 1 where one is all zero
    uint32_t count
    uint32_t first              # the content that page 0 starts with


# What a page holds, or is to hold; NULL except at bytes depth.
cdef inline const uint8_t *content_bytes(const page_contents *contents, uint32_t page) noexcept nogil:
    if contents.images == NULL:
        return NULL
    return contents.images + <size_t> contents.image_of[page] * ZSW_PAGE_SIZE


# The content that a page starts with, of the first `among`.
cdef inline uint32_t content_first(const page_contents *contents, uint32_t page, uint32_t among) noexcept nogil:
    return <uint32_t> ((<uint64_t> contents.first + page) % among) if among else 0


# Gives a page a content; its bytes go to `frame`, which is NULL where the page has none.
cdef inline void content_set(
    page_contents *contents, uint32_t page, uint32_t image, uint8_t *frame,
) noexcept nogil:
    if contents.image_of != NULL:
        contents.image_of[page] = image
        if frame != NULL:
            memcpy(frame, content_bytes(contents, page), ZSW_PAGE_SIZE)


# What a write does.
cdef inline void content_move_on(page_contents *contents, uint32_t page, uint8_t *frame) noexcept nogil:
    if contents.image_of != NULL:
        content_set(contents, page, contents.next_image[contents.image_of[page]], frame)
