"""Load third parties' codecs, announced through the entry-point group "zswapsim.compressors".

An entry point is either a capsule with a C table or a class; its name is the codec's name. A plug-in is loaded only
when its name, or the list of all, is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zswapsim._core.base.errors import PluginError
from zswapsim._core.codec.codec import CodecTable, table_of_capsule, table_of_class
from zswapsim._core.codec.plugin import describe_error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "zswapsim.compressors"


def load_plugin(entry: EntryPoint) -> CodecTable:
    """Import the plug-in and wrap it. Raises PluginError, in one line, for any failure of the plug-in."""
    what = f"compressor plug-in {entry.name} ({entry.value})"
    try:
        thing = entry.load()
    except Exception as error:
        raise PluginError(f"{what}: {describe_error(error)}") from error
    if callable(thing):
        return table_of_class(entry.name, thing, getattr(thing, "parameters", {}), what)
    table = table_of_capsule(thing, what)
    if table.name != entry.name:
        raise PluginError(f"{what}: its table is named {table.name!r}: expected the entry point's name")
    return table
