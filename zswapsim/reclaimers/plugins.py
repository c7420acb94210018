"""Third parties' reclaimers, announced through the entry-point group "zswapsim.reclaimers".

An entry point is either a capsule with a C table or a class; its name is the reclaimer's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zswapsim._core.base.errors import PluginError
from zswapsim._core.codec.plugin import describe_error
from zswapsim._core.reclaim.plugin_table import ReclaimerTable, table_of_capsule
from zswapsim._core.reclaim.python_plugin import table_of_class

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def load_plugin(entry: EntryPoint) -> ReclaimerTable:
    """Import the plug-in and wrap it. Raises PluginError, in one line, whatever is wrong with it."""
    what = f"reclaimer plug-in {entry.name} ({entry.value})"
    try:
        thing = entry.load()
    except Exception as error:
        raise PluginError(f"{what}: {describe_error(error)}") from error
    if callable(thing):
        return table_of_class(entry.name, thing, what)
    table = table_of_capsule(thing, what)
    if table.name != entry.name:
        raise PluginError(f"{what}: its table is named {table.name!r}: expected the entry point's name")
    return table
