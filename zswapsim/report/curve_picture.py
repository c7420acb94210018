"""Draw curves with matplotlib: the miss ratio over the size of DRAM."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zswapsim.report.curve import miss_ratio, percent_of
from zswapsim.report.picture import check_picture, safe_label, save_picture
from zswapsim.study.curve.curves import Curves
from zswapsim.study.curve.stack_curve import Curve
from zswapsim.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKS = ("o", "s", "^", "D", "v", "x", "+")
LONGEST = 90
"""A title has at most this many characters."""
MOST_PROCESSES = 12
"""At most this many processes are drawn: those with most accesses."""


def draw_curves(found: Curves, path: str) -> None:
    """Write the picture, whole or not at all. Raises InputError, OutputError."""
    check_picture(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    _windows(axes, found.windows)
    _processes(axes, found.processes)
    _whole(axes, found.whole)
    _frame(axes, found)
    save_picture(figure, path)


def _points(curve: Curve) -> tuple[list[float], list[float]]:
    points = range(len(curve.frames))
    return [percent_of(curve, point) for point in points], [miss_ratio(curve, point) for point in points]


def _whole(axes: "Axes", curve: Curve) -> None:
    """Draw the whole trace: its miss ratio, the bound of its error, and its swap-outs of dirty pages."""
    sizes, ratios = _points(curve)
    if curve.error:
        low = [max(ratio - error, 0.0) for ratio, error in zip(ratios, curve.errors, strict=True)]
        high = [min(ratio + error, 1.0) for ratio, error in zip(ratios, curve.errors, strict=True)]
        axes.fill_between(sizes, low, high, color="#dddddd", label="bound of the error, 95 %")
    axes.plot(sizes, ratios, color="black", linewidth=2, marker="o", markersize=3, label="miss ratio", zorder=4)
    outs = [count / max(curve.accesses, 1) for count in curve.dirty_swap_outs]
    axes.plot(sizes, outs, color="#555555", linewidth=1.2, linestyle="--", label="swap-outs of dirty pages per access")


def _windows(axes: "Axes", windows: Sequence[Curve]) -> None:
    """Draw the windows, from early (light) to late (dark)."""
    for number, window in enumerate(windows):
        grey = 0.82 - 0.5 * number / max(len(windows) - 1, 1)
        label = {0: "first window", len(windows) - 1: "last window"}.get(number)
        axes.plot(*_points(window), color=str(grey), linewidth=0.8, label=label, zorder=1)


def _processes(axes: "Axes", processes: dict[int, Curve]) -> None:
    most = sorted(processes.items(), key=lambda item: -item[1].accesses)[:MOST_PROCESSES]
    for number, (name, curve) in enumerate(most):
        line, mark = LINES[number % len(LINES)], MARKS[number % len(MARKS)]
        axes.plot(*_points(curve), color="#1f4e79", linewidth=0.9, linestyle=line, marker=mark, markersize=3.5,
                  markerfacecolor="white", label=f"process {name}, of its own pages")  # fmt: skip


def _frame(axes: "Axes", found: Curves) -> None:
    axes.set_xlim(0, 100)
    axes.set_ylim(0, min(axes.get_ylim()[1], 1.0))  # as high as the curves reach
    axes.set_xlabel("DRAM, % of the footprint")
    axes.set_ylabel("share of accesses")
    trace = printable(found.whole.trace)
    name = safe_label(trace if len(trace) <= LONGEST else f"{trace[: LONGEST - 1]}…")
    axes.set_title(f"{name}\nreclaim {found.reclaim}, {found.whole.method}", fontsize=10, loc="left")
    axes.grid(visible=True, linewidth=0.3, color="#cccccc")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
