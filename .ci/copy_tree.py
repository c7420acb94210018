"""Update the copy of the tree in which another kind of build lives: `copy_tree.py DESTINATION NAME…`.

Times are kept and compiled objects stay, so that only changed files are compiled again. Files that the tree no longer
has are removed from the copy too, so that their tests do not run.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

OBJECTS = {".so"}


def files(root: Path, names: list[str]) -> Iterator[Path]:
    """Return the source files below `root`/NAME, relative to `root`."""
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
