"""Check that the wings of the core cimport downwards only, and that no modules cimport each other in a circle.

Prints one line for each cimport that points up or sideways, and exits 1 if there is one.
"""

import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

CORE = Path("zswapsim/_core")
LAYERS = (
    ("engine",),
    ("backend", "reclaim", "readahead"),
    ("zsmalloc", "curve"),
    ("codec", "frames", "lru", "trace"),
    ("base",),
)
"""The wings from top to bottom; those of one layer do not cimport each other."""

CIMPORT = re.compile(r"^\s*(?:from|cimport)\s+zswapsim\._core\.([\w.]+)", re.MULTILINE)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(CORE).with_suffix("").parts)


def cimports_of(path: Path) -> set[str]:
    return set(CIMPORT.findall(path.read_text()))


def points_down(user: str, used: str, level: dict[str, int]) -> bool:
    above, below = user.partition(".")[0], used.partition(".")[0]
    return above == below or level[above] < level[below]


def main() -> int:
    level = {wing: number for number, wings in enumerate(LAYERS) for wing in wings}
    graph: dict[str, set[str]] = {}
    for path in sorted([*CORE.rglob("*.pyx"), *CORE.rglob("*.pxd")]):
        graph.setdefault(module_of(path), set()).update(cimports_of(path) - {module_of(path)})
    wrong = [
        f"{user} cimports {used}: expected a wing below {user.partition('.')[0]}"
        for user, all_used in graph.items()
        for used in sorted(all_used)
        if not points_down(user, used, level)
    ]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        wrong.append(f"a circle of cimports: {' -> '.join(error.args[1])}")
    print("\n".join(wrong) or f"{len(graph)} modules of the core cimport downwards only")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
