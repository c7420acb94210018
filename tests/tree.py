"""Find the project's tree, for tests that read its documentation, examples or build files.

Tests of an installed package run from a copy of this folder; ZSWAPSIM_TREE then names the tree.
"""

import os
from pathlib import Path

TREE = Path(os.environ.get("ZSWAPSIM_TREE") or Path(__file__).parents[1])
if not (TREE / "pyproject.toml").is_file():
    raise FileNotFoundError(f"{TREE}: expected zswapsim's tree; name its folder in ZSWAPSIM_TREE")
