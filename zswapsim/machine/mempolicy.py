"""Memory policies are made, rebound to another cpuset and printed as in mm/mempolicy.c of Linux 6.18.

Nodes are numbers here, as users give them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

from zswapsim.machine.errors import einval
from zswapsim.machine.nodemask import NO_NODES, Nodemask, relative, remap, spell_nodes

MAX_NUMNODES = 1 << 10
"""A node's number is below this (CONFIG_NODES_SHIFT is 10)."""


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
FLAG_NAMES = {
    ModeFlag.STATIC_NODES: "static",
    ModeFlag.RELATIVE_NODES: "relative",
    ModeFlag.NUMA_BALANCING: "balancing",
}
USER_MASK_FLAGS = ModeFlag.STATIC_NODES | ModeFlag.RELATIVE_NODES
"""A policy with one of these flags is rebound from the caller's mask; it has no use without one."""
MODE_FLAGS = USER_MASK_FLAGS | ModeFlag.NUMA_BALANCING
"""A policy with one of these flags keeps the caller's mask (mpol_store_user_nodemask, MPOL_MODE_FLAGS)."""
PREFERRING = (Mode.PREFERRED, Mode.PREFERRED_MANY)
"""A rebind leaves the nodes of these policies as they are (mpol_rebind_preferred)."""
INTERLEAVING = (Mode.INTERLEAVE, Mode.WEIGHTED_INTERLEAVE)


@dataclass(frozen=True)
class Policy:
    """Hold a policy in force, which uses `nodes`."""

    mode: Mode
    flags: ModeFlag
    nodes: Nodemask
    kept: Nodemask
    """This is the caller's mask with :data:`MODE_FLAGS`, else the nodes allowed at the last rebind: a union (``w``)."""
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
        return self.kept if self.flags & MODE_FLAGS else self.nodes


def sanitize_mode(mode: int, flags: int) -> tuple[Mode, ModeFlag]:
    """Return the mode and its flags, which `mode` may contain too (sanitize_mpol_flags). Raises SyscallError (EINVAL).

    The kernel takes an unknown flag for a part of the mode; here `flags` may have none.
    """
    if flags & ~int(MODE_FLAGS):
        raise einval(f"mode flags {flags:#x}")
    given, mode = ModeFlag((flags | mode) & int(MODE_FLAGS)), mode & ~int(MODE_FLAGS)
    if mode not in set(Mode):
        raise einval(f"mode {mode}")
    if USER_MASK_FLAGS in given:
        raise einval("a policy cannot have both static and relative nodes")
    if ModeFlag.NUMA_BALANCING in given and mode not in (Mode.BIND, Mode.PREFERRED_MANY):
        raise einval("only the bind and preferred-many policies take the NUMA balancing flag")
    return Mode(mode), given


def check_nodes(nodes: Nodemask) -> None:
    """Check that a caller's mask fits into the kernel's (get_nodes). Raises SyscallError (EINVAL)."""
    if not all(0 <= node < MAX_NUMNODES for node in nodes):
        raise einval(f"nodes {spell_nodes(nodes)}: expected numbers below {MAX_NUMNODES}")


def check_mask(mode: Mode, flags: ModeFlag, nodes: Nodemask) -> Mode:
    """Return the mode of a policy with this mask: without nodes, a preferring one is local (mpol_new).

    Raises SyscallError (EINVAL).
    """
    local = mode is Mode.LOCAL or (mode is Mode.PREFERRED and not nodes)
    if mode in (Mode.DEFAULT, Mode.LOCAL) and nodes:
        raise einval(f"the {mode.name.lower()} policy takes no nodes")
    if local and flags & USER_MASK_FLAGS:
        raise einval("static or relative nodes need a mask")
    if mode is not Mode.DEFAULT and not local and not nodes:
        raise einval("the policy needs nodes")
    return Mode.LOCAL if local else mode


def make_policy(mode: Mode, flags: ModeFlag, asked: Nodemask, allowed: Nodemask, mems: Nodemask) -> Policy | None:
    """Make a policy on those of the `asked` nodes that are `allowed`; return None for the default policy.

    Raises SyscallError (EINVAL) if no node is left (mpol_set_nodemask).
    """
    if mode is Mode.DEFAULT:
        return None
    if mode is Mode.LOCAL:
        return Policy(mode, flags, NO_NODES, NO_NODES)
    nodes = relative(asked, allowed) if ModeFlag.RELATIVE_NODES in flags else asked & allowed
    if not nodes:
        raise einval(f"the nodes {spell_nodes(asked)} have no memory that the policy may use")
    kept = asked if flags & MODE_FLAGS else mems
    return Policy(mode, flags, frozenset({min(nodes)}) if mode is Mode.PREFERRED else nodes, kept)


def rebind(policy: Policy, allowed: Nodemask) -> Policy:
    """Return the policy after its task's cpuset came to allow other nodes (mpol_rebind_policy).

    Only the static and relative nodes of a policy other than a preferring one survive in :attr:`Policy.kept`: Linux
    6.18 writes the allowed nodes over the caller's in every other case.
    """
    if policy.mode is Mode.LOCAL or (not policy.flags & MODE_FLAGS and policy.kept == allowed):
        return policy
    if policy.mode in PREFERRING:
        return replace(policy, kept=allowed)
    if ModeFlag.STATIC_NODES in policy.flags:
        return replace(policy, nodes=policy.kept & allowed or allowed)
    if ModeFlag.RELATIVE_NODES in policy.flags:
        return replace(policy, nodes=relative(policy.kept, allowed) or allowed)
    return replace(policy, nodes=remap(policy.nodes, policy.kept, allowed) or allowed, kept=allowed)


def interleave_node(policy: Policy, index: int, weights: Mapping[int, int]) -> int:
    """Return the node of the page at `index` of the mapping (interleave_nid, weighted_interleave_nid)."""
    turns = [node for node in sorted(policy.nodes) for _ in range(weight_of(policy, node, weights))]
    return turns[index % len(turns)]


def weight_of(policy: Policy, node: int, weights: Mapping[int, int]) -> int:
    """Return how many pages in a row a node gets; a node without a weight, or with weight 0, gets 1."""
    return (weights.get(node) or 1) if policy.mode is Mode.WEIGHTED_INTERLEAVE else 1
