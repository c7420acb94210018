"""Print a Result's counters as the kernel does: zram's mm_stat, zswap's files in debugfs, lines of /proc/vmstat."""

from collections.abc import Callable, Mapping

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.kernel.zram import MM_STAT
from zswapsim.study.run.result import Result
from zswapsim.study.settings.backends import parse_backend

ZSWAP = (
    "decompress_fail",
    "pool_limit_hit",
    "pool_total_size",
    "reject_alloc_fail",
    "reject_compress_fail",
    "reject_compress_poor",
    "reject_kmemcache_fail",
    "reject_reclaim_fail",
    "stored_incompressible_pages",
    "stored_pages",
    "written_back_pages",
)
VMSTAT: Mapping[str, tuple[str, ...]] = {
    "workingset_refault_anon": ("workingset_refault_anon",),
    "workingset_activate_anon": ("workingset_activate_anon",),
    "workingset_restore_anon": ("workingset_restore_anon",),
    "pswpin": ("pswpin",),
    "pswpout": ("pswpout",),
    "pgactivate": ("pgactivate",),
    "pgdeactivate": ("pgdeactivate",),
    "pgfault": ("minor_faults", "major_faults", "swap_ra_hit"),
    "pgmajfault": ("major_faults",),
    "pgrefill": ("pgrefill",),
    "pgsteal_anon": ("reclaimed_pages",),
    "pgscan_anon": ("pgscan",),
    "swap_ra": ("swap_ra",),
    "swap_ra_hit": ("swap_ra_hit",),
    "swpin_zero": ("swpin_zero",),
    "swpout_zero": ("swpout_zero",),
    "zswpin": ("zswpin",),
    "zswpout": ("zswpout",),
    "zswpwb": ("zswpwb",),
}
"""Maps a counter of the kernel to those of ours that add up to it, in the order of /proc/vmstat."""


def mm_stat_fields(result: Result) -> dict[str, int]:
    """Return the fields of zram's mm_stat at the end of the run, by name; sizes are in bytes.

    Pages on zram's backing device count in orig_data_size too; behind another backend they are not zram's.
    """
    counters = result.counters
    backend = parse_backend(str(result.settings["backend"]))
    alone = backend.name == "zram" and backend.slow_tier is None
    stored = counters["stored_pages"] + (counters["device_pages"] if alone else 0)
    found = (
        stored * PAGE_SIZE,
        counters["compr_data_size"],
        counters["pool_total_size"],
        backend.values.get("mem_limit", 0) * PAGE_SIZE,
        counters["peak_pool_total_size"],
        counters["same_filled_pages"],
        counters["pages_compacted"],
        counters["stored_incompressible_pages"],
        counters["huge_pages_since"],
    )
    return dict(zip(MM_STAT, found, strict=True))


def mm_stat(result: Result) -> str:
    """Return the line of /sys/block/zram0/mm_stat."""
    return " ".join(f"{value:8d}" for value in mm_stat_fields(result).values())


def zswap(result: Result) -> str:
    """Return the files of /sys/kernel/debug/zswap as ``grep -r .`` prints them: one ``name:value`` a line."""
    return "\n".join(f"{name}:{result.counters[name]}" for name in ZSWAP)


def vmstat(result: Result) -> str:
    """Return the lines of /proc/vmstat that a run counts."""
    return "\n".join(f"{name} {sum(result.counters[part] for part in parts)}" for name, parts in VMSTAT.items())


FORMS: Mapping[str, Callable[[Result], str]] = {"mm_stat": mm_stat, "zswap": zswap, "vmstat": vmstat}
"""The forms, by the name that ``zswapsim run --as`` takes."""


def kernel_form(result: Result, form: str) -> str:
    """Return a Result's counters in one of :data:`FORMS`, without a newline at the end."""
    return FORMS[form](result)
