"""Third parties' plug-ins of any kind, announced through entry points. None is loaded before somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def plugin_entries(group: str) -> Iterator[EntryPoint]:
    """Yield the entry points of a group from all installed packages, sorted by name, not loaded."""
    from importlib.metadata import entry_points  # slow to import, and most runs use none

    yield from sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def find_plugin(group: str, name: str) -> EntryPoint | None:
    """Return the entry point of that name, or None."""
    return next((entry for entry in plugin_entries(group) if entry.name == name), None)


def origin_of(entry: EntryPoint) -> str:
    """Return the installed package that brought it, for people."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value
