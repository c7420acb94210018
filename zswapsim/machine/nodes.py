"""A node has frames with owners, and watermarks; a private node can opt into services of the kernel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto
from math import isqrt

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.frames.arena import FrameArena, Grant
from zswapsim.machine.nodemask import Nodemask

LOCAL_DISTANCE = 10
"""A node is this far from itself (include/linux/topology.h)."""
REMOTE_DISTANCE = 20
"""Two nodes are this far from each other if no distance is given."""


class NodeState(StrEnum):
    """A node can be in several of these states; they print as in the kernel."""

    POSSIBLE = "N_POSSIBLE"
    ONLINE = "N_ONLINE"
    MEMORY = "N_MEMORY"
    MEMORY_PRIVATE = "N_MEMORY_PRIVATE"
    CPU = "N_CPU"


class Cap(Flag):
    """A private node can opt into these services; it has none by default."""

    USER_NUMA = auto()
    """Users may name the node in mbind, set_mempolicy, move_pages and migrate_pages.

    v4 has two capabilities for these, mempolicy and migration; v5 has one.
    """
    RECLAIM = auto()
    DEMOTION = auto()
    NUMA_BALANCING = auto()
    COMPACTION = auto()
    LTPIN = auto()


@dataclass(frozen=True)
class NodeSpec:
    """Describe a node to build. `distance` maps names of other nodes to distances; either of two nodes may state it."""

    name: str
    memory: int = 16 << 20
    """The node has this many bytes, a whole number of frames."""
    private: bool = False
    cpus: bool = True
    distance: Mapping[str, int] = field(default_factory=dict)
    min_frames: int | None = None
    """The min watermark is this many frames; None means the kernel's value for the size of the machine."""
    backed: bool = False
    """The frames are real memory, as in a run at bytes depth."""


class Node:
    """Model one node of a machine, with a number, frames, owners of these frames, and watermarks."""

    def __init__(self, spec: NodeSpec, number: int, base_pfn: int) -> None:
        self.spec = spec
        self.name = spec.name
        self.id = number
        self.private = spec.private
        self.cpus = spec.cpus
        self.base_pfn = base_pfn
        self.arena = FrameArena(spec.memory, backed=spec.backed)
        self.caps = Cap(0)
        self.granted: set[str] = set()
        """This private node was granted to these owners."""
        self.min_watermark = self.low_watermark = 0
        self._grants: dict[str, Grant] = {}

    def __repr__(self) -> str:
        return self.name

    @property
    def frames(self) -> int:
        """Return how many frames the node has."""
        return self.arena.frames

    @property
    def free_frames(self) -> int:
        """Return how many frames nobody owns."""
        return self.arena.free_frames

    def owned_by(self, owner: str) -> Grant:
        """Return the grant that takes frames for `owner`. Raises InputError for a 256th owner."""
        if owner not in self._grants:
            self._grants[owner] = self.arena.grant(owner)
        return self._grants[owner]

    def owners(self) -> dict[str, int]:
        """Count the frames of each owner one by one; free frames are left out."""
        return {owner: held for owner, held in self.arena.owners().items() if held and owner != "free"}

    def set_watermarks(self, ordinary_frames: int) -> None:
        """Set the kernel's watermarks for a machine with so many ordinary frames (__setup_per_zone_wmarks).

        ``min_free_kbytes`` is 4 * sqrt(kilobytes), at least 128 and at most 262144; nodes share it by size. The low
        watermark is a quarter above min, or a thousandth of the node if that is more (``watermark_scale_factor`` 10).
        """
        if self.spec.min_frames is None:
            min_free_kbytes = min(max(isqrt(16 * ordinary_frames * PAGE_SIZE // 1024), 128), 262144)
            self.min_watermark = min_free_kbytes * 1024 // PAGE_SIZE * self.frames // max(1, ordinary_frames)
        else:
            self.min_watermark = self.spec.min_frames
        self.low_watermark = self.min_watermark + max(self.min_watermark // 4, self.frames // 1000)


def node_numbers(nodes: Iterable[Node]) -> Nodemask:
    """Return the numbers of nodes, by which users name them."""
    return frozenset(node.id for node in nodes)


def spec_distance(first: NodeSpec, second: NodeSpec) -> int:
    """Return the distance of two nodes. Raises InputError for a value that no distance table may hold."""
    if first.name == second.name:
        return LOCAL_DISTANCE
    found = first.distance.get(second.name, second.distance.get(first.name, REMOTE_DISTANCE))
    if not LOCAL_DISTANCE < found < 255:
        raise InputError(f"distance {found} of {first.name} and {second.name}: expected {LOCAL_DISTANCE + 1} to 254")
    return found
