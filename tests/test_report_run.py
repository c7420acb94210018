"""Test the report of a run: each line that depends on a condition, on both sides of it and at its edge."""

import re

import pytest
from report_records import COUNTERS, a_result

from zswapsim.report import figures
from zswapsim.report.text import WHEN_RISEN, result_text

PAGE = 4096


def text_of(settings: dict | None = None, owners: dict | None = None, **counters: int) -> str:
    result = a_result(settings=settings, **counters)
    result.owners = owners or {}
    return result_text(result)


def row(text: str, name: str) -> list[str]:
    """Return the cells of the one line that begins with a name, after it."""
    found = [line for line in text.splitlines() if line.startswith(f"  {name}  ")]
    assert len(found) == 1, f"{name}: {found}"
    return re.split(r"\s{2,}", found[0].strip())[1:]


def names(text: str) -> list[str]:
    return [re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines() if line.startswith("  ")]


# -- the head ---------------------------------------------------------------------------------------------------------


def test_loads_are_said_to_be_compared_only_if_there_were_any():
    result = a_result()
    assert "compared" not in result_text(result)
    result.verified_pages = 2_000
    assert result_text(result).splitlines()[0].endswith("; 2,000 loads compared, all equal")


def test_the_head_names_what_was_run():
    lines = text_of().splitlines()
    assert lines[0] == "completed: 1,000,000 accesses to 16,384 pages"
    assert lines[1] == "trace gen:zipf, contents recipe:mix, depth bytes, private-node, lz4"
    result = a_result(outcome="out of memory")
    result.settings["contents"] = ""
    assert result_text(result).startswith("out of memory: ")
    assert ", contents none, " in result_text(result)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"readahead": "none"}, ""),
        ({"readahead": "none", "page_cluster": 0}, ""),
        ({"readahead": "cluster", "page_cluster": 0}, ", readahead by cluster off"),
        ({"readahead": "cluster", "page_cluster": 1}, ", readahead by cluster"),
        ({"readahead": "vma"}, ", readahead by vma"),
        ({"readahead": "vma", "backend": "zram"}, ", readahead by vma skipped: the backend completes synchronously"),
    ],
)
def test_the_head_says_if_pages_are_read_ahead(settings, words):
    assert text_of(settings).splitlines()[1].endswith(f", lz4{words}")


# -- memory -----------------------------------------------------------------------------------------------------------


def test_a_private_node_is_shown_with_the_pool_in_it():
    text = text_of()
    assert row(text, "footprint") == ["64.0 MiB", "16,384 pages"]
    assert row(text, "DRAM") == ["32.0 MiB", "8,192 frames", "50.0 % of the footprint"]
    assert row(text, "private node") == ["16.0 MiB", "4,096 frames", "25.0 % of the footprint"]
    assert row(text, "pool at its peak") == ["11.7 MiB", "3,000 frames", "73.2 % of the node"]
    assert row(text, "pool at the end") == ["10.2 MiB", "2,600 frames"]
    assert row(text, "stored in it") == ["32.0 MiB", "8,192 pages", "ratio 3.15, 21.8 MiB saved"]


def test_the_pool_of_two_tiers_has_no_share_of_the_node():
    text = text_of({"backend": "private-node/zswap"})
    assert row(text, "pool at its peak")[2] == "of both tiers"


@pytest.mark.parametrize(
    ("backend", "title"),
    [("zswap", "in it"), ("zram", "in it"), ("zram:charged=0", "beside it"), ("zram/zswap", "in it")],
)
def test_a_pool_in_dram_is_shown_without_a_node(backend, title):
    text = text_of({"backend": backend})
    assert row(text, f"pool at its peak, {title}") == ["11.7 MiB", "3,000 frames", "36.6 % of DRAM"]
    assert row(text, "stored in it")[2] == "ratio 3.15, 21.8 MiB saved"
    assert row(text, "pool at the end") == ["10.2 MiB", "2,600 frames"]
    assert "private node" not in names(text)


@pytest.mark.parametrize("backend", ["cram", "disk"])
def test_a_backend_without_a_pool_of_ours_has_no_lines_of_one(backend):
    """A device that compresses by itself has a node of frames, but no pool that software fills."""
    assert names(text_of({"backend": backend}))[:3] == ["footprint", "DRAM", "minor_faults"]


@pytest.mark.parametrize(("stored", "said"), [(2_601, "4.0 KiB saved"), (2_600, "0 B saved"), (2_599, "4.0 KiB lost")])
def test_what_compression_saves_is_told_from_what_it_loses(stored, said):
    gain = row(text_of(stored_pages=stored), "stored in it")[2]
    assert gain == f"ratio {stored / 2_600:.2f}, {said}"
    assert row(text_of(stored_pages=0, pool_total_size=0), "stored in it")[2] == "ratio -, 0 B saved"


def test_owners_and_the_host_s_nodes_are_listed_if_there_are_any():
    text = text_of(owners={"private": {"swap backend": 2_600, "free": 1_496}, "dram": {"workload": 7}})
    assert row(text, "frames of private") == ["swap backend 2,600, free 1,496"]
    assert row(text, "frames of dram") == ["workload 7"]
    assert "frames of private" not in text_of()
    assert "node's memory" not in text
    result = a_result(settings={"bind_node": 1})
    result.host_frames = {"0": 1_000, "1": 3}
    said = row(result_text(result), "node's memory")
    assert said == ["bound to NUMA node 1 of this machine: 1,000 frames on node 0, 3 frames on node 1"]


