"""What an allocation met on its way: the steps, the frames in the end, or why there are none."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.machine.gfp import GFP

if TYPE_CHECKING:
    from zswapsim.machine.nodes import Node


class Request(NamedTuple):
    """What was asked of the allocator."""

    preferred: "Node"
    nodemask: frozenset["Node"] | None
    gfp: GFP
    order: int
    mems: frozenset["Node"] | None
    """The nodes that the task's cpuset allows; None outside of any."""
    owner: str

    def __str__(self) -> str:
        text = f"{self.owner}: prefers {self.preferred}, {self.gfp}"
        text += f", order {self.order}" if self.order else ""
        return text + ("" if self.nodemask is None else f", mask {spell(self.nodemask)}")


class Step(NamedTuple):
    """One node that the walk came to."""

    node: "Node"
    visited: bool
    """Whether frames were looked for there; else it was passed over."""
    reason: str

    def __str__(self) -> str:
        return f"{self.node}: {self.reason}"


class Walk(tuple[Step, ...]):
    """The steps of one allocation, in order, over all its passes."""

    request: Request
    zonelist: str

    @classmethod
    def of(cls, request: Request, zonelist: str, steps: Iterable[Step]) -> "Walk":
        """The walk of a request along a list."""
        made = cls(steps)
        made.request = request
        made.zonelist = zonelist
        return made

    @property
    def visited(self) -> "list[Node]":
        """Nodes at which frames were looked for, each once, in order."""
        return list(dict.fromkeys(step.node for step in self if step.visited))

    @property
    def skipped(self) -> "list[Node]":
        """Nodes that were passed over, each once."""
        return list(dict.fromkeys(step.node for step in self if not step.visited))

    def __str__(self) -> str:
        lines = [f"{self.request}, walks {self.zonelist} of {self.request.preferred}"]
        return "\n".join(
            [*lines, *(f"  {step}" for step in self or ()), *(["  the list is empty"] if not self else [])]
        )


@dataclass(frozen=True, eq=False)
class Allocation:
    """Frames that were handed out: ``2**order`` in a row from `pfn` on, all on `node`."""

    node: "Node"
    pfn: int
    owner: str
    walk: Walk
    order: int = 0

    @property
    def frames(self) -> int:
        """How many."""
        return 1 << self.order

    @property
    def fell_back(self) -> bool:
        """Whether they are not where they were wanted."""
        return self.node is not self.walk.request.preferred


class OutOfMemory(ZswapsimError, MemoryError):
    """A request that can't be met; `walk` tells why."""

    def __init__(self, walk: Walk) -> None:
        super().__init__(f"out of memory: {walk}")
        self.walk = walk


def spell(nodes: Iterable["Node"]) -> str:
    """A nodemask as ``{A,C}``."""
    return "{" + ",".join(node.name for node in sorted(nodes, key=lambda node: node.id)) + "}"
