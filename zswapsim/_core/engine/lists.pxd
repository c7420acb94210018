"""Add folios that came into DRAM to the reclaimer's lists."""

from libc.stdint cimport uint32_t

from zswapsim._core.base.errors cimport ZSW_OK
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.page_table cimport set_flags


# Add a folio to the reclaimer's lists; `flag`: RESIDENT or IN_SWAP_CACHE. 0 or a negative code, which ends the run; the
# folio is in DRAM then, and in no list.
cdef inline int add_to_lists(Engine engine, uint32_t unit, uint32_t flag, bint refault) noexcept nogil:
    cdef int code
    set_flags(engine.table, unit, flag)
    code = engine.reclaimer.insert(unit, refault)
    if code < 0:
        return code
    engine.reclaimer.resident += 1
    return ZSW_OK
