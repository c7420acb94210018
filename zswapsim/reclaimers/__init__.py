"""Find reclaimers, built-in ones and third parties', by a name with parameters. See docs/reclaim.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zswapsim._core.reclaim.python_plugin import ReclaimHost
    from zswapsim.reclaimers.registry import ReclaimerInfo, available

# These are loaded on first use: the command line's help needs only the names.
_HOMES = {
    "ReclaimHost": "zswapsim._core.reclaim.python_plugin",
    "ReclaimerInfo": "zswapsim.reclaimers.registry",
    "available": "zswapsim.reclaimers.registry",
}

__all__ = ["ReclaimHost", "ReclaimerInfo", "available"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
