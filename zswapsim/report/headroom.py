"""Print the pages that a compressing device loses: the study of headroom, and the counter-example."""

from collections.abc import Sequence

from zswapsim.report.table import Column, render
from zswapsim.report.units import count, duration, factor
from zswapsim.study.cram.headroom import HeadroomCase, HeadroomPoint
from zswapsim.study.cram.overwritten import Overwritten
from zswapsim.study.settings.sizes import format_size


def headroom_text(points: Sequence[HeadroomPoint], width: int | None = None, colour: bool = False) -> str:
    """Return the table of pages lost and refused; a row for every control, ratio, inflow and delay."""
    headrooms = list(dict.fromkeys(point.case.headroom_percent for point in points))
    rows = [points[first : first + len(headrooms)] for first in range(0, len(points), len(headrooms))]
    cases = [row[0].case for row in rows]
    keys = [
        Column("control", [case.control for case in cases], left=True),
        Column("ratio to", [factor(case.ratio_after) for case in cases]),
        Column("inflow", [_rate(case.inflow) for case in cases]),
        Column("delay", [duration(case.delay_ns) for case in cases]),
    ]
    columns = [
        Column(f"{title} {headroom:g} %", [count(getattr(row[place], name)) for row in rows])
        for title, name in (("lost", "lost_pages"), ("refused", "refused_pages"))
        for place, headroom in enumerate(headrooms)
    ]
    return f"{_device(points[0].case)}\n\n{render(keys, columns, width, colour)}"


def _device(case: HeadroomCase) -> str:
    return (
        f"A device of {format_size(case.physical)} advertises {case.advertised_ratio:g} times its physical capacity. "
        f"Pages compress {case.ratio_before:g} to 1 until it is full to\njust below its high water mark, then as the "
        f"row says. Freed frames are zeroed every {duration(case.zero_ns)}."
    )


def _rate(inflow: int) -> str:
    return f"{inflow / 1e9:.2f} GB/s"


def overwritten_text(found: Sequence[Overwritten], width: int | None = None, colour: bool = False) -> str:
    """Return the counter-example, a row for every way to use the device."""
    keys = [
        Column("form", [each.form for each in found], left=True),
        Column("control", [each.control for each in found], left=True),
        Column("writable", [count(each.budget) for each in found]),
    ]
    columns = [
        Column(title, [count(getattr(each, name)) for each in found])
        for title, name in (
            ("pressure", "zeros_pressure"),
            ("in place", "in_place_writes"),
            ("promoted", "promotions"),
            ("lost", "lost_pages"),
            ("bus errors", "bus_errors"),
        )
    ]
    title = f"{count(found[0].pages)} pages of zeros on the device are overwritten with incompressible data, then read."
    return f"{title}\n\n{render(keys, columns, width, colour)}"
