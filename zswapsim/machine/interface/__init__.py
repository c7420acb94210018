"""A user interface decides what users can see of a private node and do with it; each proposal is a class and a file.

A proposal that does not speak of a surface inherits the baseline's answer: the call behaves as on a machine without
the node. `covers` lists the surfaces that a version speaks of, so that every answer can name what it rests on.
"""

from zswapsim._core.base.errors import InputError
from zswapsim.machine.interface.base import Interface
from zswapsim.machine.interface.mbind_opt_in import MbindOptIn
from zswapsim.machine.interface.v4 import InterfaceV4
from zswapsim.machine.interface.v5 import InterfaceV5

__all__ = ["INTERFACES", "Interface", "InterfaceV4", "InterfaceV5", "MbindOptIn", "get_interface"]

INTERFACES: dict[str, Interface] = {
    interface.name: interface for interface in (Interface(), InterfaceV4(), InterfaceV5(), MbindOptIn())
}
"""This maps names to user interfaces."""


def get_interface(name: str) -> Interface:
    """Return the interface of this name. Raises InputError if there is none."""
    if name not in INTERFACES:
        raise InputError(f"interface {name}: expected one of {', '.join(INTERFACES)}")
    return INTERFACES[name]
