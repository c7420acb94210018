"""Nodes: what they have, in which states they are, and which services a private one opts into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto
from math import isqrt

from zswapsim._core.base.errors import InputError
from zswapsim._core.frames.arena import FrameArena, Grant
from zswapsim.machine.lruvec import Lruvec

PAGE_SIZE = 4096
LOCAL_DISTANCE = 10
"""Of a node to itself (include/linux/topology.h)."""
REMOTE_DISTANCE = 20
"""Of two nodes of which nothing else is said."""


class NodeState(StrEnum):
    """Members print as the kernel's node states."""

    POSSIBLE = "N_POSSIBLE"
    ONLINE = "N_ONLINE"
    MEMORY = "N_MEMORY"
    MEMORY_PRIVATE = "N_MEMORY_PRIVATE"
    CPU = "N_CPU"


class Cap(Flag):
    """Services that a private node opts into; none by default."""

    USER_NUMA = auto()
    """mbind, set_mempolicy, move_pages, migrate_pages (mempolicy and migration in v4, one capability in v5)."""
    RECLAIM = auto()
    DEMOTION = auto()
    NUMA_BALANCING = auto()
    COMPACTION = auto()
    LTPIN = auto()


@dataclass(frozen=True)
class NodeSpec:
    """A node as a machine is built from it. `distance` is by the other node's name; either end may state it."""

    name: str
    memory: int = 16 << 20
    """Bytes, a whole number of frames."""
    private: bool = False
    cpus: bool = True
    distance: Mapping[str, int] = field(default_factory=dict)
    min_frames: int | None = None
    """The min watermark; None for what the kernel would set for the machine's size."""
    backed: bool = False
    """Whether the frames are real memory: what the simulator's are at bytes depth."""


class Node:
    """One node of a machine: its number, its frames and who owns them, its watermarks, its user pages by age."""

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
        """Owners that this private node was granted to."""
        self.lru = Lruvec()
        self.min_watermark = self.low_watermark = 0
        self._grants: dict[str, Grant] = {}

    def __repr__(self) -> str:
        return self.name

    @property
    def frames(self) -> int:
        """Frames that the node has."""
        return self.arena.frames

    @property
    def free_frames(self) -> int:
        """Frames that nobody owns."""
        return self.arena.free_frames

    def owned_by(self, owner: str) -> Grant:
        """What takes frames as `owner`. Raises InputError for a 256th owner."""
        if owner not in self._grants:
            self._grants[owner] = self.arena.grant(owner)
        return self._grants[owner]

    def owners(self) -> dict[str, int]:
        """Frames by owner, counted one by one, without the free ones."""
        return {owner: held for owner, held in self.arena.owners().items() if held and owner != "free"}

    def set_watermarks(self, ordinary_frames: int) -> None:
        """The kernel's for a machine with so many frames of ordinary memory (__setup_per_zone_wmarks).

        ``min_free_kbytes`` is 4 * sqrt(kilobytes), from 128 to 262144, shared by size; low lies a quarter above min,
        or a thousandth of the node where that is more (``watermark_scale_factor`` 10).
        """
        if self.spec.min_frames is None:
            min_free_kbytes = min(max(isqrt(16 * ordinary_frames * PAGE_SIZE // 1024), 128), 262144)
            self.min_watermark = min_free_kbytes * 1024 // PAGE_SIZE * self.frames // max(1, ordinary_frames)
        else:
            self.min_watermark = self.spec.min_frames
        self.low_watermark = self.min_watermark + max(self.min_watermark // 4, self.frames // 1000)


def parse_distance(first: NodeSpec, second: NodeSpec) -> int:
    """How far two nodes are from each other. Raises InputError for what no distance table may hold."""
    if first.name == second.name:
        return LOCAL_DISTANCE
    found = first.distance.get(second.name, second.distance.get(first.name, REMOTE_DISTANCE))
    if not LOCAL_DISTANCE < found < 255:
        raise InputError(f"distance {found} of {first.name} and {second.name}: expected {LOCAL_DISTANCE + 1} to 254")
    return found
