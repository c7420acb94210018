"""Call third-party codecs written in Python from code without the GIL."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcpy

from zswapsim._core.base.errors import CorruptPageError, PluginError


cdef extern from "zsw_codec.h" nogil:
    enum:
        ZSW_OK
        ZSW_E_CORRUPT
        ZSW_E_PLUGIN

# One exception for each thread identifier. A thread-local object would vanish with the temporary thread state of a
# thread not started by Python.
cdef dict EXCEPTIONS = {}


cdef void keep_exception(object error) noexcept:
    EXCEPTIONS[PyThread_get_thread_ident()] = error


cdef object pop_exception():
    return EXCEPTIONS.pop(PyThread_get_thread_ident(), None)


cdef class PythonCodec:
    def __cinit__(self, str name not None, factory, dict settings not None):
        self.name = name
        self.factory = factory
        self.settings = settings


cdef class PythonCodecContext:
    """Hold one context: the object that the factory returned, and its two methods."""
    cdef str name
    cdef object compress
    cdef object decompress

    def __cinit__(self, PythonCodec plugin not None):
        context = plugin.factory(**plugin.settings)
        self.name = plugin.name
        self.compress = context.compress
        self.decompress = context.decompress


def describe_error(error):
    """Return kind and text of an exception in one line. Its __str__ may be third-party code and may raise, too."""
    kind = type(error).__name__
    try:
        return f"{kind}: {' '.join(str(error).split())}"
    except BaseException:
        return kind


# Wrap an exception in a PluginError and keep it. Called in an except clause. A KeyboardInterrupt is kept unchanged.
cdef int plugin_failed(str name, str step, object error) noexcept:
    if isinstance(error, Exception) and not isinstance(error, PluginError):
        wrapped = PluginError(f"codec {name}: {step} raised {describe_error(error)}")
        wrapped.__cause__ = error
        error = wrapped
    keep_exception(error)
    return ZSW_E_PLUGIN


cdef int plugin_ctx_create(const void *params, void **ctx) noexcept with gil:
    cdef PythonCodec plugin = <PythonCodec> params
    cdef PythonCodecContext context
    ctx[0] = NULL
    try:
        context = PythonCodecContext(plugin)
    except BaseException as error:
        return plugin_failed(plugin.name, "making it", error)
    Py_INCREF(context)
    ctx[0] = <void *> context
    return ZSW_OK


cdef void plugin_ctx_destroy(void *ctx) noexcept with gil:
    if ctx != NULL:
        Py_DECREF(<PythonCodecContext> ctx)


cdef int plugin_compress(
    void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes
) noexcept with gil:
    cdef PythonCodecContext context = <PythonCodecContext> ctx
    try:
        return checked_compress(context, PyBytes_FromStringAndSize(<const char *> src, src_bytes), dst, dst_bytes)
    except BaseException as error:
        return plugin_failed(context.name, "compress", error)


cdef int checked_compress(PythonCodecContext context, bytes page, uint8_t *dst, size_t dst_bytes) except -100:
    data = context.compress(page)
    if data is None:
        return 0
    if not isinstance(data, bytes):
        raise PluginError(f"codec {context.name}: compress returned {type(data).__name__}, expected bytes or None")
    if <size_t> PyBytes_GET_SIZE(data) > dst_bytes:
        raise PluginError(f"codec {context.name}: compress returned {len(data)} bytes, at most {dst_bytes} are allowed")
    memcpy(dst, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return <int> PyBytes_GET_SIZE(data)


cdef int plugin_decompress(
    void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes
) noexcept with gil:
    cdef PythonCodecContext context = <PythonCodecContext> ctx
    try:
        return checked_decompress(context, PyBytes_FromStringAndSize(<const char *> src, src_bytes), dst, dst_bytes)
    except CorruptPageError:
        return ZSW_E_CORRUPT
    except BaseException as error:
        return plugin_failed(context.name, "decompress", error)


cdef int checked_decompress(PythonCodecContext context, bytes data, uint8_t *dst, size_t dst_bytes) except -100:
    page = context.decompress(data)
    if not isinstance(page, bytes):
        raise PluginError(f"codec {context.name}: decompress returned {type(page).__name__}, expected bytes")
    if <size_t> PyBytes_GET_SIZE(page) != dst_bytes:
        raise PluginError(f"codec {context.name}: decompress returned {len(page)} bytes, expected {dst_bytes}")
    memcpy(dst, PyBytes_AS_STRING(page), dst_bytes)
    return <int> dst_bytes
