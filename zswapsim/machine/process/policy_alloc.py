"""A memory policy chooses the preferred node of an allocation and the mask on its list (alloc_pages_mpol)."""

from zswapsim.machine.allocator.walk import Allocation, OutOfMemory
from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE
from zswapsim.machine.mempolicy import INTERLEAVING, Mode, Policy, interleave_node
from zswapsim.machine.nodemask import Nodemask
from zswapsim.machine.process.interleave import place_next
from zswapsim.machine.process.task import Task


def alloc_by_policy(task: Task, policy: Policy | None, index: int | None, owner: str) -> Allocation:
    """Allocate a frame by a policy, for the page at `index` of a mapping or, with None, for the task's next page.

    Raises OutOfMemory.
    """
    if policy is None or policy.mode is Mode.LOCAL:
        return _alloc(task, task.node.id, None, owner, GFP_HIGHUSER_MOVABLE)
    if policy.mode is Mode.PREFERRED:
        return _alloc(task, min(policy.nodes), None, owner, _gfp(task, policy, masked=False))
    if policy.mode in INTERLEAVING:
        preferred = place_next(task, policy) if index is None else interleave_node(policy, index, task.memory.weights)
        return _alloc(task, preferred, None, owner, _gfp(task, policy, masked=False))
    preferred = _preferred_node(task, policy)
    masked = _gfp(task, policy, masked=True)
    if policy.mode is Mode.PREFERRED_MANY:
        try:
            return _alloc(task, preferred, policy.nodes, owner, (masked | GFP.NOWARN) & ~GFP.DIRECT_RECLAIM)
        except OutOfMemory:
            return _alloc(task, preferred, None, owner, _gfp(task, policy, masked=False))
    return _alloc(task, preferred, policy.nodes, owner, masked)


def _preferred_node(task: Task, policy: Policy) -> int:
    """Return the node whose list is walked: the policy's home, else the task's node.

    A mask filters that list and adds no node, so a policy of private nodes alone must prefer one of them.
    """
    topology = task.memory.topology
    if policy.home is not None:
        return policy.home
    if all(topology.isolates(topology.node(number)) for number in policy.nodes):
        return min(policy.nodes, key=lambda number: (topology.distance(task.node, topology.node(number)), number))
    return task.node.id


def _gfp(task: Task, policy: Policy, *, masked: bool) -> GFP:
    """Return the flags of a request by a policy; a policy that holds a private node opens it.

    ``__GFP_THISNODE`` is among these flags only if the request may use no second node.
    """
    topology = task.memory.topology
    if not any(topology.isolates(topology.node(number)) for number in policy.nodes):
        return GFP_HIGHUSER_MOVABLE
    one_node = masked and len(policy.nodes) == 1
    return GFP_HIGHUSER_MOVABLE | (topology.rule.opens if one_node else topology.rule.opens & ~GFP.THISNODE)


def _alloc(task: Task, preferred: int, mask: Nodemask | None, owner: str, gfp: GFP) -> Allocation:
    """Allocate a frame within the task's cpuset. Raises OutOfMemory."""
    topology = task.memory.topology
    return task.memory.allocator.alloc_pages(
        topology.node(preferred),
        None if mask is None else [topology.node(number) for number in mask],
        gfp,
        owner=owner,
        mems=[topology.node(number) for number in task.mems],
    )
