"""Draw a plan with matplotlib: saved memory against slowdown, a line for each compressor."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zswapsim.report.picture import check_picture, safe_label, save_picture
from zswapsim.study.plan.access_rate import PROMOTION_LINE
from zswapsim.study.plan.make_plan import Plan
from zswapsim.study.plan.objectives import Limit, parse_objectives
from zswapsim.study.plan.plan_point import PlanPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = (
    ("#1f4e79", "-", "o"),
    ("#b35900", "--", "s"),
    ("#3f7d3f", "-.", "^"),
    ("#7b3f9d", ":", "D"),
    ("#555555", (0, (5, 1, 1, 1, 1, 1)), "v"),
)
"""Colour, line and mark of each compressor in turn; lines and marks differ too, for colour-blind readers."""
DECADES = 4
"""Decades below the highest slowdown that the axis shows on a logarithmic scale; below them it is linear."""


def draw_plan(plan: Plan, path: str) -> None:
    """Write the picture, whole or not at all. Raises InputError, OutputError."""
    check_picture(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.4), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    _axes(axes, plan)
    for name, style in zip(_names(plan), _styles(len(_names(plan))), strict=True):
        _curve(axes, [point for point in plan.points if point.compressor == name], name, style)
    _front(axes, plan.front)
    _limits(axes, parse_objectives(plan.objectives).limits)
    _marks(axes, plan)
    figure.legend(fontsize=8, frameon=False, loc="outside lower center", ncols=3)
    save_picture(figure, path)


def _names(plan: Plan) -> list[str]:
    return list(dict.fromkeys(point.compressor for point in plan.points))


def _styles(count: int) -> list[tuple[str, object, str]]:
    return [STYLES[number % len(STYLES)] for number in range(count)]


def _curve(axes: "Axes", points: Sequence[PlanPoint], name: str, style: tuple[str, object, str]) -> None:
    """Draw one compressor; a mark is filled if its promotions stay below Google's limit."""
    colour, line, mark = style
    saved, slowdown = [point.saved for point in points], [point.slowdown for point in points]
    axes.plot(saved, slowdown, color=colour, linestyle=line, linewidth=1.4, label=safe_label(name),
              marker=mark, markersize=4.5, markerfacecolor="white")  # fmt: skip
    calm = [point for point in points if point.promotion < PROMOTION_LINE]
    axes.plot([point.saved for point in calm], [point.slowdown for point in calm], color=colour, linestyle="none",
              marker=mark, markersize=4.5)  # fmt: skip


def _front(axes: "Axes", front: Sequence[PlanPoint]) -> None:
    """Draw the Pareto front as steps: between two of its points, only the one that saves less can be had."""
    saved, slowdown = [point.saved for point in front], [point.slowdown for point in front]
    axes.plot(saved, slowdown, color="#bbbbbb", linewidth=6, alpha=0.6, drawstyle="steps-pre", zorder=0,
              solid_capstyle="butt", label="Pareto front")  # fmt: skip


def _limits(axes: "Axes", limits: Sequence[Limit]) -> None:
    """Draw the objectives that are a line in this picture."""
    for limit in limits:
        if limit.name == "slowdown":
            axes.set_ylim(top=max(axes.get_ylim()[1], 1.6 * limit.bound))
            axes.axhline(limit.bound, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
            axes.annotate(limit.text, (1, limit.bound), xycoords=("axes fraction", "data"), xytext=(-3, 3),
                          textcoords="offset points", ha="right", fontsize=8)  # fmt: skip
        elif limit.name == "save":
            axes.axvline(limit.bound, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
            axes.annotate(limit.text, (limit.bound, 1), xycoords=("data", "axes fraction"), xytext=(3, -10),
                          textcoords="offset points", fontsize=8)  # fmt: skip


def _marks(axes: "Axes", plan: Plan) -> None:
    """Mark the knees and the recommended point, and explain filled marks in the legend."""
    axes.plot([], [], color="#777777", linestyle="none", marker="o", markersize=4.5,
              label=f"filled: promotions below {PROMOTION_LINE} % a minute")  # fmt: skip
    knees = list(plan.knees.values())
    if knees:
        axes.plot([point.saved for point in knees], [point.slowdown for point in knees], color="black",
                  linestyle="none", marker="o", markersize=12, markerfacecolor="none", markeredgewidth=0.9,
                  label="point of diminishing return")  # fmt: skip
    found = plan.recommended.found
    kind, source = "recommended" if plan.kept else "nearest", "as run" if plan.confirmed else "as estimated"
    label = f"{kind}, {source}: {found.compressor}, {100 * found.dram_frames / plan.pages:.0f} % DRAM"
    axes.plot([found.saved], [found.slowdown], color="black", linestyle="none", marker="*", markersize=14, zorder=5,
              clip_on=False, label=label)  # fmt: skip


def _axes(axes: "Axes", plan: Plan) -> None:
    """Set up the axes; that of slowdown shows both the highest value and zero."""
    most = max((point.slowdown for point in plan.points), default=0.0)
    axes.set_yscale("symlog", linthresh=10.0 ** (math.ceil(math.log10(most)) - DECADES) if most > 0 else 1.0)
    axes.set_ylim(0, 1.6 * most or 1.0)
    axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,.10g}")
    axes.set_xlabel("memory saved, % of the footprint (DRAM and node against DRAM alone)")
    axes.set_ylabel("slowdown, % (estimated)")
    axes.set_title(safe_label(f"{plan.trace} over {plan.contents}"), fontsize=10, loc="left")
    axes.grid(visible=True, linewidth=0.3, color="#cccccc")
    axes.spines[["top", "right"]].set_visible(False)
