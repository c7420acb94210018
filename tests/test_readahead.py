"""Compare swap readahead with its reference on long traces, and test the kernel's rules one by one."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.depths_machine import assert_same_events
from tests.reference import RECLAIMERS
from tests.reference.readahead import Cluster, Vma
from tests.reference.replay import Contents, Machine, Swap
from zswapsim import InputError, Settings, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.readahead.readahead import ClusterReadahead, Readahead, VmaReadahead
from zswapsim.reclaimers.registry import open_reclaimer
from zswapsim.report.comparison import comparison_text
from zswapsim.report.kernelforms import kernel_form
from zswapsim.report.text import result_text
from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.run.readahead import by_address, order_for
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import DenseTrace
from zswapsim.traces.trace import Chunk, Trace

COST = PRESETS["cxl-nvme"]


class Arrays(Trace):
    """Hold a trace in arrays."""

    name = "arrays"

    def __init__(self, pages: Any, process: Any) -> None:
        self.chunk = Chunk(np.array(pages, np.uint64), np.zeros(len(pages), np.uint8), process=process)

    def chunks(self) -> Iterator[Chunk]:
        yield self.chunk


def vma(addresses: list[int], page_cluster: int = 3) -> VmaReadahead:
    return VmaReadahead(*by_address(np.array(addresses, np.uint64)), page_cluster=page_cluster)


def engine_of(pages: int, frames: int, ahead: Readahead | None, reclaim: str = "lru", batch: int = 1) -> Replay:
    backend = DiskBackend(COST, SwapDevice(1 << 20))
    return Replay(pages, frames, backend, batch=batch, reclaimer=open_reclaimer(reclaim), readahead=ahead)


def feed(engine: Replay, pages: Any, write: bool = False) -> dict[str, int]:
    """Make accesses and return the counters after them."""
    engine.feed(np.array(pages, np.uint32), np.full(len(pages), write, np.uint8))
    engine.check()
    return engine.counters_now()


def swapped_out(engine: Replay, pages: int, left: int) -> None:
    """Swap out pages 0 to `pages - left - 1` in this order, so that page p has slot p + 1."""
    feed(engine, range(pages))
    assert engine.resident_pages == left


def walks(pages: int, length: int, draw: random.Random) -> list[int]:
    """Make runs up and down, with jumps, so that there are windows of all kinds."""
    trace: list[int] = []
    while len(trace) < length:
        base, width, step = draw.randrange(pages), draw.randint(1, 40), draw.choice([1, 1, 1, -1, 2])
        trace += [(base + step * number) % pages for number in range(width)]
    return trace[:length]


# -- against the reference --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cluster", "vma"])
@pytest.mark.parametrize("reclaim", ["lru", "two-list", "two-list:fault_access=1", "mglru", "clock", "s3fifo"])
def test_long_traces_against_the_reference(kind: str, reclaim: str) -> None:
    draw = random.Random(f"{kind} {reclaim}")
    pages, frames, page_cluster = 1200, draw.randint(200, 600), draw.choice([2, 3, 4])
    # Pages are touched nearly in the order of their addresses, in two mappings.
    addresses = sorted(range(300, 300 + pages), key=lambda address: address + draw.uniform(0, 4))
    addresses[700:] = [address + (1 << 40) for address in addresses[700:]]
    made: dict[str, Any] = {
        "cluster": lambda: (ClusterReadahead(page_cluster=page_cluster), Cluster(pages, page_cluster)),
        "vma": lambda: (vma(addresses, page_cluster), Vma(addresses, [each >> 40 for each in addresses], page_cluster)),
    }
    ahead, model_ahead = made[kind]()
    engine = engine_of(pages, frames, ahead, reclaim, 8)
    reclaimer = None if reclaim == "lru" else RECLAIMERS[reclaim](frames, pages)
    model = Machine(
        frames, Contents([b"x"], [0]), Swap(None, 1 << 20), batch=8, reclaimer=reclaimer, readahead=model_ahead
    )  # fmt: skip
    trace = walks(pages, 6000, draw)
    ops = [draw.random() < 0.2 for _ in trace]
    engine.feed(np.array(trace, np.uint32), np.array(ops, np.uint8))
    for page, write in zip(trace, ops, strict=True):
        model.access(page, write)
    found = assert_same_events(engine, model)
    assert min(found["swap_ra_hit"], found["swap_ra_unused"]) > 100
    if isinstance(ahead, ClusterReadahead):
        assert ahead.slots() == [model_ahead.area.slot.get(page, 0) for page in range(pages)]


@pytest.mark.parametrize("kind", ["cluster", "vma"])
def test_every_depth_counts_the_same(kind: str) -> None:
    trace = "gen:phases,pages=300,events=6000,writes=0.3,set=0.3"
    asked = {"dram": "30%", "node": "100%", "readahead": kind, "zero_map": False, "reclaim": "two-list"}
    names = ("major_faults", "swap_ra", "swap_ra_hit", "swap_ra_unused", "reclaimed_pages", "zswpin", "zswpout")
    results = [run(trace, "recipe:text,pages=64", Settings(depth=depth, **asked)) for depth in ("bytes", "sizes")]
    results.append(run(trace, None, Settings(**asked)))
    assert results[0].verified_pages == results[0].counters["major_faults"] + results[0].counters["swap_ra"]
    assert results[0].counters == results[1].counters
    assert [results[2].counters[name] for name in names] == [results[0].counters[name] for name in names]
    assert results[0].counters["swap_ra_hit"] > 0


# -- rules ------------------------------------------------------------------------------------------------------------


def test_swap_cluster_readahead_takes_the_aligned_block() -> None:
    """Page 9 has slot 10, and slots 8 to 15 are pages 7 to 14. Hits begin at 4, which makes a window of 8 pages."""
    engine = engine_of(100, 20, ClusterReadahead())
    swapped_out(engine, 100, 20)
    found = feed(engine, [9])
    assert (found["major_faults"], found["swap_ra"], found["pswpin"]) == (1, 7, 8)
    found = feed(engine, [7, 8, 10, 11, 12, 13, 14])
    assert (found["major_faults"], found["swap_ra_hit"]) == (1, 7)
    assert feed(engine, [6])["major_faults"] == 2


def test_the_swap_header_is_not_read() -> None:
    engine = engine_of(100, 20, ClusterReadahead())
    swapped_out(engine, 100, 20)
    assert feed(engine, [0])["swap_ra"] == 6


def test_swapin_nr_pages_shrinks_by_half_where_nothing_hits() -> None:
    engine = engine_of(1000, 500, ClusterReadahead())
    swapped_out(engine, 1000, 500)
    read = [feed(engine, [page])["swap_ra"] for page in (64, 128, 192, 256, 320)]
    assert [after - before for before, after in zip([0, *read], read, strict=False)] == [7, 3, 1, 0, 0]


def test_swapin_nr_pages_begins_again_beside_the_last_slot() -> None:
    engine = engine_of(1000, 500, ClusterReadahead())
    swapped_out(engine, 1000, 500)
    before = feed(engine, [64, 128, 192, 256, 321])["swap_ra"]
    assert feed(engine, [322])["swap_ra"] - before == 0  # slot 323, whose pair is slot 322 of page 321
    assert feed(engine, [323])["swap_ra"] - before == 1


def test_swapin_nr_pages_keeps_the_last_offset_where_pages_were_hit() -> None:
    """The fault at page 300 finds a hit, so the offset stays that of page 129, and page 301 is not beside it."""
    engine = engine_of(1000, 500, ClusterReadahead(page_cluster=1))
    swapped_out(engine, 1000, 500)
    feed(engine, [64, 128])
    assert feed(engine, [129])["swap_ra"] == 2  # slot 130 is beside 129's, and its pair is page 130
    assert feed(engine, [130])["swap_ra_hit"] == 1
    assert feed(engine, [300])["swap_ra"] == 3
    assert feed(engine, [301])["swap_ra"] == 3


@pytest.mark.parametrize(("write", "slot"), [(False, 10), (True, 101)])
def test_should_try_to_free_swap(write: bool, slot: int) -> None:
    """A page that is read keeps the slot that it got when it was swapped out; the fault of a write frees it."""
    ahead = ClusterReadahead(page_cluster=0)
    engine = engine_of(100, 20, ahead)
    swapped_out(engine, 100, 20)
    feed(engine, [9], write)
    assert ahead.slots()[9] == (0 if write else 10)
    feed(engine, range(10, 40))
    assert ahead.slots()[9] == slot


def test_page_cluster_0_reads_one_page() -> None:
    for ahead in (ClusterReadahead(page_cluster=0), vma(list(range(100)), 0)):
        engine = engine_of(100, 20, ahead)
        swapped_out(engine, 100, 20)
        assert feed(engine, [9, 10, 11])["swap_ra"] == 0


@pytest.mark.parametrize(
    ("accesses", "cached"),
    [
        ([200], [197, 198, 199, 201, 202, 203, 204]),  # three pages before it and four after
        ([200, 201, 202, 203, 204, 205], [197, 198, 199, 206, 207, 208, 209, 210, 211, 212]),  # upwards
        ([200, 199, 198, 197, 196], [189, 190, 191, 192, 193, 194, 195, 201, 202, 203, 204]),  # downwards
        ([511], [508, 509, 510]),  # the window ends where the page table ends
        ([512], [513, 514, 515, 516]),
        ([200, 300, 400, 500], [197, 198, 199, 201, 202, 203, 204, 299, 301, 302, 401]),  # without a hit, half as many
    ],
)
def test_swap_vma_ra_win(accesses: list[int], cached: list[int]) -> None:
    engine = engine_of(1000, 100, vma(list(range(1000))))
    swapped_out(engine, 1000, 100)
    feed(engine, accesses)
    assert engine.swap_cache() == cached


def test_each_vma_has_its_own_window() -> None:
    engine = engine_of(1000, 100, vma([*range(500), *range(10_000, 10_500)]))
    swapped_out(engine, 1000, 100)
    feed(engine, [200, 700])
    assert engine.swap_cache() == [197, 198, 199, 201, 202, 203, 204, 697, 698, 699, 701, 702, 703, 704]


@pytest.mark.parametrize(
    ("made", "most"), [(ClusterReadahead, 512), (lambda page_cluster: vma(list(range(3000)), 9), 32)]
)
def test_swap_ra_order_ceiling(made: Any, most: int) -> None:
    engine = engine_of(3000, 1000, made(page_cluster=9))
    swapped_out(engine, 3000, 1000)
    read = [feed(engine, [page])["swap_ra"] for page in range(1500)]
    assert max(np.diff(read)) == most - 1


@pytest.mark.parametrize("reclaim", ["lru", "two-list", "mglru", "clock", "fifo", "sieve", "s3fifo"])
def test_pages_that_nobody_asks_for_are_reclaimed_unused(reclaim: str) -> None:
    engine = engine_of(400, 40, ClusterReadahead(), reclaim)
    feed(engine, range(200))
    assert feed(engine, [110])["swap_ra"] == 7
    # s3fifo evicts at the next reclaim the pages for which its small queue has no room.
    assert len(engine.swap_cache()) == (3 if reclaim == "s3fifo" else 7)
    found = feed(engine, range(200, 400))
    assert (found["swap_ra"], found["swap_ra_hit"], found["swap_ra_unused"]) == (7, 0, 7)


def test_a_disk_keeps_what_is_read_ahead_and_an_exclusive_load_does_not() -> None:
    """So zswap compresses unused pages again. After page 9 and 7 beside it, 20 new pages evict all 20 of DRAM."""
    disk = engine_of(200, 20, ClusterReadahead())
    pool = Replay(200, 20, CountingBackend(COST), readahead=ClusterReadahead())
    for engine, written, stored, clean in ((disk, "pswpout", 12, 8), (pool, "zswpout", 20, 0)):
        swapped_out(engine, 100, 20)
        before = feed(engine, [9])
        found = feed(engine, range(100, 120))
        assert found["swap_ra_unused"] == 7
        assert found[written] - before[written] == stored
        assert found["dropped_clean_pages"] == clean


def test_a_hit_counts_as_an_access_where_the_fault_does() -> None:
    """Page 8, read ahead and accessed, is kept at its first scan only if page 9, faulted in beside it, is."""
    for fault_access in (0, 1):
        engine = engine_of(300, 40, ClusterReadahead(), f"two-list:fault_access={fault_access}", 1)
        feed(engine, range(100))
        feed(engine, [9, 8])
        assert feed(engine, range(100, 138))["swap_ra_unused"] == 5 + fault_access
        assert feed(engine, [8])["major_faults"] == 2 - fault_access


# -- runs -------------------------------------------------------------------------------------------------------------

TRACE, CONTENTS = "gen:phases,pages=300,events=6000,writes=0.3,set=0.3", "recipe:mix,pages=64"


@pytest.mark.parametrize("backend", ["disk", "zswap", "private-node", "private-node/zswap"])
@pytest.mark.parametrize("kind", ["cluster", "vma"])
def test_what_is_read_is_faulted_in_or_read_ahead(backend: str, kind: str) -> None:
    result = run(TRACE, CONTENTS, Settings(dram="30%", backend=backend, readahead=kind, depth="sizes"))
    counters = result.counters
    assert counters["swap_ra"] > counters["swap_ra_hit"] > 0
    read = counters["zswpin"] + counters["pswpin"] + counters["swpin_zero"]
    assert read == counters["major_faults"] + counters["swap_ra"]
    assert f", readahead by {kind}\n" in result_text(result)
    lines = dict(line.split() for line in kernel_form(result, "vmstat").splitlines())
    assert int(lines["pgfault"]) == counters["minor_faults"] + counters["major_faults"] + counters["swap_ra_hit"]
    assert (int(lines["swap_ra"]), int(lines["swap_ra_hit"])) == (counters["swap_ra"], counters["swap_ra_hit"])


@pytest.mark.parametrize(
    "asked", [{"backend": "zram"}, {"backend": "cram"}, {"swap": "none", "node": "100%"}, {"page_cluster": 0}]
)
@pytest.mark.parametrize("kind", ["cluster", "vma"])
def test_nothing_is_read_ahead_where_the_backend_completes_synchronously(asked: dict[str, Any], kind: str) -> None:
    with_it, without = (
        run(TRACE, CONTENTS, Settings(dram="30%", depth="sizes", readahead=each, **asked)) for each in (kind, "none")
    )
    assert with_it.counters == without.counters
    assert with_it.modelled_ns.keys() == without.modelled_ns.keys()
    told = f", readahead by {kind}{' off' if 'page_cluster' in asked else ' skipped: the backend completes synchron'}"
    assert told in result_text(with_it)
    assert "readahead" not in result_text(without)


def test_a_comparison_reads_ahead_in_every_process() -> None:
    asked = combinations(backend=["disk", "zram"], readahead=["none", "cluster", "vma"], dram="30%", depth="counts")
    assert [(each.backend, each.readahead) for each in asked] == [
        *[("disk", "none"), ("disk", "cluster"), ("disk", "vma"), ("zram", "none")]
    ]
    together = compare(TRACE, None, asked, processes=2)
    assert [each.counters for each in together] == [run(TRACE, None, each).counters for each in asked]
    shown = comparison_text(together)
    assert "read-ahead hits" in shown
    assert f"{together[1].counters['swap_ra_hit']:,}" in shown
    assert "read-ahead" not in comparison_text([together[0], together[3]])


def test_no_fault_waits_for_what_is_read_ahead() -> None:
    result = run(TRACE, None, Settings(dram="30%", backend="disk", readahead="vma"))
    counters, spent = result.counters, result.modelled_ns
    faults = counters["major_faults"] + counters["swap_ra_hit"]
    assert spent["fault"] == counters["minor_faults"] * COST.minor_fault_ns + faults * COST.major_fault_ns
    waited = counters["pswpout"] * COST.device_write_ns + counters["major_faults"] * COST.device_read_ns
    assert spent["device"] == pytest.approx(waited)
    assert spent["readahead"] == pytest.approx(counters["swap_ra"] * COST.device_read_ns)
    assert spent["total"] == pytest.approx(spent["fault"] + waited)


# -- page numbers -----------------------------------------------------------------------------------------------------


def test_a_mapping_is_a_process_s_and_ends_before_a_hole() -> None:
    pages, process = [7, 5, 6, 600, 5, 517, 6], [1, 1, 1, 1, 0, 1, 0]
    trace = DenseTrace(Arrays(pages, np.array(process, np.uint32)))
    trace.scan()
    order = order_for(Settings(backend="disk", readahead="vma"), trace)
    assert order is not None
    assert order.addresses.tolist() == [5, 6, 5, 6, 7, 517, 600]
    assert order.pages.tolist() == [4, 6, 1, 2, 0, 5, 3]
    assert order.mappings.tolist() == [0, 2]
    assert by_address(np.array([0, 513, 1025, 2**64 - 1], np.uint64)).mappings.tolist() == [0, 1, 3]


def test_what_is_refused() -> None:
    order = by_address(np.arange(10, dtype=np.uint64))
    wrong = [
        (order.pages[:9], order.addresses, order.mappings),
        (order.pages + np.uint32(1), order.addresses, order.mappings),
        (np.zeros(10, np.uint32), order.addresses, order.mappings),
        (order.pages, order.addresses, np.array([1], np.uint32)),
        (order.pages, order.addresses, np.array([0, 5, 5], np.uint32)),
        (order.pages, order.addresses, np.array([0, 10], np.uint32)),
        (order.pages, order.addresses, np.zeros(0, np.uint32)),
    ]
    for arrays in wrong:
        with pytest.raises(InputError, match="readahead: expected"):
            VmaReadahead(*arrays)
    with pytest.raises(InputError, match="page_cluster 10"):
        ClusterReadahead(page_cluster=10)
    with pytest.raises(InputError, match="addresses of 11 pages"):
        engine_of(11, 5, VmaReadahead(*order))
    ahead = ClusterReadahead()
    engine_of(11, 5, ahead)
    with pytest.raises(InputError, match="serves one replay"):
        engine_of(11, 5, ahead)
