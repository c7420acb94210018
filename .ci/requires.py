"""Print the requirements of the given groups: `build`, `run`, or an extra of pyproject.toml; one a line.

pip can't install a package's dependencies without building the package, and the Makefile does these at different times.
The versions are pinned in constraints.txt.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())
groups = {
    "build": project["build-system"]["requires"],
    "run": project["project"]["dependencies"],
    **project["project"]["optional-dependencies"],
}
for group in sys.argv[1:]:
    if group not in groups:
        sys.exit(f"{group}: expected one of {', '.join(groups)}")
    print(*groups[group], sep="\n")
