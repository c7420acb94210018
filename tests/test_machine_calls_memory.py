"""Make madvise, mmap and munmap in every form, in the order of their checks.

A table is named after the kernel function that it is read from; Linux 6.18 if nothing else is said. Where the model
differs on purpose, a row says so.
"""

import pytest

from tests.machine_world import FAULT, NOENT, A, Row, advise, check, moved, row_name, where
from zswapsim.machine import Advice, File
from zswapsim.machine.nodes import PAGE_SIZE

PAGE = PAGE_SIZE


DO_MADVISE = [
    Row("advice", lambda w: advise(w, w.page, 1, 99), "EINVAL"),
    Row("advice before an empty range", lambda w: advise(w, w.page, 0, 99), "EINVAL"),
    Row("address", lambda w: advise(w, w.page + 1, 1, Advice.DONTNEED), "EINVAL"),
    Row("address before an empty range", lambda w: advise(w, w.page + 1, 0, Advice.DONTNEED), "EINVAL"),
    Row("an empty range", lambda w: advise(w, w.hole, 0, Advice.DONTNEED), None),
    *(
        Row(f"nothing mapped, {advice.name}", lambda w, advice=advice: advise(w, w.hole, 1, advice), "ENOMEM")
        for advice in Advice
    ),
    *(
        Row(
            f"a driver's mapping, {advice.name}",
            lambda w, advice=advice: advise(w, w.driver, 1, advice),
            "EINVAL",
            where("driver"),
            [NOENT],
        )
        for advice in Advice
    ),
    Row("dontneed", lambda w: advise(w, w.three, 2, Advice.DONTNEED), None, where("three", 3), [NOENT, NOENT, A]),
    Row(
        "dontneed goes on after a hole",
        lambda w: advise(w, w.page, 5, Advice.DONTNEED),
        "ENOMEM",
        where("three", 3),
        [NOENT] * 3,
    ),
    Row(
        "dontneed of swap",
        lambda w: advise(w, w.swapped, 1, Advice.DONTNEED),
        None,
        lambda w: w.machine.swap.on_device,
        0,
    ),
    Row("dontneed of the zero page", lambda w: advise(w, w.zero, 1, Advice.DONTNEED), None, where("zero"), [NOENT]),
    Row(
        "dontneed of a file: its page stays cached",
        lambda w: advise(w, w.shared, 1, Advice.DONTNEED),
        None,
        lambda w: w.machine.owners()["A"]["page cache"],
        1,
    ),
    Row("pageout", lambda w: advise(w, w.three, 2, Advice.PAGEOUT), None, where("three", 3), [NOENT, NOENT, A]),
    Row(
        "pageout goes on after a hole",
        lambda w: advise(w, w.page, 5, Advice.PAGEOUT),
        "ENOMEM",
        where("three", 3),
        [NOENT] * 3,
    ),
    Row("pageout of a shared page", lambda w: advise(w, w.shared, 1, Advice.PAGEOUT), None, where("shared"), [A]),
    Row("pageout of a pinned page", lambda w: advise(w, w.pinned, 1, Advice.PAGEOUT), None, where("pinned"), [A]),
    Row(
        "cold: the model has one list, and puts it where reclaim looks first",
        lambda w: advise(w, w.three + PAGE, 1, Advice.COLD),
        None,
        lambda w: next(iter(w.machine.lruvec(w.machine.node(A)))) is w.process.mm.page_at(w.three // PAGE + 1),
        True,
    ),
    Row(
        "cold, a shared page",
        lambda w: advise(w, w.shared, 1, Advice.COLD),
        None,
        lambda w: next(iter(w.machine.lruvec(w.machine.node(A)))) is w.process.mm.page_at(w.page // PAGE),
        True,
    ),
    Row("populate, to read", lambda w: advise(w, w.empty, 1, Advice.POPULATE_READ), None, where("empty"), [FAULT]),
    Row("populate, to write", lambda w: advise(w, w.empty, 1, Advice.POPULATE_WRITE), None, where("empty"), [A]),
    Row(
        "populate, to write over the zero page",
        lambda w: advise(w, w.zero, 1, Advice.POPULATE_WRITE),
        None,
        where("zero"),
        [A],
    ),
    Row("populate, swapped", lambda w: advise(w, w.swapped, 1, Advice.POPULATE_READ), None, where("swapped"), [A]),
    Row(
        "populate stops at a hole",
        lambda w: advise(w, w.empty, 3, Advice.POPULATE_WRITE),
        "ENOMEM",
        lambda w: moved(w, "empty swapped", None),
        [A, NOENT],
    ),
]

MMAP_AND_MUNMAP = [
    Row("no length", lambda w: w.process.mmap(0), "EINVAL"),
    Row("offset", lambda w: w.process.mmap(PAGE, File("x"), offset=5), "EINVAL"),
    Row("a negative offset", lambda w: w.process.mmap(PAGE, File("x"), offset=-PAGE), "EINVAL"),
    Row("too long", lambda w: w.process.mmap(1 << 47), "ENOMEM"),
    Row("unmap no length", lambda w: w.process.munmap(w.page, 0), "EINVAL"),
    Row("unmap in the middle of a page", lambda w: w.process.munmap(w.page + 1, PAGE), "EINVAL"),
    Row("unmap beyond all addresses", lambda w: w.process.munmap(w.beyond, PAGE), "EINVAL"),
    Row("unmap up to the last address", lambda w: w.process.munmap(w.beyond - PAGE, PAGE), None),
    Row("unmap nothing", lambda w: w.process.munmap(w.hole, PAGE), None),
    Row("unmap a part", lambda w: w.process.munmap(w.three + PAGE, 1), None, where("three", 3), [A, FAULT, A]),
    Row("unmap over a hole", lambda w: w.process.munmap(w.page, 5 * PAGE), None, where("three", 3), [FAULT] * 3),
    Row("touch a hole", lambda w: w.process.touch(w.hole), "SegmentationFault"),
    Row(
        "shared anonymous memory has a page once it is read",
        lambda w: (at := w.process.mmap(PAGE, shared=True), w.process.touch(at, write=False), w.where(at))[-1],
        [A],
    ),
]


TABLES = {
    "do_madvise": DO_MADVISE,
    "do_mmap, do_munmap": MMAP_AND_MUNMAP,
}


@pytest.mark.parametrize(
    ("function", "row"), [(name, row) for name, rows in TABLES.items() for row in rows], ids=row_name
)
def test_a_call_about_memory_answers_as_the_kernel_does(function: str, row: Row) -> None:
    check(row)
