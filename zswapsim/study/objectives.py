"""What a plan is to keep, as people write it: ``slowdown<5%``, ``p99<20us``, ``promotion<0.2%/min``, ``cost``, ..."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim.study.point import Point

COST = "cost"
SPARE = 0.03
"""Share of a limit by which runs of the same differ: a point that just keeps it in one may miss it in the next."""
EXPECTED = "slowdown<5%, p99<20us, promotion<0.2%/min, save>30% or cost"
DEFAULT = ("slowdown<5%",)
PATTERN = re.compile(r"(\w+)\s*([<>])\s*(\d+\.?\d*|\.\d+)\s*(%/min|%|ns|us|µs|ms|s)")
TIMES = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
PER_CENT = {"%": 1.0}


class Kind(NamedTuple):
    """One figure that may be limited: the field of a Point, on which side of the limit it is to be, its units."""

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
    """One objective with a bound: per cent, per cent a minute, or nanoseconds, as the Point's field has it."""

    name: str
    bound: float
    text: str
    """As it was written."""

    def value(self, point: Point) -> float:
        """The figure that is limited."""
        return float(getattr(point, KINDS[self.name].field))

    def holds(self, point: Point) -> bool:
        """Whether `point` keeps it."""
        return self.value(point) > self.bound if self.wants_less_memory else self.value(point) < self.bound

    def reached(self, point: Point) -> float:
        """How many times the limit `point` has; below 1 where it is kept. Of savings, what is taken counts."""
        if self.wants_less_memory:
            return (100 - self.value(point)) / (100 - self.bound)
        value = self.value(point)
        return value / self.bound if self.bound else math.inf if value else 1.0

    def doubled(self) -> "Limit":
        """The same with twice the bound."""
        return self._replace(bound=2 * self.bound)

    @property
    def measured(self) -> bool:
        """Whether codec times are in it, which a busy machine makes longer."""
        return self.name in {"slowdown", "p99"}

    @property
    def wants_less_memory(self) -> bool:
        """Whether less DRAM helps to keep it; all others are helped by more."""
        return KINDS[self.name].sign == ">"


class Objectives(NamedTuple):
    """All that was asked for together."""

    limits: tuple[Limit, ...]
    cheapest: bool
    """Of what keeps the limits, that which costs least."""

    @property
    def least_waiting(self) -> bool:
        """Of what keeps the limits, that which slows least: nothing but a saving was asked for."""
        return not self.cheapest and bool(self.limits) and all(limit.wants_less_memory for limit in self.limits)

    def kept(self, point: Point) -> bool:
        """Whether `point` keeps every limit."""
        return all(limit.holds(point) for limit in self.limits)

    def reached(self, point: Point) -> float:
        """How many times the limit `point` has that it misses most; 0 without limits."""
        return max((limit.reached(point) for limit in self.limits), default=0.0)

    def looser(self) -> "Objectives":
        """The same with twice the waiting allowed."""
        return self._replace(limits=tuple(each if each.wants_less_memory else each.doubled() for each in self.limits))

    def safer(self) -> "Objectives":
        """Limits that codec times are in kept by :data:`SPARE`."""
        return self._replace(
            limits=tuple(
                each._replace(bound=each.bound * (1 - SPARE)) if each.measured else each for each in self.limits
            )
        )

    def rank(self, point: Point) -> tuple[float, float]:
        """Of two points that keep the limits, the lower one is the better."""
        if self.cheapest:
            return point.money or 0.0, point.slowdown
        return (point.slowdown, -point.saved) if self.least_waiting else (-point.saved, point.slowdown)


def parse_objectives(texts: Sequence[str]) -> Objectives:
    """The objectives that `texts` name. Raises InputError where one is none, or there are none."""
    if not texts:
        raise InputError(f"--objective: expected at least one of {EXPECTED}")
    limits = tuple(_limit(text) for text in texts if text.strip() != COST)
    return Objectives(limits, cheapest=len(limits) < len(texts))


def _limit(text: str) -> Limit:
    match = PATTERN.fullmatch(text.strip())
    kind = KINDS.get(match[1]) if match else None
    if match is None or kind is None or match[2] != kind.sign or match[4] not in kind.units:
        raise InputError(f"--objective {text}: expected {EXPECTED}")
    bound = float(match[3]) * kind.units[match[4]]
    if match[1] == "save" and bound >= 100:
        raise InputError(f"--objective {text}: expected less than 100%")
    return Limit(match[1], bound, text.strip())
