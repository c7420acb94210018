"""Make codecs: tables from C or Python, codecs with parameters, and contexts to run them in.

All input is checked here, for every caller: parameters against their range, tables against the interface's version, and
return values of codecs against the contract.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, memset

from zswapsim._core.base.arguments cimport shown, uint8s
from zswapsim._core.base.errors cimport (
    ZSW_E_CODEC, ZSW_E_CORRUPT, ZSW_E_NOMEM, ZSW_E_PLUGIN, ZSW_E_RANGE, ZSW_OK, ZSW_PAGE_SIZE, raise_code,
)
from zswapsim._core.base.memory cimport mem_aligned, mem_alloc, mem_calloc, mem_free
from zswapsim._core.codec.library cimport Library
from zswapsim._core.codec.parameters cimport (
    MAX_PARAMETERS, check_names, parameters_of_dict, parameters_of_list, utf8_text,
)
from zswapsim._core.codec.plugin cimport (
    PythonCodec, keep_exception, plugin_compress, plugin_ctx_create, plugin_ctx_destroy, plugin_decompress,
    pop_exception,
)

from zswapsim._core.base.errors import HostMemoryError, InputError, PluginError

cdef extern from "zsw_codec.h" nogil:
    enum:
        ZSW_CODEC_ABI
        ZSW_TAKES_DICTIONARY
    const char *ZSW_CODEC_CAPSULE

cdef extern from "zsw_builtin.h" nogil:
    const zsw_codec zsw_codec_lz4
    const zsw_codec zsw_codec_lz4hc
    const zsw_codec zsw_codec_zstd
    const zsw_codec zsw_codec_deflate
    const zsw_codec zsw_codec_lz4_linux
    const zsw_codec zsw_codec_lzo
    const zsw_codec zsw_codec_lzo_rle
    const zsw_codec zsw_codec_wkdm
    const zsw_codec zsw_codec_bdi
    const zsw_codec zsw_codec_fpc
    const zsw_codec zsw_codec_store

cdef extern from "zsw_memory.h" nogil:
    ctypedef struct zsw_allocator:
        void *(*alloc)(size_t size) noexcept nogil
        void *(*alloc_zeroed)(size_t count, size_t size) noexcept nogil
        void *(*alloc_aligned)(size_t alignment, size_t size) noexcept nogil
        void (*free)(void *memory) noexcept nogil
    zsw_allocator zsw_memory

cdef enum:
    GUARD_BYTES = ZSW_PAGE_SIZE  # after the scratch buffer, so that an overrun of up to a page stays in our memory
    GUARD_CHECK_BYTES = 32  # number of guard bytes checked after each call; an overrun hits the first one
    GUARD_VALUE = 0xA5

cdef uint8_t GUARD[GUARD_CHECK_BYTES]
memset(GUARD, GUARD_VALUE, GUARD_CHECK_BYTES)


# The built-in codecs allocate memory as the core does.
zsw_memory.alloc = mem_alloc
zsw_memory.alloc_zeroed = mem_calloc
zsw_memory.alloc_aligned = mem_aligned
zsw_memory.free = mem_free


# ---- tables ------------------------------------------------------------------------------------------------------

# All codecs written in Python share this table; their `params` is the PythonCodec.
cdef zsw_codec PYTHON_TABLE
memset(&PYTHON_TABLE, 0, sizeof(PYTHON_TABLE))
PYTHON_TABLE.abi = ZSW_CODEC_ABI
PYTHON_TABLE.name = "python"
PYTHON_TABLE.ctx_create = plugin_ctx_create
PYTHON_TABLE.ctx_destroy = plugin_ctx_destroy
PYTHON_TABLE.compress = plugin_compress
PYTHON_TABLE.decompress = plugin_decompress


cdef class CodecTable:
    """Describe a codec before parameters are chosen. Created by `builtin_tables`, `table_of_capsule` and
    `table_of_class`."""
    cdef const zsw_codec *table
    cdef object refs                   # the capsule or the class; None for a built-in codec
    cdef readonly str name
    cdef readonly tuple parameters      # a Parameter for each parameter
    cdef readonly tuple symbols         # names of the functions needed from a library
    cdef readonly bint takes_dictionary

    def __repr__(self):
        return f"<Table {self.name}>"


cdef CodecTable table_from_c(const zsw_codec *c, object refs, str subject):
    cdef CodecTable table = CodecTable.__new__(CodecTable)
    table.table = c
    table.refs = refs
    table.name = utf8_text(c.name, subject)
    table.takes_dictionary = c.flags & ZSW_TAKES_DICTIONARY
    table.parameters = parameters_of_list(c.params, subject)
    symbols = []
    while c.symbols != NULL and c.symbols[len(symbols)] != NULL:
        symbols.append(utf8_text(c.symbols[len(symbols)], subject))
    table.symbols = tuple(symbols)
    check_names(table.name, table.parameters, subject)
    return table


def builtin_tables():
    """Return the built-in codecs by name, in the order in which help lists them."""
    tables = [
        table_from_c(&zsw_codec_lz4, None, "lz4"),
        table_from_c(&zsw_codec_lz4hc, None, "lz4hc"),
        table_from_c(&zsw_codec_zstd, None, "zstd"),
        table_from_c(&zsw_codec_deflate, None, "deflate"),
        table_from_c(&zsw_codec_lz4_linux, None, "lz4-linux"),
        table_from_c(&zsw_codec_lzo, None, "lzo"),
        table_from_c(&zsw_codec_lzo_rle, None, "lzo-rle"),
        table_from_c(&zsw_codec_wkdm, None, "wkdm"),
        table_from_c(&zsw_codec_bdi, None, "bdi"),
        table_from_c(&zsw_codec_fpc, None, "fpc"),
        table_from_c(&zsw_codec_store, None, "store"),
    ]
    return {table.name: table for table in tables}


def table_of_capsule(capsule, str subject not None):
    """Return the table in a capsule named "zswapsim.codec.v1". Raise PluginError, beginning with `subject`, if it has
    none."""
    if not PyCapsule_IsValid(capsule, ZSW_CODEC_CAPSULE):
        raise PluginError(f"{subject}: expected a capsule named {(<bytes> ZSW_CODEC_CAPSULE).decode()}")
    cdef const zsw_codec *c = <const zsw_codec *> PyCapsule_GetPointer(capsule, ZSW_CODEC_CAPSULE)
    if c.abi != ZSW_CODEC_ABI:
        expected = <int> ZSW_CODEC_ABI
        raise PluginError(f"{subject}: written for version {c.abi} of the codec interface, expected {expected}")
    if (
        c.name == NULL or c.params == NULL or c.params_create == NULL or c.params_destroy == NULL
        or c.ctx_create == NULL or c.ctx_destroy == NULL or c.compress == NULL or c.decompress == NULL
    ):
        raise PluginError(f"{subject}: a function or the name is missing in its table")
    if c.symbols != NULL:
        raise PluginError(f"{subject}: `symbols` must be NULL: only built-in codecs have libraries looked up for them")
    return table_from_c(c, capsule, subject)


def table_of_class(str name not None, factory, parameters, str subject not None):
    """Return a table for a codec written in Python. `factory(**values)` returns an object with `compress` and
    `decompress`.

    `parameters` maps a name to (lowest, highest, initial, help). Raises PluginError, beginning with `subject`.
    """
    cdef CodecTable table = CodecTable.__new__(CodecTable)
    if not callable(factory):
        raise PluginError(f"{subject}: expected a class or a capsule, got {type(factory).__name__}")
    table.table = &PYTHON_TABLE
    table.refs = factory
    table.name = name
    table.symbols = ()
    table.parameters = parameters_of_dict(parameters, subject)
    check_names(table.name, table.parameters, subject)
    return table


# ---- codecs ------------------------------------------------------------------------------------------------------

cdef dict checked_settings(CodecTable table, dict values):
    known = {p.name: p for p in table.parameters}
    for key, value in values.items():
        if key not in known:
            raise InputError(f"codec {table.name}: unknown parameter {key!r}: expected {parameter_names(table)}")
        p = known[key]
        if type(value) is not int:
            wanted = f"an integer from {p.lowest} to {p.highest}"
            raise InputError(f"codec {table.name}: {key}={shown(value)}: expected {wanted}")
        if not p.lowest <= value <= p.highest:
            raise InputError(f"codec {table.name}: {key}={shown(value)}: expected {p.lowest} to {p.highest}")
    return {p.name: values.get(p.name, p.initial) for p in table.parameters}


cdef str parameter_names(CodecTable table):
    names = [p.name for p in table.parameters] + (["dict"] if table.takes_dictionary else [])
    return ", ".join(names) if names else "none, it takes no parameters"


cdef str canonical_spec(CodecTable table, dict settings, str dictionary_name):
    changed = [f"{p.name}={settings[p.name]}" for p in table.parameters if settings[p.name] != p.initial]
    if dictionary_name:
        changed.append(f"dict={dictionary_name}")
    return f"{table.name}:{','.join(changed)}" if changed else table.name


cdef int create_params(Codec codec, CodecTable table, list values, Library library, bytes dictionary) except -1:
    cdef int64_t numbers[MAX_PARAMETERS]
    cdef zsw_config config
    cdef int code
    for place, value in enumerate(values):
        numbers[place] = value
    config.values = numbers
    config.dictionary = <const uint8_t *> PyBytes_AS_STRING(dictionary) if dictionary else NULL
    config.dictionary_bytes = len(dictionary)
    config.functions = NULL if library is None else library.functions
    code = table.table.params_create(&config, &codec.params)
    if code == ZSW_OK:
        return 0
    codec.params = NULL
    if code == ZSW_E_NOMEM:
        raise_code(code, f"codec {codec.spec}")
    if dictionary:
        name = codec.settings.get("dict", "dictionary")
        raise InputError(f"{name}: not a dictionary that codec {codec.name} can use")
    why = "; ".join(f"{each.name}: {each.help}" for each in table.parameters) if code == ZSW_E_RANGE else f"code {code}"
    raise InputError(f"codec {codec.spec}: refused these parameters ({why})")


cdef class Codec:
    """Hold a codec with its parameters: immutable, shared by any number of threads. Get one from `get_compressor`.

    `values` gives the parameters that differ from their initial value. `dictionary` is the content of a
    dictionary and `dictionary_name` the file that it came from. `reopen(spec)` makes this codec again in another
    process. Two codecs are equal if their specifications and dictionaries are.

    Raises InputError if a value is out of its range or the dictionary can't be used, PluginError or
    HostMemoryError if the codec can't be made.
    """

    def __cinit__(
        self, CodecTable table not None, dict values=None, Library library=None, bytes dictionary not None=b"",
        str dictionary_name not None="", reopen=None,
    ):
        if table.table == NULL:
            raise InputError("codec: an empty table")
        if table.symbols != (() if library is None else library.symbols):
            raise InputError(f"codec {table.name}: expected a library opened with its symbols")
        if dictionary_name and not table.takes_dictionary:
            raise InputError(f"codec {table.name}: unknown parameter 'dict': expected {parameter_names(table)}")
        self.name = table.name
        settings = checked_settings(table, {} if values is None else values)
        self.spec = canonical_spec(table, settings, dictionary_name)
        self.settings = {**settings, "dict": dictionary_name} if dictionary_name else settings
        if table.table == &PYTHON_TABLE:
            plugin = PythonCodec(table.name, table.refs, dict(settings))
            self.refs = (plugin, library, dictionary, reopen)
            self.params = <void *> plugin
        else:
            self.refs = (table.refs, library, dictionary, reopen)
            create_params(self, table, [settings[p.name] for p in table.parameters], library, dictionary)
        self.table = table.table

    def __dealloc__(self):
        if self.table != NULL and self.table != &PYTHON_TABLE:
            self.table.params_destroy(self.params)

    @property
    def library(self):
        """Return the codec's shared library, or None if it needs none."""
        return self.refs[1]

    @property
    def dictionary(self):
        """Return the bytes of the dictionary, empty if there is none."""
        return self.refs[2]

    def compress(self, page):
        """Compress one page of 4096 bytes. Return None if it does not get smaller.

        Opens a context for this call, which is slow. Use it for tests; stores have their own contexts.
        """
        cdef const uint8_t[::1] data = uint8s(page, "page")
        cdef codec_ctx ctx
        cdef int n
        if data.shape[0] != ZSW_PAGE_SIZE:
            raise InputError(f"page of {data.shape[0]} bytes: expected {<int> ZSW_PAGE_SIZE}")
        codec_ctx_open(self, &ctx)
        try:
            with nogil:
                n = codec_compress(&ctx, &data[0])
            if n < 0:
                codec_raise(n, f"codec {self.spec}")
            return None if n == ZSW_PAGE_SIZE else PyBytes_FromStringAndSize(<const char *> ctx.scratch, n)
        finally:
            codec_ctx_close(&ctx)

    def decompress(self, data):
        """Decompress `data` to a page of 4096 bytes. Raise CorruptPageError if it does not decode."""
        cdef const uint8_t[::1] packed = uint8s(data, "compressed page")
        cdef bytes page = PyBytes_FromStringAndSize(NULL, ZSW_PAGE_SIZE)
        cdef uint8_t *out = <uint8_t *> PyBytes_AS_STRING(page)
        cdef codec_ctx ctx
        cdef int code = ZSW_E_CORRUPT
        if not 0 < packed.shape[0] <= CODEC_SCRATCH:
            raise InputError(f"compressed page of {packed.shape[0]} bytes: expected 1 to {<int> CODEC_SCRATCH}")
        codec_ctx_open(self, &ctx)
        try:
            with nogil:
                code = codec_decompress(&ctx, &packed[0], <uint32_t> packed.shape[0], out)
            if code < 0:
                codec_raise(code, f"codec {self.spec}")
            return page
        finally:
            codec_ctx_close(&ctx)

    def __eq__(self, other):
        if not isinstance(other, Codec):
            return NotImplemented
        return self.spec == (<Codec> other).spec and self.refs[2] == (<Codec> other).refs[2]

    def __hash__(self):
        return hash(self.spec)

    def __reduce__(self):
        if self.refs[3] is None:
            raise TypeError(f"codec {self.spec}: made without `reopen`, so that no other process can make it again")
        return self.refs[3], (self.spec,)

    def __repr__(self):
        return f"<Codec {self.spec}>"


