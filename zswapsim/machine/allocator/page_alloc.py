"""The page allocator walks the preferred node's list until a node gives the frames (mm/page_alloc.c).

The model has no time, so kswapd frees nothing before a request ends; a request that may reclaim does so itself.
"""

from collections.abc import Callable, Iterable

from zswapsim._core.base.errors import InputError
from zswapsim._core.frames.arena import Grant
from zswapsim.machine.allocator.walk import Allocation, OutOfMemory, Request, Step, Walk
from zswapsim.machine.allocator.zonelist_filter import ZonelistFilter
from zswapsim.machine.gfp import GFP, GFP_KERNEL
from zswapsim.machine.nodes import Node
from zswapsim.machine.topology import Topology
from zswapsim.machine.zonelists import Zonelist, build_zonelists

KERNEL = "kernel"
MAX_PAGE_ORDER = 10
"""Blocks have at most this order (include/linux/mmzone.h)."""
PAGE_ALLOC_COSTLY_ORDER = 3
"""Blocks above this order are costly to allocate (include/linux/mmzone.h)."""

ShrinkNodes = Callable[[Iterable[Node]], int]
"""This is direct reclaim: it frees pages of the nodes and returns how many."""


class PageAllocator:
    """Allocate frames on the nodes of `topology`; call `shrink_nodes` for direct reclaim."""

    def __init__(self, topology: Topology, zonelist_filter: ZonelistFilter, shrink_nodes: ShrinkNodes) -> None:
        self.topology = topology
        self.zonelists = build_zonelists(list(topology.nodes.values()), topology.rule.is_listed, topology.distance)
        self._filter = zonelist_filter
        self._shrink_nodes = shrink_nodes

    def alloc_pages(
        self,
        preferred: Node,
        nodemask: Iterable[Node] | None = None,
        gfp: GFP = GFP_KERNEL,
        order: int = 0,
        *,
        owner: str = KERNEL,
        mems: Iterable[Node] | None = None,
    ) -> Allocation:
        """Allocate ``2**order`` consecutive frames. Raises OutOfMemory; see :meth:`Machine.alloc_pages`."""
        return self._allocate(self._check(preferred, nodemask, gfp, order, owner, mems))

    def dry_walk(
        self, preferred: Node, nodemask: Iterable[Node] | None = None, gfp: GFP = GFP_KERNEL, owner: str = KERNEL
    ) -> Walk:
        """Return the walk that the filter leaves, however full the nodes are; take no frame."""
        return self._filtered_walk(self._check(preferred, nodemask, gfp, 0, owner, None))

    def grant(self, node: Node, owner: str) -> Grant:
        """Grant a node to an owner, who then takes its frames without asking the rule again.

        The rule decides: a request with the flags that the rule wants of a grantee must lead to the node and to no
        other. Raises OutOfMemory if it does not.
        """
        walk = self.dry_walk(node, gfp=GFP_KERNEL | self.topology.rule.opens, owner=owner)
        if walk.visited != [node]:
            raise OutOfMemory(walk)
        node.granted.add(owner)
        return node.owned_by(owner)

    def _check(
        self,
        preferred: Node,
        nodemask: Iterable[Node] | None,
        gfp: GFP,
        order: int,
        owner: str,
        mems: Iterable[Node] | None,
    ) -> Request:
        """Check the arguments of a request. Raises InputError for a node of another machine or a wrong order."""
        mask = None if nodemask is None else frozenset(nodemask)
        allowed = None if mems is None else frozenset(mems)
        if not {preferred, *(mask or ()), *(allowed or ())} <= set(self.topology.nodes.values()):
            raise InputError("a request names a node of another machine")
        if not 0 <= order <= MAX_PAGE_ORDER:
            raise InputError(f"order {order}: expected 0 to {MAX_PAGE_ORDER}")
        return Request(preferred, mask, gfp, order, allowed, owner)

    def _zonelist(self, request: Request) -> tuple[Zonelist, tuple[Node, ...]]:
        """Return the kind of list that the request walks, and the nodes on it."""
        kind = self.topology.rule.zonelist(request.gfp)
        return kind, self.zonelists[kind, request.preferred]

    def _filtered_walk(self, request: Request, *, hardwall: bool = False) -> Walk:
        kind, zonelist = self._zonelist(request)
        reasons = ((node, self._filter.skip_reason(request, node, hardwall=hardwall)) for node in zonelist)
        return Walk.of(request, kind, (Step(node, not reason, reason or "allowed") for node, reason in reasons))

    def _allocate(self, request: Request) -> Allocation:
        """Walk the list until a node gives the frames (__alloc_pages).

        The first pass keeps above the low watermarks; those of the slow path go down to min.
        """
        kind, _ = self._zonelist(request)
        steps: list[Step] = []
        frame = self._walk_once(request, steps, low=True)
        if frame is None:
            frame = self._slow_path(request, steps)
        walk = Walk.of(request, kind, steps)
        if frame is None:
            raise OutOfMemory(walk)
        node = steps[-1].node
        return Allocation(node, node.base_pfn + frame, request.owner, walk, request.order)

    def _slow_path(self, request: Request, steps: list[Step]) -> int | None:
        """Walk down to the min watermarks, and reclaim between two walks (__alloc_pages_slowpath).

        A request with ``__GFP_HIGH`` that cannot wait ignores its cpuset, and then its mask too. One with
        ``__GFP_NORETRY`` reclaims once; others do as long as that frees pages.
        """
        atomic = GFP.HIGH in request.gfp and GFP.DIRECT_RECLAIM not in request.gfp
        if atomic:
            request = request._replace(mems=None)
        frame = self._walk_once(request, steps, low=False)
        if atomic and frame is None:
            frame = self._walk_once(request._replace(nodemask=None), steps, low=False)
        while frame is None and self._reclaim(request):
            frame = self._walk_once(request, steps, low=False)
            if GFP.NORETRY in request.gfp:
                break
        return frame

    def _walk_once(self, request: Request, steps: list[Step], *, low: bool) -> int | None:
        """Walk the list once and add its steps; return the first frame, which is on the last step's node, or None."""
        _, zonelist = self._zonelist(request)
        for node in zonelist:
            if reason := self._filter.skip_reason(request, node, hardwall=low):
                if low:  # a later pass skips no other nodes
                    steps.append(Step(node, False, reason))
                continue
            frame, reason = _take(node, request, low=low)
            steps.append(Step(node, True, reason))
            if frame is not None:
                return frame
        return None

    def _reclaim(self, request: Request) -> bool:
        """Reclaim directly along the list, within the cpuset; return True if that freed a page (shrink_zones).

        For a costly order the kernel compacts first; the model has no compaction, and gives up: single frames would not
        make a block.
        """
        if GFP.DIRECT_RECLAIM not in request.gfp or request.order > PAGE_ALLOC_COSTLY_ORDER:
            return False
        return self._shrink_nodes(self._filtered_walk(request, hardwall=True).visited) > 0


def _take(node: Node, request: Request, *, low: bool) -> tuple[int | None, str]:
    """Take the frames from one node unless it would fall below its watermark; return the first, and the reason."""
    name, mark = ("low", node.low_watermark) if low else ("min", _min_mark(node, request))
    if node.free_frames - (1 << request.order) < mark:
        return None, f"{node.free_frames} frames free, would fall below the {name} mark {mark}"
    frame = node.owned_by(request.owner).take(request.order)
    if frame is not None:
        return frame, "taken"
    if not node.free_frames:
        return None, "no frame is free"
    return None, f"{node.free_frames} frames free, but no block of order {request.order}"


def _min_mark(node: Node, request: Request) -> int:
    """Return the min watermark of a request (__zone_watermark_ok).

    ``__GFP_HIGH`` may use half of the reserve, and a quarter of the rest if it cannot wait.
    """
    mark = node.min_watermark
    if GFP.HIGH in request.gfp:
        mark -= mark // 2
        if GFP.DIRECT_RECLAIM not in request.gfp:
            mark -= mark // 4
    return mark
