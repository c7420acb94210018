"""Reclaimers in Python, called from code that holds no GIL: one table of functions, each of which calls an object."""

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_E_PLUGIN, ZSW_OK
from zswapsim._core.codec.parameters cimport parameters_of_dict
from zswapsim._core.codec.plugin cimport keep_exception
from zswapsim._core.reclaim.capi cimport ZSW_RECLAIMER_ABI, zsw_reclaim_host, zsw_reclaimer
from zswapsim._core.reclaim.plugin cimport PluginReclaimer
from zswapsim._core.reclaim.plugin_table cimport ReclaimerTable, check_table

from zswapsim._core.base.errors import PluginError
from zswapsim._core.codec.plugin import describe_error


class RunEnded(BaseException):
    """Unwinds a plug-in whose eviction ended the run; no Exception, so that it isn't caught on the way."""


cdef uint32_t page_number(page) except? 0xFFFFFFFF:
    return whole(page, "page", 0, 0xFFFFFFFF)


cdef class ReclaimHost:
    """The engine, as a reclaimer in Python sees it: page numbers, marks that accesses leave, a clock.

    Methods raise PluginError for a page that is not in DRAM.
    """
    cdef void *reclaimer            # a borrowed PluginReclaimer; NULL once that is gone
    cdef readonly object pages      # the footprint: page numbers are below it
    cdef readonly object frames     # of DRAM: at most so many pages are resident

    @property
    def clock(self):
        """Accesses that were replayed before the one that faults."""
        return self.owner().clock

    def accessed(self, page):
        """Return the accesses to a page since it came in or was last cleared, at most the class's `max_hits`."""
        return self.asked(page_number(page), False)

    def test_and_clear_accessed(self, page):
        """Return the same, and set it to 0."""
        return self.asked(page_number(page), True)

    def evict(self, page):
        """Evict a page; only within reclaim(). Returns if it is gone; else it must stay, and counts as accessed."""
        cdef PluginReclaimer reclaimer = self.owner()
        cdef int code = reclaimer.evict(page_number(page))
        if reclaimer.mistake:
            raise PluginError(reclaimer.mistake_text())
        if reclaimer.ending:
            raise RunEnded
        return code == ZSW_OK

    cdef object asked(self, uint32_t page, bint clear):
        cdef PluginReclaimer reclaimer = self.owner()
        cdef uint32_t hits = reclaimer.accessed(page, clear)
        if reclaimer.mistake:
            raise PluginError(reclaimer.mistake_text())
        return hits

    cdef PluginReclaimer owner(self):
        if self.reclaimer == NULL:
            raise PluginError("reclaimer: its replay is gone")
        return <PluginReclaimer> self.reclaimer


cdef class Context:
    """The state of one replay: the object that the factory made, and its methods."""
    cdef ReclaimHost host
    cdef object made
    cdef object insert
    cdef object reclaim


cdef Context new_context(PluginReclaimer reclaimer):
    cdef Context context = Context.__new__(Context)
    cdef ReclaimHost host = ReclaimHost.__new__(ReclaimHost)
    host.reclaimer = <void *> reclaimer
    host.pages = reclaimer.host.pages
    host.frames = reclaimer.host.frames
    context.host = host
    context.made = reclaimer.table.keeps(host, **reclaimer.values)
    context.insert = context.made.insert
    context.reclaim = context.made.reclaim
    return context


# Called in an except clause. What is not an Exception (KeyboardInterrupt) is nobody's fault and stays what it is.
cdef int failed(PluginReclaimer reclaimer, str step, object error) noexcept:
    if reclaimer.ending:
        return ZSW_E_PLUGIN
    if isinstance(error, Exception) and not isinstance(error, PluginError):
        wrapped = PluginError(f"reclaimer {reclaimer.table.name}: {step} raised {describe_error(error)}")
        wrapped.__cause__ = error
        error = wrapped
    keep_exception(error)
    reclaimer.ending = ZSW_E_PLUGIN
    return ZSW_E_PLUGIN


# ---- the entries of the table: `state` is an owned Context ---------------------------------------------------------

cdef int python_create(const int64_t *values, const zsw_reclaim_host *host, void **state) noexcept with gil:
    cdef PluginReclaimer reclaimer = <PluginReclaimer> host.engine
    cdef Context context
    state[0] = NULL
    try:
        context = new_context(reclaimer)
    except BaseException as error:
        return failed(reclaimer, "making it", error)
    Py_INCREF(context)
    state[0] = <void *> context
    return ZSW_OK


cdef void python_destroy(void *state) noexcept with gil:
    if state != NULL:
        (<Context> state).host.reclaimer = NULL
        Py_DECREF(<Context> state)


cdef int python_insert(void *state, uint32_t page, int refault) noexcept with gil:
    cdef Context context = <Context> state
    cdef PluginReclaimer reclaimer = <PluginReclaimer> context.host.reclaimer
    try:
        context.insert(page, refault != 0)
        return ZSW_OK
    except BaseException as error:
        return failed(reclaimer, "insert", error)


cdef int python_reclaim(void *state, uint32_t page, uint32_t nr_to_reclaim) noexcept with gil:
    cdef Context context = <Context> state
    cdef PluginReclaimer reclaimer = <PluginReclaimer> context.host.reclaimer
    try:
        context.reclaim(page, nr_to_reclaim)
    except BaseException as error:
        return failed(reclaimer, "reclaim", error)
    return ZSW_OK if reclaimer.evicted else ZSW_E_FULL


cdef int python_check(void *state) noexcept with gil:
    cdef Context context = <Context> state
    cdef PluginReclaimer reclaimer = <PluginReclaimer> context.host.reclaimer
    try:
        getattr(context.made, "check", dict)()
        return ZSW_OK
    except BaseException as error:
        return failed(reclaimer, "check", error)


# A reclaimer in Python: one table for all; whose state it is, the host tells.
cdef zsw_reclaimer PYTHON_TABLE
memset(&PYTHON_TABLE, 0, sizeof(PYTHON_TABLE))
PYTHON_TABLE.abi = ZSW_RECLAIMER_ABI
PYTHON_TABLE.name = "python"
PYTHON_TABLE.create = python_create
PYTHON_TABLE.destroy = python_destroy
PYTHON_TABLE.insert = python_insert
PYTHON_TABLE.reclaim = python_reclaim
PYTHON_TABLE.check = python_check


def table_of_class(str name not None, factory, str what not None):
    """Return the table of a reclaimer in Python: `factory(host, **values)` makes an object with `insert` and `reclaim`.

    Attributes of `factory` that may be absent: `parameters` maps a name to (lowest, highest, initial, help); `max_hits`
    is 1, `batch` is 1 unless given. Raises PluginError, beginning with `what`.
    """
    cdef ReclaimerTable table = ReclaimerTable.__new__(ReclaimerTable)
    if not callable(factory):
        raise PluginError(f"{what}: expected a class or a capsule, got {type(factory).__name__}")
    table.functions = &PYTHON_TABLE
    table.keeps = factory
    table.name = name
    table.parameters = parameters_of_dict(getattr(factory, "parameters", {}), what)
    table.max_hits = getattr(factory, "max_hits", 1)
    table.batch = getattr(factory, "batch", 1)
    if type(table.max_hits) is not int or type(table.batch) is not int:
        raise PluginError(f"{what}: max_hits and batch: expected whole numbers")
    check_table(table, what)
    return table