# ---- contexts ----------------------------------------------------------------------------------------------------

cdef int codec_ctx_open(Codec codec, codec_ctx *out) except -1:
    cdef int code
    memset(out, 0, sizeof(codec_ctx))
    code = codec.table.ctx_create(codec.params, &out.ctx)
    if code != ZSW_OK:
        return codec_raise(code, f"codec {codec.spec}: opening a context")
    out.table = codec.table
    out.scratch = <uint8_t *> mem_alloc(CODEC_SCRATCH + GUARD_BYTES)
    if out.scratch == NULL:
        codec_ctx_close(out)
        raise HostMemoryError(f"codec {codec.spec}: the host is out of memory")
    memset(out.scratch, 0, CODEC_SCRATCH)
    memset(out.scratch + CODEC_SCRATCH, GUARD_VALUE, GUARD_BYTES)
    return 0


cdef void codec_ctx_close(codec_ctx *ctx) noexcept nogil:
    if ctx.table != NULL:
        ctx.table.ctx_destroy(ctx.ctx)
    mem_free(ctx.scratch)
    memset(ctx, 0, sizeof(codec_ctx))


cdef int codec_compress(codec_ctx *ctx, const uint8_t *page) noexcept nogil:
    cdef int n = ctx.table.compress(ctx.ctx, page, ZSW_PAGE_SIZE, ctx.scratch, CODEC_SCRATCH)
    if memcmp(ctx.scratch + CODEC_SCRATCH, GUARD, GUARD_CHECK_BYTES) != 0:
        memset(ctx.scratch + CODEC_SCRATCH, GUARD_VALUE, GUARD_BYTES)
        return contract_broken(ctx, "compress wrote past its buffer")
    if 0 < n < <int> ZSW_PAGE_SIZE:
        return n
    if 0 <= n <= <int> CODEC_SCRATCH:
        return ZSW_PAGE_SIZE
    if n == ZSW_E_PLUGIN or n == ZSW_E_CODEC or n == ZSW_E_NOMEM:
        return n
    return bad_length(ctx, "compress", n)


