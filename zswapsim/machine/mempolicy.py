"""Memory policies: made, rebound to other cpusets, and applied to a fault (mm/mempolicy.c of Linux 6.18).

Nodes are numbers here, as users give them.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

from zswapsim.machine.errors import SyscallError


class Mode(IntEnum):
    """Modes, with their numbers in the user interface."""

    DEFAULT = 0
    PREFERRED = 1
    BIND = 2
    INTERLEAVE = 3
    LOCAL = 4
    PREFERRED_MANY = 5
    WEIGHTED_INTERLEAVE = 6


class ModeFlag(IntFlag):
    """What a caller adds to the mode."""

    NUMA_BALANCING = 1 << 13
    RELATIVE_NODES = 1 << 14
    STATIC_NODES = 1 << 15


NAMES = {
    Mode.PREFERRED: "prefer",
    Mode.PREFERRED_MANY: "prefer (many)",
    Mode.WEIGHTED_INTERLEAVE: "weighted interleave",
}
OWN_MASK = ModeFlag.STATIC_NODES | ModeFlag.RELATIVE_NODES
Nodemask = frozenset[int]


@dataclass(frozen=True)
class Policy:
    """A policy in force: `nodes` are those it uses now, `asked` those the caller named, `mems` the cpuset then."""

    mode: Mode
    flags: ModeFlag
    nodes: Nodemask
    asked: Nodemask
    mems: Nodemask
    home: int | None = None

    def __str__(self) -> str:
        """As numa_maps prints it."""
        text = NAMES.get(self.mode, self.mode.name.lower())
        names = {ModeFlag.STATIC_NODES: "static", ModeFlag.RELATIVE_NODES: "relative"}
        flags = "|".join(name for flag, name in names.items() if flag in self.flags)
        text += f"={flags}" if flags else ""
        return f"{text}:{spell_nodes(self.nodes)}" if self.nodes else text


def refuse(why: str, number: int = errno.EINVAL) -> SyscallError:
    """The error to raise."""
    return SyscallError(number, why)


def check_mode(mode: int, flags: int, nodes: Nodemask) -> tuple[Mode, ModeFlag]:
    """What sanitize_mpol_flags and mpol_new want of mode, flags and mask. Raises SyscallError (EINVAL)."""
    if mode not in set(Mode):
        raise refuse(f"mode {mode}")
    kind = Mode(mode)
    if flags & ~int(OWN_MASK | ModeFlag.NUMA_BALANCING):
        raise refuse(f"mode flags {flags:#x}")
    given = ModeFlag(flags)
    if OWN_MASK in given:
        raise refuse("static and relative nodes exclude each other")
    if ModeFlag.NUMA_BALANCING in given and kind not in (Mode.BIND, Mode.PREFERRED_MANY):
        raise refuse("NUMA balancing goes with bind and preferred-many")
    if kind is Mode.DEFAULT and (nodes or given):
        raise refuse("the default policy has no nodes")
    if kind in (Mode.LOCAL, Mode.PREFERRED) and not nodes and given & OWN_MASK:
        raise refuse("node flags without nodes")
    if kind is Mode.LOCAL and nodes:
        raise refuse("the local policy has no nodes")
    if kind not in (Mode.DEFAULT, Mode.LOCAL, Mode.PREFERRED) and not nodes:
        raise refuse("no nodes")
    return (Mode.LOCAL if kind is Mode.PREFERRED and not nodes else kind), given


def make_policy(mode: Mode, flags: ModeFlag, asked: Nodemask, allowed: Nodemask, mems: Nodemask) -> Policy | None:
    """The policy on those of the nodes `asked` that are `allowed`; None for the default one.

    Raises SyscallError (EINVAL) where none is left (mpol_set_nodemask).
    """
    if mode is Mode.DEFAULT:
        return None
    if mode is Mode.LOCAL:
        return Policy(mode, flags, frozenset(), frozenset(), mems)
    nodes = relative(asked, allowed) if ModeFlag.RELATIVE_NODES in flags else asked & allowed
    if not nodes:
        raise refuse(f"no memory on the nodes {spell_nodes(asked)}")
    return Policy(mode, flags, nodes, asked, mems)


def rebind(policy: Policy, allowed: Nodemask) -> Policy:
    """The policy after its task's cpuset came to allow other nodes (mpol_rebind_policy)."""
    if policy.mode is Mode.LOCAL or (not policy.flags & OWN_MASK and policy.mems == allowed):
        return policy
    if ModeFlag.STATIC_NODES in policy.flags:
        nodes = policy.asked & allowed
    elif ModeFlag.RELATIVE_NODES in policy.flags:
        nodes = relative(policy.asked, allowed)
    else:
        nodes = remap(policy.nodes, policy.mems, allowed)
    return replace(policy, nodes=nodes or allowed, mems=allowed)


def remap(nodes: Nodemask, old: Nodemask, new: Nodemask) -> Nodemask:
    """The n-th of `old` becomes the n-th of `new`, counted round; others stay (bitmap_remap)."""
    places, onto = sorted(old), sorted(new)
    return frozenset(onto[places.index(node) % len(onto)] if node in old and onto else node for node in nodes)


def relative(nodes: Nodemask, allowed: Nodemask) -> Nodemask:
    """Node n is the n-th of those allowed, counted round (mpol_relative_nodemask)."""
    onto = sorted(allowed)
    return frozenset(onto[node % len(onto)] for node in nodes) if onto else frozenset()


def interleaved(policy: Policy, place: int, weights: Mapping[int, int]) -> int:
    """The node of the page at `place` in the mapping (interleave_nid, weighted_interleave_nid)."""
    weighted = policy.mode is Mode.WEIGHTED_INTERLEAVE
    turn = [node for node in sorted(policy.nodes) for _ in range(weights.get(node, 1) if weighted else 1)]
    return turn[place % len(turn)]


def spell_nodes(nodes: Nodemask) -> str:
    """Numbers as the kernel lists them: ``0-1,3``."""
    parts: list[str] = []
    run: list[int] = []
    for node in [*sorted(nodes), -1]:
        if run and node != run[-1] + 1:
            parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}")
            run = []
        run.append(node)
    return ",".join(parts)