# -- faults and swap --------------------------------------------------------------------------------------------------


def test_fault_rates_are_of_all_accesses():
    text = text_of(minor_faults=1, major_faults=25, accesses=2_000)
    assert row(text, "minor_faults") == ["1", "0.50 in 1000 accesses"]
    assert row(text, "major_faults") == ["25", "12.50 in 1000 accesses"]
    assert row(text_of(minor_faults=0, major_faults=0, accesses=0), "minor_faults") == ["0", "0.00 in 1000 accesses"]


def test_swap_counters_that_are_always_shown_are_shown_at_zero():
    text = text_of(zswpin=0, zswpout=0, zswpwb=0, pswpin=0, pswpout=0, swpin_zero=0, swpout_zero=0)
    assert row(text, "zswpin") == ["0", "pages loaded from the pool"]
    assert row(text, "pswpout") == ["0", "pages written to the swap device; zram is one"]
    assert names(text).count("zswpwb") == 1


@pytest.mark.parametrize("name", ["kept_pages", "pgscan", "bd_writes", "lost_pages"])
def test_a_counter_that_seldom_rises_is_shown_from_one_on(name):
    assert name not in names(text_of(**{name: 0}))
    assert row(text_of(**{name: 1}), name) == ["1", WHEN_RISEN[name]]


def test_no_counter_is_told_twice():
    shown = names(text_of())
    assert len(shown) == len(set(shown)), "a name has two lines"
    told_elsewhere = {"accesses", "pages", "stored_pages", "compr_data_size", "pool_total_size", "peak_pool_total_size"}
    assert not told_elsewhere & set(shown)
    assert {name for name, value in COUNTERS.items() if value} <= told_elsewhere | set(shown)


def test_groups_are_told_with_their_events():
    result = a_result()
    assert "\ngroups\n" not in result_text(result)
    result.groups = {
        "workload": {"pages": 9, "zswap": 2 * PAGE, "zswapped": 4, "zswpin": 1, "zswpout": 2, "zswpwb": 3, "pswpin": 5}
    }
    said = row(result_text(result), "workload")
    assert said == ["9 pages", "8.0 KiB in zswap", "of 4 pages; zswpin 1, zswpout 2, zswpwb 3, pswpin 5"]


# -- times ------------------------------------------------------------------------------------------------------------


def test_times_of_this_run_stand_beside_the_modelled_ones():
    text = text_of()
    assert row(text, "compress") == ["30 ns", "2.00 ms"]
    assert row(text, "read") == ["10 ns"]
    assert row(text, "fault") == ["1.00 ms"]
    assert row(text, "total") == ["3.00 s", "11.0 ms"]
    assert text.index("  device ") < text.index("  total "), "the total comes last"
    assert "the model is cxl-nvme" in text
    assert "of the device, in the background; not part of the total" not in text
    result = a_result(modelled={"readahead": 5.0})
    assert row(result_text(result), "readahead") == ["5 ns", "of the device, in the background; not part of the total"]


def test_the_latency_of_faults_is_told_from_one_fault_on():
    last = "modelled latency of a major fault: mean 7.31 µs, p50 5.00 µs, p90 8.00 µs, p99 20.0 µs, p99.9 80.0 µs,"
    assert last in text_of(major_faults=1)
    assert "latency" not in text_of(major_faults=0)


# -- the figures of all reports ---------------------------------------------------------------------------------------


def test_pages_that_zram_wrote_to_its_backing_device_are_written_back():
    assert figures.written_back(a_result(written_back_pages=3, bd_writes=4)) == 7
    assert figures.written_back(a_result(written_back_pages=3)) == 3


def test_dram_is_never_less_than_nothing_smaller():
    result = a_result()
    for frames, saved in ((16_383, PAGE), (16_384, 0), (16_385, 0)):
        result.settings["dram_frames"] = frames
        assert figures.dram_saved(result) == saved


def test_figures_of_no_access_are_zero():
    nothing = a_result(accesses=0)
    assert figures.faults_per_1000(nothing) == figures.stall_per_access(nothing) == 0
    one = a_result(accesses=1, major_faults=1, modelled={"total": 7.0})
    assert (figures.faults_per_1000(one), figures.stall_per_access(one)) == (1000, 7)


def test_readahead_has_figures_only_if_pages_were_read_ahead():
    assert figures.read_ahead(a_result(), "swap_ra_hit") is None
    assert figures.read_ahead(a_result(swap_ra=0, swap_ra_hit=0), "swap_ra_hit") is None
    assert figures.read_ahead(a_result(swap_ra=1, swap_ra_hit=0), "swap_ra_hit") == 0


@pytest.mark.parametrize(
    ("backend", "share"),
    [
        ("disk", None),
        ("private-node", 0),
        ("private-node/zswap", None),
        ("zswap", 100 * 3_000 / 8_192),
        ("zram", 100 * 3_000 / 8_192),
        ("zram:charged=0", 0),
        ("zram/zswap", 100 * 3_000 / 8_192),
        ("cram", 0),
    ],
)
def test_the_share_of_dram_is_that_of_a_pool_in_it(backend, share):
    assert figures.pool_share(a_result(settings={"backend": backend})) == share
