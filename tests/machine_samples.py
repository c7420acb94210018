"""Make the machines and processes that the tests of the memory interface share."""

import pytest

from zswapsim.machine import Machine, ModeFlag, NodeSpec, Process, SyscallError
from zswapsim.machine.nodes import PAGE_SIZE

A, B, C, D = range(4)
STATIC = ModeFlag.STATIC_NODES


def nodes(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def touched(process: Process, pages: int = 4, **mapping: object) -> int:
    address = process.mmap(pages * PAGE_SIZE, **mapping)
    for page in range(pages):
        process.touch(address + page * PAGE_SIZE)
    return address


def where(process: Process, address: int, pages: int = 4) -> list[int]:
    return process.move_pages([address + page * PAGE_SIZE for page in range(pages)], None)


def fails(number: int, call: object, *arguments: object) -> None:
    with pytest.raises(SyscallError) as failed:
        call(*arguments)
    assert failed.value.errno == number, failed.value


def ordinary(frames: int = 64) -> Machine:
    return Machine([NodeSpec(name, frames * PAGE_SIZE, min_frames=0) for name in "AB"], "none")


def with_c(isolation: str, interface: object = None, frames: int = 64) -> Machine:
    specs = [NodeSpec(name, frames * PAGE_SIZE, min_frames=0) for name in "AB"]
    specs.append(NodeSpec("C", frames * PAGE_SIZE, private=True, cpus=False, min_frames=0))
    return Machine(specs, isolation, interface)
