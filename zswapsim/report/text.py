"""Print one Result as text: settings, memory, faults, swap counters by the kernel's names, times."""

from collections.abc import Iterable
from typing import Any

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.report import figures
from zswapsim.report.units import count, duration, factor, format_size, share
from zswapsim.study.run.readahead import reads_ahead
from zswapsim.study.run.result import Result
from zswapsim.study.settings import Settings
from zswapsim.text import printable

Row = tuple[str, ...]

FAULTS = ("minor_faults", "major_faults")
POOL = ("stored_pages", "compr_data_size", "pool_total_size", "peak_pool_total_size")
ALWAYS = {
    "zswpout": "pages stored in the pool",
    "zswpin": "pages loaded from the pool",
    "zswpwb": "pages written back from the pool to the device",
    "pswpout": "pages written to the swap device; zram is one",
    "pswpin": "pages read from the swap device",
    "swpout_zero": "zero pages swapped out to the zero map alone",
    "swpin_zero": "zero pages swapped in without a load",
}
READAHEAD = ("readahead", "page_cluster", "backend", "swap")
TIMES = {"readahead": "of the device, in the background; not part of the total"}
WHEN_RISEN = {
    "writes": "accesses that were writes",
    "pgscan": "pages scanned for reclaim",
    "pgrefill": "pages scanned on the active list",
    "pgactivate": "pages activated: they were accessed again, or could not be reclaimed",
    "pgdeactivate": "pages moved from the active list to the inactive list",
    "workingset_refault_anon": "pages that refaulted",
    "workingset_activate_anon": "of these, activated at once",
    "workingset_restore_anon": "of these, in the working set before they were reclaimed",
    "swap_ra": "pages read ahead",
    "swap_ra_hit": "of these, accessed: faults that found their page in the swap cache",
    "swap_ra_unused": "of these, reclaimed before any access",
    "reclaimed_pages": "pages reclaimed from DRAM",
    "dropped_clean_pages": "of these, without a store: the backend's copy was still valid",
    "kept_pages": "pages that could not be reclaimed, as the backend had no room",
    "resident_pages": "pages in DRAM at the end",
    "pages_compacted": "frames freed by compaction",
    "device_pages": "pages on the device at the end",
    "peak_device_pages": "the most pages on the device",
    "same_filled_pages": "pages stored as one word",
    "stored_incompressible_pages": "pages stored uncompressed",
    "pool_limit_hit": "times the pool reached its limit",
    "reject_alloc_fail": "pages that found no frame and were written to the device",
    "reject_compress_fail": "pages that did not compress and were written to the device",
    "demoted_pages": "pages moved from the fast tier to the slow tier",
    "fast_pages": "pages in the fast tier at the end",
    "stale_pages": "of these, older than the youngest page in the slow tier",
    "failed_writes": "pages that zram rejected and that stayed in DRAM",
    "huge_pages_since": "pages stored uncompressed, since the start",
    "bd_reads": "of these, read from zram's backing device",
    "bd_writes": "pages written from zram to its backing device",
    "recompressed_pages": "pages made smaller by another compressor",
    "recompress_fail": "pages that no other compressor made smaller",
    "lost_pages": "pages written without room on the device, and so poisoned",
    "poisoned_reads": "of these, read, which raised a bus error",
    "poisoned_pages": "of these, not read yet",
    "mapped_reads": "reads from the device without a fault",
    "in_place_writes": "writes to the device without a fault",
    "promotions": "pages moved from the device to DRAM for a write",
    "writable_pages": "pages on the device that are writable there, at the end",
    "reject_pressure": "pages rejected because pressure was read as high",
    "reject_bound": "pages rejected because too many were stored since the last reading",
    "reject_token": "writes rejected for lack of a token",
    "physical_size": "physical bytes of the device",
    "peak_pressure": "the highest pressure, of 1000",
    "pressure_interrupts": "times pressure rose to the high water mark",
    "zeroing_pages": "freed frames that were not zeroed yet, at the end",
    "mthp_anon_fault_alloc": "large folios allocated",
    "mthp_zswpout": "large folios stored in the pool whole",
    "mthp_swpout": "large folios written to the swap device whole",
    "mthp_swpout_fallback": "large folios split for lack of swap slots",
    "mthp_swpin": "large folios swapped in whole",
    "reject_reclaim_fail": "pages that could not be written back and stayed in the pool",
}


def result_text(result: Result) -> str:
    """Return the whole report of one run, as lines of text."""
    parts = [
        _headline(result),
        _block("memory", _memory(result)),
        _block("faults", _faults(result)),
        _block("swap", _swap(result)),
        _block("groups", _groups(result)) if result.groups else "",
        _block("time", _times(result)),
        _latency(result),
    ]
    return "\n\n".join(part for part in parts if part)


def _headline(result: Result) -> str:
    settings, counters = result.settings, result.counters
    done = f"{result.outcome}: {count(counters['accesses'])} accesses to {count(counters['pages'])} pages"
    if result.verified_pages:
        done = f"{done}; {count(result.verified_pages)} loads compared, all equal"
    words = [
        f"trace {printable(settings.get('trace'))}",
        f"contents {printable(settings.get('contents') or 'none')}",
        f"depth {settings['depth']}",
        str(settings["backend"]),
        *([] if figures.backend(result) == "disk" else [str(settings["compressor"])]),
        *_readahead(settings),
    ]
    return f"{done}\n{', '.join(words)}"


