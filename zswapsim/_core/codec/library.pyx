"""Open shared objects and look up functions in them, with dlfcn alone."""

import os


from zswapsim._core.base.memory cimport mem_calloc, mem_free

from zswapsim._core.base.errors import HostMemoryError

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE 1
    #endif
    #include <dlfcn.h>
    #include <string.h>

    /* Return the file that a symbol came from, or NULL if the linker doesn't know it. */
    static const char *zsw_file_of(const void *symbol) {
        Dl_info info;
        return dladdr(symbol, &info) ? info.dli_fname : NULL;
    }

    /* Call a function `const char *f(void)` given as a symbol. */
    static const char *zsw_call_version(void *symbol) {
        const char *(*function)(void);
        memcpy(&function, &symbol, sizeof(symbol));
        return function();
    }
    """
    void *dlopen(const char *path, int flags)
    void *dlsym(void *handle, const char *name)
    const char *dlerror()
    const char *zsw_file_of(const void *symbol)
    const char *zsw_call_version(void *symbol)
    int RTLD_LAZY
    int RTLD_LOCAL

# These functions take no arguments and return a string. No other function is called from this module.
VERSION_SYMBOLS = frozenset({"LZ4_versionString", "ZSTD_versionString", "zlibVersion"})


cdef str text(const char *chars):
    return "" if chars == NULL else os.fsdecode(<bytes> chars)


cdef class Library:
    """Open `path` (a file, or a name that the dynamic linker knows) and look up each of `symbols` in it.

    `version_symbol`: the function that returns the version, one of VERSION_SYMBOLS, or "" for none.
    Raises OSError, with the linker's message, if the file can't be opened or lacks a symbol.
    """

    def __cinit__(self, str path not None, tuple symbols not None, str version_symbol not None = ""):
        cdef void *handle = dlopen(os.fsencode(path), RTLD_LAZY | RTLD_LOCAL)
        if handle == NULL:
            raise OSError(text(dlerror()))
        self.functions = <void **> mem_calloc(max(len(symbols), 1), sizeof(void *))
        if self.functions == NULL:
            raise HostMemoryError(f"{path}: no memory for {len(symbols)} symbols")
        for place, symbol in enumerate(symbols):
            self.functions[place] = dlsym(handle, os.fsencode(symbol))
            if self.functions[place] == NULL:
                raise OSError(f"{path}: no symbol {symbol}")
        self.symbols = symbols
        self.path = text(zsw_file_of(self.functions[0])) or path if symbols else path
        self.version = read_version(handle, version_symbol)

    def __dealloc__(self):
        mem_free(self.functions)

    def __repr__(self):
        return f"<Library {self.path} {self.version}>"


cdef str read_version(void *handle, str version_symbol):
    if version_symbol not in VERSION_SYMBOLS:
        return ""
    cdef void *function = dlsym(handle, os.fsencode(version_symbol))
    return "" if function == NULL else text(zsw_call_version(function))
