"""Declare the interface of zsw_reclaimer.h, which describes it, for reclaimers in Cython."""

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_E_NOMEM, ZSW_E_RANGE, ZSW_OK
from zswapsim._core.codec.parameters cimport zsw_param
from zswapsim._core.reclaim.capi cimport (
    ZSW_RECLAIMER_ABI, ZSW_RECLAIMER_CAPSULE, zsw_reclaim_host, zsw_reclaimer,
)
