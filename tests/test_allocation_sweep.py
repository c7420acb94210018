"""Test that a call survives the failure of each of its allocations; `make sweep` tries every call."""

import re

import pytest

from tests.allocation_calls import CALLS
from tests.allocation_sweep import Call, sweep
from tests.tree import TREE
from zswapsim import HostMemoryError, PageStore
from zswapsim._core.base import memory

QUICK = re.compile(
    r"Codec (zstd|deflate)|PageStore lz4$|replay backend=(private-node|zswap:max\S+|zram|cram|disk|zram/zswap)$"
    r"|replay .*s3fifo |replay (cram|readahead)|folio=16KiB reclaim=clock backend=zswap|folio_compress=whole$|groups"
    r"|plug-in|DenseMap|oracle|Stack|Touched|FrameArena|measure|train|run zram|curves$"
)
ALLOCATES = re.compile(r"(?<![\w.>])(?:malloc|calloc|realloc|aligned_alloc|posix_memalign|mmap)\(")


@pytest.mark.memory
@pytest.mark.parametrize("call", [each for each in CALLS if QUICK.search(each.name)], ids=lambda call: call.name)
def test_a_call_survives_the_failure_of_any_allocation(call: Call) -> None:
    assert sweep(call) > 0


@pytest.mark.memory
@pytest.mark.parametrize(
    "call",
    [each for each in CALLS if each.name in ("PageStore store", "replay backend=zram")],
    ids=lambda call: call.name,
)
def test_a_call_survives_a_host_without_memory(call: Call) -> None:
    assert sweep(call, lasting=True) > 0


@pytest.mark.endurance
@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_call_survives_the_failure_of_any_allocation(call: Call, lasting: bool) -> None:
    assert sweep(call, lasting=lasting) > 0


def test_the_sweep_finds_a_call_that_loses_memory() -> None:
    kept = []

    def lose(_: object) -> None:
        try:
            PageStore(1 << 20, "lz4")
        except HostMemoryError:
            kept.append(PageStore(1 << 20, "lz4"))
            raise

    with pytest.raises(AssertionError, match="allocation 1 failed, and memory is lost"):
        sweep(Call("a call that loses memory", lose))


def test_the_sweep_finds_a_call_that_hides_a_failure() -> None:
    def hide(_: object) -> str:
        try:
            return repr(PageStore(1 << 20, "lz4").stats())
        except HostMemoryError:
            return "all is well"

    with pytest.raises(AssertionError, match="a call that hides: allocation 1"):
        sweep(Call("a call that hides", hide))


def test_all_memory_of_the_core_is_allocated_in_one_place() -> None:
    seam = {"memory.pyx", "memory.pxd", "memory.c", "zsw_memory.h"}
    files = [*TREE.joinpath("zswapsim/_core").rglob("*.p[xy][dx]"), *TREE.joinpath("cext").glob("*.[ch]")]
    wrong = [str(path) for path in files if path.name not in seam and ALLOCATES.search(path.read_text())]
    assert files
    assert wrong == []


def test_allocations_are_counted_and_given_back() -> None:
    before = memory.allocated()
    store = PageStore(1 << 20, "lz4")
    count, size = memory.allocated()
    assert count > before[0]
    assert size >= before[1] + (1 << 20)
    store.close()
    del store
    assert memory.allocated() == before


def test_a_limit_on_the_size_of_an_allocation() -> None:
    memory.fail_above(1 << 22)
    try:
        with pytest.raises(HostMemoryError, match="larger than can be reserved"):
            PageStore(1 << 23)
        PageStore(1 << 21)
    finally:
        memory.fail_above(None)
    PageStore(1 << 23)
