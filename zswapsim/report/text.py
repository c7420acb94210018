"""One Result as text: what was asked, memory, faults, swap by the kernel's names, times."""

from collections.abc import Iterable
from typing import Any

from zswapsim.report import figures
from zswapsim.report.units import count, duration, factor, format_size, share
from zswapsim.study.readahead import reads_ahead
from zswapsim.study.result import Result
from zswapsim.study.settings import Settings
from zswapsim.study.sizes import PAGE_SIZE

Row = tuple[str, ...]

FAULTS = ("minor_faults", "major_faults")
POOL = ("stored_pages", "compr_data_size", "pool_total_size", "peak_pool_total_size")
ALWAYS = {
    "zswpout": "pages stored in the pool",
    "zswpin": "pages loaded from the pool",
    "zswpwb": "pages written back from the pool to the device",
    "pswpout": "pages written to the swap device; zram is one",
    "pswpin": "pages read from the swap device",
    "swpout_zero": "zero pages, kept in the zero map alone",
    "swpin_zero": "zero pages, filled without a load",
}
READAHEAD = ("readahead", "page_cluster", "backend", "swap")
TIMES = {"readahead": "of the device, in the background: in no other row"}
WHEN_RISEN = {
    "writes": "accesses that were writes",
    "pgscan": "looked at, whether they can be evicted",
    "pgrefill": "looked at for another list",
    "pgactivate": "activated: accessed again, or could not go",
    "pgdeactivate": "moved from the active list to the inactive one",
    "workingset_refault_anon": "came back after an eviction",
    "workingset_activate_anon": "of these, activated at once",
    "workingset_restore_anon": "of these, of the working set before",
    "swap_ra": "pages read ahead",
    "swap_ra_hit": "of these, accessed: faults that found their page in the swap cache",
    "swap_ra_unused": "of these, evicted before they were",
    "reclaimed_pages": "pages evicted from DRAM",
    "dropped_clean_pages": "of these, without a store: the copy behind was still valid",
    "kept_pages": "not evicted: there was no room behind",
    "resident_pages": "in DRAM at the end",
    "pages_compacted": "frames given back by compaction",
    "device_pages": "on the device at the end",
    "peak_device_pages": "on the device at most",
    "same_filled_pages": "stored as one word",
    "stored_incompressible_pages": "stored as they are",
    "pool_limit_hit": "times the pool was at its limit",
    "reject_alloc_fail": "pages for which there was no frame, and that went to the device",
    "reject_compress_fail": "pages that did not compress, and went to the device",
    "demoted_pages": "pages that the fast tier handed to the slow one",
    "fast_pages": "stored in the fast tier",
    "stale_pages": "of these, older than the youngest behind it",
    "failed_writes": "pages that zram took no more, and that stayed in DRAM",
    "huge_pages_since": "pages stored as they are, ever",
    "bd_reads": "of these, read from zram's backing device",
    "bd_writes": "pages written from zram to its backing device",
    "recompressed_pages": "made smaller by another codec",
    "recompress_fail": "no codec made them smaller",
    "lost_pages": "writes that the device had no room for: poisoned",
    "poisoned_reads": "of these, whose reader was told by a bus error",
    "poisoned_pages": "of these, not read yet",
    "mapped_reads": "reads from the device without a fault",
    "in_place_writes": "writes to the device without a fault",
    "promotions": "pages brought from the device, to be written",
    "writable_pages": "on the device and writable there, at the end",
    "reject_pressure": "pages refused: the pressure was seen high",
    "reject_bound": "pages refused: too many since the last reading",
    "reject_token": "writes refused for want of a token",
    "physical_size": "bytes that the device really has",
    "peak_pressure": "of 1000, at most",
    "pressure_interrupts": "times pressure rose to the high water mark",
    "zeroing_pages": "freed frames that still take space, at the end",
    "mthp_anon_fault_alloc": "large folios allocated",
    "mthp_zswpout": "of these, stored in the pool in one piece; each time counts",
    "mthp_swpout": "of these, written to the swap device in one piece",
    "mthp_swpout_fallback": "of these, split since swap slots were short",
    "mthp_swpin": "of these, brought back in one piece",
    "reject_reclaim_fail": "pages that could not be written back, and stay in the pool",
}


def result_text(result: Result) -> str:
    """The whole report of one run, as lines of text."""
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
    behind = "" if figures.backend(result) == "disk" else f", {settings['compressor']}"
    checked = f"; {count(result.verified_pages)} loads compared, all equal" if result.verified_pages else ""
    return (
        f"{result.outcome}: {count(counters['accesses'])} accesses to {count(counters['pages'])} pages{checked}\n"
        f"trace {settings.get('trace')}, contents {settings.get('contents') or 'none'}, depth {settings['depth']}, "
        f"{settings['backend']}{behind}{_readahead(settings)}"
    )


def _readahead(settings: dict[str, Any]) -> str:
    """What is read ahead, in the words of the headline; nothing where nothing was to be."""
    asked = Settings(**{name: settings[name] for name in READAHEAD if name in settings})
    if asked.readahead == "none":
        return ""
    skipped = "" if reads_ahead(asked) else " skipped: the backend completes synchronously"
    return f", readahead by {asked.readahead}{skipped if asked.page_cluster else ' off'}"


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
        title = "of it, pool at its peak" if figures.pool_in_dram(result) else "beside it, pool at its peak"
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
    """Every counter that is not told elsewhere; those that seldom rise only where they have."""
    counters = result.counters
    told = {"accesses", "pages", *FAULTS, *POOL, *ALWAYS}
    for name, meaning in ALWAYS.items():
        yield name, count(counters.get(name, 0)), meaning
    for name, value in counters.items():
        if name not in told and value:
            yield name, count(value), WHEN_RISEN.get(name, "")


def _groups(result: Result) -> Iterable[Row]:
    """What each group has in zswap at the end, those below it included."""
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
    """One line of percentiles; empty where there was no major fault."""
    if not result.counters["major_faults"]:
        return ""
    listed = ", ".join(f"{name} {duration(value)}" for name, value in result.fault_latency_ns.items())
    return f"a major fault, modelled: {listed}"


def _block(title: str, rows: Iterable[Row]) -> str:
    """A title and rows under it: a name at the left, figures at the right, remarks at the left again."""
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
