"""Parse and check the objectives of a plan: ``slowdown<5%``, ``p99<20us``, ``promotion<0.2%/min``, ``cost``, ..."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from zswapsim._core.base.arguments import text
from zswapsim._core.base.errors import InputError
from zswapsim.study.plan.plan_point import PlanPoint

COST = "cost"
SPARE = 0.03
"""Share of a limit by which runs of the same point differ: a point may just keep it in one run and miss it in the next.
"""
EXPECTED = "slowdown<5%, p99<20us, promotion<0.2%/min, save>30% or cost"
DEFAULT = ("slowdown<5%",)
PATTERN = re.compile(r"(\w+)\s*([<>])\s*([0-9]++(?:\.[0-9]*+)?|\.[0-9]++)\s*+(%/min|%|ns|us|µs|ms|s)")
MOST_BOUND = 1e18
TIMES = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
PER_CENT = {"%": 1.0}


class Kind(NamedTuple):
    """Describe a figure that may be limited: its field of a PlanPoint, the side of the limit, and its units."""

    field: str
    sign: str
    units: dict[str, float]


KINDS = {
    "slowdown": Kind("slowdown", "<", PER_CENT),
    "p99": Kind("fault_p99_ns", "<", TIMES),
    "promotion": Kind("promotion", "<", {"%/min": 1.0}),
    "save": Kind("saved", ">", PER_CENT),
}


class Limit(NamedTuple):
    """Hold one objective with a bound in the unit of the point's field: per cent, per cent a minute, or nanoseconds."""

    name: str
    bound: float
    text: str
    """The objective as it was written."""

    def value(self, point: PlanPoint) -> float:
        """Return the figure that is limited."""
        return float(getattr(point, KINDS[self.name].field))

    def holds(self, point: PlanPoint) -> bool:
        """Tell if `point` keeps the limit."""
        return self.value(point) > self.bound if self.wants_less_memory else self.value(point) < self.bound

    def reached(self, point: PlanPoint) -> float:
        """Return the figure of `point` divided by the limit, below 1 if it is kept.

        For a limit on savings, the memory that remains is divided by the memory that may remain.
        """
        if self.wants_less_memory:
            return (100 - self.value(point)) / (100 - self.bound)
        value = self.value(point)
        return value / self.bound if self.bound else math.inf if value else 1.0

    def doubled(self) -> "Limit":
        """Return the limit with twice the bound."""
        return self._replace(bound=2 * self.bound)

    @property
    def measured(self) -> bool:
        """Tell if the figure contains codec times, which are longer on a busy machine."""
        return self.name in {"slowdown", "p99"}

    @property
    def wants_less_memory(self) -> bool:
        """Tell if less DRAM helps to keep the limit; more DRAM helps to keep all others."""
        return KINDS[self.name].sign == ">"


class Objectives(NamedTuple):
    """Hold all objectives of a plan."""

    limits: tuple[Limit, ...]
    cheapest: bool
    """True to choose the cheapest of the points that keep the limits."""

    @property
    def least_waiting(self) -> bool:
        """Tell if the fastest of the points that keep the limits is wanted, since only savings have limits."""
        return not self.cheapest and bool(self.limits) and all(limit.wants_less_memory for limit in self.limits)

    def kept(self, point: PlanPoint) -> bool:
        """Tell if `point` keeps every limit."""
        return all(limit.holds(point) for limit in self.limits)

    def reached(self, point: PlanPoint) -> float:
        """Return the largest :meth:`Limit.reached` of all limits; 0 without limits."""
        return max((limit.reached(point) for limit in self.limits), default=0.0)

    def looser(self) -> "Objectives":
        """Return the objectives with twice the waiting allowed."""
        return self._replace(limits=tuple(each if each.wants_less_memory else each.doubled() for each in self.limits))

    def safer(self) -> "Objectives":
        """Return the objectives with limits on codec times that are tighter by :data:`SPARE`."""
        return self._replace(
            limits=tuple(
                each._replace(bound=each.bound * (1 - SPARE)) if each.measured else each for each in self.limits
            )
        )

    def rank(self, point: PlanPoint) -> tuple[float, float]:
        """Return a rank for points that keep the limits: the lower, the better."""
        if self.cheapest:
            return point.money or 0.0, point.slowdown
        return (point.slowdown, -point.saved) if self.least_waiting else (-point.saved, point.slowdown)


def parse_objectives(texts: Sequence[str]) -> Objectives:
    """Return the objectives that `texts` name. Raises InputError if there are none, or one is not understood."""
    if not texts:
        raise InputError(f"--objective: expected at least one of {EXPECTED}")
    limits = tuple(_parse_limit(each) for each in texts if text(each, "--objective").strip() != COST)
    return Objectives(limits, cheapest=len(limits) < len(texts))


def _parse_limit(text: str) -> Limit:
    match = PATTERN.fullmatch(text.strip())
    kind = KINDS.get(match[1]) if match else None
    if match is None or kind is None or match[2] != kind.sign or match[4] not in kind.units:
        raise InputError(f"--objective {text}: expected {EXPECTED}")
    bound = float(match[3]) * kind.units[match[4]]
    if bound > MOST_BOUND:
        raise InputError(f"--objective {text}: expected a smaller number")
    if match[1] == "save" and bound >= 100:
        raise InputError(f"--objective {text}: expected less than 100%")
    return Limit(match[1], bound, text.strip())
