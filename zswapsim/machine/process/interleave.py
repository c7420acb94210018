"""A task counts the pages that its interleaving policy has placed without an index, as those of the page cache."""

from zswapsim.machine.mempolicy import Mode, Policy, weight_of
from zswapsim.machine.process.task import Task


def next_node(task: Task, policy: Policy) -> int:
    """Return the node of the next page that the task's policy places (do_get_mempolicy with MPOL_F_NODE)."""
    if policy.mode is Mode.WEIGHTED_INTERLEAVE and task.il_weight:
        return task.il_prev
    return min((node for node in policy.nodes if node > task.il_prev), default=min(policy.nodes))


def place_next(task: Task, policy: Policy) -> int:
    """Return the node of the next page, and count that page (interleave_nodes, weighted_interleave_nodes)."""
    if task.il_prev not in policy.nodes:
        task.il_weight = 0
    node = next_node(task, policy)
    if not task.il_weight:
        task.il_weight = weight_of(policy, node, task.memory.weights)
    task.il_weight -= 1
    task.il_prev = node
    return node
