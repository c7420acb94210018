"""An allocation records its request, the steps of its walk, and the frames it got or the reason it got none."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.machine.gfp import GFP
from zswapsim.machine.nodes import Node


class Request(NamedTuple):
    """Hold the arguments of one call of the allocator."""

    preferred: Node
    nodemask: frozenset[Node] | None
    gfp: GFP
    order: int
    mems: frozenset[Node] | None
    """The task's cpuset allows these nodes; None means that no cpuset applies."""
    owner: str

    def __str__(self) -> str:
        text = f"{self.owner}: prefers {self.preferred}, {self.gfp}"
        text += f", order {self.order}" if self.order else ""
        return text + ("" if self.nodemask is None else f", mask {spell(self.nodemask)}")


class Step(NamedTuple):
    """Record one node that the walk came to."""

    node: Node
    visited: bool
    """The walk looked for frames on the node; False means that a filter skipped it."""
    reason: str

    def __str__(self) -> str:
        return f"{self.node}: {self.reason}"


class Walk(tuple[Step, ...]):
    """Record the steps of one allocation in order, over all its passes."""

    request: Request
    zonelist: str

    @classmethod
    def of(cls, request: Request, zonelist: str, steps: Iterable[Step]) -> "Walk":
        """Make the walk of a request along a list."""
        made = cls(steps)
        made.request = request
        made.zonelist = zonelist
        return made

    @property
    def visited(self) -> list[Node]:
        """Return the nodes on which the walk looked for frames, each once, in order."""
        return list(dict.fromkeys(step.node for step in self if step.visited))

    @property
    def skipped(self) -> list[Node]:
        """Return the nodes that a filter skipped, each once."""
        return list(dict.fromkeys(step.node for step in self if not step.visited))

    def __str__(self) -> str:
        lines = [f"{self.request}, walks {self.zonelist} of {self.request.preferred}"]
        return "\n".join([*lines, *(f"  {step}" for step in self), *(["  the list is empty"] if not self else [])])


@dataclass(frozen=True, eq=False)
class Allocation:
    """Hold the frames that a request got: ``2**order`` consecutive ones from `pfn` on, all on `node`."""

    node: Node
    pfn: int
    owner: str
    walk: Walk
    order: int = 0

    @property
    def frames(self) -> int:
        """Return how many frames these are."""
        return 1 << self.order

    @property
    def fell_back(self) -> bool:
        """Return True if the frames are not on the preferred node."""
        return self.node is not self.walk.request.preferred

    def free(self) -> None:
        """Give the frames back. Raises InputError if their owner no longer has them."""
        self.node.owned_by(self.owner).give(self.pfn - self.node.base_pfn, self.order)


class OutOfMemory(ZswapsimError, MemoryError):
    """No node could meet a request; `walk` says why."""

    def __init__(self, walk: Walk) -> None:
        super().__init__(f"out of memory: {walk}")
        self.walk = walk


def spell(nodes: Iterable[Node]) -> str:
    """Return a nodemask as ``{A,C}``."""
    return "{" + ",".join(node.name for node in sorted(nodes, key=lambda node: node.id)) + "}"
