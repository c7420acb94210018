"""Load third parties' reclaimers, announced through the entry-point group "zswapsim.reclaimers".

An entry point is either a capsule with a C table or a class; its name is the reclaimer's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zswapsim._core.reclaim.plugin_table import ReclaimerTable, table_of_capsule
from zswapsim._core.reclaim.python_plugin import table_of_class
from zswapsim.plugins import load_table

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def load_plugin(entry: EntryPoint) -> ReclaimerTable:
    """Import the plug-in and wrap it. Raises PluginError, in one line, for any failure of the plug-in."""

    def of_class(thing: Any, what: str) -> ReclaimerTable:
        return table_of_class(entry.name, thing, what)

    return load_table(entry, "reclaimer plug-in", of_class, table_of_capsule)
