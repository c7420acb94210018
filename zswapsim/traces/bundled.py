"""Find the recorded traces that come with the package; docs/traces.md describes them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from zswapsim._core.base.arguments import text
from zswapsim._core.base.errors import InputError

BUNDLED = ("json", "sort")


def bundled_trace(name: str) -> Path:
    """Return the file of a bundled trace. Raises InputError if there is none of this name."""
    if text(name, "bundled trace") not in BUNDLED:
        raise InputError(f"bundled:{name}: unknown trace {name!r}: expected one of {', '.join(BUNDLED)}")
    return Path(str(files("zswapsim") / "data" / f"{name}.csv.zst"))
