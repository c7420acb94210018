"""Define codecs in the core: a table with parameters, shared by threads, and one context for each thread."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.codec.parameters cimport zsw_param

cdef extern from "zsw_codec.h" nogil:
    ctypedef struct zsw_config:
        const int64_t *values
        const uint8_t *dictionary
        size_t dictionary_bytes
        void *const *functions

    ctypedef struct zsw_codec:
        uint32_t abi
        uint32_t flags
        const char *name
        const zsw_param *params
        const char *const *symbols
        int (*params_create)(const zsw_config *config, void **params) noexcept nogil
        void (*params_destroy)(void *params) noexcept nogil
        int (*ctx_create)(const void *params, void **ctx) noexcept nogil
        void (*ctx_destroy)(void *ctx) noexcept nogil
        int (*compress)(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) noexcept nogil
        int (*decompress)(
            void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes
        ) noexcept nogil


cdef class Codec:
    """Hold a codec's table and its parameters. Immutable; any number of contexts and threads share it.

    `params` belongs to this object and outlives every context, because a context's owner holds the Codec.
    """
    cdef const zsw_codec *table
    cdef void *params
    cdef object refs           # references that keep `table` alive (a capsule, a plug-in object)
    cdef readonly str name      # "zstd"
    cdef readonly str spec      # canonical: "zstd:level=3"; parameters at their initial value are left out
    cdef readonly dict settings  # every parameter's value


# The state of one thread, owned by the object that embeds it. A zeroed struct is a closed context.
ctypedef struct codec_ctx:
    const zsw_codec *table
    void *ctx           # the codec's context; freed by codec_ctx_close()
    uint8_t *scratch    # output of codec_compress(): CODEC_SCRATCH bytes, then guard bytes

cdef enum:
    CODEC_SCRATCH = 2 * ZSW_PAGE_SIZE

# Open a context. The caller keeps a reference to `codec` until it has closed the context. Raises HostMemoryError.
cdef int codec_ctx_open(Codec codec, codec_ctx *out) except -1
# Close a context. Closing twice is allowed.
cdef void codec_ctx_close(codec_ctx *ctx) noexcept nogil
# Compress one page into ctx.scratch. Return the length, 1 … 4095; 4096 if the page did not get smaller (the codec
# returned 0 or at least 4096), so that it is stored uncompressed; ZSW_E_CODEC; ZSW_E_NOMEM; or ZSW_E_PLUGIN (the codec
# raised, wrote past its buffer, or returned an impossible length).
cdef int codec_compress(codec_ctx *ctx, const uint8_t *page) noexcept nogil
# Decompress exactly one page into `page`. Return 0, ZSW_E_CORRUPT or ZSW_E_PLUGIN.
cdef int codec_decompress(codec_ctx *ctx, const uint8_t *data, uint32_t data_bytes, uint8_t *page) noexcept nogil
# Return and clear the exception that this thread's codec raised, or None. Called with the GIL, after ZSW_E_PLUGIN.
cdef object codec_pop_exception()
# Raise the exception for a negative code of the functions above; `subject` as in raise_code. For ZSW_E_PLUGIN that is a
# PluginError whose text is `subject` ("slot 7") and the fault of this thread's codec, and whose cause is the codec's
# exception; a KeyboardInterrupt inside the codec is raised unchanged.
cdef int codec_raise(int code, str subject) except -1
