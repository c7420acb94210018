"""Resolve memory policies as mm/mempolicy.c of Linux 6.18 does, with masks as integers: bit n stands for node n.

Each function is named after the kernel's. An error is a string, the name of an errno.
"""

from dataclasses import dataclass, replace

DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY, WEIGHTED_INTERLEAVE = range(7)
MPOL_MAX = 7
NUMA_BALANCING, RELATIVE_NODES, STATIC_NODES = 1 << 13, 1 << 14, 1 << 15
MODE_FLAGS = NUMA_BALANCING | RELATIVE_NODES | STATIC_NODES
POLICY_MODES = ("default", "prefer", "bind", "interleave", "local", "prefer (many)", "weighted interleave")


def bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def mask_of(nodes) -> int:
    return sum(1 << node for node in nodes)


# -- lib/bitmap.c -----------------------------------------------------------------------------------------------------


def bitmap_fold(orig: int, size: int) -> int:
    folded = 0
    for bit in bits(orig):
        folded |= 1 << bit % size
    return folded


def bitmap_onto(orig: int, relmap: int) -> int:
    return mask_of(bit for place, bit in enumerate(bits(relmap)) if orig >> place & 1)


def bitmap_remap(src: int, old: int, new: int) -> int:
    remapped = 0
    for bit in bits(src):
        ordinal = bits(old).index(bit) if old >> bit & 1 else -1
        if ordinal < 0 or not new:
            remapped |= 1 << bit
        else:
            remapped |= 1 << bits(new)[ordinal % len(bits(new))]
    return remapped


# -- mm/mempolicy.c ---------------------------------------------------------------------------------------------------


@dataclass
class Mempolicy:
    mode: int
    flags: int
    nodes: int = 0
    w: int = 0
    """The union of cpuset_mems_allowed and user_nodemask."""


def sanitize_mpol_flags(word: int) -> tuple[int, int] | str:
    flags, mode = word & MODE_FLAGS, word & ~MODE_FLAGS
    if not 0 <= mode < MPOL_MAX:
        return "EINVAL"
    if flags & STATIC_NODES and flags & RELATIVE_NODES:
        return "EINVAL"
    if flags & NUMA_BALANCING and mode not in (BIND, PREFERRED_MANY):
        return "EINVAL"
    return mode, flags


def mpol_new(mode: int, flags: int, nodes: int) -> Mempolicy | str | None:
    if mode == DEFAULT:
        return "EINVAL" if nodes else None
    if mode == PREFERRED:
        if not nodes:
            if flags & (STATIC_NODES | RELATIVE_NODES):
                return "EINVAL"
            mode = LOCAL
    elif mode == LOCAL:
        if nodes or flags & (STATIC_NODES | RELATIVE_NODES):
            return "EINVAL"
    elif not nodes:
        return "EINVAL"
    return Mempolicy(mode, flags)


def mpol_set_nodemask(policy: Mempolicy | None, nodes: int, mems_allowed: int) -> Mempolicy | str | None:
    """Every node that the cpuset allows has memory here."""
    if policy is None or policy.mode == LOCAL:
        return policy
    if policy.flags & RELATIVE_NODES:
        left = bitmap_onto(bitmap_fold(nodes, len(bits(mems_allowed))), mems_allowed)
    else:
        left = nodes & mems_allowed
    if not left:
        return "EINVAL"
    if policy.mode == PREFERRED:
        left = 1 << bits(left)[0]
    return replace(policy, nodes=left, w=nodes if policy.flags & MODE_FLAGS else mems_allowed)


def set_mempolicy(word: int, nodes: int, mems_allowed: int) -> Mempolicy | str | None:
    sane = sanitize_mpol_flags(word)
    if isinstance(sane, str):
        return sane
    made = mpol_new(*sane, nodes)
    return made if isinstance(made, str) else mpol_set_nodemask(made, nodes, mems_allowed)


def mpol_rebind_policy(policy: Mempolicy | None, new: int) -> Mempolicy | None:
    if policy is None or policy.mode == LOCAL:
        return policy
    if not policy.flags & MODE_FLAGS and policy.w == new:
        return policy
    if policy.mode in (PREFERRED, PREFERRED_MANY):
        return replace(policy, w=new)
    w = policy.w
    if policy.flags & STATIC_NODES:
        nodes = policy.w & new
    elif policy.flags & RELATIVE_NODES:
        nodes = bitmap_onto(bitmap_fold(policy.w, len(bits(new))), new)
    else:
        nodes, w = bitmap_remap(policy.nodes, policy.w, new), new
    return replace(policy, nodes=nodes or new, w=w)


def do_get_mempolicy(policy: Mempolicy | None) -> tuple[int, int]:
    if policy is None:
        return DEFAULT, 0
    return policy.mode | policy.flags, policy.w if policy.flags & MODE_FLAGS else policy.nodes


def mpol_to_str(policy: Mempolicy | None) -> str:
    if policy is None:
        return "default"
    text = POLICY_MODES[policy.mode]
    if policy.flags:
        text += "="
        text += "static" if policy.flags & STATIC_NODES else "relative" if policy.flags & RELATIVE_NODES else ""
        if policy.flags & NUMA_BALANCING:
            text += "|balancing" if policy.flags & ~NUMA_BALANCING else "balancing"
    return f"{text}:{spelled(policy.nodes)}" if policy.nodes else text


def spelled(mask: int) -> str:
    """Return a mask as %*pbl prints it."""
    text, bit = [], 0
    while mask >> bit:
        if mask >> bit & 1:
            end = bit
            while mask >> (end + 1) & 1:
                end += 1
            text.append(str(bit) if end == bit else f"{bit}-{end}")
            bit = end
        bit += 1
    return ",".join(text)


def node_of_page(
    policy: Mempolicy | None, index: int, local: int, lists: dict[int, list[int]], mems: int, weights
) -> int:
    """Return the node of a page if every node has free memory (policy_nodemask, alloc_pages_preferred_many)."""
    preferred, masks = local, [~0]
    if policy is not None and policy.mode in (BIND, PREFERRED_MANY):
        masks = [policy.nodes] if policy.mode == BIND else [policy.nodes, ~0]
    elif policy is not None and policy.mode == PREFERRED:
        preferred = bits(policy.nodes)[0]
    elif policy is not None and policy.mode in (INTERLEAVE, WEIGHTED_INTERLEAVE):
        preferred = interleave_nid(policy, index, weights if policy.mode == WEIGHTED_INTERLEAVE else {})
    for mask in masks:
        for node in lists[preferred]:
            if mask >> node & 1 and mems >> node & 1:
                return node
    raise AssertionError("no node is allowed")


def interleave_nid(policy: Mempolicy, index: int, weights: dict[int, int]) -> int:
    total = sum(weights.get(node) or 1 for node in bits(policy.nodes))
    target = index % total
    for node in bits(policy.nodes):
        weight = weights.get(node) or 1
        if target < weight:
            return node
        target -= weight
    raise AssertionError("the target is below the total")
