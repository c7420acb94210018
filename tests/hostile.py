"""Call functions with arguments that nobody should give, one at a time, and judge what comes back.

Signatures are read, of extension modules from their stubs, so that a new function or argument is covered by itself.
"""

import ast
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import zswapsim
from zswapsim import ZswapsimError
from zswapsim._core.base.arguments import shown

CORE = Path(zswapsim.__file__).parent / "_core"


class Subclass(int):
    """Derive from a class that is meant."""


class Angry:
    """Raise in whatever is asked of it."""

    def __repr__(self) -> str:
        raise ValueError("no text")

    def __bool__(self) -> bool:
        raise ValueError("no truth")


def released() -> memoryview:
    view = memoryview(bytearray(8))
    view.release()
    return view


def closed() -> zswapsim.PageStore:
    store = zswapsim.PageStore(1 << 16)
    store.close()
    return store


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


WRONG_NUMBERS = (True, 1.5, float("nan"), float("inf"), -1, 0, 2**31, 2**32, 2**63, 2**64, 10**5000, -(10**5000))
WRONG_NUMBERS += (Subclass(3), np.int64(3), np.float64(2.5), np.uint64(2**64 - 1))
WRONG_THINGS = (None, "", "x", "x" * 5000, "\0", "\ud800", b"", b"x", object(), int, Angry(), [], [None], {}, (1,))
WRONG_OBJECTS: tuple[Callable[[], object], ...] = (
    closed,
    released,
    lambda: np.zeros(3),
    lambda: np.zeros(0, np.uint32),
    lambda: np.zeros((2, 4096), np.uint8),
    lambda: np.zeros((2, 3), np.uint32),
    lambda: np.zeros(8, np.uint32)[::2],
    lambda: read_only(np.zeros(4, np.uint32)),
    lambda: read_only(np.zeros(4, np.uint64)),
    lambda: np.full(4, 2**32 - 1, np.uint32),
    lambda: np.full(4, 255, np.uint8),
    lambda: np.zeros(4, ">u4"),
    lambda: np.zeros(4, object),
    lambda: np.array(5),
    lambda: memoryview(bytearray(4096)),
)


def hostile_values() -> Iterator[object]:
    """Yield wrong kinds, numbers out of range, and arrays of wrong types, shapes, strides and rights."""
    yield from WRONG_NUMBERS
    yield from WRONG_THINGS
    for make in WRONG_OBJECTS:
        yield make()


def judge(call: Callable[[], object], allowed: tuple[type[BaseException], ...] = ()) -> str | None:
    """Make a call; return None if it succeeds or is refused as it should be, or else what it raised."""
    try:
        call()
    except (ZswapsimError, TypeError, *allowed):
        return None
    except BaseException as error:
        return f"{type(error).__name__}: {shown(error)}"
    return None


# -- what can be called -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameter:
    name: str
    keyword: bool
    required: bool


@dataclass(frozen=True)
class Target:
    """A function, a class, or a method of a class, and its parameters."""

    name: str
    owner: type | None
    """The class of which this is a method."""
    parameters: tuple[Parameter, ...]
    of: Any

    def call(self, instance: object, values: dict[str, object]) -> object:
        function = self.of if self.owner is None else getattr(instance, self.name)
        places = [values[each.name] for each in self.parameters if not each.keyword and each.name in values]
        return function(*places, **{each.name: values[each.name] for each in self.parameters
                                    if each.keyword and each.name in values})  # fmt: skip


def core_modules() -> Iterator[ModuleType]:
    """Yield every extension module of the core that has a stub, but for the test hooks of base.memory."""
    for found in pkgutil.walk_packages([str(CORE)], "zswapsim._core."):
        stub = CORE.joinpath(*found.name.split(".")[2:]).with_suffix(".pyi")
        if stub.exists() and not found.name.endswith(("base.memory", "base.arguments")):
            yield import_module(found.name)


def targets_of_stub(module: ModuleType) -> Iterator[Target]:
    stub = CORE.joinpath(*module.__name__.split(".")[2:]).with_suffix(".pyi")
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield Target(node.name, None, tuple(_parameters(node.args)), getattr(module, node.name))
        elif isinstance(node, ast.ClassDef) and getattr(module, node.name).__module__ == module.__name__:
            yield from _targets_of_class(node, getattr(module, node.name))


def _targets_of_class(node: ast.ClassDef, kind: type) -> Iterator[Target]:
    for each in node.body:
        if not isinstance(each, ast.FunctionDef):
            continue
        parameters = tuple(_parameters(each.args))[1:]
        if each.name in ("__init__", "__new__") and not issubclass(kind, BaseException | tuple):
            yield Target(kind.__name__, None, parameters, kind)
        elif not each.name.startswith("_"):
            decorated = [getattr(name, "id", "") for name in each.decorator_list]
            if "property" not in decorated:
                yield Target(each.name, kind, parameters, kind)


def _parameters(args: ast.arguments) -> Iterator[Parameter]:
    plain = [*args.posonlyargs, *args.args]
    for place, each in enumerate(plain):
        yield Parameter(each.arg, False, place < len(plain) - len(args.defaults))
    for each, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield Parameter(each.arg, True, default is None)


def targets_of(thing: Any) -> Iterator[Target]:
    """Yield a function of Python, or a class and its public methods."""
    if inspect.isclass(thing) and not issubclass(thing, BaseException):
        yield Target(thing.__name__, None, tuple(_signature(thing)), thing)
        for name, method in inspect.getmembers(thing, inspect.isroutine):
            if not name.startswith("_") and isinstance(inspect.getattr_static(thing, name), type(targets_of)):
                yield Target(name, thing, tuple(_signature(method))[1:], thing)
    elif inspect.isfunction(thing):
        yield Target(thing.__name__, None, tuple(_signature(thing)), thing)


def _signature(thing: Any) -> Iterator[Parameter]:
    for each in inspect.signature(thing).parameters.values():
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            yield Parameter(each.name, each.kind is each.KEYWORD_ONLY, each.default is each.empty)
