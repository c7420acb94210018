"""Keep a copy of the tree in which mutants are built and tested, and bring it back to what it was."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

COPIED = ("cext", "docs", "bench", "tests", "zswapsim", ".ci", "build/release", "build/lib.*")
ALONE = ("*.toml", "*.txt", "*.md", "*.in", "setup.py", "LICENSE", "Makefile")


class DoesNotBuild(Exception):
    """Say that the compiler refuses a mutant, which is then no mutant."""


class Workshop:
    """Hold a folder with a copy of the tree, its built extensions included."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def restore(self, tree: Path) -> None:
        """Take every file that differs from the same in a tree that nobody changes, with its time, and no others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        wanted = {path.relative_to(tree) for path in _files(tree)}
        for old in {path.relative_to(self.folder) for path in _files(self.folder)} - wanted:
            (self.folder / old).unlink()
        for path in wanted:
            _copy(tree / path, self.folder / path)

    def build(self) -> None:
        """Compile what changed. DoesNotBuild has the compiler's last words."""
        environment = {**os.environ, "CC": str(self._compiler()), "PYTHONPATH": "."}
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DoesNotBuild((done.stdout + done.stderr)[-2000:])

    def _compiler(self) -> Path:
        """Return a compiler that optimizes little, since a mutant runs for seconds and is compiled as long."""
        script = self.folder / "build" / "quick-cc"
        if not script.exists():
            script.write_text(f'#!/bin/sh\nexec {"ccache" if shutil.which("ccache") else ""} gcc "$@" -O1\n')
            script.chmod(0o755)
        return script.resolve()


def _copy(source: Path, target: Path) -> None:
    if target.is_symlink() or not target.exists() or _stamp(source) != _stamp(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy2(source, target)


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


def _files(tree: Path) -> list[Path]:
    """Return the files of a tree that count, those included that its build made."""
    found = [path for name in COPIED for folder in tree.glob(name) for path in folder.rglob("*")]
    found += [path for pattern in ALONE for path in tree.glob(pattern)]
    return [path for path in found if path.is_file() and not {"__pycache__", ".hypothesis"} & set(path.parts)]
