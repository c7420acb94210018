"""DenseMap against a dict, and against every wrong way to call it."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zswapsim._core.dense import DenseMap, next_access
from zswapsim._core.errors import BusyError, InputError

# Small numbers, so that pages come back; large ones; and numbers that differ in their upper half alone.
PAGES = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1), st.integers(0, 40).map(lambda high: high << 48))


def mapped(table: DenseMap, pages: list[int]) -> list[int]:
    out = np.empty(len(pages), np.uint32)
    table.map(np.array(pages, np.uint64), out)
    return out.tolist()


@given(st.lists(st.lists(PAGES, max_size=300), max_size=8))
def test_numbers_pages_as_a_dict_does(chunks: list[list[int]]) -> None:
    table, model = DenseMap(), {}
    for chunk in chunks:
        assert mapped(table, chunk) == [model.setdefault(page, len(model)) for page in chunk]
        table.check()
    assert len(table) == len(model)
    assert table.originals().tolist() == list(model)


@pytest.mark.parametrize("stride", [1, 2**12, 2**32, 2**44, 0x9E3779B97F4A7C15, 3])
def test_grows_over_regular_pages(stride: int) -> None:
    pages = np.arange(50_000, dtype=np.uint64) * np.uint64(stride)
    table, out = DenseMap(), np.empty(50_000, np.uint32)
    table.map(pages, out)
    assert (out == np.arange(50_000)).all()
    table.map(pages[::-1].copy(), out)
    assert (out == np.arange(50_000)[::-1]).all()
    assert (table.originals() == pages).all()
    table.check()


def test_an_uninitialised_one_is_empty_and_usable() -> None:
    table = DenseMap.__new__(DenseMap)
    assert len(table) == 0
    assert table.originals().tolist() == []
    table.check()
    assert mapped(table, []) == []
    assert mapped(table, [7, 7, 8]) == [0, 0, 1]


@pytest.mark.parametrize(
    ("pages", "out"),
    [
        (np.zeros(3, np.int64), np.zeros(3, np.uint32)),
        (np.zeros(3, np.uint32), np.zeros(3, np.uint32)),
        (np.zeros(3, np.uint64), np.zeros(3, np.uint64)),
        (np.zeros(3, np.uint64), np.zeros(2, np.uint32)),
        (np.zeros((3, 1), np.uint64), np.zeros(3, np.uint32)),
        (np.zeros(6, np.uint64)[::2], np.zeros(3, np.uint32)),
        ([1, 2, 3], np.zeros(3, np.uint32)),
        (None, np.zeros(3, np.uint32)),
        (np.zeros(3, np.uint64), b"0123456789ab"),
    ],
)
def test_refuses_other_arrays(pages: object, out: object) -> None:
    with pytest.raises(InputError, match=r"DenseMap\.map"):
        DenseMap().map(pages, out)  # type: ignore[arg-type]


def test_refuses_two_threads_at_once() -> None:
    table, refused, stop = DenseMap(), [], threading.Event()
    pages = np.arange(1 << 20, dtype=np.uint64)

    def work() -> None:
        out = np.empty(len(pages), np.uint32)
        while not stop.is_set():
            try:
                table.map(pages, out)
            except BusyError as error:
                refused.append(str(error))
                stop.set()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refused[0] == "DenseMap: another thread is using it"
    table.check()


def test_cannot_be_pickled() -> None:
    with pytest.raises(TypeError, match="pickled"):
        DenseMap().__reduce__()


STARVED = """
import resource
import numpy as np
from zswapsim._core.dense import DenseMap
from zswapsim._core.errors import HostMemoryError
table, out, pages = DenseMap(), np.empty(1 << 18, np.uint32), np.arange(1 << 18, dtype=np.uint64)
table.map(pages, out)
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20), resource.RLIM_INFINITY))
for step in range(1, 64):
    try:
        table.map(pages + np.uint64(step << 18), out)
    except HostMemoryError as error:
        print(str(error).startswith("DenseMap of ") and "out of memory" in str(error))
        break
table.map(pages, out)
table.check()
print((out == pages).all(), len(table) >= 1 << 18)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space")
@pytest.mark.memory
def test_survives_a_host_without_memory() -> None:
    done = subprocess.run([sys.executable, "-c", STARVED], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["True"] * 3, "")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 20))
def test_next_access_is_the_next_equal_page(pages: list[int], step: int) -> None:
    dense, following, found = np.array(pages, np.uint32), np.full(10, -1, np.int64), []
    for first in reversed(range(0, len(pages), step)):
        part = dense[first : first + step]
        out = np.empty(len(part), np.int64)
        next_access(part, first, following, out)
        found[:0] = out.tolist()
    expected = [pages.index(page, at + 1) + 1 if page in pages[at + 1 :] else -1 for at, page in enumerate(pages)]
    assert found == expected


def test_next_access_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="page 3: expected less than 3"):
        next_access(np.array([3], np.uint32), 0, np.zeros(3, np.int64), np.zeros(1, np.int64))
    with pytest.raises(InputError, match="room for 2"):
        next_access(np.array([3], np.uint32), 0, np.zeros(3, np.int64), np.zeros(2, np.int64))
