"""Brings the copy of the tree that another build kind lives in up to date: `copy_tree.py DESTINATION NAME…`.

Times are kept and compiled objects stay, so that only what has changed is compiled again. What is gone from the
tree goes from the copy too, so that no test of it is run.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

OBJECTS = {".so"}


def files(root: Path, names: list[str]) -> Iterator[Path]:
    """Source files below `root`/NAME, relative to `root`."""
    for name in names:
        start = root / name
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if path.is_file() and path.suffix not in OBJECTS and "__pycache__" not in path.parts:
                yield path.relative_to(root)


def main(destination: Path, names: list[str]) -> None:
    wanted = set(files(Path(), names))
    for old in set(files(destination, names)) - wanted:
        (destination / old).unlink()
    for path in wanted:
        target = destination / path
        if not target.exists() or target.stat().st_mtime_ns != path.stat().st_mtime_ns:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
