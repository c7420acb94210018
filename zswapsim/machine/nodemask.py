"""Nodemasks hold node numbers; they are spelled and remapped as the kernel does it (lib/bitmap.c)."""

Nodemask = frozenset[int]
NO_NODES: Nodemask = frozenset()


def spell_nodes(nodes: Nodemask) -> str:
    """Return the numbers as the kernel lists them: ``0-1,3``."""
    parts: list[str] = []
    run: list[int] = []
    for node in [*sorted(nodes), -1]:
        if run and node != run[-1] + 1:
            parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}")
            run = []
        run.append(node)
    return ",".join(parts)


def remap(nodes: Nodemask, old: Nodemask, new: Nodemask) -> Nodemask:
    """Map the n-th node of `old` to the n-th of `new`, modulo its size; keep the others (bitmap_remap)."""
    places, onto = sorted(old), sorted(new)
    return frozenset(onto[places.index(node) % len(onto)] if node in old and onto else node for node in nodes)


def relative(nodes: Nodemask, allowed: Nodemask) -> Nodemask:
    """Map node n to the n-th node of `allowed`, modulo its size (mpol_relative_nodemask)."""
    onto = sorted(allowed)
    return frozenset(onto[node % len(onto)] for node in nodes) if onto else frozenset()
