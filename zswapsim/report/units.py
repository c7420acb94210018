"""Format numbers for readers. Every function returns one line of text, which the caller aligns."""

from collections.abc import Sequence

from zswapsim.study.settings.sizes import format_size

__all__ = ["count", "duration", "factor", "fine", "format_size", "in_one_unit", "share", "three_digits"]

TIMES = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))
SIZES = (("GiB", float(1 << 30)), ("MiB", float(1 << 20)), ("KiB", float(1 << 10)), ("B", 1.0))


def count(value: float) -> str:
    """Format a whole number with separated thousands: ``1,234,567``."""
    return f"{value:,.0f}"


def duration(nanoseconds: float) -> str:
    """Format a time with three significant digits and its unit: ``7.31 µs``, ``1.20 s``."""
    for unit, scale in TIMES[:-1]:
        if abs(nanoseconds) >= scale * 0.9995:
            return f"{three_digits(nanoseconds / scale)} {unit}"
    return f"{nanoseconds:.0f} ns"


def factor(value: float | None) -> str:
    """Format a ratio with two decimals; ``-`` if there is none."""
    return "-" if value is None else f"{value:.2f}"


def share(part: float, whole: float) -> str:
    """Format a part in per cent of a whole: ``12.3 %``; ``-`` if the whole is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def in_one_unit(values: Sequence[float | None], units: Sequence[tuple[str, float]]) -> tuple[str, list[str]]:
    """Return one unit for a column, and its numbers in that unit; `units` is TIMES or SIZES.

    The unit is the largest in which every number but zero is 0.1 or more, so that rows compare at a glance.
    """
    least = min((abs(value) for value in values if value), default=0.0)
    unit, scale = next((entry for entry in units if least >= entry[1] / 10), units[-1])
    show = count if scale == 1 else three_digits
    return unit, ["-" if value is None else show(value / scale) for value in values]


def fine(value: float) -> str:
    """Format a number with three significant digits, small ones too (``0.0241``), and at most four decimals."""
    if value == 0:
        return "0"
    return f"{value:.4f}" if abs(value) < 0.0995 else f"{value:.3f}" if abs(value) < 0.9995 else three_digits(value)


def three_digits(value: float) -> str:
    """Format a number with three significant digits, or more before the point: ``7.31``, ``1,234``."""
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:,.{digits}f}"
