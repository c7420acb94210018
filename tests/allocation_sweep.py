"""Make every allocation of a call fail, one after the other, and look at what is left each time.

`python -m tests.allocation_sweep` prints the number of allocations of each call, as docs/robustness.md has them.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zswapsim import HostMemoryError
from zswapsim._core.base import memory

FOREVER = 1 << 62


@dataclass
class Call:
    """A call whose allocations fail.

    `make` returns what it is called on, `act` is the call, and `check` asserts that what a failure has left is sound.
    """

    name: str
    act: Callable[[Any], Any]
    make: Callable[[], Any] = lambda: None
    check: Callable[[Any], None] = lambda _: None
    used_up: bool = False
    """If true, the object can be used once only, so the call is repeated on another one after a failure."""


def sweep(call: Call, *, lasting: bool = False) -> int:
    """Let the n-th allocation fail for n = 1, 2, … until the call completes; return how many there are.

    If `lasting`, all allocations after it fail too. After each failure the exception must be HostMemoryError, what is
    left must be sound, the same call must succeed, and nothing may be left allocated.
    """
    wanted = repr(call.act(call.make()))
    gc.collect()
    before = memory.allocated()
    number = 0
    while fails(call, number + 1, lasting, wanted):
        number += 1
        assert left_over(before) == (0, 0), f"{call.name}: allocation {number} failed, and memory is lost"
    assert left_over(before) == (0, 0), f"{call.name}: memory is lost"
    return number


def left_over(before: tuple[int, int]) -> tuple[int, int]:
    """Return the allocations and bytes that are more than before."""
    if memory.allocated() != before:
        gc.collect()  # what is in a circle of references
    count, size = memory.allocated()
    return count - before[0], size - before[1]


def fails(call: Call, number: int, lasting: bool, wanted: str) -> bool:
    """Make the call with its n-th allocation failing. Return False if it has fewer."""
    subject = call.make()
    where = f"{call.name}: allocation {number}"
    raised, found = "", ""
    memory.fail(number, FOREVER if lasting else None)
    try:
        found = repr(call.act(subject))
    except HostMemoryError as error:
        raised = str(error)
    finally:
        made = memory.fail()
    call.check(subject)
    if made < number:
        assert found == wanted, where
        return False
    # A call that completes although an allocation failed has another way to the same result.
    assert raised or found == wanted, where
    again = call.make() if call.used_up else subject
    assert repr(call.act(again)) == wanted, f"{where}: the call does not succeed afterwards"
    call.check(again)
    return True


if __name__ == "__main__":
    from tests.allocation_calls import CALLS

    for each in CALLS:
        print(f"{each.name:60}{sweep(each):6}")  # noqa: T201
