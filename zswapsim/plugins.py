"""Find third parties' plug-ins of any kind, announced through entry points. None is loaded before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Table(Protocol):
    """A plug-in's C table, or the one that was made for its class."""

    @property
    def name(self) -> str:
        """Return the name that the table has."""


T = TypeVar("T", bound=Table)


def plugin_entries(group: str) -> Iterator[EntryPoint]:
    """Yield the entry points of a group from all installed packages, sorted by name, not loaded."""
    from importlib.metadata import entry_points  # slow to import, and most runs use none

    yield from sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def find_plugin(group: str, name: str) -> EntryPoint | None:
    """Return the entry point of that name, or None."""
    return next((entry for entry in plugin_entries(group) if entry.name == name), None)


def origin_of(entry: EntryPoint) -> str:
    """Return the installed package that provides the plug-in, for messages."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value


def load_table(
    entry: EntryPoint, what: str, of_class: Callable[[Any, str], T], of_capsule: Callable[[Any, str], T]
) -> T:
    """Import a plug-in, which is a class or a capsule, and return its table. `what` names it in messages.

    Raises PluginError, in one line, for any failure of the plug-in.
    """
    from zswapsim._core.base.errors import HostMemoryError, PluginError
    from zswapsim._core.codec.plugin import describe_error  # the names of plug-ins are listed without the core

    what = f"{what} {entry.name} ({entry.value})"
    try:
        thing = entry.load()
    except MemoryError as error:
        raise HostMemoryError(f"{what}: the host is out of memory to load it") from error
    except Exception as error:
        raise PluginError(f"{what}: {describe_error(error)}") from error
    if callable(thing):
        return of_class(thing, what)
    table = of_capsule(thing, what)
    if table.name != entry.name:
        raise PluginError(f"{what}: its table is named {table.name!r}: expected the entry point's name")
    return table
