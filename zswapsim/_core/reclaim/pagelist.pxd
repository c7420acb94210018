"""Keep a list of pages, oldest first, linked through their stamps."""

from libc.stdint cimport uint32_t

from zswapsim._core.base.hints cimport zsw_prefetch_write

cdef extern from *:
    """
    #define LIST_END 0xFFFFFFFEu
    """
    const uint32_t LIST_END      # no page; the link of a list's youngest page

# The link of a page in a list is its stamp: the next younger page.
ctypedef struct page_list:
    uint32_t oldest              # LIST_END if the list is empty; so is `youngest`
    uint32_t youngest
    uint32_t count


cdef inline void list_init(page_list *pages) noexcept nogil:
    pages.oldest = pages.youngest = LIST_END
    pages.count = 0


# Append a page at the young end (the head of a kernel's list).
cdef inline void list_append(page_list *pages, uint32_t *stamps, uint32_t page) noexcept nogil:
    stamps[page] = LIST_END
    if pages.youngest == LIST_END:
        pages.oldest = page
    else:
        stamps[pages.youngest] = page
    pages.youngest = page
    pages.count += 1


# Remove a page. `older`: the next older page in the list, or LIST_END if it is the oldest.
cdef inline void list_remove(page_list *pages, uint32_t *stamps, uint32_t page, uint32_t older) noexcept nogil:
    cdef uint32_t younger = stamps[page]
    if older == LIST_END:
        pages.oldest = younger
    else:
        stamps[older] = younger
    if younger == LIST_END:
        pages.youngest = older
    pages.count -= 1


# Remove and return the oldest page. The list is not empty.
cdef inline uint32_t list_pop(page_list *pages, uint32_t *stamps) noexcept nogil:
    cdef uint32_t page = pages.oldest
    list_remove(pages, stamps, page, LIST_END)
    if pages.oldest != LIST_END:
        zsw_prefetch_write(&stamps[pages.oldest])
    return page