def _readahead(settings: dict[str, Any]) -> list[str]:
    """Return the words of the headline about readahead, none if it is not asked for."""
    asked = Settings(**{name: settings[name] for name in READAHEAD if name in settings})
    if asked.readahead == "none":
        return []
    if not asked.page_cluster:
        return [f"readahead by {asked.readahead} off"]
    if not reads_ahead(asked):
        return [f"readahead by {asked.readahead} skipped: the backend completes synchronously"]
    return [f"readahead by {asked.readahead}"]


def _memory(result: Result) -> Iterable[Row]:
    counters = result.counters
    whole = figures.footprint(result)
    yield _frames("footprint", whole, "pages")
    yield *_frames("DRAM", figures.dram(result)), f"{share(figures.dram(result), whole)} of the footprint"
    if node := figures.node(result):
        yield *_frames("private node", node), f"{share(node, whole)} of the footprint"
        peak = counters["peak_pool_total_size"]
        where = f"{share(peak, node)} of the node" if figures.pool_share(result) is not None else "of both tiers"
        yield *_frames("pool at its peak", peak), where
        yield _frames("pool at the end", counters["pool_total_size"])
        yield *_frames("stored in it", figures.stored_bytes(result), "pages"), _gain(result)
    elif figures.pool_lies_in_dram(result):
        peak = counters["peak_pool_total_size"]
        title = "pool at its peak, in it" if figures.pool_in_dram(result) else "pool at its peak, beside it"
        yield *_frames(title, peak), f"{share(peak, figures.dram(result))} of DRAM"
        yield _frames("pool at the end", counters["pool_total_size"])
        yield *_frames("stored in it", figures.stored_bytes(result), "pages"), _gain(result)
    for name, owners in result.owners.items():
        yield f"frames of {name}", "", "", ", ".join(f"{owner} {count(held)}" for owner, held in owners.items())
    if result.host_frames:
        yield "node's memory", "", "", _host(result)


def _host(result: Result) -> str:
    found = ", ".join(f"{count(frames)} frames on node {node}" for node, frames in result.host_frames.items())
    return f"bound to NUMA node {result.settings['bind_node']} of this machine: {found}"


def _gain(result: Result) -> str:
    saved = figures.pool_saved(result)
    gained = f"{format_size(saved)} saved" if saved >= 0 else f"{format_size(-saved)} lost"
    return f"ratio {factor(figures.ratio(result))}, {gained}"


def _frames(name: str, size: int, unit: str = "frames") -> Row:
    return name, format_size(size), f"{count(size // PAGE_SIZE)} {unit}"


def _faults(result: Result) -> Iterable[Row]:
    for name in FAULTS:
        faults = result.counters[name]
        yield name, count(faults), f"{1000 * faults / max(1, result.counters['accesses']):.2f} in 1000 accesses"


def _swap(result: Result) -> Iterable[Row]:
    """Yield the counters that no other block shows; those that seldom rise only if they have risen."""
    counters = result.counters
    told = {"accesses", "pages", *FAULTS, *POOL, *ALWAYS}
    for name, meaning in ALWAYS.items():
        yield name, count(counters.get(name, 0)), meaning
    for name, value in counters.items():
        if name not in told and value:
            yield name, count(value), WHEN_RISEN.get(name, "")


def _groups(result: Result) -> Iterable[Row]:
    """Yield what each group, with the groups below it, has in zswap at the end."""
    for name, found in result.groups.items():
        events = [f"{event} {count(value)}" for event, value in found.items() if event.endswith(("in", "out", "wb"))]
        held = f"of {count(found['zswapped'])} pages; {', '.join(events)}"
        yield name, f"{count(found['pages'])} pages", f"{format_size(found['zswap'])} in zswap", held


def _times(result: Result) -> Iterable[Row]:
    measured, modelled = result.times_ns, result.modelled_ns
    yield "", "this run", "modelled", f"the model is {result.settings['cost']}"
    for name in [*(name for name in {**measured, **modelled} if name != "total"), "total"]:
        yield name, _time(measured, name), _time(modelled, name), TIMES.get(name, "")


def _time(times: dict[str, Any], name: str) -> str:
    return duration(times[name]) if name in times else ""


def _latency(result: Result) -> str:
    """Return one line of percentiles; empty if there was no major fault."""
    if not result.counters["major_faults"]:
        return ""
    listed = ", ".join(f"{name} {duration(value)}" for name, value in result.fault_latency_ns.items())
    return f"modelled latency of a major fault: {listed}"


def _block(title: str, rows: Iterable[Row]) -> str:
    """Lay out a title and its rows: names left-aligned, figures right-aligned, remarks left-aligned."""
    table = [(*row, *[""] * (4 - len(row))) for row in rows]
    figure_columns = 2 if any(row[3] for row in table) else 1
    widths = [max(len(row[place]) for row in table) for place in range(3)]
    lines = [title]
    for row in table:
        cells = [row[0].ljust(widths[0])]
        for place in (1, 2):
            cell = row[place]
            cells.append(cell.rjust(widths[place]) if place <= figure_columns else cell)
        lines.append("  ".join(["", *cells, row[3]]).rstrip())
    return "\n".join(lines)
