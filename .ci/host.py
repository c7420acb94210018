"""Name in one line what this machine lacks for a build: a newer Python, venv, a C compiler or Python's headers.

It runs on Pythons older than the one that it asks for.
"""

import importlib.util
import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path


def missing():
    """Return what is missing and how to get it, or None."""
    python = sys.executable
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one is to be told
        version = ".".join(map(str, sys.version_info[:2]))
        return f"{python} is Python {version}: 3.11 or later is needed; name one with `make PYTHON=/path/to/python3`"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return f"{python} is a Python without the GIL, which is not supported: name another with `make PYTHON=…`"
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            return f"{python} has no module {module}: install it (Debian: python3-venv)"
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        return f"no C compiler ({compiler}) found: install one (Debian: gcc libc6-dev), or set CC"
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        return f"no Python headers ({header}): install them (Debian: python3-dev)"
    return None


if __name__ == "__main__":
    lack = missing()
    if lack:
        sys.exit("zswapsim: cannot build here: " + lack)
