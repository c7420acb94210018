"""Call codecs written in Python through the table of C functions. Each function takes the GIL and calls an object."""

from libc.stdint cimport uint8_t


cdef class PythonCodec:
    """Hold the factory and settings of a Python codec. It is the `params` of its table. Immutable."""
    cdef readonly str name        # name of the codec, for messages
    cdef readonly object factory  # factory(**settings) makes the object of one context
    cdef readonly dict settings   # every parameter's value


# These are the entries of the table. `params` is a borrowed PythonCodec, `ctx` an owned PythonCodecContext.
cdef int plugin_ctx_create(const void *params, void **ctx) noexcept nogil
cdef void plugin_ctx_destroy(void *ctx) noexcept nogil
cdef int plugin_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) noexcept nogil
cdef int plugin_decompress(
    void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes
) noexcept nogil

# Keep the exception `error` for this thread until pop_exception().
cdef void keep_exception(object error) noexcept
# Return and clear the exception kept for this thread, or None.
cdef object pop_exception()
