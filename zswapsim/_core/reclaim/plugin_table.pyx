"""Third parties' tables of functions, checked before anybody calls through them."""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid

from zswapsim._core.codec.parameters cimport check_names, utf8_text, parameters_of_list
from zswapsim._core.reclaim.capi cimport ZSW_RECLAIMER_ABI, ZSW_RECLAIMER_CAPSULE, zsw_reclaimer

from zswapsim._core.base.errors import PluginError

cdef enum:
    MAX_BATCH = 1 << 20


cdef class ReclaimerTable:
    """A kind of reclaimer, not yet given parameters. Made by `table_of_capsule` and `table_of_class`."""

    def __repr__(self):
        return f"<ReclaimerTable {self.name}>"


cdef int check_table(ReclaimerTable table, str what) except -1:
    check_names(table.name, table.parameters, what)
    if table.max_hits not in (0, 1, 3):
        raise PluginError(f"{what}: max_hits is {table.max_hits}: expected 0, 1 or 3")
    if not 1 <= table.batch <= MAX_BATCH:
        raise PluginError(f"{what}: batch is {table.batch}: expected 1 to {<int> MAX_BATCH}")
    return 0


def table_of_capsule(capsule, str what not None):
    """Return the table in a capsule named "zswapsim.reclaimer.v1". Raises PluginError, beginning with `what`."""
    if not PyCapsule_IsValid(capsule, ZSW_RECLAIMER_CAPSULE):
        raise PluginError(f"{what}: expected a capsule named {(<bytes> ZSW_RECLAIMER_CAPSULE).decode()}")
    cdef const zsw_reclaimer *c = <const zsw_reclaimer *> PyCapsule_GetPointer(capsule, ZSW_RECLAIMER_CAPSULE)
    cdef ReclaimerTable table = ReclaimerTable.__new__(ReclaimerTable)
    if c.abi != ZSW_RECLAIMER_ABI:
        raise PluginError(
            f"{what}: written for version {c.abi} of the reclaimer interface, expected {<int> ZSW_RECLAIMER_ABI}"
        )
    if (
        c.name == NULL or c.params == NULL or c.create == NULL or c.destroy == NULL or c.insert == NULL
        or c.reclaim == NULL
    ):
        raise PluginError(f"{what}: a function or the name is missing in its table")
    if c.reserved:
        raise PluginError(f"{what}: `reserved` is {c.reserved}: expected 0")
    table.functions = c
    table.keeps = capsule
    table.name = utf8_text(c.name, what)
    table.parameters = parameters_of_list(c.params, what)
    table.max_hits = c.max_hits
    table.batch = max(c.batch, 1)
    check_table(table, what)
    return table
