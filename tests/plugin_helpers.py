"""Installing plug-ins for a test, as a person would, but into a folder of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).parents[1]
EXAMPLES = TREE / "docs" / "examples"
PLUGINS = Path(__file__).parent / "plugins"
HEADER = TREE / "cext" / "zsw_codec.h"


def install(project: Path, work: Path) -> Path:
    """Builds a copy of `project`, with the interface's header beside it, and installs it: the folder to import from."""
    copy, target = work / project.name, work / "installed"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    shutil.copy(HEADER, copy)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    command = [*pip, "--no-build-isolation", "--no-index", "--target", str(target), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target
