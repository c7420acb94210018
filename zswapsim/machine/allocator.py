"""The walk: which node of the preferred one's list gives the frames (get_page_from_freelist, __alloc_pages_slowpath).

There is no time here, so kswapd does nothing that a request could wait for; a request that may reclaim does so itself.
"""

from typing import TYPE_CHECKING

from zswapsim.machine.gfp import GFP
from zswapsim.machine.reclaim import shrink_nodes
from zswapsim.machine.walk import Allocation, OutOfMemory, Request, Step, Walk

if TYPE_CHECKING:
    from zswapsim.machine.machine import Machine
    from zswapsim.machine.nodes import Node

PAGE_ALLOC_COSTLY_ORDER = 3
"""From include/linux/mmzone.h."""


def allocate(machine: "Machine", request: Request) -> Allocation:
    """The frames asked for. Raises OutOfMemory.

    The first pass keeps above the low watermarks. The slow path goes down to min, or half of it with ``__GFP_HIGH``,
    and reclaims as long as that frees anything, where the request may wait.
    """
    kind = machine.rule.zonelist(request.gfp)
    zonelist = machine.zonelists[kind, request.preferred]
    steps: list[Step] = []
    halves = 1 if GFP.HIGH in request.gfp else 2
    frame = _pass(machine, request, zonelist, steps, low=True)
    while frame is None:
        frame = _pass(machine, request, zonelist, steps, low=False, halves=halves)
        if frame is not None or not _reclaimed(machine, request):
            break
    walk = Walk.of(request, kind, steps)
    if frame is None:
        raise OutOfMemory(walk)
    node = steps[-1].node
    return Allocation(node, node.base_pfn + frame, request.owner, walk, request.order)


def dry_walk(machine: "Machine", request: Request) -> Walk:
    """The walk as the filters leave it, however full the nodes are: no frame is looked for."""
    kind = machine.rule.zonelist(request.gfp)
    zonelist = machine.zonelists[kind, request.preferred]
    filtered = ((node, _filtered(machine, request, node)) for node in zonelist)
    return Walk.of(request, kind, (Step(node, not why, why or "allowed") for node, why in filtered))


def _pass(
    machine: "Machine",
    request: Request,
    zonelist: "tuple[Node, ...]",
    steps: list[Step],
    *,
    low: bool,
    halves: int = 2,
) -> int | None:
    """One way along the list; the last step is the node that gave the frames, if one did."""
    for node in zonelist:
        if reason := _filtered(machine, request, node):
            if low:  # told once
                steps.append(Step(node, False, reason))
            continue
        name, mark = ("low", node.low_watermark) if low else ("min", node.min_watermark * halves // 2)
        if node.free_frames - (1 << request.order) < mark:
            steps.append(Step(node, True, f"{node.free_frames} frames free, would fall below the {name} mark {mark}"))
            continue
        frame = node.owned_by(request.owner).take(request.order)
        if frame is None:
            steps.append(Step(node, True, _nothing(node, request.order)))
            continue
        steps.append(Step(node, True, "taken"))
        return frame
    return None


def _filtered(machine: "Machine", request: Request, node: "Node") -> str:
    """Why a zone is passed over. The mask and the cpuset filter; neither ever adds a node."""
    if request.nodemask is not None and node not in request.nodemask:
        return "passed over: not in the nodemask"
    if request.mems is not None and GFP.HARDWALL in request.gfp and not machine.cpuset_allows(request.mems, node):
        return "passed over: not in cpuset.mems"
    reason = machine.rule.passes_over(node, request.gfp)
    return f"passed over: {reason}" if reason else ""


def _nothing(node: "Node", order: int) -> str:
    if not node.free_frames:
        return "no frame is free"
    return f"{node.free_frames} frames free, but no block of order {order}"


def _reclaimed(machine: "Machine", request: Request) -> bool:
    """Direct reclaim along the list; whether it freed anything.

    For a block of a costly order the kernel compacts rather; single frames from here and there would not make one.
    """
    may = GFP.DIRECT_RECLAIM in request.gfp and GFP.NORETRY not in request.gfp
    if not may or request.order > PAGE_ALLOC_COSTLY_ORDER:
        return False
    return shrink_nodes(machine, dry_walk(machine, request).visited) > 0
