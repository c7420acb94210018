"""Run all backends over one trace: equal memory, equal columns, and costs by where pools and pages are."""

import pytest

from zswapsim import Settings, run
from zswapsim.report.comparison import comparison_text
from zswapsim.report.figures import pool_share
from zswapsim.report.text import result_text
from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.run.result import Result
from zswapsim.study.settings.cost import DEVICES, PRESETS, in_dram

TRACE, CONTENTS = "gen:zipf,pages=600,events=20000,alpha=0.8,writes=0.3", "recipe:mix,pages=200"
BACKENDS = ["private-node", "zswap", "zram:idle_every=900,writeback_every=900", "private-node/zswap", "disk"]


@pytest.fixture(scope="module")
def results() -> list[Result]:
    asked = combinations(backend=BACKENDS, dram="60%", node="10%", equal_memory=True, depth="sizes")
    return compare(TRACE, CONTENTS, asked, processes=1)


def test_one_table_shows_the_pool_s_share_of_dram(results: list[Result]) -> None:
    assert [result.outcome for result in results] == ["completed"] * len(BACKENDS)
    text = comparison_text(results)
    assert "% of DRAM" in text
    shares = [pool_share(result) for result in results]
    assert shares[0] == 0
    assert shares[1] is not None
    assert 15 < shares[1] < 25
    assert shares[2] is not None
    assert shares[2] > 0
    assert shares[3] is shares[4] is None


def test_no_share_of_dram_where_no_pool_takes_any(results: list[Result]) -> None:
    assert "% of DRAM" not in comparison_text([results[0], results[4]])


def test_all_have_the_same_memory(results: list[Result]) -> None:
    memory = {result.settings["dram_frames"] + result.settings["node_frames"] for result in results}
    assert len(memory) == 1


def test_each_has_a_report(results: list[Result]) -> None:
    for backend, result in zip(BACKENDS, results, strict=True):
        assert backend in result_text(result)
    assert "of DRAM" in result_text(results[1])
    assert "of both tiers" in result_text(results[3])


def test_a_pool_in_dram_has_dram_s_latency_on_any_machine() -> None:
    cost = in_dram(PRESETS["cxl-hdd"])
    assert cost == PRESETS["dram-hdd"]
    found = {
        name: run(TRACE, CONTENTS, Settings(backend="zswap", cost=name, depth="sizes")).modelled_ns["node"]
        for name in ("cxl-nvme", "dram-nvme")
    }
    assert found["cxl-nvme"] == found["dram-nvme"] > 0


def test_devices_from_fast_to_slow() -> None:
    assert set(PRESETS) == {f"{node}-{device}" for node in ("cxl", "dram") for device in DEVICES}
    assert DEVICES["nvme"][0] < DEVICES["emmc"][0] < DEVICES["sata"][0] < DEVICES["hdd"][0]
    stalls = [run(TRACE, None, Settings(backend="disk", cost=f"dram-{name}")).modelled_ns["device"] for name in DEVICES]
    assert stalls[-1] > 50 * max(stalls[:-1])


def test_a_page_of_the_node_s_memory_makes_no_rows_of_its_own() -> None:
    made = combinations(backend=["zswap", "zram", "disk"], node=["10%", "20%"])
    assert len(made) == 3
    assert len(combinations(backend="zswap", node=["10%", "20%"], equal_memory=True)) == 2
