"""Test that no argument crashes a call, or raises what tells a caller nothing: OverflowError, AttributeError, …"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import zswapsim
from tests.hostile import Target, core_modules, hostile_values, judge, targets_of, targets_of_stub
from tests.hostile_calls import INSTANCES, VALUES, VALUES_OF
from zswapsim import compressors, traces
from zswapsim._core.base import memory
from zswapsim.machine import Machine

LARGEST = 1 << 24
"""Bytes of an allocation above which the host has no memory: what a large number asks for must not be faulted in."""
MANY = {("limit_for", "pages"), ("sampled_pages", "pages"), ("limit_for", "wanted")}
"""Arguments that make a call take seconds if they are large."""
ALLOWED = {"Library": (OSError,), "from_json": (ValueError,)}
"""Some calls raise these on purpose: the linker's message, msgspec's DecodeError."""


def api_targets() -> Iterator[Target]:
    for module in (zswapsim, traces, compressors):
        for name in module.__all__:
            thing = getattr(module, name)
            if getattr(thing, "__module__", "").startswith("zswapsim") and "_core" not in thing.__module__:
                yield from targets_of(thing)
    yield from targets_of(Machine)


def core_targets() -> Iterator[Target]:
    for module in core_modules():
        yield from targets_of_stub(module)


def fitting(target: Target) -> dict[str, object]:
    """Return arguments that fit, for those that the call needs."""
    values = {}
    for each in target.parameters:
        make = VALUES_OF.get((target.name, each.name)) or VALUES.get(each.name)
        if each.required:
            values[each.name] = None if make is None else make()
    return values


def instance_for(target: Target) -> object:
    if target.owner is None:
        return None
    for kind in target.owner.__mro__:
        if kind.__name__ in INSTANCES:
            return INSTANCES[kind.__name__]()
    try:
        return target.owner.__new__(target.owner)
    except TypeError:
        return None  # only the core makes one


def complaints(target: Target) -> list[str]:
    """Return what a call raised that it should not, with one argument wrong at a time."""
    found = []
    for each in target.parameters:
        instance, values = instance_for(target), fitting(target)
        if target.owner is not None and instance is None:
            continue
        for number, value in enumerate(hostile_values()):
            if (target.name, each.name) in MANY and isinstance(value, int) and value > 1 << 20:
                continue
            call = partial(target.call, instance, values | {each.name: value})
            if callable(value) and each.name == "progress":
                continue  # what it raises is the caller's own
            raised = judge(call, ALLOWED.get(target.name, ()))
            if raised:
                found.append(f"{target.name}({each.name}=value {number} of {type(value).__name__}): {raised}")
    return found


def label(target: Target) -> str:
    return f"{target.owner.__name__}.{target.name}" if target.owner else target.name


@pytest.fixture(autouse=True)
def little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    memory.fail_above(LARGEST)
    yield
    memory.fail_above(None)


@pytest.mark.parametrize("target", list(core_targets()), ids=label)
def test_no_argument_of_the_core_is_too_hostile(target: Target) -> None:
    assert complaints(target) == []


@pytest.mark.parametrize("target", list(api_targets()), ids=label)
def test_no_argument_of_the_package_is_too_hostile(target: Target) -> None:
    assert complaints(target) == []


@pytest.mark.parametrize("target", [each for each in core_targets() if each.owner], ids=label)
def test_an_object_whose_constructor_did_not_run_is_refused(target: Target) -> None:
    try:
        empty = target.owner.__new__(target.owner)
    except (TypeError, zswapsim.ZswapsimError):
        return
    assert judge(partial(target.call, empty, fitting(target)), (AssertionError,)) is None
