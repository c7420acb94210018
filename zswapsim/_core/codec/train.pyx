"""Train a zstd dictionary with the library's own trainer."""

from libc.stdint cimport uint8_t
from libc.stdlib cimport free, malloc

from zswapsim._core.codec.library cimport Library
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE

from zswapsim._core.base.errors import HostMemoryError, InputError

TRAIN_SYMBOLS = ("ZDICT_trainFromBuffer", "ZDICT_isError", "ZDICT_getErrorName")

ctypedef size_t (*train_function)(
    void *out, size_t out_bytes, const void *samples, const size_t *sample_bytes, unsigned count
) noexcept nogil
ctypedef unsigned (*is_error_function)(size_t code) noexcept nogil
ctypedef const char *(*error_name_function)(size_t code) noexcept nogil


def train(Library library not None, const uint8_t[:, ::1] pages, size_t dictionary_bytes):
    """Train a dictionary of at most `dictionary_bytes` from pages (uint8[K, 4096]), without the GIL.

    `library` was opened with TRAIN_SYMBOLS. Raises InputError, with the trainer's message, if the pages give no
    dictionary.
    """
    cdef bytearray out = bytearray(dictionary_bytes)
    cdef uint8_t[::1] view = out
    cdef size_t count = pages.shape[0]
    cdef size_t result, i
    cdef size_t *lengths
    if library.symbols != TRAIN_SYMBOLS:
        raise InputError("dictionary: expected a library opened with TRAIN_SYMBOLS")
    if pages.shape[1] != ZSW_PAGE_SIZE or count == 0 or count > 1 << 20 or dictionary_bytes == 0:
        raise InputError(f"dictionary: expected 1 to {1 << 20} pages of {<int> ZSW_PAGE_SIZE} bytes and a size above 0")
    lengths = <size_t *> malloc(count * sizeof(size_t))
    if lengths == NULL:
        raise HostMemoryError("dictionary: the host is out of memory")
    for i in range(count):
        lengths[i] = ZSW_PAGE_SIZE
    with nogil:
        result = (<train_function> library.functions[0])(
            &view[0], dictionary_bytes, &pages[0, 0], lengths, <unsigned> count
        )
    free(lengths)
    if (<is_error_function> library.functions[1])(result):
        raise InputError((<error_name_function> library.functions[2])(result).decode("utf-8", "replace"))
    return bytes(out[:result])