cdef int codec_decompress(codec_ctx *ctx, const uint8_t *data, uint32_t data_bytes, uint8_t *page) noexcept nogil:
    cdef int n = ctx.table.decompress(ctx.ctx, data, data_bytes, page, ZSW_PAGE_SIZE)
    if n == <int> ZSW_PAGE_SIZE:
        return ZSW_OK
    if n == ZSW_E_PLUGIN:
        return n
    if n == ZSW_E_CORRUPT or 0 <= n < <int> ZSW_PAGE_SIZE:
        return ZSW_E_CORRUPT
    return bad_length(ctx, "decompress", n)


# Slow paths: they take the GIL to keep a message, and run only if a third party's codec breaks its contract.
cdef int contract_broken(codec_ctx *ctx, const char *how) noexcept with gil:
    keep_exception(PluginError(f"codec {ctx.table.name.decode('utf-8', 'replace')}: {how.decode()}"))
    return ZSW_E_PLUGIN


cdef int bad_length(codec_ctx *ctx, const char *step, int n) noexcept with gil:
    name = ctx.table.name.decode("utf-8", "replace")
    text = f"codec {name}: {step.decode()} returned {n}, which is neither a length that fits nor a code"
    keep_exception(PluginError(text))
    return ZSW_E_PLUGIN


cdef object codec_pop_exception():
    return pop_exception()


cdef int codec_raise(int code, str subject) except -1:
    error = pop_exception() if code == ZSW_E_PLUGIN else None
    if error is None:
        return raise_code(code, subject)
    if not isinstance(error, PluginError) or subject.startswith("codec "):
        raise error
    raise PluginError(f"{subject}: {error}") from error.__cause__
