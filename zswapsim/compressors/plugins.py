"""Load third parties' codecs, announced through the entry-point group "zswapsim.compressors".

An entry point is either a capsule with a C table or a class; its name is the codec's name. A plug-in is loaded only
when its name, or the list of all, is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zswapsim._core.codec.codec import CodecTable, table_of_capsule, table_of_class
from zswapsim.plugins import load_table

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "zswapsim.compressors"


def load_plugin(entry: EntryPoint) -> CodecTable:
    """Import the plug-in and wrap it. Raises PluginError, in one line, for any failure of the plug-in."""

    def of_class(thing: Any, what: str) -> CodecTable:
        return table_of_class(entry.name, thing, getattr(thing, "parameters", {}), what)

    return load_table(entry, "compressor plug-in", of_class, table_of_capsule)
