"""Memory policies are made, rebound to another cpuset and printed as in mm/mempolicy.c of Linux 6.18.

Nodes are numbers here, as users give them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

from zswapsim.machine.errors import einval
from zswapsim.machine.nodemask import NO_NODES, Nodemask, relative, remap, spell_nodes


class Mode(IntEnum):
    """A policy has one of these modes; the numbers are those of the user interface."""

    DEFAULT = 0
    PREFERRED = 1
    BIND = 2
    INTERLEAVE = 3
    LOCAL = 4
    PREFERRED_MANY = 5
    WEIGHTED_INTERLEAVE = 6


class ModeFlag(IntFlag):
    """A caller may add these flags to the mode."""

    NUMA_BALANCING = 1 << 13
    RELATIVE_NODES = 1 << 14
    STATIC_NODES = 1 << 15


MODE_NAMES = {
    Mode.PREFERRED: "prefer",
    Mode.PREFERRED_MANY: "prefer (many)",
    Mode.WEIGHTED_INTERLEAVE: "weighted interleave",
}
FLAG_NAMES = {ModeFlag.STATIC_NODES: "static", ModeFlag.RELATIVE_NODES: "relative"}
USER_MASK_FLAGS = ModeFlag.STATIC_NODES | ModeFlag.RELATIVE_NODES
"""A policy with one of these flags keeps the caller's mask (MPOL_USER_NODEMASK_FLAGS)."""


@dataclass(frozen=True)
class Policy:
    """Hold a policy in force: it uses `nodes`; the caller named `asked`; `mems` were allowed at the last rebind."""

    mode: Mode
    flags: ModeFlag
    nodes: Nodemask
    asked: Nodemask
    mems: Nodemask
    home: int | None = None

    def __str__(self) -> str:
        """Print the policy as numa_maps does."""
        text = MODE_NAMES.get(self.mode, self.mode.name.lower())
        flags = "|".join(name for flag, name in FLAG_NAMES.items() if flag in self.flags)
        text += f"={flags}" if flags else ""
        return f"{text}:{spell_nodes(self.nodes)}" if self.nodes else text

    @property
    def reported_nodes(self) -> Nodemask:
        """Return the mask that get_mempolicy reports: the caller's if the policy keeps it, else the one in force."""
        return self.asked if self.flags & USER_MASK_FLAGS else self.nodes


def check_mode(mode: int, flags: int, nodes: Nodemask) -> tuple[Mode, ModeFlag]:
    """Check mode, flags and mask as sanitize_mpol_flags and mpol_new do. Raises SyscallError (EINVAL)."""
    if mode not in set(Mode):
        raise einval(f"mode {mode}")
    if flags & ~int(USER_MASK_FLAGS | ModeFlag.NUMA_BALANCING):
        raise einval(f"mode flags {flags:#x}")
    kind, given = Mode(mode), ModeFlag(flags)
    _check_flags(kind, given)
    _check_mask(kind, given, nodes)
    return (Mode.LOCAL if kind is Mode.PREFERRED and not nodes else kind), given


def _check_flags(mode: Mode, flags: ModeFlag) -> None:
    if USER_MASK_FLAGS in flags:
        raise einval("a policy cannot have both static and relative nodes")
    if ModeFlag.NUMA_BALANCING in flags and mode not in (Mode.BIND, Mode.PREFERRED_MANY):
        raise einval("only the bind and preferred-many policies take the NUMA balancing flag")


def _check_mask(mode: Mode, flags: ModeFlag, nodes: Nodemask) -> None:
    if mode is Mode.DEFAULT and (nodes or flags):
        raise einval("the default policy takes no nodes and no flags")
    if mode in (Mode.LOCAL, Mode.PREFERRED) and not nodes and flags & USER_MASK_FLAGS:
        raise einval("static or relative nodes need a mask")
    if mode is Mode.LOCAL and nodes:
        raise einval("the local policy takes no nodes")
    if mode not in (Mode.DEFAULT, Mode.LOCAL, Mode.PREFERRED) and not nodes:
        raise einval("the policy needs nodes")


def make_policy(mode: Mode, flags: ModeFlag, asked: Nodemask, allowed: Nodemask, mems: Nodemask) -> Policy | None:
    """Make a policy on those of the `asked` nodes that are `allowed`; return None for the default policy.

    Raises SyscallError (EINVAL) if no node is left (mpol_set_nodemask).
    """
    if mode is Mode.DEFAULT:
        return None
    if mode is Mode.LOCAL:
        return Policy(mode, flags, NO_NODES, NO_NODES, mems)
    nodes = relative(asked, allowed) if ModeFlag.RELATIVE_NODES in flags else asked & allowed
    if not nodes:
        raise einval(f"the nodes {spell_nodes(asked)} have no memory that the policy may use")
    return Policy(mode, flags, nodes, asked, mems)


def rebind(policy: Policy, allowed: Nodemask) -> Policy:
    """Return the policy after its task's cpuset came to allow other nodes (mpol_rebind_policy)."""
    if policy.mode is Mode.LOCAL or (not policy.flags & USER_MASK_FLAGS and policy.mems == allowed):
        return policy
    if ModeFlag.STATIC_NODES in policy.flags:
        nodes = policy.asked & allowed
    elif ModeFlag.RELATIVE_NODES in policy.flags:
        nodes = relative(policy.asked, allowed)
    else:
        nodes = remap(policy.nodes, policy.mems, allowed)
    return replace(policy, nodes=nodes or allowed, mems=allowed)


def interleave_node(policy: Policy, index: int, weights: Mapping[int, int]) -> int:
    """Return the node of the page at `index` in the mapping (interleave_nid, weighted_interleave_nid).

    A node without a weight has weight 1.
    """
    weighted = policy.mode is Mode.WEIGHTED_INTERLEAVE
    turns = [node for node in sorted(policy.nodes) for _ in range(weights.get(node, 1) if weighted else 1)]
    return turns[index % len(turns)]
