"""Install packages for a test as a user would, but into a folder of their own."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tree import TREE

EXAMPLES = TREE / "docs" / "examples"
PLUGINS = Path(__file__).parent / "plugins"
BUILT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "__pycache__")


def install(project: Path, work: Path, environment: Mapping[str, str] | None = None) -> Path:
    """Build a copy of `project`, install it, and return the folder to import it from."""
    copy, target = work / project.name, work / "installed"
    shutil.copytree(project, copy, ignore=BUILT)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    command = [*pip, "--no-build-isolation", "--no-index", "--target", str(target), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return target
