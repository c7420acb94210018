"""Read the integer parameters in a third party's table, of a codec or of a reclaimer."""

from libc.stdint cimport int64_t

cdef extern from "zsw_codec.h" nogil:
    ctypedef struct zsw_param:
        const char *name
        int64_t lowest
        int64_t highest
        int64_t initial
        const char *help

cdef enum:
    MAX_PARAMETERS = 64     # maximum for one table; bounds the search in a list without an end

# Return a text of a table, "" for NULL. Raises PluginError, beginning with `subject`, if it is not UTF-8.
cdef str utf8_text(const char *chars, str subject)
# Return the entries of a list that ends with a NULL name, as Parameters. Raises PluginError.
cdef tuple parameters_of_list(const zsw_param *params, str subject)
# Return Parameters from a dict of name: (lowest, highest, initial, help). Raises PluginError.
cdef tuple parameters_of_dict(object parameters, str subject)
# Raise PluginError if a name can't be written in "name:parameter=value,…", or a range excludes its initial value.
cdef int check_names(str name, tuple parameters, str subject) except -1
