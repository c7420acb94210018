"""Print the kernel's figures beside the model's."""

from collections.abc import Sequence

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.kernel.zram import MM_STAT
from zswapsim.report.table import Column, render
from zswapsim.report.units import count
from zswapsim.study.validate.page_store import Validated
from zswapsim.study.validate.reclaim import SwapValidated
from zswapsim.text import printable

TIMES = ("write_ns", "read_ns")


def pages_text(rows: Sequence[Validated], width: int | None, colour: bool) -> str:
    """Return a block for each codec and set of pages, a row a field, and a summary."""
    blocks = [block(row, width, colour) for row in rows]
    return "\n\n".join([*blocks, verdict(rows)])


def block(row: Validated, width: int | None, colour: bool) -> str:
    """Return the fields of mm_stat and the times of one comparison."""
    fields = [field for field in MM_STAT if field in row.kernel]
    model = row.model
    names = Column(f"{row.codec}, {row.pages}", [*fields, *(f"{time} a page" for time in TIMES)], left=True)
    if model is None:
        shown = [count(row.kernel[field]) for field in (*fields, *TIMES)]
        return render([names], [Column("kernel", shown), Column("model", ["-"] * len(shown))], width, colour)
    columns = [
        Column("kernel", [count(row.kernel[field]) for field in (*fields, *TIMES)]),
        Column("model", [count(model[field]) for field in (*fields, *TIMES)]),
        Column("", [_verdict(row, field) for field in fields] + [_times(row, time) for time in TIMES], left=True),
    ]
    return render([names], columns, width, colour)


def _verdict(row: Validated, field: str) -> str:
    return "UNEQUAL" if field in row.unequal() else "equal"


def _times(row: Validated, time: str) -> str:
    assert row.model is not None
    return f"x {row.model[time] / row.kernel[time]:.2f}" if row.kernel[time] else ""


def verdict(rows: Sequence[Validated]) -> str:
    """Return the summary: how many comparisons are equal in every field, and which are not."""
    known = [row for row in rows if row.model is not None]
    wrong = [f"{row.codec} on {printable(row.pages)}: {', '.join(row.unequal())}" for row in known if row.unequal()]
    lines = [f"{len(known) - len(wrong)} of {len(known)} comparisons are equal in every field of mm_stat."]
    lines += [f"unequal: {each}" for each in wrong]
    none = list(dict.fromkeys(row.codec for row in rows if row.model is None))
    lines += [f"without a model: {', '.join(none)}"] if none else []
    return "\n".join(lines)


def swap_text(rows: Sequence[SwapValidated], width: int | None, colour: bool) -> str:
    """Return a row for each reclaimer beside the kernel, and the greatest distance of each reclaimer."""
    keys = [
        Column("trace", [row.trace for row in rows], left=True),
        Column("DRAM frames", [count(row.dram_bytes // PAGE_SIZE) for row in rows]),
        Column("reclaim", [row.reclaim for row in rows], left=True),
    ]
    columns = [
        Column("distance", [f"{100 * row.distance():+.2f} %" for row in rows]),
        Column("kernel's runs", [f"{len(row.kernel_swap_ins)} in {100 * row.spread():.2f} %" for row in rows]),
    ]
    for title, field in (("swap-ins", "swap_ins"), ("swap-outs", "swap_outs"), ("pool frames", "pool_frames")):
        columns.append(Column(f"{title}, kernel", [count(row.kernel[field]) for row in rows]))
        columns.append(Column("model", [count(row.model[field]) for row in rows]))
    columns.append(Column("s, kernel", [f"{row.kernel['seconds']:.2f}" for row in rows]))
    columns.append(Column("model", [f"{row.model['seconds']:.2f}" for row in rows]))
    return "\n\n".join([render(keys, columns, width, colour), "\n".join(farthest(rows))])


def farthest(rows: Sequence[SwapValidated]) -> list[str]:
    """Return the greatest distance in swap-ins of each reclaimer, with its settings."""
    lines = []
    for name in dict.fromkeys(row.reclaim for row in rows):
        own = [row for row in rows if row.reclaim == name]
        most = max(abs(row.distance()) for row in own)
        lines.append(f"{name} ({own[0].settings}): swap-ins within {100 * most:.2f} % of the kernel's")
    return lines
