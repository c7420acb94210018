"""Train a zstd dictionary with the library's own trainer."""

from libc.stdint cimport uint8_t

from zswapsim._core.base.arguments cimport page_rows, whole
from zswapsim._core.codec.library cimport Library
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_alloc, mem_free

from zswapsim._core.base.errors import HostMemoryError, InputError

TRAIN_SYMBOLS = ("ZDICT_trainFromBuffer", "ZDICT_isError", "ZDICT_getErrorName")

ctypedef size_t (*train_function)(
    void *out, size_t out_bytes, const void *samples, const size_t *sample_bytes, unsigned count
) noexcept nogil
ctypedef unsigned (*is_error_function)(size_t code) noexcept nogil
ctypedef const char *(*error_name_function)(size_t code) noexcept nogil


def train(Library library not None, pages, dictionary_bytes):
    """Train a dictionary of at most `dictionary_bytes` from pages (uint8[K, 4096]), without the GIL.

    `library` was opened with TRAIN_SYMBOLS. Raises InputError, with the trainer's message, if the pages give no
    dictionary.
    """
    cdef size_t size = whole(dictionary_bytes, "size of a dictionary", 1, 1 << 30)
    cdef const uint8_t[:, ::1] samples = page_rows(pages, "pages")
    cdef bytearray out = bytearray(size)
    cdef uint8_t[::1] view = out
    cdef size_t count = samples.shape[0]
    cdef size_t result, i
    cdef size_t *lengths
    if library.symbols != TRAIN_SYMBOLS:
        raise InputError("dictionary: expected a library opened with TRAIN_SYMBOLS")
    if not 0 < count <= 1 << 20:
        raise InputError(f"dictionary: expected 1 to {1 << 20} pages of {<int> ZSW_PAGE_SIZE} bytes")
    lengths = <size_t *> mem_alloc(count * sizeof(size_t))
    if lengths == NULL:
        raise HostMemoryError("dictionary: the host is out of memory")
    for i in range(count):
        lengths[i] = ZSW_PAGE_SIZE
    with nogil:
        result = (<train_function> library.functions[0])(
            &view[0], size, &samples[0, 0], lengths, <unsigned> count
        )
    mem_free(lengths)
    if (<is_error_function> library.functions[1])(result):
        reason = (<error_name_function> library.functions[2])(result).decode("utf-8", "replace")
        if "not enough memory" in reason:
            raise HostMemoryError("dictionary: the host is out of memory")
        raise InputError(reason)
    return bytes(out[:result])
