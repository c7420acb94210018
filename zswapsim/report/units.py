"""Numbers as people read them. Everything here is one line of text, aligned by the caller."""

from collections.abc import Sequence

from zswapsim.study.sizes import format_size

__all__ = ["count", "duration", "factor", "fine", "format_size", "in_one_unit", "share", "three_digits"]

TIMES = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))
SIZES = (("GiB", float(1 << 30)), ("MiB", float(1 << 20)), ("KiB", float(1 << 10)), ("B", 1.0))


def count(value: float) -> str:
    """A whole number with its thousands apart: ``1,234,567``."""
    return f"{value:,.0f}"


def duration(nanoseconds: float) -> str:
    """A time with three significant digits and its unit: ``7.31 µs``, ``1.20 s``."""
    for unit, scale in TIMES[:-1]:
        if abs(nanoseconds) >= scale * 0.9995:
            return f"{three_digits(nanoseconds / scale)} {unit}"
    return f"{nanoseconds:.0f} ns"


def factor(value: float | None) -> str:
    """A ratio with two decimals; ``-`` where there is none."""
    return "-" if value is None else f"{value:.2f}"


def share(part: float, whole: float) -> str:
    """A part in per cent of a whole: ``12.3 %``; ``-`` of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def in_one_unit(values: Sequence[float | None], units: Sequence[tuple[str, float]]) -> tuple[str, list[str]]:
    """A column's unit, and its numbers in it; `units` is TIMES or SIZES.

    The unit is the largest that leaves every number but zero at 0.1 or more, so that rows compare at a glance.
    """
    least = min((abs(value) for value in values if value), default=0.0)
    unit, scale = next((entry for entry in units if least >= entry[1] / 10), units[-1])
    show = count if scale == 1 else three_digits
    return unit, ["-" if value is None else show(value / scale) for value in values]


def fine(value: float) -> str:
    """Three significant digits, of small numbers too: ``0.0241``; four decimals at most. Nothing at all is ``0``."""
    if value == 0:
        return "0"
    return f"{value:.4f}" if abs(value) < 0.0995 else f"{value:.3f}" if abs(value) < 0.9995 else three_digits(value)


def three_digits(value: float) -> str:
    """A number with three significant digits, or more before the point: ``7.31``, ``1,234``."""
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:,.{digits}f}"
