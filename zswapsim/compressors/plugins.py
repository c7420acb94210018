"""Third parties' codecs, announced through the entry-point group "zswapsim.compressors".

An entry point is either a capsule with a C table or a class; its name is the codec's name. None is loaded before
somebody asks for its name, or for the list of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zswapsim._core.base.errors import PluginError
from zswapsim._core.codec.codec import Table, table_of_capsule, table_of_class

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "zswapsim.compressors"


def plugin_entries() -> Iterator[EntryPoint]:
    """The entry points of all installed packages, sorted by name, not loaded."""
    from importlib.metadata import entry_points  # slow to import, and most runs use none

    yield from sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def find_plugin(name: str) -> EntryPoint | None:
    """The entry point of that name, or None."""
    return next((entry for entry in plugin_entries() if entry.name == name), None)


def load_plugin(entry: EntryPoint) -> Table:
    """Imports the plug-in and wraps it. Raises PluginError, in one line, whatever is wrong with it."""
    what = f"compressor plug-in {entry.name} ({entry.value})"
    try:
        thing = entry.load()
    except Exception as error:
        raise PluginError(f"{what}: {told(error)}") from error
    if callable(thing):
        return table_of_class(entry.name, thing, getattr(thing, "parameters", {}), what)
    table = table_of_capsule(thing, what)
    if table.name != entry.name:
        raise PluginError(f"{what}: its table is named {table.name!r}: expected the entry point's name")
    return table


def origin_of(entry: EntryPoint) -> str:
    """The installed package that brought it, for people."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value


def told(error: Exception) -> str:
    """Kind and text of an exception in one line; its own `__str__` is a stranger's code and may raise too."""
    kind = type(error).__name__
    try:
        return f"{kind}: {' '.join(str(error).split())}"
    except Exception:
        return kind
