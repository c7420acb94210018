"""Check that no class of the core crashes the interpreter if its constructor was never run."""

import contextlib
import inspect
import pkgutil
from importlib import import_module

import pytest

from zswapsim import ZswapsimError, _core
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena, Grant
from zswapsim._core.zsmalloc.pool import ZsPool

MODULES = [each.name for each in pkgutil.walk_packages(_core.__path__, "zswapsim._core.") if not each.ispkg]
CLASSES = [
    kind
    for name in MODULES
    for _, kind in inspect.getmembers(import_module(name), inspect.isclass)
    if kind.__module__ == name and not issubclass(kind, BaseException)
]
assert CLASSES
COST = (1, 1, 1, 1, 1, 1)
ALLOWED = (ZswapsimError, TypeError, AttributeError, AssertionError, ValueError, BufferError, NotImplementedError)


def bare(kind: type) -> object | None:
    """Return an object whose __init__ was not run, or None if even __new__ requires arguments."""
    try:
        return kind.__new__(kind)
    except (TypeError, ZswapsimError):
        return None


def guesses(function: object) -> list[tuple[object, ...]]:
    return [(), (0,), (0, 0), (0, 0, 0), (b"\0" * 4096,), (0, bytearray(4096)), ([0], bytearray(4096))]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_method_of_a_bare_object(kind: type) -> None:
    made = bare(kind)
    if made is None:
        return
    for name in dir(kind):
        if name in {"__class__", "__init_subclass__", "__new__", "__subclasshook__"}:
            continue
        try:
            found = getattr(made, name)
        except ALLOWED:
            continue
        for arguments in guesses(found) if callable(found) else []:
            with contextlib.suppress(ALLOWED):
                found(*arguments)


def test_bare_objects_as_arguments() -> None:
    grant = Grant.__new__(Grant)
    for call in (
        lambda: ZsPool(grant),
        lambda: PrivateNodeBackend(COST, grant, bare(DiskBackend)),
        lambda: Replay(5, 5, DiskBackend.__new__(DiskBackend)),
        lambda: Replay(5, 5, PrivateNodeBackend.__new__(PrivateNodeBackend)),
        lambda: Replay(5, 5, DiskBackend.__new__(DiskBackend), dram=grant),
        lambda: FrameArena.__new__(FrameArena).grant("x"),
    ):
        with pytest.raises((ZswapsimError, TypeError)):
            call()
