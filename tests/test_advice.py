"""Check that the demo's two sentences follow from the results, whichever backend wins."""

from report_records import a_result

from zswapsim.report.advice import advice
from zswapsim.study.run.result import OUT_OF_MEMORY


def row(name, stall, written=0, peak=3_000, **settings):
    counters = {"written_back_pages": written, "peak_pool_total_size": peak * 4096}
    return a_result(name, settings=settings, modelled={"total": stall}, **counters)


def test_the_least_waiting_is_taken_and_the_one_that_fits_is_named():
    text = advice([row("lz4", 2e6, written=50), row("zstd", 3e6), row("lz4", 9e6, backend="disk")])
    first, second = text.splitlines()
    assert first.startswith("Take lz4: with 32.0 MiB of DRAM less, the workload waits 2.00 ms in all")
    assert first.endswith("4.5 times less than with plain swap.")
    assert "writes 50 pages back" in second
    assert "20.3 MiB of memory are saved" in second
    assert second.endswith("zstd would write back nothing, for 1.50 times the waiting.")


def test_a_smaller_pool_is_named_where_nothing_is_written_back():
    text = advice([row("lz4", 2e6), row("zstd", 3e6, peak=2_000), row("deflate", 2.5e6, peak=2_990)])
    assert text.endswith("zstd would take 7.8 MiB of the private node, for 1.50 times the waiting.")
    assert "plain swap" not in text


def test_nothing_better():
    assert advice([row("lz4", 2e6), row("store", 3e6)]).endswith("no other compressor takes less of either.")
    assert "there was no other" in advice([row("lz4", 2e6)])


def test_a_disk_that_waits_less_is_not_hidden():
    assert "with plain swap it would wait less." in advice([row("lz4", 2e6), row("lz4", 1e6, backend="disk")])


def test_a_pool_that_saves_nothing():
    assert "no memory is saved" in advice([row("store", 2e6, peak=9_000)])


def test_nothing_completed():
    failed = a_result(outcome=OUT_OF_MEMORY)
    assert advice([failed, row("lz4", 1e6, backend="disk")]).startswith("No run with a pool completed")


def test_no_fault_at_all():
    result = a_result(major_faults=0, modelled={"total": 0.0})
    result.fault_latency_ns.clear()
    assert "a major fault" not in advice([result, row("zstd", 0.0, peak=100)])
