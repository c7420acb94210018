"""Print curves as text: faults and swap-outs at each size of DRAM."""

from collections.abc import Mapping, Sequence

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.report.table import Column, render
from zswapsim.report.units import SIZES, count, in_one_unit
from zswapsim.study.curve.curves import Curves
from zswapsim.study.curve.stack_curve import EXACT, Curve
from zswapsim.text import printable

MOST_COLUMNS = 6
"""A table of windows or processes has at most this many sizes."""
MOST_ROWS = 40
"""A table has at most this many windows or processes; JSON has them all."""


def miss_ratio(curve: Curve, point: int) -> float:
    """Return the share of accesses that find no page in memory: major faults and first accesses."""
    misses = curve.major_faults[point] + curve.first_accesses
    return misses / curve.accesses if curve.accesses else 0.0


def percent_of(curve: Curve, point: int) -> float:
    """Return a size in per cent of the largest, which is the footprint."""
    return 100 * curve.frames[point] / curve.frames[-1]


def curves_text(found: Curves, width: int | None = None, colour: bool = False) -> str:
    """Return the whole report. `width` is that of the terminal; None leaves tables as wide as they come out."""
    parts = [_head(found), whole_table(found.whole, width, colour), _legend(found.whole)]
    shares = _shares(found.whole)
    if found.windows:
        title = f"miss ratio in windows of {count(found.window)} accesses, by DRAM in % of the footprint"
        windows = {count(number): each for number, each in enumerate(found.windows, 1)}
        parts.append(_parts_table(title, windows, ("window", "new pages"), shares, width))
    if found.processes:
        title = "miss ratio of each process with a DRAM of its own, in % of its own pages"
        processes = {str(name): each for name, each in found.processes.items()}
        parts.append(_parts_table(title, processes, ("process", "pages"), shares, width))
        title = "miss ratio of each process in a DRAM that all share, in % of the whole footprint"
        shared = {str(name): each for name, each in found.shared.items()}
        parts.append(_parts_table(title, shared, ("process", "pages"), shares, width))
    return "\n\n".join(parts)


def whole_table(curve: Curve, width: int | None = None, colour: bool = False) -> str:
    """Return the table of the whole trace, a row a size."""
    points = range(len(curve.frames))
    unit, sizes = in_one_unit([frames * PAGE_SIZE for frames in curve.frames], SIZES)
    columns = [
        Column("miss ratio", [f"{miss_ratio(curve, point):.4f}" for point in points]),
        Column("major faults", list(map(count, curve.major_faults))),
        Column("swap-outs", list(map(count, curve.swap_outs))),
        Column("of dirty pages", list(map(count, curve.dirty_swap_outs))),
    ]
    if curve.error:
        columns.insert(1, Column("+-", [f"{error:.4f}" for error in curve.errors]))
    keys = [Column("dram", [f"{percent_of(curve, point):.1f}%" for point in points]), Column(unit, sizes)]
    return render(keys, columns, width, colour)


def _head(found: Curves) -> str:
    curve = found.whole
    lines = [f"trace {printable(curve.trace)}, reclaim {found.reclaim}, {_method(curve)}"]
    lines.append(f"{count(curve.accesses)} accesses to {count(curve.pages)} pages")
    if curve.interrupted:
        lines.append("interrupted: the curve of the accesses so far")
    return "\n".join(lines)


def _method(curve: Curve) -> str:
    if curve.method == EXACT:
        return "every size from one pass"
    kind, _, rate = curve.method.partition("rate=")
    if float(rate) == 1:
        return "all pages followed"
    pages = f"{100 * float(rate):.3g} % of the pages"
    if kind.startswith("shards"):
        return f"stack distances of {pages}"
    return f"a small replay for each size, of {pages}"


def _legend(curve: Curve) -> str:
    lines = [
        "miss ratio: share of accesses that are major faults or first accesses.",
        "swap-outs: pages reclaimed, each stored if a load drops the backend's copy, as in zswap.",
        "of dirty pages: those that are stored if copies stay until a write.",
    ]
    if curve.error:
        lines.append("+-: bound of the error of the miss ratio, with a confidence of 95 % at each size.")
    if curve.error is None:
        lines.append("Estimates; docs/curve.md shows how accurate they are.")
    return "\n".join(lines)


def _shares(curve: Curve) -> list[float]:
    """Return some of the curve's sizes, in per cent, evenly spread."""
    points = len(curve.frames)
    chosen = sorted({-(-points * step // MOST_COLUMNS) for step in range(1, MOST_COLUMNS + 1)})
    return [100 * point / points for point in chosen]


def _parts_table(
    title: str, parts: Mapping[str, Curve], names: tuple[str, str], shares: Sequence[float], width: int | None
) -> str:
    """Return miss ratios at a few sizes, a row a part. `names` head the columns of parts and of first accesses."""
    shown = dict(list(parts.items())[:MOST_ROWS])
    rows = list(shown.values())
    keys = [
        Column(names[0], list(shown)),
        Column("accesses", [count(each.accesses) for each in rows]),
        Column(names[1], [count(each.first_accesses) for each in rows]),
    ]
    columns = [Column(f"{share:.3g}%", [_ratio_at(each, share) for each in rows]) for share in shares]
    lines = [title, "", render(keys, columns, width)]
    if len(rows) < len(parts):
        lines.append(f"and {count(len(parts) - len(rows))} more; --json has them all")
    return "\n".join(lines)


def _ratio_at(curve: Curve, share: float) -> str:
    """Return the miss ratio at the smallest size that is `share` per cent, to within a frame."""
    wanted = curve.frames[-1] * share / 100 - 1
    return f"{miss_ratio(curve, next(point for point, frames in enumerate(curve.frames) if frames > wanted)):.4f}"
