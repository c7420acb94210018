"""A policy that a task sets is checked against its cpuset, and opens the private nodes that it holds."""

from zswapsim.machine.mempolicy import Mode, ModeFlag, Policy, check_mask, make_policy
from zswapsim.machine.nodemask import NO_NODES, Nodemask
from zswapsim.machine.process.task import Task


def new_policy(task: Task, mode: Mode, flags: ModeFlag, nodes: Nodemask, *, for_task: bool) -> Policy | None:
    """Make a policy of the task itself (`for_task`) or of a VMA (mpol_new). Raises SyscallError (EINVAL)."""
    kind = check_mask(mode, flags, nodes)
    if kind in (Mode.DEFAULT, Mode.LOCAL):
        return make_policy(kind, flags, NO_NODES, NO_NODES, task.mems)
    memory = task.memory
    allowed = memory.interface.policy_nodes(memory.topology, task.mems, nodes, kind, flags, task=for_task)
    return make_policy(kind, flags, nodes, allowed, task.mems)


def grant_private_nodes(task: Task, policy: Policy | None) -> None:
    """Grant the task the private nodes that its new policy holds."""
    topology = task.memory.topology
    for number in policy.nodes if policy is not None else ():
        if topology.isolates(topology.node(number)):
            topology.node(number).granted.add(task.owner)
